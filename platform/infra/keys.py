"""One customer-managed key per class of data, each under a fixed alias."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.identity import ServiceRole
from infra.key_policies import (
    CLASSES,
    USE,
    KeyClass,
    envelope_statement,
    key_policy,
    use_statement,
)
from infra.naming import Names

ROTATION_DAYS = 365
DELETION_WINDOW_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class KeyRingArgs:
    """`protect` keeps the engine from deleting a key, whatever a preview says."""

    names: Names
    protect: bool


class KeyRing(pulumi.ComponentResource):
    """`arns[class]` are the keys; roles get access by grant, through an alias."""

    def __init__(self, name: str, args: KeyRingArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:keys:KeyRing", name, None, opts)
        self._names = args.names
        self._child = ResourceOptions(parent=self, protect=args.protect)
        self.arns = {
            key.name: create_key(key.name, key, args.names, self._child) for key in CLASSES
        }
        self.register_outputs({"arns": self.arns})

    def grant_use_via(
        self, role: ServiceRole, key_class: str, service: str, actions: tuple[str, ...] = USE
    ) -> None:
        """Let `role` use the key of a class through one AWS service."""
        role.allow(use_statement(key_class, service, self._names, actions))

    def grant_envelope(self, role: ServiceRole) -> None:
        """Let `role` wrap and unwrap the users' data keys."""
        role.allow(envelope_statement(self._names))


def create_key(
    label: str, key_class: KeyClass, names: Names, opts: ResourceOptions
) -> pulumi.Output[str]:
    """A key and its alias in the region of `names`; returns the key's ARN."""
    key = aws.kms.Key(
        label,
        description=f"BudgetBuddy: {key_class.protects}",
        enable_key_rotation=True,
        rotation_period_in_days=ROTATION_DAYS,
        deletion_window_in_days=DELETION_WINDOW_DAYS,
        customer_master_key_spec="SYMMETRIC_DEFAULT",
        key_usage="ENCRYPT_DECRYPT",
        is_enabled=True,
        multi_region=False,
        bypass_policy_lockout_safety_check=False,
        policy=key_policy(key_class, names),
        tags={"data-class": key_class.data_class},
        opts=opts,
    )
    aws.kms.Alias(
        label,
        name=names.key_alias(key_class.name),
        target_key_id=key.key_id,
        opts=ResourceOptions.merge(opts, ResourceOptions(parent=key, protect=False)),
    )
    return key.arn
