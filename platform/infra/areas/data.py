"""What is kept: tables with their backups, secrets, and the identity mail is sent from."""

from dataclasses import dataclass

from infra.areas.foundation import Foundation
from infra.backups import Backups, BackupsArgs
from infra.mail import Mail, MailArgs
from infra.providers import backup_provider
from infra.secrets import Secrets, SecretsArgs
from infra.stack import Stack
from infra.tables import Tables, TablesArgs


@dataclass(frozen=True, kw_only=True)
class Data:
    """Access is by the grants of each."""

    tables: Tables
    backups: Backups
    secrets: Secrets
    mail: Mail


def build_data(stack: Stack, base: Foundation) -> Data:
    """Tables of the contract, secrets of the contract, one sender."""
    names, settings = stack.names, stack.settings
    edge, protect = settings.edge, settings.protect
    tables = Tables(
        "tables",
        TablesArgs(names=names, keys=base.keys, settings=settings.data, protect=protect),
        stack.opts,
    )
    secrets = SecretsArgs(
        names=names,
        keys=base.keys,
        recovery_days=settings.secrets.recovery_days,
        protect=protect,
    )
    mail = MailArgs(names=names, domain=edge.domain, zone_id=edge.hosted_zone_id)
    return Data(
        tables=tables,
        backups=_backups(stack, base, tables),
        secrets=Secrets("secrets", secrets, stack.opts),
        mail=Mail("mail", mail, stack.opts),
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
