"""The API as a whole: the service, its scaling and its alarms, once there is an image to run."""

from dataclasses import dataclass

import pulumi
from pulumi import ResourceOptions

from infra.alarms import Alarms, AlarmsArgs, service_alarms
from infra.scaling import ServiceScaling, ServiceScalingArgs
from infra.service import ApiService, ApiServiceArgs
from infra.topics import Topics


@dataclass(frozen=True, kw_only=True)
class ApiArgs:
    """`service` is what the tasks stand on."""

    service: ApiServiceArgs
    topics: Topics


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
        alarms = AlarmsArgs(specs=service_alarms(settings.alarms, service.name), topics=args.topics)
        self.alarm_names = Alarms("service-alarms", alarms, child).names
