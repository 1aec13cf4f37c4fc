"""What a deployment of the platform may do: five managed policies, verbs of one service each.

Reading and creating follow the resource types of the platform. Nothing here reaches a role of
delivery, a policy document that limits roles, the trail or the evidence; the boundary repeats that.
Verbs and resources are those of AWS's Service Authorization Reference.
"""

from collections.abc import Callable, Mapping

from delivery.deployment.compute import compute_statements
from delivery.deployment.data import data_statements
from delivery.deployment.edge import edge_statements
from delivery.deployment.network import network_statements
from delivery.deployment.oversight import oversight_statements
from delivery.naming import Names
from delivery.policy import Statement

DEPLOY_POLICIES: Mapping[str, Callable[[Names], list[Statement]]] = {
    "network": network_statements,
    "edge": edge_statements,
    "compute": compute_statements,
    "data": data_statements,
    "oversight": oversight_statements,
}
