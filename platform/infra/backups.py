"""Backups in a vault nobody can empty, copied to another region, and restored weekly as a test."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.backup_policies import backup_statements, vault_policy
from infra.identity import RoleArgs, ServiceRole
from infra.key_policies import BACKUP_KEY
from infra.keys import create_key
from infra.naming import PROJECT, Names
from infra.settings import DataSettings
from infra.tables import Tables
from infra.topics import Topics

VAULT = f"{PROJECT}-vault"
DAILY = "cron(0 2 * * ? *)"
MONTHLY = "cron(0 3 1 * ? *)"
RESTORE_TEST = "cron(0 5 ? * SUN *)"
START_WINDOW_MINUTES = 60
COMPLETION_WINDOW_MINUTES = 180
COLD_AFTER_DAYS = 30
LONGEST_DAYS = 400
# After this many days nobody, not even AWS, lifts a compliance lock.
COOLING_OFF_DAYS = 7
RESTORE_TEST_HOURS = 4
FAILURES = ("BACKUP_JOB_FAILED", "COPY_JOB_FAILED", "RESTORE_JOB_FAILED")


@dataclass(frozen=True, kw_only=True)
class BackupsArgs:
    """`copy_provider` reaches the region of `settings.backup_region`."""

    names: Names
    settings: DataSettings
    tables: Tables
    topics: Topics
    copy_provider: aws.Provider
    protect: bool
    boundary_arn: str | None


class Backups(pulumi.ComponentResource):
    """`vault_arn` and `copy_arn` are where recovery points lie."""

    def __init__(self, name: str, args: BackupsArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:data:Backups", name, None, opts)
        self._args = args
        self._child = ResourceOptions(parent=self)
        there = Names(
            account_id=args.names.account_id,
            region=args.settings.backup_region,
            environment=args.names.environment,
        )
        home = self._vault("vault", args.names, self._child)
        copy = self._vault(
            "vault-copy", there, ResourceOptions(parent=self, provider=args.copy_provider)
        )
        self.vault_arn, self.copy_arn = home.arn, copy.arn
        self.vault_name = home.name
        role = self._role(there)
        self._opt_in()
        plan = self._plan(home, copy)
        self._select(plan, role)
        self._test_restores(home, role)
        self._notify(home)
        self.register_outputs({"vaultArn": self.vault_arn, "copyArn": self.copy_arn})

    def _vault(self, label: str, names: Names, opts: ResourceOptions) -> aws.backup.Vault:
        args = self._args
        guarded = ResourceOptions.merge(opts, ResourceOptions(protect=args.protect))
        key_arn = create_key(label, BACKUP_KEY, names, guarded)
        vault = aws.backup.Vault(label, name=VAULT, kms_key_arn=key_arn, opts=guarded)
        aws.backup.VaultLockConfiguration(
            label,
            backup_vault_name=vault.name,
            min_retention_days=args.settings.backup_retention_days,
            max_retention_days=LONGEST_DAYS,
            changeable_for_days=(
                COOLING_OFF_DAYS if args.settings.vault_lock == "compliance" else None
            ),
            opts=opts,
        )
        aws.backup.VaultPolicy(
            label, backup_vault_name=vault.name, policy=vault_policy(names), opts=opts
        )
        return vault

    def _role(self, there: Names) -> ServiceRole:
        names = self._args.names
        role = ServiceRole(
            "backup",
            RoleArgs(
                names=names,
                service="backup",
                description="AWS Backup reads the tables and tries restores",
                source_arn=names.arn("backup", "*"),
                boundary_arn=self._args.boundary_arn,
            ),
            self._child,
        )
        kept = [table for table in self._args.tables.tables.values() if table.spec.backup]
        role.allow(*backup_statements(names, there, VAULT, kept))
        role.seal()
        return role

    def _opt_in(self) -> None:
        """Copies to another region need the advanced mode of DynamoDB backups."""
        aws.backup.RegionSettings(
            "dynamodb",
            resource_type_opt_in_preference={"DynamoDB": True},
            resource_type_management_preference={"DynamoDB": True},
            opts=self._child,
        )

    def _plan(self, home: aws.backup.Vault, copy: aws.backup.Vault) -> aws.backup.Plan:
        settings = self._args.settings
        rules = [self._rule("daily", DAILY, settings.backup_retention_days, home, copy)]
        if settings.monthly_retention_days:
            rules.append(
                self._rule(
                    "monthly",
                    MONTHLY,
                    settings.monthly_retention_days,
                    home,
                    copy,
                    cold_after=COLD_AFTER_DAYS,
                )
            )
        return aws.backup.Plan("plan", name=f"{PROJECT}-tables", rules=rules, opts=self._child)

    def _rule(  # noqa: PLR0913 - one rule has that many parts
        self,
        name: str,
        schedule: str,
        days: int,
        home: aws.backup.Vault,
        copy: aws.backup.Vault,
        *,
        cold_after: int | None = None,
    ) -> aws.backup.PlanRuleArgs:
        return aws.backup.PlanRuleArgs(
            rule_name=name,
            target_vault_name=home.name,
            schedule=schedule,
            start_window=START_WINDOW_MINUTES,
            completion_window=COMPLETION_WINDOW_MINUTES,
            lifecycle=aws.backup.PlanRuleLifecycleArgs(
                delete_after=days, cold_storage_after=cold_after
            ),
            copy_actions=[
                aws.backup.PlanRuleCopyActionArgs(
                    destination_vault_arn=copy.arn,
                    lifecycle=aws.backup.PlanRuleCopyActionLifecycleArgs(
                        delete_after=days, cold_storage_after=cold_after
                    ),
                )
            ],
        )

    def _kept_arns(self) -> list[pulumi.Output[str]]:
        return [table.arn for table in self._args.tables.tables.values() if table.spec.backup]

    def _select(self, plan: aws.backup.Plan, role: ServiceRole) -> None:
        aws.backup.Selection(
            "tables",
            name=f"{PROJECT}-tables",
            plan_id=plan.id,
            iam_role_arn=role.arn,
            resources=self._kept_arns(),
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )

    def _test_restores(self, home: aws.backup.Vault, role: ServiceRole) -> None:
        """A backup that was never restored is a hope."""
        plan = aws.backup.RestoreTestingPlan(
            "weekly",
            name="budgetbuddy_weekly",  # letters, digits and underscores only
            schedule_expression=RESTORE_TEST,
            start_window_hours=RESTORE_TEST_HOURS,
            recovery_point_selection={
                "algorithm": "LATEST_WITHIN_WINDOW",
                "include_vaults": [home.arn],
                "recovery_point_types": ["SNAPSHOT"],
                "selection_window_days": COOLING_OFF_DAYS,
            },
            opts=self._child,
        )
        aws.backup.RestoreTestingSelection(
            "weekly",
            name="budgetbuddy_tables",
            restore_testing_plan_name=plan.name,
            protected_resource_type="DynamoDB",
            protected_resource_arns=self._kept_arns(),
            iam_role_arn=role.arn,
            validation_window_hours=RESTORE_TEST_HOURS,
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )

    def _notify(self, home: aws.backup.Vault) -> None:
        aws.backup.VaultNotifications(
            "vault",
            backup_vault_name=home.name,
            backup_vault_events=list(FAILURES),
            sns_topic_arn=self._args.topics.arns["critical"],
            opts=self._child,
        )
