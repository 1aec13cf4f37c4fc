"""What runs and how it answers, as checks: AWS and the public address are asked here.

Services, topics and alarms are those the platform's outputs name; nothing is known by heart.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from delivery.ops import verify
from delivery.ops.web import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from delivery.ops.verify import Answer, Check, Expected

# Outputs that name an ECS service, in the order in which they are reported.
SERVICE_OUTPUTS = ("serviceName", "workerName")
LOCAL = "local"
POLL_SECONDS = 15
PER_CALL = 100  # tasks that ECS describes at once
READY_POLL_SECONDS = 5
PROBE_PATHS = {
    "unknown": ("GET", "/api/v1/nothing"),
    "no token": ("GET", "/api/v1/accounts"),
    "swagger": ("GET", "/swagger-ui.html"),
}


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, in seconds, and how: `pause(seconds)` is a sleep."""

    deployment: float
    readiness: float
    pause: Callable[[float], object]
    poll: float = POLL_SECONDS
    ready_poll: float = READY_POLL_SECONDS


@dataclass(frozen=True, kw_only=True)
class Clients:
    """AWS's clients, as boto3 makes them."""

    ecs: Any
    cloudwatch: Any
    sns: Any


def observe(
    outputs: Mapping[str, Any], expected: Expected, clients: Clients, patience: Patience
) -> list[Check]:
    """Every check; one that could not be made is undetermined and says why."""
    cluster, url = str(outputs["clusterName"]), str(outputs["apiUrl"]).rstrip("/")
    made: list[tuple[str, Callable[[], Check]]] = []
    for name in (outputs[key] for key in SERVICE_OUTPUTS if outputs.get(key)):
        service = Service(ecs=clients.ecs, cluster=cluster, name=name)
        made += [
            (f"deployment {name}", partial(_deployment, service, expected, patience)),
            (f"digest {name}", partial(_digest, service, expected)),
        ]
    made += [
        ("edge", partial(_readiness, url, expected, patience)),
        ("redirect", partial(_redirect, url)),
        ("contract", partial(_contract, url, expected)),
        ("alarms", partial(_alarms, outputs, expected, clients)),
        ("subscriptions", partial(_subscriptions, outputs, clients)),
    ]
    return [_safely(name, check) for name, check in made]


@dataclass(frozen=True, kw_only=True)
class Service:
    """One ECS service, and who to ask about it."""

    ecs: Any
    cluster: str
    name: str


def _safely(name: str, check: Callable[[], Check]) -> Check:
    try:
        found = check()
    except (OSError, BotoCoreError, ClientError) as error:
        return verify.undetermined(name, str(error))
    return verify.Check(name=name, outcome=found.outcome, found=found.found)


def _deployment(service: Service, expected: Expected, patience: Patience) -> Check:
    """Waits until the newest service deployment is over; ECS lists the newest first."""
    where = {"cluster": service.cluster, "service": service.name}
    left = patience.deployment
    while True:
        newest = service.ecs.list_service_deployments(**where)["serviceDeployments"]
        status = newest[0]["status"] if newest else "NONE"
        if verify.is_deployment_over(status) or left <= 0:
            break
        patience.pause(patience.poll)
        left -= patience.poll
    (found,) = service.ecs.describe_services(cluster=service.cluster, services=[service.name])[
        "services"
    ]
    return verify.check_deployment(status, found["runningCount"], found["desiredCount"], expected)


def _digest(service: Service, expected: Expected) -> Check:
    pages = service.ecs.get_paginator("list_tasks").paginate(
        cluster=service.cluster, serviceName=service.name, desiredStatus="RUNNING"
    )
    arns = [arn for page in pages for arn in page["taskArns"]]
    batches = [arns[start : start + PER_CALL] for start in range(0, len(arns), PER_CALL)]
    containers = (
        container
        for batch in batches
        for task in service.ecs.describe_tasks(cluster=service.cluster, tasks=batch)["tasks"]
        for container in task["containers"]
    )
    found = [each["imageDigest"] for each in containers if "imageDigest" in each]
    return verify.check_digest(found, expected)


def _readiness(url: str, expected: Expected, patience: Patience) -> Check:
    answers: list[Answer] = []
    left = patience.readiness
    while True:
        answers.append(ask(f"{url}/health/ready"))
        found = verify.check_readiness(answers, expected)
        if found.outcome is verify.Outcome.HEALTHY or left <= 0:
            return found
        patience.pause(patience.ready_poll)
        left -= patience.ready_poll


def _redirect(url: str) -> Check:
    parts = urlsplit(url)
    if parts.scheme != "https":
        return verify.not_applicable("redirect", f"{url} is plain HTTP by design")
    return verify.check_redirect(ask(f"http://{parts.netloc}/"), parts.netloc)


def _contract(url: str, expected: Expected) -> Check:
    answers = {name: ask(url + path, method) for name, (method, path) in PROBE_PATHS.items()}
    nobody = {
        "email": f"verify-{secrets.token_hex(8)}@example.com",
        "password": secrets.token_hex(),
    }
    answers["bad login"] = ask(f"{url}/api/v1/auth/login", "POST", nobody)
    return verify.check_contract(answers, expected)


def _alarms(outputs: Mapping[str, Any], expected: Expected, clients: Clients) -> Check:
    wanted = list(outputs["deploymentAlarmNames"])
    answer = clients.cloudwatch.describe_alarms(
        AlarmNames=wanted, AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    found = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    return verify.check_alarms(list(_states(found, expected)), wanted)


def _states(alarms: list[dict[str, Any]], expected: Expected) -> Iterator[verify.AlarmState]:
    now = datetime.now(UTC)
    for alarm in alarms:
        since = alarm.get("StateTransitionedTimestamp") or alarm.get("StateUpdatedTimestamp")
        minutes = (now - since).total_seconds() / 60 if since else 0.0
        if expected.environment == LOCAL:
            minutes = 0.0  # the embedded AWS keeps alarms and evaluates none
        yield verify.AlarmState(name=alarm["AlarmName"], state=alarm["StateValue"], minutes=minutes)


def _subscriptions(outputs: Mapping[str, Any], clients: Clients) -> Check:
    found = {
        name: [
            each["SubscriptionArn"]
            for each in clients.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        ]
        for name, arn in outputs["topicArns"].items()
    }
    return verify.check_subscriptions(found)
