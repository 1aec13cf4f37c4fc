"""What looks for attackers and for settings that let them in."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.naming import PROJECT, Names
from infra.settings import SecuritySettings

# Standards of Security Hub by the settings' short names.
# https://docs.aws.amazon.com/securityhub/latest/userguide/standards-reference.html
STANDARDS = {
    "fsbp": "aws-foundational-security-best-practices/v/1.0.0",
    "cis-3.0": "cis-aws-foundations-benchmark/v/3.0.0",
    "pci-4.0.1": "pci-dss/v/4.0.1",
}
FEATURES = ("S3_DATA_EVENTS", "EBS_MALWARE_PROTECTION", "LAMBDA_NETWORK_LOGS")


@dataclass(frozen=True, kw_only=True)
class ThreatDetectionArgs:
    """Which detectors the account has; another program may own some of them."""

    names: Names
    settings: SecuritySettings


class ThreatDetection(pulumi.ComponentResource):
    """GuardDuty, Security Hub with its standards, and the analyzer of access from outside."""

    def __init__(
        self, name: str, args: ThreatDetectionArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:security:ThreatDetection", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        settings = args.settings
        if settings.guard_duty:
            self._guard_duty(runtime=settings.runtime_monitoring)
        if settings.security_hub:
            self._security_hub(settings.standards)
        aws.accessanalyzer.Analyzer(
            "analyzer", analyzer_name=f"{PROJECT}-account", type="ACCOUNT", opts=self._child
        )
        self.register_outputs({})

    def _guard_duty(self, *, runtime: bool) -> None:
        detector = aws.guardduty.Detector(
            "detector",
            enable=True,
            finding_publishing_frequency="FIFTEEN_MINUTES",
            opts=self._child,
        )
        for feature in FEATURES:
            self._feature(detector, feature)
        if runtime:
            self._feature(detector, "RUNTIME_MONITORING", "ECS_FARGATE_AGENT_MANAGEMENT")

    def _feature(self, detector: aws.guardduty.Detector, name: str, agent: str = "") -> None:
        aws.guardduty.DetectorFeature(
            name.lower().replace("_", "-"),
            detector_id=detector.id,
            name=name,
            status="ENABLED",
            additional_configurations=[{"name": agent, "status": "ENABLED"}] if agent else None,
            opts=self._child,
        )

    def _security_hub(self, standards: Sequence[str]) -> None:
        hub = aws.securityhub.Account(
            "hub",
            enable_default_standards=False,
            auto_enable_controls=True,
            control_finding_generator="SECURITY_CONTROL",
            opts=self._child,
        )
        for short in standards:
            aws.securityhub.StandardsSubscription(
                short,
                standards_arn=standard_arn(short, self._args.names.region),
                opts=ResourceOptions(parent=self, depends_on=[hub]),
            )


def standard_arn(short: str, region: str) -> str:
    """ARN of a standard; it belongs to AWS, so no account is in it."""
    return f"arn:aws:securityhub:{region}::standards/{STANDARDS[short]}"
