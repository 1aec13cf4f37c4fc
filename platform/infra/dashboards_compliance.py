"""Dashboard Compliance: what an auditor asks for. It measures; it certifies nothing."""

from budgetbuddy.contract import Metric as Emitted
from infra.alarms_edge import CERTIFICATE_DAYS, firewall_metrics
from infra.dashboard import Graph, Line, Text, Widget
from infra.dashboard_sources import Sources
from infra.metrics import (
    Name,
    certificate_metric,
    emitted_metric,
    event_metric,
    function_metric,
    job_metric,
    rule_metric,
    subscription_metric,
)
from infra.naming import SUBSCRIPTION
from infra.security_events import SECURITY_EVENTS

HOUR = 3600
DAY = 86_400


def compliance_widgets(sources: Sources) -> list[Widget]:
    """PCI DSS, SOC 2, HIPAA, ISO 27001: a line of text each, then what is measured."""
    return [
        *_pci(sources),
        *_soc2(sources),
        *_hipaa(sources),
        *_iso27001(sources),
    ]


def _pci(sources: Sources) -> list[Widget]:
    undelivered = [
        Line(metric=subscription_metric("DeliveryErrors", group, SUBSCRIPTION), label=short)
        for short, group in sources.groups.items()
    ]
    return [
        Text(
            markdown="## PCI DSS\nNo card number is accepted: rows that look like one are refused."
        ),
        Graph(
            title="Card numbers refused",
            lines=[Line(metric=emitted_metric(Emitted.PAN_REJECTED, sources.names.environment))],
            period=HOUR,
        ),
        Graph(title="Log events not handed to the archive", lines=undelivered, period=HOUR),
        Graph(
            title="Blocked by the firewalls",
            lines=[
                Line(metric=metric, label=use)
                for use, metric in firewall_metrics(sources.edge, "BlockedRequests").items()
            ],
            period=HOUR,
        ),
        Graph(
            title="Keys disabled or to be deleted", lines=[_seen("cis-key-disable")], period=HOUR
        ),
        Graph(
            title="Days until certificates expire",
            lines=[
                Line(metric=certificate_metric(arn), label=use)
                for use, arn in sources.edge.certificates.items()
            ],
            limits={"alarm": CERTIFICATE_DAYS},
            period=DAY,
        ),
        Graph(
            title="Rotations of the signing key",
            lines=[
                Line(metric=function_metric(name, sources.rotation))
                for name in ("Invocations", "Errors")
            ],
            period=DAY,
        ),
    ]


def _soc2(sources: Sources) -> list[Widget]:
    def jobs(kind: str, vault: Name | None = sources.vault) -> Graph:
        lines = [
            Line(metric=job_metric(f"NumberOf{kind}Jobs{end}", vault), label=end.lower())
            for end in ("Completed", "Failed")
        ]
        return Graph(title=f"{kind} jobs", lines=lines, period=DAY)

    return [
        Text(
            markdown="## SOC 2\nDeployments and approvals are in the pipeline's history; how long"
            " alarms lasted is in the history of each alarm."
        ),
        jobs("Backup"),
        jobs("Copy"),
        jobs("Restore", None),  # a restore is counted by what it restores
        Graph(
            title="Releases and restores that failed",
            lines=[_matched(sources, rule) for rule in ("deployment-failed", "restore-failed")],
            period=DAY,
        ),
        Graph(title="Backups tampered with", lines=[_seen("backup-tamper")], period=HOUR),
    ]


def _hipaa(sources: Sources) -> list[Widget]:
    environment = sources.names.environment

    def emitted(*metrics: Emitted) -> list[Line]:
        return [Line(metric=emitted_metric(metric, environment)) for metric in metrics]

    return [
        Text(markdown="## HIPAA\nThe service processes no health information."),
        Graph(
            title="Sign-ins",
            lines=emitted(Emitted.AUTH_SUCCEEDED, Emitted.AUTH_FAILED, Emitted.ACCOUNT_LOCKED),
            period=HOUR,
        ),
        Graph(title="Access denied", lines=emitted(Emitted.AUTHORIZATION_DENIED), period=HOUR),
        Graph(
            title="Audit events written", lines=emitted(Emitted.AUDIT_EVENT_WRITTEN), period=HOUR
        ),
    ]


def _iso27001(sources: Sources) -> list[Widget]:
    cis = [event.name for event in SECURITY_EVENTS if event.name.startswith("cis-")]
    findings = ("guardduty-finding", "security-hub-finding", "external-access-finding")
    return [
        Text(markdown="## ISO/IEC 27001\nEvents of the trail, and findings, as they were seen."),
        Graph(title="CIS events", lines=[_seen(name) for name in cis], period=HOUR, width=16),
        Graph(title="Changes past the pipeline", lines=[_seen("out-of-band-change")], period=HOUR),
        Graph(
            title="Findings",
            lines=[_matched(sources, rule) for rule in findings],
            period=DAY,
        ),
        Graph(
            title="Findings nobody was told of",
            lines=[
                Line(metric=rule_metric("FailedInvocations", rule), label=short)
                for short, rule in sources.rules.items()
            ],
            period=DAY,
        ),
    ]


def _seen(event: str) -> Line:
    """A security event of the trail. Raises ValueError for one that no filter counts."""
    (known,) = [each for each in SECURITY_EVENTS if each.name == event]
    return Line(metric=event_metric(known.name), label=known.name)


def _matched(sources: Sources, rule: str) -> Line:
    return Line(metric=rule_metric("MatchedEvents", sources.rules[rule]), label=rule)
