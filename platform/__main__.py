"""What runs in AWS, in reading order."""

from infra.areas.audit import build_audit
from infra.areas.compute import build_compute
from infra.areas.data import build_data
from infra.areas.edge import build_edge
from infra.areas.foundation import build_foundation
from infra.areas.outputs import Areas, export_outputs
from infra.areas.oversight import Watched, build_oversight
from infra.areas.reach import build_reach
from infra.stack import running_stack

stack = running_stack()
base = build_foundation(stack)  # keys, logs and their archive, alarm topics
reach = build_reach(stack, base)  # network, security groups, endpoints
data = build_data(stack, base)  # tables, backups, secrets, mail
edge = build_edge(stack, base, reach)  # name, certificate, load balancer, firewall
audit = build_audit(stack, base, data)  # trail, recorder, detectors, security events
watched = Watched(base=base, reach=reach, data=data, edge=edge, audit=audit)
oversight = build_oversight(stack, watched)  # alarms, dashboards, cost
compute = build_compute(stack, base, reach, data, edge, oversight)  # cluster, roles, API

export_outputs(
    Areas(
        stack=stack,
        base=base,
        reach=reach,
        data=data,
        edge=edge,
        oversight=oversight,
        audit=audit,
        compute=compute,
    )
)
