"""`/plaid`: links to banks, and the rows that come over them."""

from flask import Response, request

from budgetbuddy.api._declaration import KILOBYTE
from budgetbuddy.api._http import (
    answer,
    context,
    expected_version,
    json_response,
    listed,
    principal,
    rendered,
    services,
    shown,
    state,
)
from budgetbuddy.api._plaid_models import (
    ItemChange,
    ItemList,
    ItemPath,
    ItemView,
    LinkTokenRequest,
    LinkTokenView,
    NewItem,
    WebhookTaken,
)
from budgetbuddy.api._routes import Routes
from budgetbuddy.api.jobs import JobView
from budgetbuddy.contract import Metric
from budgetbuddy.domain.access import PROVIDER, SESSION, scope
from budgetbuddy.domain.accounts import AccountClosed, WrongCurrency
from budgetbuddy.domain.bank_webhooks import Handling, KeysUnavailable, SignatureInvalid
from budgetbuddy.domain.banks import (
    AccountNotOffered,
    BankDataChanging,
    BankLoginRequired,
    InstitutionAlreadyLinked,
    LinkEnded,
    PublicTokenInvalid,
    SyncRunning,
)
from budgetbuddy.domain.jobs import Job
from budgetbuddy.problems import (
    BadRequest,
    LimitReached,
    NotFound,
    ProviderNotConfigured,
    UpstreamInvalid,
    UpstreamUnavailable,
)
from budgetbuddy.telemetry import count, log

routes = Routes("plaid", "/api/v1/plaid")
READ, SYNC = scope("accounts:read"), scope("transactions:write")
SIGNATURE = "Plaid-Verification"
WEBHOOK_BYTES = 512 * KILOBYTE
UPSTREAM = (ProviderNotConfigured, UpstreamInvalid, UpstreamUnavailable)


@routes.post(
    "/link-tokens",
    access=SESSION,
    returns={201: LinkTokenView},
    problems=UPSTREAM,
    limits=("link",),
)
def create_link_token(body: LinkTokenRequest) -> Response:
    """Create a token that opens Plaid's page for a new bank."""
    token = services().bank_links.link_token(principal().user, body.redirect_uri)
    return json_response(LinkTokenView.of(token), 201)


@routes.post(
    "/items",
    access=SESSION,
    returns={201: ItemView},
    problems=(
        *UPSTREAM,
        AccountNotOffered,
        BankLoginRequired,
        InstitutionAlreadyLinked,
        LimitReached,
        LinkEnded,
        PublicTokenInvalid,
    ),
    idempotency="I!",
    limits=("link",),
)
def link_bank(body: NewItem) -> Response:
    """Link a bank with an account for each of its accounts; rows come with the first sync.

    What opens the bank is sealed and never leaves the service.
    """
    render = rendered(ItemView.of, status=201, location="/api/v1/plaid/items/{id}")
    return answer(
        render,
        services().bank_links.link,
        public_token=body.public_token,
        institution_id=body.institution_id,
        wanted=body.accounts,
    )


@routes.get("/items", access=READ, returns={200: ItemList})
def list_bank_links() -> Response:
    """List the links to banks, oldest first."""
    items = services().bank_links.items.list(principal().user)
    return listed(ItemView.of(item) for item in items)


@routes.get("/items/<itemId>", access=READ, returns={200: ItemView}, problems=(NotFound,))
def show_bank_link(path: ItemPath) -> Response:
    """Show one link, and what its owner has to do for it."""
    item = services().bank_links.items.get(principal().user, path.item_id)
    return shown(ItemView.of(item), version=item.version, derived=True)


@routes.patch(
    "/items/<itemId>",
    access=SESSION,
    returns={200: ItemView},
    problems=(
        *UPSTREAM,
        AccountClosed,
        AccountNotOffered,
        BankLoginRequired,
        LinkEnded,
        NotFound,
        SyncRunning,
        WrongCurrency,
    ),
    if_match=True,
)
def change_bank_link(path: ItemPath, body: ItemChange) -> Response:
    """Change which of the user's accounts take the rows of the bank's, from now on.

    Rows that came before stay where they are.
    """
    wanted = {each.plaid_account_id: each.account_id for each in body.accounts}
    changed = services().bank_links.remap(context(), path.item_id, expected_version(), wanted)
    return shown(ItemView.of(changed), version=changed.version, derived=True)


@routes.post(
    "/items/<itemId>/link-tokens",
    access=SESSION,
    returns={201: LinkTokenView},
    problems=(*UPSTREAM, LinkEnded, NotFound),
    limits=("link",),
)
def create_update_token(path: ItemPath, body: LinkTokenRequest) -> Response:
    """Create a token that opens Plaid's page to mend this link."""
    token = services().bank_links.update_token(principal().user, path.item_id, body.redirect_uri)
    return json_response(LinkTokenView.of(token), 201)


@routes.post(
    "/items/<itemId>/sync",
    access=SYNC,
    returns={202: JobView},
    problems=(NotFound, ProviderNotConfigured, SyncRunning, UpstreamUnavailable),
)
def sync_bank(path: ItemPath) -> Response:
    """Have what changed at the bank brought in, at most once a minute a link.

    The job of the 202 says when that is done, or why it failed; a repeat after a failure books
    nothing twice.
    """
    services().bank_links.items.get(principal().user, path.item_id)
    services().limits.take("bank-sync", path.item_id)
    return _accepted(services().bank_links.syncs.order(context(), path.item_id))


@routes.delete(
    "/items/<itemId>",
    access=SESSION,
    returns={202: JobView},
    problems=(*UPSTREAM, NotFound, SyncRunning),
    if_match=True,
)
def unlink_bank(path: ItemPath) -> Response:
    """End a link, at Plaid first; its accounts and their rows stay and are the user's own."""
    job = services().bank_links.unlink(context(), path.item_id, expected_version())
    return _accepted(job)


@routes.post(
    "/webhook",
    access=PROVIDER,
    returns={200: WebhookTaken},
    problems=(
        BadRequest,
        BankDataChanging,
        KeysUnavailable,
        SignatureInvalid,
        SyncRunning,
        *UPSTREAM,
    ),
    max_bytes=WEBHOOK_BYTES,
    signed_by=SIGNATURE,
)
def plaid_webhook() -> Response:
    """Take an event of Plaid's: rows to bring in, or something the user has to do at the bank.

    Plaid signs the body in `Plaid-Verification`. An event that comes twice is taken once; one
    that cannot be kept for the worker is refused, so that Plaid sends it again.
    """
    body = request.get_data()
    signature = request.headers.get(SIGNATURE, "")
    try:
        handling = services().bank_webhooks.receive(body, signature, state().request_id)
    except (SignatureInvalid, BadRequest):
        count(Metric.WEBHOOK_REJECTED, dimension="plaid")
        log("security.webhook_rejected", level="warning", dependency="plaid")
        raise
    count(Metric.WEBHOOK_RECEIVED, dimension="plaid")
    if handling is Handling.DUPLICATE:
        count(Metric.WEBHOOK_DUPLICATE, dimension="plaid")
    if handling is Handling.IGNORED:
        count(Metric.WEBHOOK_IGNORED, dimension="plaid")
    return json_response(WebhookTaken(handling=handling))


def _accepted(job: Job) -> Response:
    response = json_response(JobView.of(job), 202)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return response
