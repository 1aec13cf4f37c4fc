"""How a commit reaches AWS, in reading order."""

import pulumi

from delivery.areas import (
    Stations,
    build_keys,
    build_notifications,
    build_pipeline,
    build_projects,
    build_registry,
    build_roles,
    build_state,
    build_store,
    build_watch,
)
from delivery.stack import running_stack

stack = running_stack()
keys = build_keys(stack)  # state, artifacts, messages
store = build_store(stack, keys)  # artifacts, locked evidence, access logs
state = build_state(stack, keys, store)  # where the state of both projects lies
registry = build_registry(stack, keys)  # images
roles = build_roles(stack)  # boundaries, pipeline, builds, break-glass
projects = build_projects(stack, keys, state, registry, roles)  # test to verify
notifications = build_notifications(stack, keys)  # who hears of it
stations = Stations(store=store, roles=roles, projects=projects, notifications=notifications)
pipeline = build_pipeline(stack, keys, stations)
watch = build_watch(stack, pipeline, projects, notifications)  # alarms, events

pulumi.export("stateUrl", state.url)
pulumi.export("secretsProvider", state.secrets_provider)
pulumi.export("repositoryUrl", registry.url)
pulumi.export("evidenceBucket", store.evidence.name)
pulumi.export("artifactBucket", store.artifacts.name)
pulumi.export("connectionArn", pipeline.connection_arn)
pulumi.export("pipelineName", pipeline.name)
pulumi.export("roleArns", roles.arns)
pulumi.export("topicArn", notifications.topic_arn)
pulumi.export("alarmNames", watch.alarm_names)
