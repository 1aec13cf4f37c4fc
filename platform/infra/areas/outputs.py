"""What the stack tells the pipeline, the local cloud and the runbook. No value is secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.areas.audit import Audit
from infra.areas.compute import Compute
from infra.areas.data import Data
from infra.areas.edge import Edge
from infra.areas.foundation import Foundation
from infra.areas.oversight import Oversight
from infra.areas.reach import Reach
from infra.naming import SERVICE, WORKER
from infra.secrets import service_secret_refs
from infra.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Areas:
    """Everything the program built."""

    stack: Stack
    base: Foundation
    reach: Reach
    data: Data
    edge: Edge
    oversight: Oversight
    audit: Audit
    compute: Compute


def export_outputs(areas: Areas) -> None:
    """Export the outputs of every area."""
    outputs = {**_service(areas), **_data(areas), **_edge(areas), **_alarms(areas)}
    for name, value in outputs.items():
        pulumi.export(name, value)


def _service(areas: Areas) -> Mapping[str, Any]:
    """How to call, start and identify the service."""
    settings = areas.stack.settings
    return {
        "apiUrl": settings.api_url,
        "originHost": settings.origin_host,
        "testPort": settings.edge.test_port,
        "clusterName": areas.compute.cluster.name,
        "serviceName": SERVICE,
        "workerName": WORKER,
        "imageDigest": settings.image_digest,
        "release": settings.release,
        "serviceEnvironment": areas.compute.environment,
        "serviceSecretRefs": service_secret_refs(areas.stack.names),
        "tokenKeyAlias": areas.stack.names.key_alias("tokens"),
    }


def _data(areas: Areas) -> Mapping[str, Any]:
    """Where data, logs and backups are."""
    return {
        "secretNames": areas.data.secrets.names,
        "queueUrls": areas.data.queues.urls,
        "tableNames": areas.data.tables.names,
        "logGroupNames": areas.base.logs.names,
        "archiveBucket": areas.base.archive.bucket.name,
        "auditBucket": areas.audit.trail.bucket.name,
        "backupVaultArn": areas.data.backups.vault_arn,
        "backupVaultCopyArn": areas.data.backups.copy_arn,
    }


def _edge(areas: Areas) -> Mapping[str, Any]:
    """The network; the NAT addresses are what partners put on their lists."""
    balancer, network = areas.edge.balancer, areas.reach.network
    return {
        "productionRuleArn": balancer.production_rule.arn,
        "targetGroupArns": {"blue": balancer.blue.arn, "green": balancer.green.arn},
        "webAclArns": {use: firewall.arn for use, firewall in areas.edge.firewalls.items()},
        "distributionId": areas.edge.cdn.id if areas.edge.cdn else None,
        "vpcId": network.vpc_id,
        "privateSubnetIds": network.private_subnet_ids,
        "natPublicIps": network.nat_public_ips,
    }


def _alarms(areas: Areas) -> Mapping[str, Any]:
    """Every alarm, those that end a release, and whom they tell."""
    return {
        "alarmNames": [
            *areas.oversight.alarm_names.values(),
            *areas.audit.alarm_names,
            *areas.compute.api.alarm_names.values(),
            *areas.compute.worker.alarm_names.values(),
        ],
        "deploymentAlarmNames": list(areas.oversight.rollback_alarms.values()),
        "topicArns": areas.base.topics.arns,
        "dashboardUrls": areas.oversight.dashboards.urls,
    }
