"""The webhooks' part of the composition root."""

from collections.abc import Callable
from dataclasses import dataclass

from budgetbuddy.composition_identity import Identity, Tools
from budgetbuddy.domain.budget_alerts import BudgetAlerts
from budgetbuddy.domain.budget_reports import BudgetReports
from budgetbuddy.domain.dates import today_in
from budgetbuddy.domain.identity_ports import Mail
from budgetbuddy.domain.messages import Queue
from budgetbuddy.domain.notices import Notices
from budgetbuddy.domain.ports import Context, UserRef
from budgetbuddy.gateways.outgoing import WebhookSender
from budgetbuddy.security.addresses import TargetRules
from budgetbuddy.settings import Settings
from budgetbuddy.store.deliveries import DeliveryStore
from budgetbuddy.store.outbox import OutboxStore
from budgetbuddy.store.webhooks import WebhookStore


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """The services of the webhooks' part, as `Services` names them."""

    webhooks: WebhookStore
    deliveries: DeliveryStore
    targets: TargetRules
    notices: Notices


def build_hooks(  # noqa: PLR0913, PLR0917 - one caller
    settings: Settings,
    tools: Tools,
    identity: Identity,
    mail: Mail,
    queue: Queue,
    raise_alerts: Callable[[UserRef], None],
) -> Hooks:
    """Wire them; opens no connection."""
    rows = (tools.store, tools.commands, tools.keys)
    webhooks, deliveries = WebhookStore(*rows), DeliveryStore(*rows)
    own = [str(settings.public_base_url.host)]
    targets = TargetRules(own_hosts=own, loopback=settings.webhook_loopback)
    notices = Notices(
        webhooks=webhooks,
        rows=deliveries,
        outbox=OutboxStore(tools.store),
        outgoing=WebhookSender(targets),
        queue=queue,
        users=identity.users,
        mail=mail,
        clock=tools.clock,
        raise_alerts=raise_alerts,
    )
    return Hooks(webhooks=webhooks, deliveries=deliveries, targets=targets, notices=notices)


def alert_raiser(
    tools: Tools, identity: Identity, reports: BudgetReports, alerts: BudgetAlerts
) -> Callable[[UserRef], None]:
    """Looks whether a user's budgets have crossed a threshold, and raises what is new."""

    def raise_alerts(user: UserRef) -> None:
        chosen = identity.users.get(user).preferences
        lines = reports.lines(user, today_in(chosen.timezone, tools.clock()))
        context = Context(user=user, request_id="outbox", actor="system")
        alerts.raise_new(context, lines, chosen.alert_thresholds)

    return raise_alerts
