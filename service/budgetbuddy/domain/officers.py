"""What officers and operators look at leaves a row in their own audit trail."""

from typing import Protocol

from budgetbuddy.domain.ports import Context


class Officers(Protocol):
    """Notes who looked at what."""

    def reported(self, context: Context, framework: str) -> None:
        """A compliance report was made."""

    def viewed(self, context: Context, what: str) -> None:
        """The state of the system was looked at."""
