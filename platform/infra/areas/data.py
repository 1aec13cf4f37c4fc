"""What is kept: tables with their backups, secrets, queues, and the identity mail is sent from."""

from dataclasses import dataclass

from infra.areas.foundation import Foundation
from infra.backups import Backups, BackupsArgs
from infra.jwt_rotation import JwtRotation, JwtRotationArgs
from infra.mail import Mail, MailArgs
from infra.providers import backup_provider
from infra.queues import Queues, QueuesArgs
from infra.secrets import Secrets, SecretsArgs
from infra.stack import Stack
from infra.tables import Tables, TablesArgs


@dataclass(frozen=True, kw_only=True)
class Data:
    """Access is by the grants of each."""

    tables: Tables
    backups: Backups
    secrets: Secrets
    rotation: JwtRotation
    mail: Mail
    queues: Queues


def build_data(stack: Stack, base: Foundation) -> Data:
    """Tables of the contract, secrets of the contract, one sender."""
    names, settings = stack.names, stack.settings
    edge, protect = settings.edge, settings.protect
    tables = Tables(
        "tables",
        TablesArgs(names=names, keys=base.keys, settings=settings.data, protect=protect),
        stack.opts,
    )
    secrets_args = SecretsArgs(
        names=names,
        keys=base.keys,
        recovery_days=settings.secrets.recovery_days,
        protect=protect,
    )
    secrets = Secrets("secrets", secrets_args, stack.opts)
    mail = MailArgs(names=names, domain=edge.domain, zone_id=edge.hosted_zone_id)
    return Data(
        tables=tables,
        backups=_backups(stack, base, tables),
        secrets=secrets,
        rotation=_rotation(stack, base, secrets),
        mail=Mail("mail", mail, stack.opts),
        queues=Queues("queues", QueuesArgs(names=names, keys=base.keys), stack.opts),
    )


def _backups(stack: Stack, base: Foundation, tables: Tables) -> Backups:
    args = BackupsArgs(
        names=stack.names,
        settings=stack.settings.data,
        tables=tables,
        topics=base.topics,
        copy_provider=backup_provider(stack.settings),
        protect=stack.settings.protect,
        boundary_arn=stack.boundary_arn,
    )
    return Backups("backups", args, stack.opts)


def _rotation(stack: Stack, base: Foundation, secrets: Secrets) -> JwtRotation:
    args = JwtRotationArgs(
        names=stack.names,
        secrets=secrets,
        logs=base.logs["rotate-jwt"],
        days=stack.settings.secrets.jwt_rotation_days,
        boundary_arn=stack.boundary_arn,
    )
    return JwtRotation("jwt-rotation", args, stack.opts)
