"""The rules of the web firewalls, as pure functions: before CloudFront, and behind it.

Behind it every request comes from an address of CloudFront's, so a client is told by the header
that CloudFront adds to. A client can write the first entry of that header itself: those limits are
a second line, the ones before CloudFront see the real address.
"""

from dataclasses import dataclass

import pulumi
from pulumi_aws.wafv2 import (
    WebAclRuleActionArgsDict,
    WebAclRuleArgsDict,
    WebAclRuleStatementArgsDict,
    WebAclRuleStatementRateBasedStatementArgsDict,
    WebAclRuleVisibilityConfigArgsDict,
)

from infra.naming import PROJECT

RATE_WINDOW_SECONDS = 300
TOO_MANY_REQUESTS = 429
LOGIN_PATH = "/api/v1/auth/"
ORIGIN_LOCK = "origin-lock"

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


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Requests per five minutes and client address; `mode` is block or count."""

    rate: int
    login: int
    mode: str


def front_rules(limits: Limits) -> list[WebAclRuleArgsDict]:
    """Rules of the firewall that sees the clients' own addresses."""
    return [*_managed_rules(limits), *_limit_rules(limits, forwarded=False)]


def behind_rules(limits: Limits, lock: pulumi.Input[str]) -> list[WebAclRuleArgsDict]:
    """Rules of the firewall behind CloudFront; `lock`, an ARN, comes before everything."""
    return [
        _lock_rule(lock),
        *_managed_rules(limits)[:-1],  # the last group has looked already
        *_limit_rules(limits, forwarded=True),
    ]


def _lock_rule(group: pulumi.Input[str]) -> WebAclRuleArgsDict:
    """Whatever did not come through CloudFront ends here, in every mode."""
    return WebAclRuleArgsDict(
        name=ORIGIN_LOCK,
        priority=0,
        override_action={"none": {}},
        statement={"rule_group_reference_statement": {"arn": group}},
        visibility_config=visibility(ORIGIN_LOCK),
    )


def _managed_rules(limits: Limits) -> list[WebAclRuleArgsDict]:
    return [_managed_rule(priority, name, limits.mode) for priority, name in MANAGED_GROUPS]


def _managed_rule(priority: int, name: str, mode: str) -> WebAclRuleArgsDict:
    counted = COUNTED_RULES.get(name, ())
    return WebAclRuleArgsDict(
        name=name,
        priority=priority,
        override_action={"none": {}} if mode == "block" else {"count": {}},
        statement={
            "managed_rule_group_statement": {
                "vendor_name": "AWS",
                "name": name,
                "rule_action_overrides": [
                    {"name": rule, "action_to_use": {"count": {}}} for rule in counted
                ],
            }
        },
        visibility_config=visibility(name),
    )


def _limit_rules(limits: Limits, *, forwarded: bool) -> list[WebAclRuleArgsDict]:
    """Guessing passwords is the attack that a general limit lets through."""
    logins = _by_client(limits.login, forwarded=forwarded)
    logins["scope_down_statement"] = {
        "byte_match_statement": {
            "search_string": LOGIN_PATH,
            "positional_constraint": "STARTS_WITH",
            "field_to_match": {"uri_path": {}},
            "text_transformations": [
                {"priority": 0, "type": "NORMALIZE_PATH"},
                {"priority": 1, "type": "LOWERCASE"},
            ],
        }
    }
    return [
        _limit_rule("login-rate", 60, {"rate_based_statement": logins}, limits.mode),
        _limit_rule(
            "rate",
            70,
            {"rate_based_statement": _by_client(limits.rate, forwarded=forwarded)},
            limits.mode,
        ),
    ]


def _by_client(limit: int, *, forwarded: bool) -> WebAclRuleStatementRateBasedStatementArgsDict:
    """A request whose header names no address is not counted; the limits before it counted it."""
    counted: WebAclRuleStatementRateBasedStatementArgsDict = {
        "limit": limit,
        "evaluation_window_sec": RATE_WINDOW_SECONDS,
        "aggregate_key_type": "FORWARDED_IP" if forwarded else "IP",
    }
    if forwarded:
        counted["forwarded_ip_config"] = {
            "header_name": "X-Forwarded-For",
            "fallback_behavior": "NO_MATCH",
        }
    return counted


def _limit_rule(
    name: str, priority: int, statement: WebAclRuleStatementArgsDict, mode: str
) -> WebAclRuleArgsDict:
    refused = WebAclRuleActionArgsDict(
        block={"custom_response": {"response_code": TOO_MANY_REQUESTS}}
    )
    return WebAclRuleArgsDict(
        name=name,
        priority=priority,
        action=refused if mode == "block" else WebAclRuleActionArgsDict(count={}),
        statement=statement,
        visibility_config=visibility(name),
    )


def visibility(name: str) -> WebAclRuleVisibilityConfigArgsDict:
    """Metrics and samples of one rule."""
    return WebAclRuleVisibilityConfigArgsDict(
        metric_name=f"{PROJECT}-{name}",
        cloudwatch_metrics_enabled=True,
        sampled_requests_enabled=True,
    )
