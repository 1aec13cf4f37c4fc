"""Encryption, logs and topics: everything else stands on them."""

from dataclasses import dataclass

from infra.bucket import BucketArgs, ObjectLock, SecureBucket
from infra.bucket_policies import access_log_statements
from infra.keys import KeyRing, KeyRingArgs
from infra.log_archive import LogArchive, LogArchiveArgs
from infra.log_group import LogGroups, LogGroupsArgs
from infra.stack import Stack
from infra.topics import Topics, TopicsArgs


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """Keys by data class, log groups by short name, topics by severity."""

    keys: KeyRing
    access_logs: SecureBucket
    archive: LogArchive
    logs: LogGroups
    topics: Topics


def build_foundation(stack: Stack) -> Foundation:
    """Keys first, then what they encrypt."""
    keys = KeyRing(
        "keys", KeyRingArgs(names=stack.names, protect=stack.settings.protect), stack.opts
    )
    access_logs = _access_logs(stack)
    archive = _archive(stack, keys, access_logs)
    return Foundation(
        keys=keys,
        access_logs=access_logs,
        archive=archive,
        logs=_logs(stack, keys, archive),
        topics=_topics(stack, keys),
    )


def _access_logs(stack: Stack) -> SecureBucket:
    names, settings = stack.names, stack.settings
    args = BucketArgs(
        names=names,
        use="access-logs",
        data_class="log",
        protect=settings.protect,
        expire_days=settings.logs.archive_days,
        statements=tuple(access_log_statements(names.bucket_arn("access-logs"), names)),
    )
    return SecureBucket("access-logs", args, stack.opts)


def _archive(stack: Stack, keys: KeyRing, access_logs: SecureBucket) -> LogArchive:
    logs = stack.settings.logs
    args = LogArchiveArgs(
        names=stack.names,
        keys=keys,
        access_logs=access_logs,
        archive_days=logs.archive_days,
        lock=ObjectLock(mode=logs.lock_mode, days=logs.lock_days),
        protect=stack.settings.protect,
        boundary_arn=stack.boundary_arn,
    )
    return LogArchive("log-archive", args, stack.opts)


def _logs(stack: Stack, keys: KeyRing, archive: LogArchive) -> LogGroups:
    args = LogGroupsArgs(
        names=stack.names,
        keys=keys,
        archive=archive,
        retention_days=stack.settings.logs.retention_days,
        protect=stack.settings.protect,
    )
    return LogGroups("logs", args, stack.opts)


def _topics(stack: Stack, keys: KeyRing) -> Topics:
    alarms = stack.settings.alarms
    subscribers = {
        "critical": alarms.critical_email,
        "warning": alarms.warning_email,
        "security": alarms.security_email,
    }
    args = TopicsArgs(names=stack.names, keys=keys, subscribers=subscribers)
    return Topics("topics", args, stack.opts)
