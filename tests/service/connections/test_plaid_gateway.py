"""The real SDK against what goes wrong on the way: silence, half answers, errors, refusals."""

from dataclasses import replace

import pytest

from budgetbuddy.domain.ports import UserRef
from budgetbuddy.gateways.breaker import BreakerPolicy
from budgetbuddy.gateways.plaid import PlaidAccess, PlaidBanks
from budgetbuddy.gateways.plaid_answers import exact
from budgetbuddy.gateways.resilience import PLAID, Guard, Timeout
from budgetbuddy.problems import Problem, UpstreamInvalid, UpstreamUnavailable
from localcloud.doubles.faults import Fault
from localcloud.doubles.plaid import PlaidDouble

from .conftest import BANK, ManualTime

USER = UserRef(id="usr", subject="pseudonym")
ACCOUNTS, EXCHANGE = "/accounts/get", "/item/public_token/exchange"
BROKEN = Fault(status=500, code="INTERNAL_SERVER_ERROR")


def banks(url: str, time: ManualTime, *, secret: str = "secret", minimum: int = 100) -> PlaidBanks:
    policy = replace(
        PLAID,
        timeout=Timeout(connect=0.5, read=0.5),
        breaker=BreakerPolicy(
            failure_ratio=0.5, window=100, minimum=minimum, open_seconds=9, successes=1
        ),
    )
    access = PlaidAccess(base_url=url, client_id="client", secret=secret, webhook_url="https://x")
    return PlaidBanks(access, Guard(policy, monotonic=time, pause=time.pause))


@pytest.fixture
def token(plaid: PlaidDouble) -> str:
    """An access token of a bank."""
    return plaid.banks.exchange(plaid.banks.public_token(BANK), "")[0]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(BROKEN, id="500"),
        pytest.param(
            Fault(status=429, kind="RATE_LIMIT_EXCEEDED", code="ACCOUNTS_LIMIT"), id="429"
        ),
        pytest.param(Fault(body=b'{"accounts": [', promised=999), id="half a body"),
        pytest.param(Fault(status=503, body=b"<html>"), id="a proxy's page"),
    ],
)
def test_a_read_that_fails_once_is_read_again(
    plaid: PlaidDouble, plaid_url: str, time: ManualTime, token: str, fault: Fault
) -> None:
    plaid.fail(ACCOUNTS, fault)

    assert banks(plaid_url, time).institution(token).id == BANK
    assert plaid.calls[ACCOUNTS] == 2


def test_a_read_that_keeps_failing_is_given_up_after_three_attempts(
    plaid: PlaidDouble, plaid_url: str, time: ManualTime, token: str
) -> None:
    plaid.fail(ACCOUNTS, BROKEN, times=9)

    with pytest.raises(UpstreamUnavailable):
        banks(plaid_url, time).institution(token)
    assert plaid.calls[ACCOUNTS] == 3


def test_no_call_waits_for_ever(
    plaid: PlaidDouble, plaid_url: str, time: ManualTime, token: str
) -> None:
    plaid.fail(ACCOUNTS, Fault(hangs=True), times=3)

    with pytest.raises(UpstreamUnavailable):
        banks(plaid_url, time).institution(token)


def test_a_public_token_is_shown_once_whatever_happens(
    plaid: PlaidDouble, plaid_url: str, time: ManualTime
) -> None:
    plaid.fail(EXCHANGE, BROKEN)

    with pytest.raises(UpstreamUnavailable):
        banks(plaid_url, time).exchange(plaid.banks.public_token(BANK))
    assert plaid.calls[EXCHANGE] == 1


def test_nobody_there_is_unavailable(time: ManualTime) -> None:
    with pytest.raises(UpstreamUnavailable):
        banks("http://127.0.0.1:1", time).create_link_token(USER, redirect_uri=None)


def test_the_breaker_stops_asking_a_broken_plaid(
    plaid: PlaidDouble, plaid_url: str, time: ManualTime, token: str
) -> None:
    guarded = banks(plaid_url, time, minimum=2)
    plaid.fail(ACCOUNTS, BROKEN, times=6)
    for _ in range(3):
        with pytest.raises(UpstreamUnavailable):
            guarded.institution(token)

    assert plaid.calls[ACCOUNTS] == 6
    time.advance(9)
    assert guarded.institution(token).id == BANK


def test_wrong_credentials_of_ours_are_no_fault_of_the_users(
    plaid: PlaidDouble, plaid_url: str, time: ManualTime, token: str
) -> None:
    del plaid
    with pytest.raises(UpstreamInvalid):
        banks(plaid_url, time, secret="").institution(token)


def test_no_token_and_no_body_is_in_what_is_raised(
    plaid: PlaidDouble, plaid_url: str, time: ManualTime, token: str
) -> None:
    plaid.fail(ACCOUNTS, Fault(status=400, kind=token, code=token))
    provider = banks(plaid_url, time)

    with pytest.raises(Problem) as caught:
        provider.institution(token)
    chain: BaseException | None = caught.value
    while chain is not None:
        assert token not in repr(chain) + str(chain)
        chain = chain.__cause__


@pytest.mark.parametrize(
    ("number", "code", "text"),
    [
        (12.5, "USD", "12.50"),
        (-0.1, "EUR", "-0.10"),
        (1e3, "JPY", "1000"),
        (1.234, "KWD", "1.234"),
        (8.29, "USD", "8.29"),
        (0.001, "USD", None),
        (1.5, "JPY", None),
        (1.0, "XXX", None),
        (1.0, None, None),
        (None, "USD", None),
        (float("nan"), "USD", None),
        (float("inf"), "USD", None),
    ],
)
def test_a_json_number_is_exact_or_no_amount(
    number: float | None, code: str | None, text: str | None
) -> None:
    amount = exact(number, code)

    assert (None if amount is None else str(amount)) == text
