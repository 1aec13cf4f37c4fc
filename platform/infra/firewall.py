"""The web application firewall in front of the load balancer."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.wafv2 import (
    WebAclLoggingConfigurationLoggingFilterFilterConditionArgsDict,
    WebAclLoggingConfigurationRedactedFieldArgsDict,
    WebAclRuleActionArgsDict,
    WebAclRuleArgsDict,
    WebAclRuleVisibilityConfigArgsDict,
)

from infra.load_balancer import LoadBalancer
from infra.log_group import ArchivedLogGroup
from infra.naming import PROJECT

RATE_WINDOW_SECONDS = 300
TOO_MANY_REQUESTS = 429
LOGIN_PATH = "/api/v1/auth/"

# Managed groups by priority. https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
MANAGED_GROUPS = (
    (10, "AWSManagedRulesAmazonIpReputationList"),
    (20, "AWSManagedRulesCommonRuleSet"),
    (30, "AWSManagedRulesKnownBadInputsRuleSet"),
    (40, "AWSManagedRulesSQLiRuleSet"),
    (50, "AWSManagedRulesLinuxRuleSet"),
)
# Statement files are larger than the rule allows; the service caps bodies itself.
COUNTED_RULES = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
SECRET_HEADERS = ("authorization", "cookie")


@dataclass(frozen=True, kw_only=True)
class WebFirewallArgs:
    """Limits are requests per five minutes and client address; `mode` is block or count."""

    balancer: LoadBalancer
    logs: ArchivedLogGroup
    rate_limit: int
    login_limit: int
    mode: str


class WebFirewall(pulumi.ComponentResource):
    """Managed rule groups, then a limit on logins, then one on everything."""

    def __init__(
        self, name: str, args: WebFirewallArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:edge:WebFirewall", name, None, opts)
        self._args = args
        child = ResourceOptions(parent=self)
        acl = aws.wafv2.WebAcl(
            "alb",
            name=f"{PROJECT}-alb",
            scope="REGIONAL",
            default_action={"allow": {}},
            rules=[*self._managed_rules(), self._login_rule(), self._rate_rule()],
            visibility_config={
                "metric_name": f"{PROJECT}-alb",
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
            opts=child,
        )
        aws.wafv2.WebAclAssociation(
            "alb", resource_arn=args.balancer.arn, web_acl_arn=acl.arn, opts=child
        )
        self._log(acl, child)
        self.arn, self.acl_name = acl.arn, acl.name
        self.register_outputs({"arn": self.arn})

    def _managed_rules(self) -> list[WebAclRuleArgsDict]:
        return [self._managed_rule(priority, name) for priority, name in MANAGED_GROUPS]

    def _managed_rule(self, priority: int, name: str) -> WebAclRuleArgsDict:
        counted = COUNTED_RULES.get(name, ())
        return WebAclRuleArgsDict(
            name=name,
            priority=priority,
            override_action={"none": {}} if self._args.mode == "block" else {"count": {}},
            statement={
                "managed_rule_group_statement": {
                    "vendor_name": "AWS",
                    "name": name,
                    "rule_action_overrides": [
                        {"name": rule, "action_to_use": {"count": {}}} for rule in counted
                    ],
                }
            },
            visibility_config=_visibility(name),
        )

    def _login_rule(self) -> WebAclRuleArgsDict:
        """Guessing passwords is the attack that a general limit lets through."""
        return WebAclRuleArgsDict(
            name="login-rate",
            priority=60,
            action=self._limit_action(),
            statement={
                "rate_based_statement": {
                    "limit": self._args.login_limit,
                    "evaluation_window_sec": RATE_WINDOW_SECONDS,
                    "aggregate_key_type": "IP",
                    "scope_down_statement": {
                        "byte_match_statement": {
                            "search_string": LOGIN_PATH,
                            "positional_constraint": "STARTS_WITH",
                            "field_to_match": {"uri_path": {}},
                            "text_transformations": [
                                {"priority": 0, "type": "NORMALIZE_PATH"},
                                {"priority": 1, "type": "LOWERCASE"},
                            ],
                        }
                    },
                }
            },
            visibility_config=_visibility("login-rate"),
        )

    def _rate_rule(self) -> WebAclRuleArgsDict:
        return WebAclRuleArgsDict(
            name="rate",
            priority=70,
            action=self._limit_action(),
            statement={
                "rate_based_statement": {
                    "limit": self._args.rate_limit,
                    "evaluation_window_sec": RATE_WINDOW_SECONDS,
                    "aggregate_key_type": "IP",
                }
            },
            visibility_config=_visibility("rate"),
        )

    def _limit_action(self) -> WebAclRuleActionArgsDict:
        if self._args.mode == "count":
            return WebAclRuleActionArgsDict(count={})
        return WebAclRuleActionArgsDict(
            block={"custom_response": {"response_code": TOO_MANY_REQUESTS}}
        )

    def _log(self, acl: aws.wafv2.WebAcl, child: ResourceOptions) -> None:
        """Keep what was blocked or counted; an allowed request is in the load balancer's log."""
        kept: list[WebAclLoggingConfigurationLoggingFilterFilterConditionArgsDict] = [
            {"action_condition": {"action": action}} for action in ("BLOCK", "COUNT")
        ]
        redacted: list[WebAclLoggingConfigurationRedactedFieldArgsDict] = [
            {"single_header": {"name": header}} for header in SECRET_HEADERS
        ]
        aws.wafv2.WebAclLoggingConfiguration(
            "alb",
            resource_arn=acl.arn,
            log_destination_configs=[self._args.logs.arn],
            redacted_fields=[*redacted, {"query_string": {}}],
            logging_filter={
                "default_behavior": "DROP",
                "filters": [{"behavior": "KEEP", "requirement": "MEETS_ANY", "conditions": kept}],
            },
            opts=child,
        )


def _visibility(name: str) -> WebAclRuleVisibilityConfigArgsDict:
    return WebAclRuleVisibilityConfigArgsDict(
        metric_name=f"{PROJECT}-{name}",
        cloudwatch_metrics_enabled=True,
        sampled_requests_enabled=True,
    )
