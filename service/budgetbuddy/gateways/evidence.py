"""What AWS says of the running system: tables, keys, backups, alarms, and the policy bundle.

Methods return the value of one source and raise `UpstreamUnavailable` when it cannot be had.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from budgetbuddy import contract
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.gateways.resilience import DependencyFailed, Guard, Timeout

T = TypeVar("T")

BUNDLE: Final = "preview/{release}/manifest.json"  # where the delivery pipeline leaves it
BUNDLE_BYTES: Final = 1_024 * 1_024
# What AWS answers where there is nothing, or to whom may not see whether there is.
ABSENT: Final = frozenset({"NoSuchKey", "NoSuchBucket", "AccessDenied", "404"})


class Clients:
    """boto3 clients, untyped, each made with its first use: most processes never ask."""

    def __init__(self, make: Callable[[str], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}

    def of(self, service: str) -> Any:
        """The client of a service; sessions make them one at a time."""
        with self._lock:
            if service not in self._made:
                self._made[service] = self._make(service)
            return self._made[service]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is looked at. `release` is the commit of the running image."""

    table_prefix: str
    alias_prefix: str
    alarm_prefix: str
    bucket: str
    release: str


class AwsEvidence:
    """Read-only, behind a guard of its own."""

    def __init__(self, clients: Clients, subject: Subject, guard: Guard) -> None:
        self._clients = clients
        self._subject = subject
        self._guard = guard

    def recovery(self) -> Mapping[str, Any]:
        """Point-in-time recovery of every table, in days."""

        def of(spec: contract.TableSpec, name: str) -> Mapping[str, Any]:
            told = self._ask(
                lambda: self._clients.of("dynamodb").describe_continuous_backups(TableName=name)
            )
            found = told["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
            return {
                "enabled": found.get("PointInTimeRecoveryStatus") == "ENABLED",
                "days": found.get("RecoveryPeriodInDays"),
                "expectedDays": spec.restore_days,
            }

        return self._tables(of)

    def encryption(self) -> Mapping[str, Any]:
        """Under whose key each table is."""

        def of(spec: contract.TableSpec, name: str) -> Mapping[str, Any]:
            told = self._table(name).get("SSEDescription", {})
            is_on = told.get("Status") == "ENABLED"
            is_ours = is_on and told.get("KMSMasterKeyArn") == self._key(spec.key_class)["Arn"]
            return {"enabled": is_on, "customerManaged": is_ours}

        return self._tables(of)

    def protection(self) -> Mapping[str, Any]:
        """Whether a table can be deleted at once."""
        return self._tables(
            lambda _, name: {"protected": self._table(name).get("DeletionProtectionEnabled", False)}
        )

    def backups(self) -> Mapping[str, Any]:
        """The newest finished recovery point of each table that has backups."""
        kept = [spec for spec in contract.TABLES if spec.backup]
        return {"tables": {spec.name: {"newest": self._newest(spec)} for spec in kept}}

    def rotation(self) -> Mapping[str, Any]:
        """Keys of the tables and of the users' own keys."""
        classes = {spec.key_class for spec in contract.TABLES} | {contract.ENVELOPE_KEY_CLASS}
        return {"keys": {name: self._rotation(name) for name in sorted(classes)}}

    def alarms(self) -> Mapping[str, Any]:
        """How many there are by state, and how many would tell nobody."""
        found = self.described_alarms()
        states = [alarm["StateValue"] for alarm in found]
        silent = [a for a in found if not (a["ActionsEnabled"] and a["AlarmActions"])]
        by_state = {state: states.count(state) for state in sorted(set(states))}
        return {"count": len(found), "states": by_state, "silent": len(silent)}

    def described_alarms(self) -> list[dict[str, Any]]:
        """Our own alarms, as CloudWatch has them."""
        found: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self._alarm_page(more)
            found += [*page.get("MetricAlarms", []), *page.get("CompositeAlarms", [])]
            if "NextToken" not in page:
                return found
            more = {"NextToken": page["NextToken"]}

    def _alarm_page(self, more: Mapping[str, str]) -> dict[str, Any]:
        page: dict[str, Any] = self._ask(
            lambda: self._clients.of("cloudwatch").describe_alarms(
                AlarmNamePrefix=self._subject.alarm_prefix,
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                **more,
            )
        )
        return page

    def policies(self) -> Mapping[str, Any] | None:
        """What the policy packs said of this release; None when nobody kept it."""
        if not self._subject.bucket:
            return None
        key = BUNDLE.format(release=self._subject.release)
        body = self._ask(lambda: self._object(key))
        if body is None:
            return None
        manifest = json.loads(body)
        return {
            "release": self._subject.release,
            "resultHash": manifest.get("resultHash"),
            "manifestSha256": hashlib.sha256(body).hexdigest(),
            "files": len(manifest.get("files", {})),
            "made": manifest.get("made", {}),
        }

    def _object(self, key: str) -> bytes | None:
        try:
            answer = self._clients.of("s3").get_object(Bucket=self._subject.bucket, Key=key)
        except ClientError as exc:
            if exc.response["Error"]["Code"] in ABSENT:
                return None
            raise
        return bytes(answer["Body"].read(BUNDLE_BYTES))

    def _tables(
        self, of: Callable[[contract.TableSpec, str], Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        names = ((spec, f"{self._subject.table_prefix}-{spec.name}") for spec in contract.TABLES)
        return {"tables": {spec.name: of(spec, name) for spec, name in names}}

    def _table(self, name: str) -> dict[str, Any]:
        told = self._ask(lambda: self._clients.of("dynamodb").describe_table(TableName=name))
        table: dict[str, Any] = told["Table"]
        return table

    def _newest(self, spec: contract.TableSpec) -> str | None:
        arn = self._table(f"{self._subject.table_prefix}-{spec.name}")["TableArn"]
        told = self._ask(
            lambda: self._clients.of("backup").list_recovery_points_by_resource(ResourceArn=arn)
        )
        made = [p["CreationDate"] for p in told["RecoveryPoints"] if p["Status"] == "COMPLETED"]
        return format_instant(max(made)) if made else None

    def _rotation(self, key_class: str) -> Mapping[str, Any]:
        key = self._key(key_class)
        told = self._ask(
            lambda: self._clients.of("kms").get_key_rotation_status(KeyId=key["KeyId"])
        )
        return {
            "rotates": told["KeyRotationEnabled"],
            "days": told.get("RotationPeriodInDays"),
            "state": key["KeyState"],
        }

    def _key(self, key_class: str) -> dict[str, Any]:
        alias = f"{self._subject.alias_prefix}{key_class}"
        told = self._ask(lambda: self._clients.of("kms").describe_key(KeyId=alias))
        key: dict[str, Any] = told["KeyMetadata"]
        return key

    def _ask(self, ask: Callable[[], T]) -> T:
        """The clients have their own timeouts and retries."""

        def attempt(_: Timeout) -> T:
            try:
                return ask()
            except (BotoCoreError, ClientError) as exc:
                raise DependencyFailed from exc

        return self._guard.call(attempt)
