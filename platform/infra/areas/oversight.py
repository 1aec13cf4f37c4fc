"""What watches the service, its data and everything below, whether tasks run or not."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.alarms import Alarms, AlarmsArgs, AlarmSpec
from infra.alarms_edge import WatchedEdge, edge_alarms
from infra.alarms_platform import (
    log_alarms,
    message_alarms,
    network_alarms,
    queue_alarms,
    table_alarms,
)
from infra.alarms_service import rollback_alarms
from infra.areas.audit import Audit
from infra.areas.data import Data
from infra.areas.edge import Edge
from infra.areas.foundation import Foundation
from infra.areas.reach import Reach
from infra.budget import Budget, BudgetArgs
from infra.dashboard_sources import Sources
from infra.dashboards import Dashboards
from infra.slo import (
    BUDGET_COMPOSITES,
    Composites,
    CompositesArgs,
    burn_alarms,
    data_composite,
)
from infra.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Watched:
    """The areas that alarms look at."""

    base: Foundation
    reach: Reach
    data: Data
    edge: Edge
    audit: Audit


@dataclass(frozen=True, kw_only=True)
class Oversight:
    """`rollback_alarms` end a bad release; `alarm_names` are all alarms of this area."""

    dashboards: Dashboards
    alarm_names: Mapping[str, pulumi.Output[str]]
    rollback_alarms: Mapping[str, pulumi.Output[str]]


def build_oversight(stack: Stack, watched: Watched) -> Oversight:
    """Alarms that need no running task, the dashboards, the budget."""
    base = watched.base
    rollback = rollback_alarms(stack.settings.alarms, watched.edge.balancer.arn_suffix)
    tables = table_alarms(watched.data.tables.names)
    specs = [*rollback, *tables, *_platform(stack, watched)]
    alarms = Alarms("alarms", AlarmsArgs(specs=specs, topics=base.topics), stack.opts).names
    failing = [spec.name for spec in tables if spec.family == "ddb-system-errors"]
    composites = CompositesArgs(
        specs=(*BUDGET_COMPOSITES, data_composite(failing)), alarms=alarms, topics=base.topics
    )
    together = Composites("composites", composites, stack.opts)
    limit = BudgetArgs(monthly_usd=stack.settings.cost.monthly_usd, topics=base.topics)
    Budget("budget", limit, stack.opts)
    return Oversight(
        dashboards=Dashboards("dashboards", _sources(stack, watched), stack.opts),
        alarm_names={**alarms, **together.names},
        rollback_alarms={spec.name: alarms[spec.name] for spec in rollback},
    )


def _platform(stack: Stack, watched: Watched) -> list[AlarmSpec]:
    """Network, edge, logs, messages, error budget."""
    base, edge, audit = watched.base, watched.edge, watched.audit
    rotation = watched.data.rotation.function_name
    return [
        *burn_alarms(stack.settings.alarms, edge.balancer.arn_suffix),
        *network_alarms(watched.reach.network.nat_gateway_ids),
        *edge_alarms(_watched_edge(stack, edge)),
        *log_alarms(base.logs.names),
        *queue_alarms(watched.data.queues.names, watched.data.queues.dead),
        *message_alarms(base.topics.names, audit.rules.names, rotation),
    ]


def _watched_edge(stack: Stack, edge: Edge) -> WatchedEdge:
    return WatchedEdge(
        certificates={"api": edge.certificate.arn},
        firewalls={use: firewall.acl_name for use, firewall in edge.firewalls.items()},
        distribution=edge.cdn.id if edge.cdn else None,
        region=stack.settings.region,
    )


def _sources(stack: Stack, watched: Watched) -> Sources:
    base, balancer = watched.base, watched.edge.balancer
    return Sources(
        names=stack.names,
        alarms=stack.settings.alarms,
        size=stack.settings.service,
        balancer=balancer.arn_suffix,
        blue=balancer.blue.arn_suffix,
        green=balancer.green.arn_suffix,
        edge=_watched_edge(stack, watched.edge),
        vault=watched.data.backups.vault_name,
        rotation=watched.data.rotation.function_name,
        gateways=watched.reach.network.nat_gateway_ids,
        tables=watched.data.tables.names,
        queues={**watched.data.queues.names, **watched.data.queues.dead_by_name},
        rules=watched.audit.rules.names,
        groups=base.logs.names,
    )
