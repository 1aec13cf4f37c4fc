"""A web application firewall: its rules, what it keeps of a request, and where it tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.wafv2 import (
    WebAclLoggingConfigurationLoggingFilterFilterConditionArgsDict,
    WebAclLoggingConfigurationRedactedFieldArgsDict,
    WebAclRuleArgsDict,
)

from infra.log_group import ArchivedLogGroup
from infra.naming import PROJECT
from infra.origin_lock import ORIGIN_HEADER

# Tokens, sessions, and what CloudFront and the providers prove themselves with.
SECRET_HEADERS = (
    "authorization",
    "cookie",
    ORIGIN_HEADER,
    "plaid-verification",
    "stripe-signature",
)


@dataclass(frozen=True, kw_only=True)
class WebFirewallArgs:
    """`protects` is the ARN of a load balancer; a distribution names its firewall itself."""

    scope: Literal["REGIONAL", "CLOUDFRONT"]
    rules: Sequence[WebAclRuleArgsDict]
    logs: ArchivedLogGroup
    protects: pulumi.Input[str] | None = None


class WebFirewall(pulumi.ComponentResource):
    """`use` says where it stands, in its name and in those of its resources."""

    def __init__(
        self, name: str, use: str, args: WebFirewallArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:edge:WebFirewall", name, None, opts)
        self._use, self._args = use, args
        self._child = ResourceOptions(parent=self)
        acl = self._acl()
        if args.protects is not None:
            aws.wafv2.WebAclAssociation(
                use, resource_arn=args.protects, web_acl_arn=acl.arn, opts=self._child
            )
        self._log(acl)
        self.arn, self.acl_name = acl.arn, acl.name
        self.register_outputs({"arn": self.arn})

    def _acl(self) -> aws.wafv2.WebAcl:
        return aws.wafv2.WebAcl(
            self._use,
            name=f"{PROJECT}-{self._use}",
            scope=self._args.scope,
            default_action={"allow": {}},
            rules=self._args.rules,
            visibility_config={
                "metric_name": f"{PROJECT}-{self._use}",
                "cloudwatch_metrics_enabled": True,
                "sampled_requests_enabled": True,
            },
            # Covers the sampled requests as well, which log redaction does not.
            data_protection_config={
                "data_protections": [
                    {
                        "action": "SUBSTITUTION",
                        "field": {
                            "field_type": "SINGLE_HEADER",
                            "field_keys": list(SECRET_HEADERS),
                        },
                    }
                ]
            },
            opts=self._child,
        )

    def _log(self, acl: aws.wafv2.WebAcl) -> None:
        """Keep what was blocked or counted; an allowed request is in the access log."""
        kept: list[WebAclLoggingConfigurationLoggingFilterFilterConditionArgsDict] = [
            {"action_condition": {"action": action}} for action in ("BLOCK", "COUNT")
        ]
        redacted: list[WebAclLoggingConfigurationRedactedFieldArgsDict] = [
            {"single_header": {"name": header}} for header in SECRET_HEADERS
        ]
        aws.wafv2.WebAclLoggingConfiguration(
            self._use,
            resource_arn=acl.arn,
            log_destination_configs=[self._args.logs.arn],
            redacted_fields=[*redacted, {"query_string": {}}],
            logging_filter={
                "default_behavior": "DROP",
                "filters": [{"behavior": "KEEP", "requirement": "MEETS_ANY", "conditions": kept}],
            },
            opts=self._child,
        )
