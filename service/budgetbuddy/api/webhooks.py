"""`/webhooks`: what happens, told to the user's own systems."""

from flask import Response

from budgetbuddy.api._http import (
    PageQuery,
    answer,
    context,
    empty,
    expected_version,
    json_response,
    listed,
    paged,
    principal,
    rendered,
    services,
    shown,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api._webhook_models import (
    CreatedWebhook,
    DeliveryDetail,
    DeliveryList,
    DeliveryPath,
    DeliveryView,
    NewWebhook,
    Rotation,
    SecretView,
    WebhookChange,
    WebhookList,
    WebhookPath,
    WebhookView,
)
from budgetbuddy.domain.access import SESSION, scope
from budgetbuddy.domain.dates import format_instant
from budgetbuddy.domain.ids import Kind, make_id
from budgetbuddy.domain.transactions import CardNumberDetected, require_no_card_number
from budgetbuddy.domain.webhooks import (
    Secret,
    TargetNotAllowed,
    Webhook,
    WebhookDisabled,
    new_secret,
)
from budgetbuddy.problems import InvalidCursor, LimitReached, NotFound

routes = Routes("webhooks", "/api/v1/webhooks")
MANAGE = scope("webhooks:manage")


@routes.get("", access=MANAGE, returns={200: WebhookList})
def list_webhooks() -> Response:
    """List webhooks, oldest first."""
    return listed(map(WebhookView.of, services().webhooks.list(principal().user)))


@routes.post(
    "",
    access=SESSION,
    returns={201: CreatedWebhook},
    problems=(LimitReached, TargetNotAllowed, CardNumberDetected),
    limits=("sensitive",),
)
def create_webhook(body: NewWebhook) -> Response:
    """Subscribe an https address to events; the secret that signs them is shown this once."""
    require_no_card_number({"/description": body.description})
    services().webhook_targets.require(body.url)
    secret = new_secret()
    webhook = Webhook(
        id=make_id(Kind.WEBHOOK),
        url=body.url,
        events=tuple(dict.fromkeys(body.events)),
        description=body.description,
        secrets=(Secret(value=secret),),
        since=0,  # set as of the head
        created_at=format_instant(services().clock()),
    )
    made = services().webhooks.add(context(), webhook)
    return json_response(CreatedWebhook(**WebhookView.fields_of(made), secret=secret), 201)


@routes.get("/<webhookId>", access=MANAGE, returns={200: WebhookView}, problems=(NotFound,))
def show_webhook(path: WebhookPath) -> Response:
    """Show one webhook; its figures change without its version."""
    webhook = services().webhooks.get(principal().user, path.webhook_id)
    return shown(WebhookView.of(webhook), version=webhook.version, derived=True)


@routes.patch(
    "/<webhookId>",
    access=MANAGE,
    returns={200: WebhookView},
    problems=(NotFound, TargetNotAllowed, CardNumberDetected),
    if_match=True,
    idempotency="I",
)
def change_webhook(path: WebhookPath, body: WebhookChange) -> Response:
    """Change address, events or description; switch it off, or on again."""
    require_no_card_number({"/description": body.description})
    if body.url is not None:
        services().webhook_targets.require(body.url)
    render = rendered(WebhookView.of)
    change = services().webhooks.change
    return answer(render, change, path.webhook_id, expected_version(), body.fields())


@routes.delete(
    "/<webhookId>",
    access=MANAGE,
    returns={204: None},
    problems=(NotFound,),
    if_match=True,
    idempotency="I",
)
def delete_webhook(path: WebhookPath) -> Response:
    """Delete a webhook; what waits to be sent to it is dropped."""
    return answer(empty, services().webhooks.remove, path.webhook_id, expected_version())


@routes.post(
    "/<webhookId>/rotate-secret",
    access=SESSION,
    returns={200: SecretView},
    problems=(NotFound,),
    limits=("sensitive",),
)
def rotate_webhook_secret(path: WebhookPath, body: Rotation) -> Response:
    """Make a new secret; for some hours the old one signs too, so that no event is missed."""
    webhook = services().webhooks.rotate(context(), path.webhook_id, body.overlap_hours)
    newest, *before = webhook.secrets
    until = before[0].until if before else None
    return json_response(SecretView(secret=newest.value, previous_until=until))


@routes.post(
    "/<webhookId>/test",
    access=MANAGE,
    returns={202: DeliveryView},
    problems=(NotFound, WebhookDisabled),
    limits=("webhook-test",),
    idempotency="I",
)
def test_webhook(path: WebhookPath) -> Response:
    """Send an event that means nothing; it is tried once."""
    render = rendered(DeliveryView.of, status=202, versioned=False)
    return answer(render, services().notices.test, path.webhook_id)


@routes.get(
    "/<webhookId>/deliveries",
    access=MANAGE,
    returns={200: DeliveryList},
    problems=(NotFound, InvalidCursor),
)
def list_deliveries(path: WebhookPath, query: PageQuery) -> Response:
    """List the deliveries of the last 30 days, newest first."""
    user = principal().user
    services().webhooks.get(user, path.webhook_id)
    return paged(
        query,
        lambda start, limit: services().deliveries.page(
            user, path.webhook_id, limit=limit, start=start
        ),
        DeliveryView.of,
    )


@routes.get(
    "/<webhookId>/deliveries/<deliveryId>",
    access=MANAGE,
    returns={200: DeliveryDetail},
    problems=(NotFound,),
)
def show_delivery(path: DeliveryPath) -> Response:
    """Show what was sent, and how the receiver's last answer began."""
    delivery = services().deliveries.get(principal().user, path.webhook_id, path.delivery_id)
    return json_response(DeliveryDetail.detail(delivery))


@routes.post(
    "/<webhookId>/deliveries/<deliveryId>/replay",
    access=MANAGE,
    returns={202: DeliveryView},
    problems=(NotFound, WebhookDisabled),
    idempotency="I",
)
def replay_delivery(path: DeliveryPath) -> Response:
    """Send an event again: a new delivery of the same event id."""
    render = rendered(DeliveryView.of, status=202, versioned=False)
    return answer(render, services().notices.replay, path.webhook_id, path.delivery_id)
