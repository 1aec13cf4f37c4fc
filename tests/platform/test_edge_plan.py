"""CloudFront, the firewalls and the names, as the engine would build them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy import contract
from budgetbuddy.api import auth, mfa, passwords
from infra.origin_lock import lock_rule, origin

pytestmark = pytest.mark.engine

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
ACL = "aws:wafv2/webAcl:WebAcl"
RULE_GROUP = "aws:wafv2/ruleGroup:RuleGroup"
LOGGING = "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration"
RECORD = "aws:route53/record:Record"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
CORE = {"AmazonIpReputationList", "CommonRuleSet", "KnownBadInputsRuleSet", "SQLiRuleSet"}
PROVEN_BY_HEADER = {"x-origin-verify", "plaid-verification", "stripe-signature"}


# --- CloudFront ----------------------------------------------------------------------------------


def test_nothing_is_cached_anywhere(plan: Any) -> None:
    distribution = plan.one(DISTRIBUTION).inputs
    behaviour = distribution["defaultCacheBehavior"]
    kept = {each["errorCachingMinTtl"] for each in distribution["customErrorResponses"]}

    assert "orderedCacheBehaviors" not in distribution
    assert behaviour["cachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    assert behaviour["originRequestPolicyId"] == "216adef6-5c7f-47e4-b989-5492eafa07d3"
    assert "minTtl" not in behaviour
    # Every code that CloudFront would keep for ten seconds by itself.
    codes = {each["errorCode"] for each in distribution["customErrorResponses"]}
    assert codes == {400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504}
    assert kept == {0}


def test_every_method_passes_and_only_over_tls(plan: Any) -> None:
    distribution = plan.one(DISTRIBUTION).inputs
    behaviour = distribution["defaultCacheBehavior"]

    assert set(behaviour["allowedMethods"]) == {
        "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"
    }  # fmt: skip
    assert behaviour["viewerProtocolPolicy"] == "redirect-to-https"
    assert distribution["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"
    assert distribution["viewerCertificate"]["sslSupportMethod"] == "sni-only"
    assert distribution["defaultRootObject"] == contract.HEALTH_LIVE.removeprefix("/")


def test_the_origin_is_the_load_balancer_by_a_name_on_its_certificate(plan: Any) -> None:
    name = plan.outputs["originHost"]
    certificate = plan.one("aws:acm/certificate:Certificate").inputs
    (alias,) = plan.one(RECORD, "origin").inputs["aliases"]

    assert plan.one(RECORD, "origin").inputs["name"] == name
    assert plan.one(RECORD, "origin").depends_on["aliases"] == (plan.one(BALANCER).urn,)
    assert alias["evaluateTargetHealth"] is True
    assert [certificate["domainName"], *certificate["subjectAlternativeNames"]] == [
        *plan.one(DISTRIBUTION).inputs["aliases"],
        name,
    ]


def test_the_origin_is_asked_over_tls_with_the_header() -> None:
    asked = origin("origin.example.com", "value")

    assert asked["domain_name"] == "origin.example.com"
    assert asked["custom_headers"] == [{"name": "x-origin-verify", "value": "value"}]
    assert asked["custom_origin_config"]["origin_protocol_policy"] == "https-only"
    assert asked["custom_origin_config"]["origin_ssl_protocols"] == ["TLSv1.2"]


def test_the_value_of_the_header_is_a_secret_wherever_it_stands(plan: Any) -> None:
    assert plan.one(DISTRIBUTION).inputs["origins"] == "[secret]"
    assert plan.one(RULE_GROUP).inputs["rules"] == "[secret]"
    assert "headerValueOfTheTests" not in plan.text


def test_browsers_are_told_what_an_api_is(plan: Any) -> None:
    told = plan.one("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy").inputs[
        "securityHeadersConfig"
    ]

    assert told["strictTransportSecurity"]["accessControlMaxAgeSec"] >= 31_536_000
    assert told["contentTypeOptions"]["override"] is True
    assert told["frameOptions"]["frameOption"] == "DENY"


def test_every_request_at_the_edge_is_logged_without_cookie_and_query(plan: Any) -> None:
    source = plan.one("aws:cloudwatch/logDeliverySource:LogDeliverySource")
    delivery = plan.one("aws:cloudwatch/logDelivery:LogDelivery")
    policies = [p.document("policy") for p in plan.of("aws:s3/bucketPolicy:BucketPolicy")]
    (allowed,) = [each for p in policies for each in p if each["Sid"] == "AllowCloudFront"]

    assert source.depends_on["resourceArn"] == (plan.one(DISTRIBUTION).urn,)
    assert source.inputs["logType"] == "ACCESS_LOGS"
    assert not {"cs(Cookie)", "cs-uri-query"} & set(delivery.inputs["recordFields"])
    assert {"c-ip", "sc-status", "cs-uri-stem"} <= set(delivery.inputs["recordFields"])
    assert allowed["Resource"].endswith("/CloudFront/*")
    assert allowed["Condition"]["ArnLike"]["aws:SourceArn"].endswith(
        f":delivery-source:{source.inputs['name']}"
    )


# --- Names ---------------------------------------------------------------------------------------


def test_the_api_is_cloudfront_by_both_kinds_of_address(plan: Any) -> None:
    names = {"api": "A", "api-v6": "AAAA"}
    found = {name: plan.one(RECORD, name) for name in names}

    assert {name: each.inputs["type"] for name, each in found.items()} == names
    for each in found.values():
        assert each.inputs["name"] == plan.one(DISTRIBUTION).inputs["aliases"][0]
        assert each.depends_on["aliases"] == (plan.one(DISTRIBUTION).urn,)


def test_each_name_of_the_certificate_is_proved_by_its_own_record(plan: Any) -> None:
    proofs = [each for each in plan.of(RECORD) if "proof" in each.name]
    certificate = plan.one("aws:acm/certificate:Certificate")
    validation = plan.one("aws:acm/certificateValidation:CertificateValidation")

    assert len(proofs) == 2
    assert {urn for each in proofs for urn in each.depends_on["records"]} == {certificate.urn}
    assert sorted(validation.depends_on["validationRecordFqdns"]) == sorted(
        each.urn for each in proofs
    )


def test_production_is_asked_from_outside(plans: Callable[..., Any]) -> None:
    check = plans("production").one("aws:route53/healthCheck:HealthCheck").inputs

    assert (check["type"], check["port"], check["enableSni"]) == ("HTTPS", 443, True)
    assert check["resourcePath"] == contract.HEALTH_LIVE
    assert not plans("staging").of("aws:route53/healthCheck:HealthCheck")


# --- Firewalls -----------------------------------------------------------------------------------


def test_a_firewall_stands_before_cloudfront_and_one_behind_it(plan: Any) -> None:
    association = plan.one("aws:wafv2/webAclAssociation:WebAclAssociation")
    alb, cdn = plan.one(ACL, "alb"), plan.one(ACL, "cdn")

    assert association.depends_on == {
        "resourceArn": (plan.one(BALANCER).urn,),
        "webAclArn": (alb.urn,),
    }
    assert plan.one(DISTRIBUTION).depends_on["webAclId"] == (cdn.urn,)
    assert (alb.inputs["scope"], cdn.inputs["scope"]) == ("REGIONAL", "CLOUDFRONT")


def test_what_somebody_proves_themselves_with_is_in_no_firewall_log(plan: Any) -> None:
    for name in ("alb", "cdn"):
        logging, acl = plan.one(LOGGING, name), plan.one(ACL, name)
        redacted = logging.inputs["redactedFields"]
        (data,) = acl.inputs["dataProtectionConfig"]["dataProtections"]
        secret = {"authorization", "cookie", *PROVEN_BY_HEADER}

        assert logging.depends_on["resourceArn"] == (acl.urn,)
        headers = {each["singleHeader"]["name"] for each in redacted if "singleHeader" in each}
        assert headers == set(data["field"]["fieldKeys"]) == secret
        assert any("queryString" in each for each in redacted)


def test_who_does_not_come_through_cloudfront_is_turned_away_first(plan: Any) -> None:
    lock, *_ = sorted(plan.one(ACL, "alb").inputs["rules"], key=lambda rule: rule["priority"])
    networks = plan.one("aws:wafv2/ipSet:IpSet")
    group = plan.one(RULE_GROUP)

    assert lock["overrideAction"].keys() == {"none"}
    assert lock["statement"].keys() == {"ruleGroupReferenceStatement"}
    assert group.urn in plan.one(ACL, "alb").depends_on["rules"]
    assert networks.urn in group.depends_on["rules"]
    assert any("natGateway" in urn for urn in networks.depends_on["addresses"])


def test_either_value_of_the_header_or_our_own_address_opens_the_lock() -> None:
    rule = lock_rule(["current", "previous"], "arn:own")
    (inverted,) = rule["statement"]["not_statement"]["statements"]
    *headers, own = inverted["or_statement"]["statements"]

    assert rule["action"]["block"]["custom_response"]["response_code"] == 403
    matches = [each["byte_match_statement"] for each in headers]
    assert [each["search_string"] for each in matches] == ["current", "previous"]
    for each in matches:
        assert each["field_to_match"] == {"single_header": {"name": "x-origin-verify"}}
        assert each["positional_constraint"] == "EXACTLY"
    assert own == {"ip_set_reference_statement": {"arn": "arn:own"}}


def test_the_firewalls_block_in_production(production: Any) -> None:
    for name, groups in (("alb", CORE), ("cdn", CORE | {"LinuxRuleSet"})):
        rules = production.one(ACL, name).inputs["rules"]
        managed = [each for each in rules if "managedRuleGroupStatement" in each["statement"]]
        limits = [each for each in rules if "rateBasedStatement" in each["statement"]]

        assert all("none" in each["overrideAction"] for each in managed)
        assert {each["name"].removeprefix("AWSManagedRules") for each in managed} == groups
        assert [each["name"] for each in limits] == ["login-rate", "rate"]
        for each in limits:
            assert each["action"]["block"]["customResponse"]["responseCode"] == 429
        assert all(each["visibilityConfig"]["sampledRequestsEnabled"] for each in rules)


def test_a_client_is_counted_by_their_own_address_on_either_side(production: Any) -> None:
    def counted_by(name: str) -> set[str]:
        rules = production.one(ACL, name).inputs["rules"]
        limits = [r["statement"].get("rateBasedStatement") for r in rules]
        return {json.dumps(each["aggregateKeyType"]) for each in limits if each}

    assert counted_by("cdn") == {'"IP"'}
    assert counted_by("alb") == {'"FORWARDED_IP"'}


@pytest.mark.parametrize("name", ["alb", "cdn"])
def test_the_login_limit_covers_every_route_that_signs_somebody_in(
    production: Any, name: str
) -> None:
    rules = production.one(ACL, name).inputs["rules"]
    (login,) = [each for each in rules if each["name"] == "login-rate"]
    match = login["statement"]["rateBasedStatement"]["scopeDownStatement"]["byteMatchStatement"]

    assert match["positionalConstraint"] == "STARTS_WITH"
    # Neither `/api/v1/./auth/` nor `/API/V1/auth/` is another path to the service's router.
    transformations = {each["type"] for each in match["textTransformations"]}
    assert transformations == {"NORMALIZE_PATH", "LOWERCASE"}
    for routes in (auth.routes, mfa.routes, passwords.routes):
        assert f"{routes.blueprint.url_prefix}/".startswith(match["searchString"])
