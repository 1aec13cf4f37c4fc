"""The waiver file: findings that are accepted for a while, by someone, for a reason.

Malformed, expired and unused entries are findings of their own. Nothing here reads the clock: the
day is an argument.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from guardrails.verdicts import Record, Severity, Verdict, waived

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guardrails.control import Control

VARIABLE = "GUARDRAILS_WAIVERS"
MAXIMUM_DAYS = {
    Severity.CRITICAL: 90,
    Severity.HIGH: 90,
    Severity.MEDIUM: 180,
    Severity.LOW: 180,
}
REASON_CHARACTERS = 30  # shorter ones say nothing an auditor can use
ENDING_SOON_DAYS = 14
TICKET = re.compile(r"^[A-Z][A-Z0-9]*-\d+$")
URN_PARTS = 4  # stack, project, type, name
MALFORMED, EXPIRED, UNUSED = "waiver-malformed", "waiver-expired", "waiver-unused"
FINDING_POLICIES = {
    MALFORMED: "A waiver entry is complete and well-formed.",
    EXPIRED: "A waiver is renewed or removed before it ends.",
    UNUSED: "A waiver covers a finding that exists.",
}


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One entry of the waiver file that is well-formed; it may still be expired."""

    policy: str
    urn: str
    stacks: tuple[str, ...]
    reason: str
    owner: str
    approver: str
    ticket: str
    compensating_control: str
    created: date
    expires: date  # the last day on which it counts, UTC

    def covers(self, record: Record) -> bool:
        """Whether the entry means this finding; expiry is not looked at."""
        return record.control == self.policy and fnmatchcase(record.urn, self.urn)

    def concerns(self, stack: str, stack_urn: str) -> bool:
        """Whether this run could have the finding: its stack, and a project the pattern admits."""
        project = "".join(stack_urn.split("::")[1:2])
        return stack in self.stacks and fnmatchcase(project, self.urn.split("::")[1])

    def ends_soon(self, today: date) -> bool:
        """Whether someone should look at it now."""
        return today <= self.expires <= today + timedelta(days=ENDING_SOON_DAYS)


@dataclass(frozen=True, kw_only=True)
class ExpectedUnknown:
    """An UNKNOWN that is accepted before the first deployment, because of a written reason."""

    control: str
    urn: str
    path: str
    reason: str

    def covers(self, record: Record) -> bool:
        """Whether the entry means this UNKNOWN."""
        return (
            record.control == self.control
            and fnmatchcase(record.urn, self.urn)
            and fnmatchcase(record.path, self.path)
        )


@dataclass(frozen=True)
class Malformed:
    """An entry that cannot be used, by its place in the file."""

    place: str
    reason: str


@dataclass(frozen=True)
class Waivers:
    """The content of the waiver file."""

    waivers: tuple[Waiver, ...] = ()
    expected_unknown: tuple[ExpectedUnknown, ...] = ()
    malformed: tuple[Malformed, ...] = field(default_factory=tuple)

    def expects(self, record: Record) -> bool:
        """Whether this UNKNOWN is listed."""
        return any(entry.covers(record) for entry in self.expected_unknown)

    def apply(self, records: Iterable[Record], stack: str, today: date) -> list[Record]:
        """The records with valid waivers applied to their FAILs; an ERROR is never waived."""
        usable = [w for w in self.waivers if stack in w.stacks and today <= w.expires]
        result = []
        for record in records:
            covering = [w for w in usable if record.verdict is Verdict.FAIL and w.covers(record)]
            result.append(waived(record, covering[0].ticket) if covering else record)
        return result

    def findings(
        self, records: Iterable[Record], stack: str, stack_urn: str, today: date, judged: set[str]
    ) -> list[Record]:
        """Malformed, expired and unused entries as FAIL records on the stack.

        `judged` are the control ids that ran: a pack with fewer controls does not call the waivers
        of the others unused.
        """
        waived_records = [r for r in records if r.verdict in (Verdict.WAIVED, Verdict.FAIL)]
        found = [(MALFORMED, entry.place, entry.reason) for entry in self.malformed]
        for index, waiver in enumerate(self.waivers):
            if not waiver.concerns(stack, stack_urn) or waiver.policy not in judged:
                continue
            place = f"waivers.{index}"
            if waiver.expires < today:
                found.append((EXPIRED, place, f"waiver {waiver.ticket} is past its last day"))
            elif not any(waiver.covers(record) for record in waived_records):
                found.append((UNUSED, place, f"waiver {waiver.ticket} matches no finding"))
        return [
            Record(
                control=policy,
                policy=policy,
                urn=stack_urn,
                verdict=Verdict.FAIL,
                path=place,
                found=reason,
                expected=FINDING_POLICIES[policy],
            )
            for policy, place, reason in found
        ]


def default_path() -> Path:
    """The file named by GUARDRAILS_WAIVERS, else `waivers.yaml` beside this package."""
    configured = os.environ.get(VARIABLE)
    return Path(configured) if configured else Path(__file__).parent.parent / "waivers.yaml"


def load(path: Path | None, controls: Mapping[str, Control]) -> Waivers:
    """Read the file; an unreadable one is a malformed entry, never silently empty.

    No path, or a path that does not exist, means that nothing is waived.
    """
    if path is None or not path.exists():
        return Waivers()
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        return Waivers(malformed=(Malformed("(file)", f"cannot be read: {type(error).__name__}"),))
    return parse(raw, controls)


def parse(raw: Any, controls: Mapping[str, Control]) -> Waivers:
    """The waivers in `raw`; every entry that breaks a rule is listed with the rule it breaks."""
    if raw is None:
        return Waivers()
    if not isinstance(raw, dict) or raw.keys() - {"waivers", "expected_unknown"}:
        reason = "the file holds something other than waivers and expected_unknown"
        return Waivers(malformed=(Malformed("(file)", reason),))
    good: list[Waiver] = []
    expected: list[ExpectedUnknown] = []
    bad: list[Malformed] = []
    for place, entry in _entries(raw, "waivers", bad):
        try:
            good.append(_waiver(entry, controls))
        except ValueError as error:
            bad.append(Malformed(place, str(error)))
    for place, entry in _entries(raw, "expected_unknown", bad):
        try:
            expected.append(_expected(entry, controls))
        except ValueError as error:
            bad.append(Malformed(place, str(error)))
    return Waivers(tuple(good), tuple(expected), tuple(bad))


def _entries(raw: dict[str, Any], key: str, bad: list[Malformed]) -> list[tuple[str, Any]]:
    listed = raw.get(key)
    if listed is None:
        return []
    if not isinstance(listed, list):
        bad.append(Malformed(key, "is not a list"))
        return []
    return [(f"{key}.{index}", entry) for index, entry in enumerate(listed)]


def _checked(entry: Any, kind: type, controls: Mapping[str, Control], id_field: str) -> Any:
    """The entry, if its fields are exactly those of `kind` and its control exists."""
    names = {f.name for f in fields(kind)}
    if not isinstance(entry, dict):
        raise ValueError("is not an object")  # noqa: TRY004 - all rule breaks are one error type
    if unknown := sorted(str(key) for key in entry.keys() - names):
        raise ValueError(f"unknown fields: {', '.join(unknown)}")
    if missing := sorted(names - entry.keys()):
        raise ValueError(f"missing fields: {', '.join(missing)}")
    if not isinstance(entry[id_field], str) or entry[id_field] not in controls:
        raise ValueError(f"{id_field} names no control of the catalogue")
    return entry


def _waiver(entry: Any, controls: Mapping[str, Control]) -> Waiver:
    """A well-formed waiver. Raises `ValueError` with the rule that is broken."""
    _checked(entry, Waiver, controls, "policy")
    for name in ("urn", "reason", "owner", "approver", "ticket", "compensating_control"):
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise ValueError(f"{name} is not a text")
    stacks = entry["stacks"]
    if not isinstance(stacks, list) or not stacks or not all(isinstance(s, str) for s in stacks):
        raise ValueError("stacks is not a non-empty list of names")
    for name in ("created", "expires"):
        if type(entry[name]) is not date:  # a datetime is a date too, but has a time zone question
            raise ValueError(f"{name} is not an ISO date")
    _check_rules(entry, controls[entry["policy"]].severity)
    return Waiver(**{**entry, "stacks": tuple(stacks)})


def _check_rules(entry: dict[str, Any], severity: Severity) -> None:
    _check_urn(entry["urn"])
    if len(entry["reason"].strip()) < REASON_CHARACTERS:
        raise ValueError(f"reason is shorter than {REASON_CHARACTERS} characters")
    if entry["owner"].strip().lower() == entry["approver"].strip().lower():
        raise ValueError("owner and approver are the same")
    if not TICKET.match(entry["ticket"]):
        raise ValueError(f"ticket does not match {TICKET.pattern}")
    days = (entry["expires"] - entry["created"]).days
    if days < 0:
        raise ValueError("expires lies before created")
    if days > MAXIMUM_DAYS[severity]:
        raise ValueError(f"lasts {days} days; at most {MAXIMUM_DAYS[severity]} for {severity}")


def _check_urn(pattern: str) -> None:
    """The pattern must at least say which type of resource it means."""
    parts = pattern.split("::")
    if len(parts) < URN_PARTS or not pattern.startswith("urn:pulumi:"):
        raise ValueError("urn is not a pattern over a whole URN")
    if parts[2].strip("*$") == "":
        raise ValueError("urn does not name the resource type")


def _expected(entry: Any, controls: Mapping[str, Control]) -> ExpectedUnknown:
    _checked(entry, ExpectedUnknown, controls, "control")
    for name in ("urn", "path", "reason"):
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise ValueError(f"{name} is not a text")
    _check_urn(entry["urn"])
    return ExpectedUnknown(**entry)
