"""The tables the contract declares: on demand, encrypted with their own key, restorable."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from budgetbuddy import contract
from infra.identity import ServiceRole
from infra.keys import KeyRing
from infra.naming import Names
from infra.policy import Statement
from infra.settings import DataSettings

# What could change or remove a row that is already there; BatchWriteItem can delete.
REWRITES = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:UpdateItem",
)


@dataclass(frozen=True, kw_only=True)
class TablesArgs:
    """`settings.pitr_days` caps what the contract asks for; the units are the spend guard."""

    names: Names
    keys: KeyRing
    settings: DataSettings
    protect: bool


class OwnedTable(pulumi.ComponentResource):
    """One table. Roles get access by grant: the contract's actions, no more."""

    def __init__(
        self,
        spec: contract.TableSpec,
        args: TablesArgs,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("budgetbuddy:data:OwnedTable", spec.name.lower(), None, opts)
        self.spec = spec
        self._args = args
        self.physical_name = f"{args.settings.table_prefix}-{spec.name}"
        table = aws.dynamodb.Table(
            spec.name.lower(),
            name=self.physical_name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=contract.PARTITION_KEY,
            range_key=contract.SORT_KEY,
            attributes=[{"name": key, "type": "S"} for key in attribute_names(spec)],
            local_secondary_indexes=[
                {"name": index.name, "range_key": index.sort_key, "projection_type": "ALL"}
                for index in spec.indexes
            ],
            on_demand_throughput=_throughput(args.settings),
            server_side_encryption={
                "enabled": True,
                "kms_key_arn": args.keys.arns[spec.key_class],
            },
            point_in_time_recovery={
                "enabled": True,
                "recovery_period_in_days": min(spec.restore_days, args.settings.pitr_days),
            },
            deletion_protection_enabled=args.settings.deletion_protection,
            ttl={"attribute_name": spec.ttl, "enabled": True} if spec.ttl else None,
            table_class="STANDARD",
            tags=_tags(spec),
            opts=ResourceOptions(parent=self, protect=args.protect),
        )
        self.name, self.arn = table.name, table.arn
        self.register_outputs({"name": self.name, "arn": self.arn})

    def grant_contract(self, role: ServiceRole) -> None:
        """Allow what the contract lists; on an append-only table deny every rewrite as well."""
        arn = self._args.names.arn("dynamodb", f"table/{self.physical_name}")
        indexes = tuple(f"{arn}/index/{index.name}" for index in self.spec.indexes)
        name = self.spec.name
        role.allow(
            Statement(sid=f"Use{name}", actions=self.spec.actions, resources=(arn, *indexes))
        )
        if self.spec.append_only:
            role.allow(
                Statement(sid=f"Keep{name}", effect="Deny", actions=REWRITES, resources=(arn,))
            )
        self._args.keys.grant_use_via(role, self.spec.key_class, "dynamodb")


class Tables(pulumi.ComponentResource):
    """Every table of the contract, by its name: `tables["Ledger"]`."""

    def __init__(self, name: str, args: TablesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:data:Tables", name, None, opts)
        child = ResourceOptions(parent=self)
        self.tables = {spec.name: OwnedTable(spec, args, child) for spec in contract.TABLES}
        self.names = {short: table.name for short, table in self.tables.items()}
        self.register_outputs({"names": self.names})

    def grant_contract(self, role: ServiceRole) -> None:
        """Allow the contract's actions on every table."""
        for table in self.tables.values():
            table.grant_contract(role)


def attribute_names(spec: contract.TableSpec) -> tuple[str, ...]:
    """Keys of the table and of its indexes, each once: DynamoDB refuses an unused attribute."""
    keys = (contract.PARTITION_KEY, contract.SORT_KEY, *(each.sort_key for each in spec.indexes))
    return tuple(dict.fromkeys(keys))


def _tags(spec: contract.TableSpec) -> dict[str, str]:
    """A table that is left out of the backups on purpose says so, for whoever looks for it."""
    tags = {"data-class": spec.data_class, "pii": "true"}
    return tags if spec.backup else {**tags, "backup": "none"}


def _throughput(settings: DataSettings) -> aws.dynamodb.TableOnDemandThroughputArgs | None:
    if settings.max_read_units is None and settings.max_write_units is None:
        return None
    return aws.dynamodb.TableOnDemandThroughputArgs(
        max_read_request_units=settings.max_read_units,
        max_write_request_units=settings.max_write_units,
    )
