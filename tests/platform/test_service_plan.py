"""The edge, the service and its alarms as the engine would build them."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from budgetbuddy import contract

pytestmark = pytest.mark.engine

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
COMPOSITE = "aws:cloudwatch/compositeAlarm:CompositeAlarm"
SERVICE = "aws:ecs/service:Service"
LISTENER = "aws:lb/listener:Listener"


# --- Edge ----------------------------------------------------------------------------------------


def test_the_load_balancer_is_the_only_public_thing(plan: Any, stack: str) -> None:
    balancer = plan.one("aws:lb/loadBalancer:LoadBalancer")

    assert balancer.inputs["internal"] is False
    assert balancer.inputs["dropInvalidHeaderFields"] is True
    assert balancer.inputs["desyncMitigationMode"] == "strictest"
    assert balancer.inputs["enableWafFailOpen"] is False
    assert balancer.inputs["idleTimeout"] == contract.ALB_IDLE_SECONDS
    assert balancer.inputs["enableDeletionProtection"] is (stack != "local")
    assert balancer.inputs["accessLogs"]["enabled"] is True
    assert balancer.inputs["connectionLogs"]["enabled"] is True
    groups = {plan.at(urn).name for urn in balancer.depends_on["securityGroups"]}
    assert groups == {"alb", "alb-test"}


def test_plain_http_only_redirects(plan: Any) -> None:
    http = plan.one(LISTENER, "http").inputs
    (action,) = http["defaultActions"]

    assert (http["port"], http["protocol"]) == (80, "HTTP")
    assert action["type"] == "redirect"
    assert action["redirect"] == {"statusCode": "HTTP_301", "protocol": "HTTPS", "port": "443"}


def test_https_speaks_modern_tls_with_a_validated_certificate(plan: Any) -> None:
    https = plan.one(LISTENER, "https")
    (certificate,) = https.depends_on["certificateArn"]
    hsts = https.inputs["routingHttpResponseStrictTransportSecurityHeaderValue"]

    assert https.inputs["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
    assert plan.at(certificate).type == "aws:acm/certificateValidation:CertificateValidation"
    assert int(re.findall(r"max-age=(\d+)", hsts)[0]) >= 31_536_000
    assert https.inputs["routingHttpResponseServerEnabled"] is False


@pytest.mark.parametrize(
    ("listener", "port", "name"), [("https", 443, "production"), ("https-test", 9443, "test")]
)
def test_https_only_forwards_so_that_ecs_can_shift_traffic(
    plan: Any, listener: str, port: int, name: str
) -> None:
    https = plan.one(LISTENER, listener).inputs
    chosen = plan.one("aws:lb/listenerRule:ListenerRule", name)
    rule = chosen.inputs
    weights = [g["weight"] for g in rule["actions"][0]["forward"]["targetGroups"]]

    assert https["port"] == port
    assert chosen.depends_on["listenerArn"] == (plan.one(LISTENER, listener).urn,)

    assert {action["type"] for action in https["defaultActions"] + rule["actions"]} == {"forward"}
    assert weights == [100, 0]


def test_health_checks_ask_whether_the_service_is_ready(plan: Any) -> None:
    groups = plan.of("aws:lb/targetGroup:TargetGroup")

    assert {each.inputs["name"] for each in groups} == {
        "budgetbuddy-api-blue",
        "budgetbuddy-api-green",
    }
    for each in groups:
        assert each.inputs["healthCheck"] == {
            "path": contract.HEALTH_READY,
            "interval": 30,
            "timeout": 5,
            "healthyThreshold": 2,
            "unhealthyThreshold": 3,
            "matcher": "200",
        }
        assert (each.inputs["port"], each.inputs["targetType"]) == (contract.PORT, "ip")


# --- Service -------------------------------------------------------------------------------------


def test_tasks_are_private(plan: Any) -> None:
    service = plan.one(SERVICE, "api")
    network = service.inputs["networkConfiguration"]
    groups = [
        plan.at(urn).name
        for urn in service.depends_on["networkConfiguration"]
        if "securityGroup:" in urn
    ]

    assert network["assignPublicIp"] is False
    assert groups == ["service"]


def test_a_bad_release_is_rolled_back(plan: Any, stack: str) -> None:
    service = plan.one(SERVICE, "api")
    deployment = service.inputs["deploymentConfiguration"]
    bake = {"local": "0", "staging": "2", "production": "10"}[stack]

    assert service.inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert service.inputs["alarms"]["rollback"] is True
    assert service.inputs["alarms"]["alarmNames"] == [
        "budgetbuddy-api-error-rate",
        "budgetbuddy-api-p95-latency",
    ]
    assert (deployment["strategy"], deployment["bakeTimeInMinutes"]) == ("BLUE_GREEN", bake)
    assert service.inputs["deploymentMinimumHealthyPercent"] == 100
    assert service.inputs["waitForSteadyState"] is True


def test_blue_and_green_alternate_behind_a_rule_each_of_the_two_ports(plan: Any) -> None:
    service = plan.one(SERVICE, "api")
    names = {plan.at(urn).name for urn in service.depends_on["loadBalancers"]}
    (target,) = service.inputs["loadBalancers"]

    assert {"api-blue", "api-green", "production", "test"} <= names
    assert {"productionListenerRule", "testListenerRule", "alternateTargetGroupArn"} <= (
        target["advancedConfiguration"].keys()
    )


def test_a_release_is_asked_through_the_test_port_before_clients_meet_it(plan: Any) -> None:
    function = plan.one("aws:lambda/function:Function", "release-check")
    service = plan.one(SERVICE, "api").inputs
    (hook,) = service["deploymentConfiguration"]["lifecycleHooks"]
    calls = plan.one("aws:iam/rolePolicy:RolePolicy", "ecs-hook-inline").document("policy")
    groups = [
        plan.at(urn).name for urn in function.depends_on["vpcConfig"] if "securityGroup:" in urn
    ]

    assert hook["lifecycleStages"] == ["POST_TEST_TRAFFIC_SHIFT"]
    assert json.loads(hook["hookDetails"]) == {
        "host": plan.outputs["originHost"],
        "port": plan.outputs["testPort"],
        "release": plan.outputs["release"],
    }
    assert hook["hookTargetArn"].endswith(f":function:{function.inputs['name']}")
    assert [(each["Action"], each["Resource"]) for each in calls] == [
        ("lambda:InvokeFunction", hook["hookTargetArn"])
    ]
    assert groups == ["release-check"]


def test_the_code_of_the_check_cannot_use_what_puts_it_into_the_vpc(plan: Any) -> None:
    document = plan.one("aws:iam/rolePolicy:RolePolicy", "release-check-inline").document("policy")
    by_sid = {each["Sid"]: each for each in document}

    assert by_sid["NotByTheCode"]["Action"] == by_sid["StandInTheVpc"]["Action"]
    assert by_sid["NotByTheCode"]["Effect"] == "Deny"
    (function,) = by_sid["NotByTheCode"]["Condition"]["ArnEquals"].values()
    assert function.endswith(":function:budgetbuddy-release-check")


def test_production_keeps_two_tasks_off_spot(production: Any) -> None:
    service = production.one(SERVICE, "api").inputs

    assert service["desiredCount"] == 2
    assert service["capacityProviderStrategies"] == [
        {"capacityProvider": "FARGATE", "base": 2, "weight": 1}
    ]
    assert service["availabilityZoneRebalancing"] == "ENABLED"
    assert service["enableExecuteCommand"] is False
    assert "launchType" not in service


def test_staging_keeps_its_smallest_number_off_spot(plans: Callable[..., Any]) -> None:
    strategies = plans("staging").one(SERVICE, "api").inputs["capacityProviderStrategies"]

    assert [(each["capacityProvider"], each.get("base", 0)) for each in strategies] == [
        ("FARGATE", 1),
        ("FARGATE_SPOT", 0),
    ]


@pytest.mark.parametrize("process", ["api", "worker"])
def test_the_task_runs_on_arm_with_two_different_roles(plan: Any, process: str) -> None:
    task = plan.one("aws:ecs/taskDefinition:TaskDefinition", process)
    (task_role,), (execution_role,) = (
        task.depends_on[key] for key in ("taskRoleArn", "executionRoleArn")
    )

    assert task.inputs["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert task.inputs["networkMode"] == "awsvpc"
    assert task.inputs["requiresCompatibilities"] == ["FARGATE"]
    assert task_role != execution_role
    assert not {"pidMode", "ipcMode"} & task.inputs.keys()


def test_the_cluster_watches_and_encrypts(plan: Any) -> None:
    cluster = plan.one("aws:ecs/cluster:Cluster")
    console = cluster.inputs["configuration"]["executeCommandConfiguration"]

    assert cluster.inputs["settings"] == [{"name": "containerInsights", "value": "enabled"}]
    assert console["logging"] == "OVERRIDE"
    assert console["logConfiguration"]["cloudWatchEncryptionEnabled"] is True
    assert plan.one("aws:kms/key:Key", "compute").urn in cluster.depends_on["configuration"]


def test_without_an_image_everything_but_the_service_exists(plans: Callable[..., Any]) -> None:
    first, released = plans("production", released=False), plans("production")
    missing = {each.urn for each in released.resources} - {each.urn for each in first.resources}

    assert not first.of(SERVICE)
    assert all(re.search(r"budgetbuddy:compute:(Api|Worker)\$", urn) for urn in missing)
    assert not {each.urn for each in first.resources} - {each.urn for each in released.resources}


def test_cpu_memory_and_requests_scale_the_service(production: Any) -> None:
    target = production.one("aws:appautoscaling/target:Target", "scaling").inputs
    policies = [
        each.inputs["targetTrackingScalingPolicyConfiguration"]
        for each in production.of("aws:appautoscaling/policy:Policy")
        if each.name.startswith("scaling-")
    ]

    assert (target["minCapacity"], target["maxCapacity"]) == (2, 20)
    assert sorted(each["targetValue"] for each in policies) == [70, 70, 1200]
    assert {(each["scaleOutCooldown"], each["scaleInCooldown"]) for each in policies} == {(60, 300)}


# --- Worker --------------------------------------------------------------------------------------


def test_the_worker_is_private_and_a_release_that_does_not_start_is_rolled_back(plan: Any) -> None:
    service = plan.one(SERVICE, "worker")
    groups = [
        plan.at(urn).name
        for urn in service.depends_on["networkConfiguration"]
        if "securityGroup:" in urn
    ]

    assert groups == ["worker"]
    assert service.inputs["networkConfiguration"]["assignPublicIp"] is False
    assert service.inputs["deploymentConfiguration"] == {"strategy": "ROLLING"}
    assert service.inputs["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert "loadBalancers" not in service.inputs
    task = plan.one("aws:ecs/taskDefinition:TaskDefinition", "worker")
    assert task.depends_on["taskRoleArn"] == (plan.one("aws:iam/role:Role", "task-worker").urn,)
    assert plan.outputs["workerName"] == service.inputs["name"] == "budgetbuddy-worker"


def test_the_worker_scales_by_what_waits_for_each_task(production: Any) -> None:
    target = production.one("aws:appautoscaling/target:Target", "worker").inputs
    policy = production.one("aws:appautoscaling/policy:Policy", "worker-backlog").inputs
    tracking = policy["targetTrackingScalingPolicyConfiguration"]
    metrics = tracking["customizedMetricSpecification"]["metrics"]

    assert (target["minCapacity"], target["maxCapacity"]) == (1, 4)
    assert tracking["targetValue"] == 50
    assert metrics[0]["metricStat"]["metric"]["dimensions"] == [
        {"name": "QueueName", "value": "budgetbuddy-jobs"}
    ]


# --- Queues --------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", contract.QUEUES, ids=lambda spec: spec.name)
def test_a_queue_keeps_what_nobody_can_handle_beside_it(plan: Any, spec: Any) -> None:
    queue = plan.one("aws:sqs/queue:Queue", spec.name)
    dead = plan.one("aws:sqs/queue:Queue", f"{spec.name}-dlq")
    redrive = json.loads(queue.inputs["redrivePolicy"])
    allow = plan.one("aws:sqs/redriveAllowPolicy:RedriveAllowPolicy").inputs
    arn = redrive["deadLetterTargetArn"].removesuffix("-dlq")

    assert redrive["deadLetterTargetArn"].endswith(f":{dead.inputs['name']}")
    assert redrive["maxReceiveCount"] == spec.max_receives
    assert json.loads(allow["redriveAllowPolicy"])["sourceQueueArns"] == [arn]
    assert queue.inputs["visibilityTimeoutSeconds"] == spec.visibility_seconds
    assert queue.inputs["messageRetentionSeconds"] == spec.retention_days * 86_400
    assert dead.inputs["messageRetentionSeconds"] == spec.dead_letter_days * 86_400
    assert spec.dead_letter_days > spec.retention_days


def test_queues_are_encrypted_and_closed_to_strangers(plan: Any) -> None:
    for queue in plan.of("aws:sqs/queue:Queue"):
        key = plan.one("aws:kms/key:Key", "messaging").urn
        policy = plan.one("aws:sqs/queuePolicy:QueuePolicy", queue.name)
        assert queue.depends_on["kmsMasterKeyId"] == (key,)
        assert {each["Sid"] for each in policy.document("policy")} == {
            "DenyWithoutTls",
            "DenyOtherAccounts",
        }
        assert {each["Effect"] for each in policy.document("policy")} == {"Deny"}


def test_the_service_is_told_where_its_queues_are(plan: Any) -> None:
    for spec in contract.QUEUES:
        url = plan.outputs["serviceEnvironment"][spec.variable]
        assert url.endswith(f"/budgetbuddy-{spec.name}")


# --- Alarms --------------------------------------------------------------------------------------


def test_the_readmes_alarms_exist_with_the_readmes_numbers(production: Any) -> None:
    thresholds = {each.name: each.inputs["threshold"] for each in production.of(ALARM)}
    readme = {
        "api-cpu-high": 80,
        "api-memory-high": 80,
        "api-error-rate": 1,
        "api-p95-latency": 0.5,
        **{f"ddb-throttles-{spec.name.lower()}": 0 for spec in contract.TABLES},
    }

    assert thresholds.items() >= readme.items()


def test_every_alarm_tells_a_topic_somebody_reads(plan: Any) -> None:
    subscribed = {
        urn
        for each in plan.of("aws:sns/topicSubscription:TopicSubscription")
        for urn in each.depends_on["topic"]
    }
    for alarm in [*plan.of(ALARM), *plan.of(COMPOSITE)]:
        assert alarm.inputs["actionsEnabled"] is True
        assert "docs/OPERATIONAL_RUNBOOK.md#" in alarm.inputs["alarmDescription"]
        if alarm.name.startswith("slo-burn"):
            continue  # a composite acts on it
        assert alarm.depends_on["alarmActions"] == alarm.depends_on["okActions"]
        assert set(alarm.depends_on["alarmActions"]) <= subscribed


def test_the_error_rate_is_a_percentage_that_ignores_a_quiet_minute(production: Any) -> None:
    (alarm,) = [each for each in production.of(ALARM) if each.name == "api-error-rate"]
    queries = {each["id"]: each for each in alarm.inputs["metricQueries"]}
    names = {key: each["metric"]["metricName"] for key, each in queries.items() if "metric" in each}

    assert queries["result"]["expression"] == "IF(req >= 20, 100*(FILL(t,0)+FILL(e,0))/req, 0)"
    assert [key for key, each in queries.items() if each["returnData"]] == ["result"]
    assert names == {
        "req": "RequestCount",
        "t": "HTTPCode_Target_5XX_Count",
        "e": "HTTPCode_ELB_5XX_Count",
    }


def test_topics_are_encrypted(plan: Any) -> None:
    for topic in plan.of("aws:sns/topic:Topic"):
        assert topic.depends_on["kmsMasterKeyId"] == (plan.one("aws:kms/key:Key", "messaging").urn,)


# --- Outputs -------------------------------------------------------------------------------------


def test_outputs_give_the_local_cloud_what_it_starts_the_service_with(plan: Any) -> None:
    outputs = plan.outputs

    assert {spec.name for spec in contract.ENVIRONMENT if spec.default is None} <= set(
        outputs["serviceEnvironment"]
    )
    assert set(outputs["serviceSecretRefs"]) == {spec.variable for spec in contract.SECRETS}
    assert outputs["tableNames"] == {
        spec.name: f"BudgetBuddy-{spec.name}" for spec in contract.TABLES
    }
    assert outputs["clusterName"] == "budgetbuddy-cluster"
    assert outputs["serviceName"] == "budgetbuddy-backend"
    assert outputs["apiUrl"] == outputs["serviceEnvironment"]["PUBLIC_BASE_URL"]
    assert set(outputs["topicArns"]) == {"critical", "warning", "security"}
    assert "budgetbuddy-api-error-rate" in outputs["alarmNames"]
