"""A certificate that proved its domain. Consumers wait for the proof, not for the request."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

VALIDATION_TTL_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """One host name, proved by a record in the hosted zone."""

    host: str
    zone_id: str


class ValidatedCertificate(pulumi.ComponentResource):
    """`arn` is known once the certificate is valid."""

    def __init__(
        self, name: str, args: CertificateArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:edge:ValidatedCertificate", name, None, opts)
        child = ResourceOptions(parent=self)
        certificate = aws.acm.Certificate(
            name,
            domain_name=args.host,
            validation_method="DNS",
            key_algorithm="RSA_2048",
            options={"certificate_transparency_logging_preference": "ENABLED"},
            opts=child,
        )
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            f"{name}-proof",
            zone_id=args.zone_id,
            name=proof.resource_record_name,
            type=proof.resource_record_type,
            records=[proof.resource_record_value],
            ttl=VALIDATION_TTL_SECONDS,
            opts=child,
        )
        validation = aws.acm.CertificateValidation(
            name,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn],
            opts=child,
        )
        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})
