"""Audit rows of those who look at more than their own data."""

from budgetbuddy.domain.audit import Event
from budgetbuddy.domain.ports import AuditEntry, Context
from budgetbuddy.store.commands import Commands, Plan


class OfficerRows:
    """Implements `domain.officers.Officers`."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def reported(self, context: Context, framework: str) -> None:
        """A report."""
        self._note(
            context, AuditEntry(event=Event.COMPLIANCE_REPORTED, object=f"report:{framework}")
        )

    def viewed(self, context: Context, what: str) -> None:
        """A look."""
        self._note(context, AuditEntry(event=Event.OPS_VIEWED, object=f"ops:{what}"))

    def _note(self, context: Context, entry: AuditEntry) -> None:
        self._commands.run(context, lambda _: Plan(audit=entry, result=None))
