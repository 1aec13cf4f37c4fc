"""The API as a whole: the service, its scaling and its alarms, once there is an image to run."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from infra.alarms import Alarms, AlarmsArgs
from infra.alarms_edge import endpoint_alarm
from infra.alarms_service import Watched, service_alarms
from infra.scaling import ServiceScaling, ServiceScalingArgs
from infra.service import ApiService, ApiServiceArgs
from infra.slo import Composites, CompositesArgs, service_composites
from infra.topics import Topics


@dataclass(frozen=True, kw_only=True)
class ApiArgs:
    """`service` is what the tasks stand on; `standing_alarms` (by name) need no task.

    `check_id` is the view from outside, where the stack has one.
    """

    service: ApiServiceArgs
    topics: Topics
    standing_alarms: Mapping[str, pulumi.Output[str]]
    check_id: pulumi.Output[str] | None


class Api(pulumi.ComponentResource):
    """Without `imageDigest` nothing is created: a first deployment has no image to run yet."""

    def __init__(self, name: str, args: ApiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("budgetbuddy:compute:Api", name, None, opts)
        self.alarm_names: dict[str, pulumi.Output[str]] = {}
        if args.service.settings.image_digest is not None:
            self._create(args)
        self.register_outputs({"alarmNames": self.alarm_names})

    def _create(self, args: ApiArgs) -> None:
        child = ResourceOptions(parent=self)
        settings = args.service.settings
        service = ApiService("service", args.service, child)
        scaling = ServiceScalingArgs(
            service_name=service.name,
            balancer=args.service.balancer.arn_suffix,
            size=settings.service,
        )
        ServiceScaling("scaling", scaling, child)
        self._watch(args, service, child)

    def _watch(self, args: ApiArgs, service: ApiService, child: ResourceOptions) -> None:
        balancer, settings = args.service.balancer, args.service.settings
        watched = Watched(
            environment=settings.environment,
            service=service.name,
            balancer=balancer.arn_suffix,
            blue=balancer.blue.arn_suffix,
            green=balancer.green.arn_suffix,
        )
        outside = [] if args.check_id is None else [endpoint_alarm(args.check_id)]
        specs = [*service_alarms(settings.alarms, watched), *outside]
        alarms = Alarms("service-alarms", AlarmsArgs(specs=specs, topics=args.topics), child)
        known = {**args.standing_alarms, **alarms.names}
        composites = CompositesArgs(
            specs=service_composites(known), alarms=known, topics=args.topics
        )
        together = Composites("service-composites", composites, child)
        self.alarm_names = {**alarms.names, **together.names}
