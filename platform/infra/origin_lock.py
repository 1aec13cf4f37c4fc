"""Who may reach the load balancer: CloudFront by its header, and our own check of a release."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.cloudfront import DistributionOriginArgsDict
from pulumi_aws.wafv2 import RuleGroupRuleArgsDict, RuleGroupRuleStatementArgsDict

from infra.firewall_rules import ORIGIN_LOCK
from infra.naming import PROJECT
from infra.stack_secrets import OriginHeader

ORIGIN = "alb"
ORIGIN_HEADER = "x-origin-verify"
READ_TIMEOUT_SECONDS = 30
KEEP_ALIVE_SECONDS = 5
FORBIDDEN = 403
CAPACITY = 50  # of the two comparisons and the set 25 are used; it cannot be changed later


@dataclass(frozen=True, kw_only=True)
class OriginLockArgs:
    """What CloudFront proves itself with, and the networks that our own calls come from."""

    header: OriginHeader
    own_networks: Sequence[pulumi.Input[str]]


class OriginLock(pulumi.ComponentResource):
    """`arn` is a rule group of its own, so that the rules beside it stay readable.

    The engine hides a whole property that holds a secret: in the firewall itself, the controls
    would see none of its rules.
    """

    def __init__(
        self, name: str, args: OriginLockArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:edge:OriginLock", name, None, opts)
        child = ResourceOptions(parent=self)
        addresses = aws.wafv2.IpSet(
            "own-addresses",
            name=f"{PROJECT}-own",
            description="NAT gateways: the check of a release calls from there",
            scope="REGIONAL",
            ip_address_version="IPV4",
            addresses=args.own_networks,
            opts=child,
        )
        group = aws.wafv2.RuleGroup(
            ORIGIN_LOCK,
            name=f"{PROJECT}-{ORIGIN_LOCK}",
            description="Only CloudFront, and our own check of a release, reach the load balancer",
            scope="REGIONAL",
            capacity=CAPACITY,
            rules=[lock_rule(args.header.accepted, addresses.arn)],
            visibility_config={
                "metric_name": f"{PROJECT}-{ORIGIN_LOCK}",
                "cloudwatch_metrics_enabled": True,
                "sampled_requests_enabled": True,
            },
            opts=child,
        )
        self.arn = group.arn
        self.register_outputs({"arn": self.arn})


def lock_rule(
    accepted: Sequence[pulumi.Input[str]], addresses: pulumi.Input[str]
) -> RuleGroupRuleArgsDict:
    """Refuse whoever has none of the header's values and none of the addresses (an IP set's ARN).

    A firewall rule and no rule of the listener: blue/green fails on listeners that mix forwarding
    with fixed answers.
    """
    ours: list[RuleGroupRuleStatementArgsDict] = [
        *(
            RuleGroupRuleStatementArgsDict(
                byte_match_statement={
                    "search_string": value,
                    "positional_constraint": "EXACTLY",
                    "field_to_match": {"single_header": {"name": ORIGIN_HEADER}},
                    "text_transformations": [{"priority": 0, "type": "NONE"}],
                }
            )
            for value in accepted
        ),
        {"ip_set_reference_statement": {"arn": addresses}},
    ]
    return RuleGroupRuleArgsDict(
        name="not-ours",
        priority=0,
        action={"block": {"custom_response": {"response_code": FORBIDDEN}}},
        statement={"not_statement": {"statements": [{"or_statement": {"statements": ours}}]}},
        visibility_config={
            "metric_name": f"{PROJECT}-not-ours",
            "cloudwatch_metrics_enabled": True,
            "sampled_requests_enabled": True,
        },
    )


def origin(host: str, header_value: pulumi.Input[str]) -> DistributionOriginArgsDict:
    """The load balancer by the name on its certificate, with what it wants to see."""
    return DistributionOriginArgsDict(
        domain_name=host,
        origin_id=ORIGIN,
        custom_headers=[{"name": ORIGIN_HEADER, "value": header_value}],
        custom_origin_config={
            "http_port": 80,
            "https_port": 443,
            "origin_protocol_policy": "https-only",
            "origin_ssl_protocols": ["TLSv1.2"],
            "origin_read_timeout": READ_TIMEOUT_SECONDS,
            "origin_keepalive_timeout": KEEP_ALIVE_SECONDS,
        },
    )
