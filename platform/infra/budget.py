"""What a month may cost before somebody is told."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions
from pulumi_aws.budgets import BudgetNotificationArgsDict

from infra.naming import PROJECT
from infra.topics import Topics

# Percent of the limit, and whether it was spent or is only forecast.
STEPS = ((80, "ACTUAL"), (100, "ACTUAL"), (100, "FORECASTED"))


@dataclass(frozen=True, kw_only=True)
class BudgetArgs:
    """`monthly_usd` is the limit in whole US dollars."""

    monthly_usd: int
    topics: Topics


class Budget(pulumi.ComponentResource):
    """Every cost of the account, credits left out: they end, and the cost stays."""

    def __init__(self, name: str, args: BudgetArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:cost:Budget", name, None, opts)
        aws.budgets.Budget(
            name,
            name=f"{PROJECT}-monthly",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(args.monthly_usd),
            limit_unit="USD",
            cost_types={"include_credit": False},
            notifications=[
                BudgetNotificationArgsDict(
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                    notification_type=kind,
                    comparison_operator="GREATER_THAN",
                    subscriber_sns_topic_arns=[args.topics.arns["warning"]],
                )
                for percent, kind in STEPS
            ],
            opts=ResourceOptions(parent=self),
        )
        self.register_outputs({})
