"""What the dashboards look at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from infra.alarms_edge import WatchedEdge
from infra.naming import Names
from infra.settings import AlarmSettings, ServiceSettings

Name = pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Everything a dashboard shows, by name; load balancer and groups by the suffix of their ARN.

    `tables`, `rules` and `groups` map our short names to AWS's.
    """

    names: Names
    alarms: AlarmSettings
    size: ServiceSettings
    balancer: Name
    blue: Name
    green: Name
    edge: WatchedEdge
    vault: Name
    rotation: Name
    gateways: Sequence[Name]
    tables: Mapping[str, Name]
    queues: Mapping[str, Name]
    rules: Mapping[str, Name]
    groups: Mapping[str, Name]
