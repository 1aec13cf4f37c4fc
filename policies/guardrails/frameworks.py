"""The frameworks that controls are mapped to, and what code can never establish about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import yaml

CATALOGUE = Path(__file__).parent / "catalogue"


class Relation(StrEnum):
    """Whether a FAIL alone would be a finding against the requirement, or only weakens it."""

    DIRECT = "direct"
    SUPPORTING = "supporting"


@dataclass(frozen=True, kw_only=True)
class Framework:
    """One framework: `key` names its pack, `tag` prefixes its requirements in policy tags."""

    key: str
    name: str
    version: str
    tag: str
    reference: str


FRAMEWORKS = {
    framework.key: framework
    for framework in (
        Framework(
            key="pci",
            name="PCI DSS",
            version="4.0.1",
            tag="pci-dss-4.0.1",
            reference="PCI Data Security Standard v4.0.1",
        ),
        Framework(
            key="soc2",
            name="SOC 2",
            version="2017",
            tag="soc2",
            reference="AICPA Trust Services Criteria (2017)",
        ),
        Framework(
            key="hipaa",
            name="HIPAA Security Rule",
            version="45 CFR 164",
            tag="hipaa",
            reference="45 CFR Part 164, Subpart C",
        ),
        Framework(
            key="iso27001",
            name="ISO/IEC 27001",
            version="2022",
            tag="iso27001-2022",
            reference="ISO/IEC 27001:2022, Annex A",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A requirement, or a named part of one, that no infrastructure code can establish.

    `whole` means that not even a supporting control makes it green.
    """

    framework: str
    requirement: str
    what: str
    whole: bool
    evidence: str

    def covers(self, framework: str, requirement: str) -> bool:
        """Whether `requirement` is this one, or lies below it ("5.x" covers "5.2.1")."""
        if framework != self.framework:
            return False
        if self.requirement.endswith(".x"):
            return requirement.startswith(self.requirement[:-1])
        return requirement == self.requirement


@cache
def limits() -> tuple[Limit, ...]:
    """What cannot be established from code, by framework; from `catalogue/limits.yaml`."""
    raw = yaml.load((CATALOGUE / "limits.yaml").read_text(), Loader=yaml.CSafeLoader)
    return tuple(
        Limit(
            framework=framework,
            requirement=str(requirement),
            what=what,
            whole=whole == "whole",
            evidence=evidence,
        )
        for framework, rows in raw.items()
        for requirement, whole, what, evidence in rows
    )


def order(identifier: str) -> list[tuple[int, str]]:
    """Numbers by value, so that 10.2 comes after 9.1."""
    parts = identifier.replace("(", ".").replace(")", "").split(".")
    return [(int(p), "") if p.isdigit() else (10_000, p) for p in parts]
