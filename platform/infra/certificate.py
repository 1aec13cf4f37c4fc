"""A certificate that proved its names. Consumers wait for the proof, not for the request."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.acm.outputs import CertificateDomainValidationOption

VALIDATION_TTL_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class CertificateArgs:
    """Host names, the main one first, each proved by a record in the hosted zone."""

    hosts: Sequence[str]
    zone_id: str


class ValidatedCertificate(pulumi.ComponentResource):
    """`arn` is known once the certificate is valid.

    CloudFront and the load balancer share one: a second for the same name would be proved by the
    very same record, which Route 53 refuses to create twice.
    """

    def __init__(
        self, name: str, args: CertificateArgs, opts: ResourceOptions | None = None
    ) -> None:
        super().__init__("budgetbuddy:edge:ValidatedCertificate", name, None, opts)
        child = ResourceOptions(parent=self)
        host, *others = args.hosts
        certificate = aws.acm.Certificate(
            name,
            domain_name=host,
            subject_alternative_names=others or None,
            validation_method="DNS",
            key_algorithm="RSA_2048",
            options={"certificate_transparency_logging_preference": "ENABLED"},
            opts=child,
        )
        records = [
            _record(f"{name}-proof" if each == host else f"{name}-proof-{each}", proof, args, child)
            for each in args.hosts
            for proof in [certificate.domain_validation_options.apply(partial(_proof_of, each))]
        ]
        validation = aws.acm.CertificateValidation(
            name,
            certificate_arn=certificate.arn,
            validation_record_fqdns=[record.fqdn for record in records],
            opts=child,
        )
        self.arn = validation.certificate_arn
        self.register_outputs({"arn": self.arn})


def _proof_of(
    host: str, options: Sequence[CertificateDomainValidationOption]
) -> CertificateDomainValidationOption:
    """AWS gives the proofs in any order."""
    return next(each for each in options if each.domain_name == host)


def _record(
    name: str,
    proof: pulumi.Output[CertificateDomainValidationOption],
    args: CertificateArgs,
    opts: ResourceOptions,
) -> aws.route53.Record:
    return aws.route53.Record(
        name,
        zone_id=args.zone_id,
        name=proof.resource_record_name,
        type=proof.resource_record_type,
        records=[proof.resource_record_value],
        ttl=VALIDATION_TTL_SECONDS,
        opts=opts,
    )
