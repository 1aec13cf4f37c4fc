"""The identity confirmation mail comes from, signed and aligned so that it is delivered."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from budgetbuddy import contract
from infra.identity import ServiceRole
from infra.naming import Names
from infra.policy import Statement

RECORD_TTL_SECONDS = 1800
DKIM_TOKENS = 3  # Easy DKIM always makes three
LOCAL_PART = "no-reply"


@dataclass(frozen=True, kw_only=True)
class MailArgs:
    """The domain mail is sent from, and the hosted zone that proves it."""

    names: Names
    domain: str
    zone_id: str


class Mail(pulumi.ComponentResource):
    """`sender` is the only address a granted role may send from."""

    def __init__(self, name: str, args: MailArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:mail:Mail", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.sender = f"{LOCAL_PART}@{args.domain}"
        identity = aws.sesv2.EmailIdentity(
            "sender",
            email_identity=args.domain,
            opts=self._child,
        )
        for index in range(DKIM_TOKENS):
            token = identity.dkim_signing_attributes.tokens[index]
            self._record(
                f"dkim-{index + 1}",
                "CNAME",
                pulumi.Output.format("{0}._domainkey.{1}", token, args.domain),
                pulumi.Output.format("{0}.dkim.amazonses.com", token),
            )
        self._align(identity)
        self.register_outputs({"sender": self.sender})

    def _align(self, identity: aws.sesv2.EmailIdentity) -> None:
        """A bounce domain of our own makes SPF align; DMARC says what to do when nothing does."""
        bounce = f"bounce.{self._args.domain}"
        aws.sesv2.EmailIdentityMailFromAttributes(
            "bounce",
            email_identity=identity.email_identity,
            mail_from_domain=bounce,
            behavior_on_mx_failure="REJECT_MESSAGE",
            opts=self._child,
        )
        feedback = f"10 feedback-smtp.{self._args.names.region}.amazonses.com"
        self._record("bounce-mx", "MX", bounce, feedback)
        self._record("bounce-spf", "TXT", bounce, "v=spf1 include:amazonses.com -all")
        self._record("dmarc", "TXT", f"_dmarc.{self._args.domain}", "v=DMARC1; p=reject")

    def _record(
        self, label: str, kind: str, name: pulumi.Input[str], value: pulumi.Input[str]
    ) -> None:
        aws.route53.Record(
            label,
            zone_id=self._args.zone_id,
            name=name,
            type=kind,
            ttl=RECORD_TTL_SECONDS,
            records=[value],
            opts=self._child,
        )

    def grant_send(self, role: ServiceRole) -> None:
        """Let `role` send as `sender` and as nobody else."""
        role.allow(
            Statement(
                sid="SendMail",
                actions=contract.EMAIL_ACTIONS,
                resources=(self._args.names.arn("ses", f"identity/{self._args.domain}"),),
                conditions={"StringEquals": {"ses:FromAddress": self.sender}},
            )
        )
