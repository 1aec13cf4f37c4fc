"""Identities mail may be sent from, in both versions of the service."""

from collections.abc import Mapping
from typing import Any

from localcloud.providers.aws.kinds.kind import (
    Kind,
    Operation,
    pairs,
    present,
    settle_tags,
    unpaired,
)

DKIM_KEY_LENGTH = "RSA_2048_BIT"


def _arn(op: Operation, identity: str) -> str:
    region = op.inputs.get("region") or op.config.region
    return f"arn:{op.config.partition}:ses:{region}:{op.config.account}:identity/{identity}"


def _verify(op: Operation) -> str:
    email = str(op.inputs["email"])
    op.client("ses").verify_email_identity(EmailAddress=email)
    return email


def _read_verified(op: Operation) -> Mapping[str, Any] | None:
    pages = op.client("ses").get_paginator("list_identities").paginate(IdentityType="EmailAddress")
    if op.id not in [identity for page in pages for identity in page["Identities"]]:
        return None
    return {"email": op.id, "arn": _arn(op, op.id)}


def _forget(op: Operation) -> None:
    op.client("ses").delete_identity(Identity=op.id)


def _create(op: Operation) -> str:
    identity = str(op.inputs["emailIdentity"])
    op.client("sesv2").create_email_identity(
        EmailIdentity=identity,
        **present(
            Tags=pairs(op.tags) or None,
            ConfigurationSetName=op.inputs.get("configurationSetName"),
        ),
    )
    return identity


def _apply(op: Operation) -> None:
    service = op.client("sesv2")
    arn = _arn(op, op.id)
    settle_tags(
        _tags(op),
        op.tags,
        lambda tags: service.tag_resource(ResourceArn=arn, Tags=pairs(tags)),
        lambda keys: service.untag_resource(ResourceArn=arn, TagKeys=keys),
    )


def _tags(op: Operation) -> dict[str, str]:
    found = op.client("sesv2").list_tags_for_resource(ResourceArn=_arn(op, op.id))
    return unpaired(found.get("Tags", []))


def _read(op: Operation) -> Mapping[str, Any] | None:
    found = op.client("sesv2").get_email_identity(EmailIdentity=op.id)
    live = {
        "arn": _arn(op, op.id),
        "emailIdentity": op.id,
        "identityType": found["IdentityType"],
        "verifiedForSendingStatus": found.get("VerifiedForSendingStatus", False),
        "verificationStatus": found.get("VerificationStatus", "PENDING"),
        "tagsAll": _tags(op),
    }
    tokens = (found.get("DkimAttributes") or {}).get("Tokens")
    if tokens:
        live["dkimSigningAttributes"] = {
            "tokens": tokens,
            "status": found["DkimAttributes"].get("Status", "PENDING"),
            "signingAttributesOrigin": "AWS_SES",
            "currentSigningKeyLength": DKIM_KEY_LENGTH,
        }
    return live


def _delete(op: Operation) -> None:
    op.client("sesv2").delete_email_identity(EmailIdentity=op.id)


KINDS = {
    "aws:ses/emailIdentity:EmailIdentity": Kind(_verify, _read_verified, _forget),
    "aws:sesv2/emailIdentity:EmailIdentity": Kind(_create, _read, _delete, _apply),
}
