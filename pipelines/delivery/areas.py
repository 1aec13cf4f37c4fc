"""How the components are wired, by area; `__main__` is the table of contents."""

from dataclasses import dataclass

from delivery.builds import BuildProjects, BuildProjectsArgs
from delivery.keys import Keys, KeysArgs
from delivery.naming import ARTIFACT_KEY, BUILDS, DELIVERY_KEY, PIPELINE_ROLE, STATE_KEY
from delivery.pipeline import Approval, DeliveryPipeline, DeliveryPipelineArgs
from delivery.reference import platform_variables
from delivery.registry import ImageRegistry, ImageRegistryArgs
from delivery.roles import DeliveryRoles, DeliveryRolesArgs
from delivery.settings import PRODUCTION
from delivery.stack import Stack
from delivery.state import StateBackend, StateBackendArgs
from delivery.storage import ArtifactStore, ArtifactStoreArgs, ObjectLock
from delivery.watch import Notifications, NotificationsArgs, PipelineWatch, PipelineWatchArgs


def build_keys(stack: Stack) -> Keys:
    """Keys first, then what they encrypt."""
    return Keys("keys", KeysArgs(names=stack.names, protect=stack.settings.protect), stack.opts)


def build_store(stack: Stack, keys: Keys) -> ArtifactStore:
    """What stages hand on, and what an auditor asks for."""
    settings = stack.settings
    args = ArtifactStoreArgs(
        names=stack.names,
        kms_key_arn=keys.arns[ARTIFACT_KEY],
        artifact_days=settings.artifact_days,
        lock=ObjectLock(mode=settings.evidence_lock, days=settings.evidence_days),
        protect=settings.protect,
    )
    return ArtifactStore("store", args, stack.opts)


def build_state(stack: Stack, keys: Keys, store: ArtifactStore) -> StateBackend:
    """Where the state of both projects lies."""
    args = StateBackendArgs(
        names=stack.names, kms_key_arn=keys.arns[STATE_KEY], log_bucket=store.logs.name
    )
    return StateBackend("state", args, stack.opts)


def build_registry(stack: Stack, keys: Keys) -> ImageRegistry:
    """The images a release may name."""
    args = ImageRegistryArgs(
        names=stack.names,
        kms_key_arn=keys.arns[ARTIFACT_KEY],
        continuous_scan=stack.settings.environment == PRODUCTION,
        protect=stack.settings.protect,
    )
    return ImageRegistry("registry", args, stack.opts)


def build_roles(stack: Stack) -> DeliveryRoles:
    """Who may do what, and the most that anybody can."""
    settings = stack.settings
    args = DeliveryRolesArgs(
        names=stack.names,
        repository=settings.repository_full_name,
        people=settings.break_glass_principals,
        protect=settings.protect,
    )
    return DeliveryRoles("roles", args, stack.opts)


def build_projects(
    stack: Stack, keys: Keys, state: StateBackend, registry: ImageRegistry, roles: DeliveryRoles
) -> BuildProjects:
    """What runs the build specifications of the repository."""
    settings = stack.settings
    variables = {
        "STACK": settings.environment,
        "STATE_URL": state.url,
        "EVIDENCE_BUCKET": stack.names.bucket("evidence"),
        "REPOSITORY_URL": registry.url,
        "SOURCE": f"https://github.com/{settings.repository_full_name}",
        "SCAN_HIGH_ALLOWED": str(settings.scan_high_allowed),
        **platform_variables(settings.platform_stack),
    }
    args = BuildProjectsArgs(
        names=stack.names,
        role_arns=roles.arns,
        artifact_key_arn=keys.arns[ARTIFACT_KEY],
        log_key_arn=keys.arns[DELIVERY_KEY],
        variables=variables,
        protect=settings.protect,
    )
    return BuildProjects("builds", args, stack.opts)


def build_notifications(stack: Stack, keys: Keys) -> Notifications:
    """The topic that pipeline, alarms and events speak to."""
    args = NotificationsArgs(
        names=stack.names, key_arn=keys.arns[DELIVERY_KEY], email=stack.settings.notify_email
    )
    return Notifications("notifications", args, stack.opts)


@dataclass(frozen=True, kw_only=True)
class Stations:
    """What a release passes through, and who is told."""

    store: ArtifactStore
    roles: DeliveryRoles
    projects: BuildProjects
    notifications: Notifications


def build_pipeline(stack: Stack, keys: Keys, stations: Stations) -> DeliveryPipeline:
    """The stages in their order."""
    settings = stack.settings
    projects, notifications = stations.projects, stations.notifications
    args = DeliveryPipelineArgs(
        names=stack.names,
        role_arn=stations.roles.arns[PIPELINE_ROLE],
        connection_name=settings.connection_name,
        repository=settings.repository_full_name,
        branch=settings.branch,
        artifact_bucket=stations.store.artifacts.name,
        artifact_key_arn=keys.arns[ARTIFACT_KEY],
        projects={build: projects.names[build] for build in BUILDS},
        approval=Approval(
            topic_arn=notifications.topic_arn, timeout_minutes=settings.approval_timeout_minutes
        )
        if settings.approval
        else None,
    )
    return DeliveryPipeline("pipeline", args, stack.opts)


def build_watch(
    stack: Stack,
    pipeline: DeliveryPipeline,
    projects: BuildProjects,
    notifications: Notifications,
) -> PipelineWatch:
    """Notifications, alarms and an event for what fails."""
    args = PipelineWatchArgs(
        notifications=notifications,
        pipeline_name=pipeline.name,
        pipeline_arn=pipeline.arn,
        projects=projects.names,
        stack=stack.settings.environment,
    )
    return PipelineWatch("watch", args, stack.opts)
