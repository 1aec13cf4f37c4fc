"""What delivery reads from the deployed platform, by reference to its stack."""

from collections.abc import Mapping

import pulumi

# Output of the platform -> variable of the builds.
OUTPUTS: Mapping[str, str] = {"apiUrl": "API_URL"}


def platform_variables(stack: str | None) -> dict[str, pulumi.Input[str]]:
    """Variables of every build from the platform's outputs; none before the platform exists.

    An output that is missing stops the deployment: `require_output` says which.
    """
    if stack is None:
        return {}
    reference = pulumi.StackReference(stack)
    return {
        variable: reference.require_output(output).apply(str)
        for output, variable in OUTPUTS.items()
    }
