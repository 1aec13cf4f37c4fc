"""CloudFront in front of the API: the clients' nearest edge, which keeps no answer."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from budgetbuddy import contract
from infra.bucket import SecureBucket
from infra.certificate import ValidatedCertificate
from infra.firewall import WebFirewall
from infra.invokes import ALL_VIEWER, CACHING_DISABLED
from infra.naming import PROJECT
from infra.origin_lock import ORIGIN, origin
from infra.transport import HSTS_SECONDS

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
CACHEABLE = ("GET", "HEAD")  # CloudFront wants them named, whether or not anything is cached
# Every error CloudFront would keep for ten seconds and serve to whoever asks for the path next.
UNKEPT_ERRORS = (400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504)
LOG_FIELDS = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs(Host)",
    "cs-uri-stem",
    "sc-status",
    "cs(User-Agent)",
    "x-edge-result-type",
    "x-edge-request-id",
    "x-host-header",
    "cs-protocol",
    "cs-bytes",
    "time-taken",
    "ssl-protocol",
    "ssl-cipher",
    "x-edge-response-result-type",
    "cs-protocol-version",
    "time-to-first-byte",
    "x-edge-detailed-result-type",
)  # no cookie and no query: both can hold what opens an account


@dataclass(frozen=True, kw_only=True)
class CdnArgs:
    """`host` is what clients call, `origin_host` the load balancer under the same certificate.

    `header_value` goes to the origin with every request.
    """

    host: str
    origin_host: str
    certificate: ValidatedCertificate
    firewall: WebFirewall
    header_value: pulumi.Output[str]
    access_logs: SecureBucket


class Cdn(pulumi.ComponentResource):
    """One behaviour for every path: nothing is cached anywhere, every header reaches the service.

    Answers depend on who asks; a cache that forgets that shows one client another's money.
    """

    def __init__(self, name: str, args: CdnArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:edge:Cdn", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        distribution = self._distribution(self._headers())
        self._log(distribution)
        self.id = distribution.id
        self.dns_name, self.zone_id = distribution.domain_name, distribution.hosted_zone_id
        self.register_outputs({"id": self.id})

    def _headers(self) -> aws.cloudfront.ResponseHeadersPolicy:
        """What browsers are told; the service's own words go before these where it has some."""
        return aws.cloudfront.ResponseHeadersPolicy(
            "api",
            name=f"{PROJECT}-api",
            comment="Headers of every answer",
            security_headers_config={
                "strict_transport_security": {
                    "access_control_max_age_sec": HSTS_SECONDS,
                    "include_subdomains": True,
                    "override": True,
                },
                "content_type_options": {"override": True},
                "frame_options": {"frame_option": "DENY", "override": False},
                "referrer_policy": {"referrer_policy": "no-referrer", "override": False},
                "content_security_policy": {
                    "content_security_policy": "default-src 'none'; frame-ancestors 'none'",
                    "override": False,
                },
            },
            remove_headers_config={"items": [{"header": "Server"}]},
            opts=self._child,
        )

    def _distribution(
        self, headers: aws.cloudfront.ResponseHeadersPolicy
    ) -> aws.cloudfront.Distribution:
        args = self._args
        return aws.cloudfront.Distribution(
            "api",
            comment="BudgetBuddy API",
            aliases=[args.host],
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class="PriceClass_100",
            default_root_object=contract.HEALTH_LIVE.removeprefix("/"),
            web_acl_id=args.firewall.arn,
            origins=[origin(args.origin_host, args.header_value)],
            default_cache_behavior={
                "target_origin_id": ORIGIN,
                "allowed_methods": list(METHODS),
                "cached_methods": list(CACHEABLE),
                "cache_policy_id": CACHING_DISABLED,
                "origin_request_policy_id": ALL_VIEWER,
                "response_headers_policy_id": headers.id,
                "viewer_protocol_policy": "redirect-to-https",
                "compress": True,
            },
            custom_error_responses=[
                {"error_code": code, "error_caching_min_ttl": 0} for code in UNKEPT_ERRORS
            ],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate={
                "acm_certificate_arn": args.certificate.arn,
                "minimum_protocol_version": "TLSv1.2_2021",
                "ssl_support_method": "sni-only",
            },
            opts=self._child,
        )

    def _log(self, distribution: aws.cloudfront.Distribution) -> None:
        """Every request at the edge, in the bucket of access logs, through CloudWatch's delivery.

        CloudFront's older way needs access lists on the bucket, which ours does not have.
        """
        source = aws.cloudwatch.LogDeliverySource(
            "cdn",
            name=f"{PROJECT}-cdn",
            resource_arn=distribution.arn,
            log_type="ACCESS_LOGS",
            opts=self._child,
        )
        destination = aws.cloudwatch.LogDeliveryDestination(
            "cdn",
            name=f"{PROJECT}-cdn",
            output_format="json",
            delivery_destination_configuration={
                "destination_resource_arn": self._args.access_logs.arn
            },
            # Without the bucket's policy the delivery is refused at creation.
            opts=ResourceOptions(parent=self, depends_on=[self._args.access_logs.policy]),
        )
        aws.cloudwatch.LogDelivery(
            "cdn",
            delivery_source_name=source.name,
            delivery_destination_arn=destination.arn,
            record_fields=list(LOG_FIELDS),
            opts=self._child,
        )
