"""The three dashboards: what clients feel, what carries it, what an auditor asks for."""

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.dashboard import Widget, dashboard_body
from infra.dashboard_sources import Sources
from infra.dashboards_application import application_widgets
from infra.dashboards_compliance import compliance_widgets
from infra.dashboards_infrastructure import infrastructure_widgets


def all_widgets(sources: Sources) -> dict[str, list[Widget]]:
    """Widgets of each dashboard, by the last part of its name."""
    return {
        "Application": application_widgets(sources),
        "Infrastructure": infrastructure_widgets(sources),
        "Compliance": compliance_widgets(sources),
    }


class Dashboards(pulumi.ComponentResource):
    """`urls[name]` open them in the console."""

    def __init__(self, name: str, args: Sources, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:observability:Dashboards", name, None, opts)
        region = args.names.region
        self.urls: dict[str, str] = {}
        for short, widgets in all_widgets(args).items():
            full = f"BudgetBuddy-{short}"
            aws.cloudwatch.Dashboard(
                short.lower(),
                dashboard_name=full,
                dashboard_body=pulumi.Output.json_dumps(dashboard_body(widgets, region)),
                opts=ResourceOptions(parent=self),
            )
            self.urls[short] = (
                f"https://{region}.console.aws.amazon.com/cloudwatch/home"
                f"?region={region}#dashboards/dashboard/{full}"
            )
        self.register_outputs({"urls": self.urls})
