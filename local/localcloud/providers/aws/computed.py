"""Outputs a template cannot express, for the few recorded types that need more than one.

Each function takes what the output may depend on and returns outputs by wire name; those replace
the templates of `facts`.
"""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

BALANCERS = {"application": "app", "network": "net", "gateway": "gwy"}

Inputs = Mapping[str, Any]
Variables = Mapping[str, Any]


def outputs(token: str, inputs: Inputs, variables: Variables) -> dict[str, Any]:
    """Computed outputs of a type; empty for the types templates are enough for."""
    compute = COMPUTED.get(token)
    return compute(inputs, variables) if compute else {}


def _certificate(inputs: Inputs, _: Variables) -> dict[str, Any]:
    """One DNS record per name; a wildcard shares the record of its parent domain."""
    # An imported certificate brings its own names and validates nothing.
    domains = dict.fromkeys(
        [*filter(None, [inputs.get("domainName")]), *(inputs.get("subjectAlternativeNames") or [])]
    )
    options = [
        {
            "domainName": name,
            "resourceRecordName": f"_{secrets.token_hex(16)}.{name.removeprefix('*.')}.",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": f"_{secrets.token_hex(16)}.acm-validations.aws.",
        }
        for name in domains
    ]
    return {"domainValidationOptions": options, "subjectAlternativeNames": list(domains)}


def _load_balancer(inputs: Inputs, variables: Variables) -> dict[str, Any]:
    kind = BALANCERS[inputs.get("loadBalancerType", "application")]
    suffix = f"{kind}/{variables['name']}/{variables['hex16']}"
    host = f"{variables['name']}-{variables['digits']}.{variables['region']}.elb.amazonaws.com"
    return {
        "arn": _balancing_arn(variables, f"loadbalancer/{suffix}"),
        "arnSuffix": suffix,
        "dnsName": f"internal-{host}" if inputs.get("internal") else host,
    }


def _listener(inputs: Inputs, variables: Variables) -> dict[str, Any]:
    """A listener's ARN extends its balancer's, as a rule's extends its listener's."""
    balancer = str(inputs["loadBalancerArn"]).partition(":loadbalancer/")[2]
    return {"arn": _balancing_arn(variables, f"listener/{balancer}/{variables['hex16']}")}


def _listener_rule(inputs: Inputs, variables: Variables) -> dict[str, Any]:
    listener = str(inputs["listenerArn"]).partition(":listener/")[2]
    return {"arn": _balancing_arn(variables, f"listener-rule/{listener}/{variables['hex16']}")}


def _balancing_arn(variables: Variables, resource: str) -> str:
    return (
        f"arn:{variables['partition']}:elasticloadbalancing:{variables['region']}:"
        f"{variables['account']}:{resource}"
    )


def _of_firewall(kind: str, inputs: Inputs, variables: Variables) -> dict[str, Any]:
    """What belongs to CloudFront is global, though it lives in us-east-1."""
    reach = "global" if inputs.get("scope") == "CLOUDFRONT" else "regional"
    return {
        "arn": f"arn:{variables['partition']}:wafv2:{variables['region']}:{variables['account']}:"
        f"{reach}/{kind}/{variables['name']}/{variables['uuid']}"
    }


def _task_definition(inputs: Inputs, variables: Variables) -> dict[str, Any]:
    base = (
        f"arn:{variables['partition']}:ecs:{variables['region']}:{variables['account']}:"
        f"task-definition/{inputs['family']}"
    )
    # Nothing counts registrations here, so the number is taken from the clock: unique and rising.
    revision = variables["revision"]
    return {"arn": f"{base}:{revision}", "arnWithoutRevision": base, "revision": revision}


def _service(inputs: Inputs, variables: Variables) -> dict[str, Any]:
    cluster = str(inputs.get("cluster") or "default").rpartition("/")[2]
    arn = (
        f"arn:{variables['partition']}:ecs:{variables['region']}:{variables['account']}:"
        f"service/{cluster}/{variables['name']}"
    )
    return {"arn": arn}


COMPUTED: Mapping[str, Callable[[Inputs, Variables], dict[str, Any]]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:ecs/service:Service": _service,
    "aws:ecs/taskDefinition:TaskDefinition": _task_definition,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/listenerRule:ListenerRule": _listener_rule,
    "aws:lb/loadBalancer:LoadBalancer": _load_balancer,
    "aws:wafv2/ipSet:IpSet": partial(_of_firewall, "ipset"),
    "aws:wafv2/ruleGroup:RuleGroup": partial(_of_firewall, "rulegroup"),
    "aws:wafv2/webAcl:WebAcl": partial(_of_firewall, "webacl"),
}
