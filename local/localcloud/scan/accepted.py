"""Findings of the scanner that stay, each with its reason; one that is gone is an error."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A check on the resources whose address matches one of the patterns. Reasons are sentences."""

    check: str
    asks: str
    resources: tuple[str, ...]
    reason: str

    def covers(self, check: str, resource: str) -> bool:
        """Whether a finding is this one."""
        return check == self.check and any(fnmatch(resource, each) for each in self.resources)


ROTATION = ("aws_lambda_function.rotate-jwt",)
RELEASE_CHECK = ("aws_lambda_function.release-check",)
DISTRIBUTION = ("aws_cloudfront_distribution.api",)

ACCEPTED: tuple[Accepted, ...] = (
    Accepted(
        check="CKV_AWS_338",
        asks="log groups keep a year",
        resources=("aws_cloudwatch_log_group.logs-*",),
        reason=(
            "Thirty days in CloudWatch, then every group is subscribed, unfiltered, to an encrypted"
            " archive under Object Lock that keeps a year or more (docs/adr/0007). Control CW-01"
            " joins group, subscription, stream and bucket; a group without that path fails there."
        ),
    ),
    Accepted(
        check="CKV_AWS_145",
        asks="buckets are encrypted with a KMS key",
        resources=("aws_s3_bucket.access-logs",),
        reason=(
            "Load balancers and S3 server access logging deliver only into buckets with SSE-S3. The"
            " logs hold neither bodies nor headers."
        ),
    ),
    Accepted(
        check="CKV_AWS_144",
        asks="buckets replicate to another region",
        resources=("aws_s3_bucket.*",),
        reason=(
            "These buckets hold logs and evidence, not what customers keep. They are versioned,"
            " archive and trail lie under Object Lock. A lost region would take its logs along, and"
            " that risk is accepted. The tables are copied to the backup region."
        ),
    ),
    Accepted(
        check="CKV2_AWS_62",
        asks="buckets send event notifications",
        resources=("aws_s3_bucket.*",),
        reason=(
            "Nothing acts on single log objects. That they arrive is watched by the alarms"
            " firehose-freshness and firehose-failed, who reads them by the trail's data events."
        ),
    ),
    Accepted(
        check="CKV_AWS_378",
        asks="target groups speak HTTPS",
        resources=("aws_lb_target_group.api-*",),
        reason=(
            "TLS ends at the load balancer. Behind it only its security group reaches the tasks, in"
            " private subnets of one VPC, and no card data is processed (pci-scope=out, LB-08)."
        ),
    ),
    Accepted(
        check="CKV2_AWS_76",
        asks="the firewall blocks anonymous networks as part of its Log4j defence",
        resources=("aws_lb.alb",),
        reason=(
            "AWSManagedRulesKnownBadInputsRuleSet, which has the Log4j rules, is in force"
            " (WAF-03). The check also wants AWSManagedRulesAnonymousIpList, which blocks customers"
            " behind a VPN; nothing here runs on Java."
        ),
    ),
    Accepted(
        check="CKV2_AWS_3",
        asks="GuardDuty is managed by an organization",
        resources=("aws_guardduty_detector.detector",),
        reason=(
            "The detector is on, with its features (GuardDuty has a control of its own). Enrolling"
            " member accounts is the organization's management account's to do, not this stack's."
        ),
    ),
    Accepted(
        check="CKV2_AWS_57",
        asks="secrets rotate by themselves",
        resources=tuple(
            f"aws_secretsmanager_secret.{name}" for name in ("plaid", "stripe", "lookup-key")
        ),
        reason=(
            "Plaid and Stripe have no API that replaces their secrets: an operator does (SEC-02,"
            " waivers). The lookup key derives how e-mail addresses are stored: replacing it is a"
            " migration of data and never a timer's work."
        ),
    ),
    Accepted(
        check="CKV_AWS_130",
        asks="subnets give no public addresses",
        resources=("aws_subnet.vpc-public-*",),
        reason=(
            "Only the load balancer and the NAT gateways stand in these. Tasks are in the private"
            " subnets and ask for no public address (ECS-02, VPC-03)."
        ),
    ),
    Accepted(
        check="CKV_AWS_252",
        asks="the trail has an SNS topic",
        resources=("aws_cloudtrail.trail",),
        reason=(
            "The topic would announce every log file. What matters in the trail is found by the"
            " filters on its log group, whose alarms go to the security topic."
        ),
    ),
    Accepted(
        check="CKV_AWS_117",
        asks="functions run in the VPC",
        resources=ROTATION,
        reason=(
            "The function talks to Secrets Manager only and is reached by nobody but it. In the VPC"
            " it would gain a network path to the tasks that it does not need."
        ),
    ),
    Accepted(
        check="CKV_AWS_116",
        asks="functions have a dead letter queue",
        resources=ROTATION,
        reason=(
            "Secrets Manager repeats a failed rotation itself, and the alarm rotation-failed tells"
            " of it; the event would hold nothing worth keeping."
        ),
    ),
    Accepted(
        check="CKV_AWS_50",
        asks="functions are traced by X-Ray",
        resources=ROTATION,
        reason="Four calls a month, each with a log line; a trace adds a permission and no fact.",
    ),
    Accepted(
        check="CKV_AWS_272",
        asks="functions are signed",
        resources=ROTATION,
        reason=(
            "The code is a file of this repository and reaches AWS only by the reviewed deployment;"
            " who could exchange it could as well exchange the signing profile."
        ),
    ),
    Accepted(
        check="CKV2_AWS_47",
        asks="CloudFront's firewall blocks anonymous networks as part of its Log4j defence",
        resources=DISTRIBUTION,
        reason="As CKV2_AWS_76: the Log4j rules are in force; customers behind a VPN are welcome.",
    ),
    Accepted(
        check="CKV_AWS_86",
        asks="distributions write access logs in the older way",
        resources=DISTRIBUTION,
        reason=(
            "That way needs access lists on the bucket. Every request is logged all the same, by"
            " CloudWatch's log delivery into the bucket of access logs; CF-05 joins the two."
        ),
    ),
    Accepted(
        check="CKV_AWS_310",
        asks="distributions fail over to a second origin",
        resources=DISTRIBUTION,
        reason=(
            "Groups of origins serve reads only, and the API is written to (CF-09, waived). The"
            " origin itself stands in three zones."
        ),
    ),
    Accepted(
        check="CKV_AWS_374",
        asks="distributions are restricted to countries",
        resources=DISTRIBUTION,
        reason="Customers travel. Who may not be served is no rule of this service.",
    ),
    Accepted(
        check="CKV_AWS_259",
        asks="answers ask for a place on the browsers' preload list",
        resources=("aws_cloudfront_response_headers_policy.api",),
        reason=(
            "Browsers are told to keep to HTTPS for a year, on every subdomain. The word `preload`"
            " would sign up the whole domain for a list that is hard to leave: its owner decides."
        ),
    ),
    Accepted(
        check="CKV_AWS_116",
        asks="functions have a dead letter queue",
        resources=RELEASE_CHECK,
        reason="ECS waits for the answer and rolls back without one; there is nothing to keep.",
    ),
    Accepted(
        check="CKV_AWS_50",
        asks="functions are traced by X-Ray",
        resources=RELEASE_CHECK,
        reason="One call a release, with a log line of what it found; a trace adds no fact.",
    ),
    Accepted(
        check="CKV_AWS_272",
        asks="functions are signed",
        resources=RELEASE_CHECK,
        reason="As for the rotation: the code reaches AWS only by the reviewed deployment.",
    ),
    Accepted(
        check="CKV_AWS_290",
        asks="policies constrain what they let write",
        resources=("aws_iam_role_policy.release-check-inline",),
        reason=(
            "Lambda makes the network interfaces of a function in a VPC and cannot be held to named"
            " ones. A Deny on the function's own ARN keeps its code from the same calls."
        ),
    ),
)
