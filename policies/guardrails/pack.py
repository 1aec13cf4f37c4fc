"""From a query over the registry to a policy pack the engine can load."""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi_policy.policy
import yaml
from pulumi_policy import (
    EnforcementLevel,
    PolicyComplianceFramework,
    PolicyConfigSchema,
    PolicyPack,
    Severity,
)

from guardrails import journal, waivers
from guardrails.engine import ResourceControl, Servicer, Session, StackControl, WaiverFindings
from guardrails.frameworks import FRAMEWORKS
from guardrails.registry import registry, select

if TYPE_CHECKING:
    from pulumi_policy.policy import Policy

    from guardrails.control import Control


def serve(framework: str | None, directory: Path) -> None:
    """Run the pack in `directory` with the controls of one framework, or all. Never returns.

    The waiver file is the one named by GUARDRAILS_WAIVERS, else `waivers.yaml` beside the pack's
    directory.
    """
    name = f"guardrails-{framework or 'all'}"
    controls = select(framework)
    configured = os.environ.get(waivers.VARIABLE)
    file = Path(configured) if configured else directory.parent / "waivers.yaml"
    session = Session(
        journal=journal.Writer.from_environment(name),
        waivers=waivers.load(file, registry()),
        today=lambda: datetime.now(UTC).date(),
    )
    session.journal.header(
        version=yaml.safe_load((directory / "PulumiPolicy.yaml").read_text())["version"],
        digest=digest(directory),
        policies=len(policies(controls, framework)),
        sdk={package: version(package) for package in ("pulumi", "pulumi-policy")},
        python=".".join(str(part) for part in sys.version_info[:3]),
    )
    # The constructor looks the name up when it is called, and takes no servicer argument.
    servicer = functools.partial(Servicer, session=session)
    pulumi_policy.policy._PolicyAnalyzerServicer = servicer  # type: ignore[assignment,misc] # noqa: SLF001 - see engine.py
    PolicyPack(name, policies(controls, framework), EnforcementLevel.MANDATORY)


def policies(controls: list[Control], framework: str | None) -> list[Policy]:
    """The engine's policies: one for each half of a control, and three about the waiver file."""
    found: list[Policy] = []
    own = FRAMEWORKS[framework or "pci"]
    for control in controls:
        if control.check:
            found.append(_policy(ResourceControl, control, control.policy, own.key))
        if control.join:
            found.append(_policy(StackControl, control, control.stack_policy, own.key))
    for name, description in waivers.FINDING_POLICIES.items():
        found.append(
            WaiverFindings(name, description, enforcement_level=EnforcementLevel.MANDATORY)
        )
    return found


def _policy(
    kind: type[ResourceControl | StackControl], control: Control, name: str, own: str
) -> Policy:
    framework = FRAMEWORKS[own]
    is_first = name == control.policy
    policy = kind(
        name,
        control.title,
        enforcement_level=EnforcementLevel(control.level.value),
        # Both halves share one configuration, kept under the name of the first.
        config_schema=_schema(control) if is_first else None,
        display_name=control.id,
        severity=Severity(control.severity.value),
        framework=PolicyComplianceFramework(
            framework.name,
            framework.version,
            framework.reference,
            ", ".join(control.requirements(own)) or "none",
        ),
        tags=[f"{FRAMEWORKS[c.framework].tag}:{c.requirement}" for c in control.citations],
        remediation_steps=control.fix,
        url=control.page,
    )
    policy.control = control
    return policy


def _schema(control: Control) -> PolicyConfigSchema | None:
    if not control.options:
        return None
    return PolicyConfigSchema({option.name: option.schema for option in control.options})


def digest(directory: Path) -> str:
    """SHA-256 over the pack's own files and this package: which rules judged."""
    package = Path(__file__).parent
    files = [*package.rglob("*.py"), *package.rglob("*.yaml"), *directory.glob("*.*")]
    content = hashlib.sha256()
    for file in sorted(files, key=lambda f: (f.parent != directory, f.as_posix())):
        content.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return f"sha256:{content.hexdigest()}"
