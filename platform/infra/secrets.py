"""Secrets the service is given at start, with bootstrap values nobody has ever seen.

Each value is random, made here, marked secret and ignored afterwards: whoever rotates it owns it.
What only a provider can give starts empty, and the operator writes it.
"""

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from budgetbuddy import contract
from infra.identity import ServiceRole
from infra.key_policies import use_statement
from infra.keys import KeyRing
from infra.lambdas.rotate_jwt import KEY_BYTES, key_id
from infra.naming import IGNORED, JWT_SECRET, Names
from infra.policy import Statement, render

LOOKUP_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class SecretsArgs:
    """`recovery_days` is how long a deleted secret can be restored; 0 deletes at once."""

    names: Names
    keys: KeyRing
    recovery_days: int
    protect: bool


class Secrets(pulumi.ComponentResource):
    """`arns[short]` are full ARNs, `names[short]` the names the README gives."""

    def __init__(self, name: str, args: SecretsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:secrets:Secrets", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        self.arns = {short: self._create(short, make) for short, make in BOOTSTRAP.items()}
        self.names = {short: args.names.secret(short) for short in BOOTSTRAP}
        self.register_outputs({"arns": self.arns})

    def _create(self, short: str, make: Callable[[], Mapping[str, str]]) -> pulumi.Output[str]:
        secret = aws.secretsmanager.Secret(
            short,
            name=self._args.names.secret(short),
            description=f"BudgetBuddy {short}",
            kms_key_id=self._args.keys.arns["secrets"],
            recovery_window_in_days=self._args.recovery_days,
            tags={"data-class": "credential"},
            opts=ResourceOptions(parent=self, protect=self._args.protect),
        )
        aws.secretsmanager.SecretPolicy(
            short,
            secret_arn=secret.arn,
            policy=secret_policy(self._args.names, short),
            block_public_policy=True,
            opts=self._child,
        )
        aws.secretsmanager.SecretVersion(
            short,
            secret_id=secret.id,
            secret_string=pulumi.Output.secret(json.dumps(make())),
            opts=ResourceOptions(parent=self, ignore_changes=list(IGNORED["secret version"])),
        )
        return secret.arn

    def grant_read(self, role: ServiceRole) -> None:
        """Let `role` read these secrets, and use their key for nothing else."""
        names = self._args.names
        patterns = tuple(names.secret_arn_pattern(short) for short in BOOTSTRAP)
        role.allow(
            Statement(
                sid="ReadSecrets", actions=("secretsmanager:GetSecretValue",), resources=patterns
            ),
            use_statement(
                "secrets",
                "secretsmanager",
                names,
                actions=("kms:Decrypt",),
                context={"kms:EncryptionContext:SecretARN": patterns},
            ),
        )


def secret_policy(names: Names, short: str) -> str:
    """Only roles of this system read the value, whatever other identities' policies say."""
    return render(
        [
            Statement(
                sid="DenyOtherReaders",
                effect="Deny",
                principals="*",
                actions=("secretsmanager:GetSecretValue",),
                resources=(names.secret_arn_pattern(short),),
                conditions={"ArnNotLike": {"aws:PrincipalArn": names.role_arn("*")}},
            )
        ]
    )


def service_secret_refs(names: Names) -> dict[str, dict[str, str]]:
    """Environment variable -> full secret name and JSON key, as the service is given them."""
    return {
        spec.variable: {"secret": names.secret(spec.secret), "jsonKey": spec.json_key}
        for spec in contract.SECRETS
    }


def _jwt_bootstrap() -> dict[str, str]:
    """Two independent signing keys, so that `previous` is never empty; ids from their hashes."""
    current, previous = (secrets.token_urlsafe(KEY_BYTES) for _ in range(2))
    return {
        "secret": current,
        "kid": key_id(current),
        "previousSecret": previous,
        "previousKid": key_id(previous),
    }


def _lookup_bootstrap() -> dict[str, str]:
    return {"key": base64.b64encode(secrets.token_bytes(LOOKUP_BYTES)).decode()}


def _plaid_bootstrap() -> dict[str, str]:
    return {"clientId": "", "secret": ""}


def _stripe_bootstrap() -> dict[str, str]:
    return {"secretKey": "", "webhookSecret": ""}


BOOTSTRAP: Mapping[str, Callable[[], Mapping[str, str]]] = {
    JWT_SECRET: _jwt_bootstrap,
    "lookup-key": _lookup_bootstrap,
    "plaid": _plaid_bootstrap,
    "stripe": _stripe_bootstrap,
}
