"""Pinned keys over real TLS: both SDKs, a server of our own authority, and an operator's switch."""

import datetime as dt
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import make_server

from budgetbuddy import admin
from budgetbuddy.domain.pinning import PinningMode
from budgetbuddy.domain.ports import UserRef
from budgetbuddy.domain.services import Services
from budgetbuddy.gateways.pinning import PinningSwitch, Pins, pin_of
from budgetbuddy.gateways.plaid import PlaidAccess, PlaidBanks
from budgetbuddy.gateways.resilience import PLAID, STRIPE, Guard
from budgetbuddy.gateways.stripe import StripeAccess, StripeBilling
from budgetbuddy.problems import UpstreamUnavailable
from budgetbuddy.settings import InvalidSettings, Settings, load_settings
from localcloud.doubles.plaid import PlaidDouble
from localcloud.doubles.stripe import StripeDouble

from ..conftest import environment  # noqa: TID252 - fixtures' module
from .conftest import ManualTime

ANN = UserRef(id="usr_1", subject="ab" * 16)
OTHER = frozenset({"sha256/" + "A" * 43 + "="})
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
ENFORCE, REPORT, OFF = PinningMode.ENFORCE, PinningMode.REPORT, PinningMode.OFF
Records = Callable[[], list[dict[str, Any]]]


@dataclass(frozen=True)
class Authority:
    """Signs certificates; `pem` is what is trusted, `pin` of its own key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pin(self) -> str:
        return pin_of(self.certificate.public_bytes(serialization.Encoding.DER))

    def keep(self, directory: Path, *, host: str = "localhost", days: int = 1) -> tuple[Path, str]:
        """A file with a server's key and chain that ends in so many days, and its pin."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        leaf = certificate(host, key, self.key, "authority", days, (names, False))
        path = directory / f"{host}{days}.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + leaf.public_bytes(serialization.Encoding.PEM)
        )
        return path, pin_of(leaf.public_bytes(serialization.Encoding.DER))


def certificate(  # noqa: PLR0913, PLR0917 - what a certificate says
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    issuer: str,
    days: int,
    extension: tuple[x509.ExtensionType, bool],
) -> x509.Certificate:
    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    built = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 2 * DAY)
        .not_valid_after(NOW + days * DAY)
        .add_extension(extension[0], critical=extension[1])
    )
    return built.sign(signer, hashes.SHA256())


@pytest.fixture(scope="module")
def authority() -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    basic = x509.BasicConstraints(ca=True, path_length=0)
    return Authority(key, certificate("authority", key, key, "authority", 1, (basic, True)))


@pytest.fixture
def trusted(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The machine trusts it."""
    path = tmp_path / "authority.pem"
    path.write_bytes(authority.certificate.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return authority


@contextmanager
def over_tls(app: Any, chain: Path) -> Iterator[str]:
    """A double behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    server = make_server("127.0.0.1", 0, app, threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Sdk:
    """One provider: its double, and a call through its SDK."""

    app: Any
    calls: Any
    ask: Callable[[str, Pins], object]


def through_plaid() -> Sdk:
    double = PlaidDouble()

    def ask(url: str, pins: Pins) -> object:
        access = PlaidAccess(base_url=url, client_id="c", secret="s", webhook_url="")
        banks = PlaidBanks(access, Guard(PLAID, pause=lambda _: None), pins)
        return banks.create_link_token(ANN, redirect_uri=None)

    return Sdk(double.app, double.calls, ask)


def through_stripe() -> Sdk:
    double = StripeDouble()

    def ask(url: str, pins: Pins) -> object:
        access = StripeAccess(base_url=url, key="rk_test_1", prices={})
        guard = Guard(STRIPE, pause=lambda _: None)
        return StripeBilling(access, guard, pins).create_customer(ANN)

    return Sdk(double.app(), double.calls, ask)


@pytest.fixture(params=[through_plaid, through_stripe])
def provider(request: pytest.FixtureRequest) -> Sdk:
    made: Sdk = request.param()
    return made


def pins(mode: PinningMode, *keys: str) -> Pins:
    return Pins("plaid", frozenset(keys), lambda: mode)


def mismatches(records: Records) -> int:
    return sum(record.get("PinningMismatch", 0) for record in records())


# --- Match and mismatch --------------------------------------------------------------------------


def test_any_key_of_the_chain_may_be_pinned_the_backup_as_well(
    provider: Sdk, trusted: Authority, tmp_path: Path, records: Records
) -> None:
    chain, leaf = trusted.keep(tmp_path)
    with over_tls(provider.app, chain) as url:
        for keys in ((leaf, *OTHER), (*OTHER, trusted.pin)):
            assert provider.ask(url, pins(ENFORCE, *keys))
    assert mismatches(records) == 0


@pytest.mark.parametrize("keys", [OTHER, frozenset()])
def test_without_a_pinned_key_nothing_is_sent_where_that_is_enforced(
    provider: Sdk, trusted: Authority, tmp_path: Path, records: Records, keys: frozenset[str]
) -> None:
    with (
        over_tls(provider.app, trusted.keep(tmp_path)[0]) as url,
        pytest.raises(UpstreamUnavailable),
    ):
        provider.ask(url, pins(ENFORCE, *keys))

    assert not provider.calls
    assert mismatches(records) > 0
    assert any(record.get("event") == "security.pin_mismatch" for record in records())


@pytest.mark.parametrize(("mode", "told"), [(REPORT, 1), (OFF, 0)])
def test_a_mismatch_is_only_told_where_it_is_reported_and_not_even_that_where_it_is_off(  # noqa: PLR0913, PLR0917 - fixtures
    provider: Sdk,
    trusted: Authority,
    tmp_path: Path,
    records: Records,
    mode: PinningMode,
    told: int,
) -> None:
    with over_tls(provider.app, trusted.keep(tmp_path)[0]) as url:
        assert provider.ask(url, pins(mode, *OTHER))

    assert mismatches(records) == told


def test_a_pin_replaces_neither_the_authority_nor_the_name_nor_the_date(
    provider: Sdk, trusted: Authority, authority: Authority, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    basic = x509.BasicConstraints(ca=True, path_length=0)
    stranger = Authority(key, certificate("authority", key, key, "authority", 1, (basic, True)))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for chain, leaf in (
        stranger.keep(elsewhere),
        authority.keep(tmp_path, host="other.example"),
        authority.keep(tmp_path, days=-1),
    ):
        allowed = pins(ENFORCE, leaf, trusted.pin, stranger.pin)
        with over_tls(provider.app, chain) as url, pytest.raises(UpstreamUnavailable):
            provider.ask(url, allowed)
    assert not provider.calls


# --- The switch ----------------------------------------------------------------------------------


def test_the_switch_reaches_connections_that_are_kept_within_a_minute(
    trusted: Authority, tmp_path: Path, time: ManualTime
) -> None:
    flags: list[str | None] = [None]
    mode = PinningSwitch(OFF, lambda: flags[0], tells_relaxed=False, monotonic=time)
    double = StripeDouble()
    with over_tls(double.app(), trusted.keep(tmp_path)[0]) as url:
        access = StripeAccess(base_url=url, key="rk_test_1", prices={})
        billing = StripeBilling(access, Guard(STRIPE), Pins("stripe", OTHER, mode))
        billing.create_customer(ANN)
        flags[0] = "enforce"
        billing.create_customer(ANN)
        time.advance(60)
        with pytest.raises(UpstreamUnavailable):
            billing.create_customer(ANN)
        flags[0] = "off"
        time.advance(60)
        billing.create_customer(ANN)
        flags[0] = None
        time.advance(60)
        billing.create_customer(ANN)


def test_while_the_flag_cannot_be_read_the_last_word_holds(time: ManualTime) -> None:
    def flag() -> str | None:
        if time.now > 1_000:
            raise UpstreamUnavailable
        return "enforce"

    mode = PinningSwitch(REPORT, flag, tells_relaxed=False, monotonic=time)
    assert mode() is ENFORCE
    time.advance(61)
    assert mode() is ENFORCE


@pytest.mark.parametrize(("configured", "relaxed"), [(ENFORCE, 0), (REPORT, 1), (OFF, 1)])
def test_production_tells_once_a_minute_whether_pins_are_enforced(
    time: ManualTime, records: Records, configured: PinningMode, relaxed: int
) -> None:
    mode = PinningSwitch(configured, lambda: None, tells_relaxed=True, monotonic=time)
    for _ in range(4):
        mode()
        time.advance(30)

    told = [record["PinningRelaxed"] for record in records() if "PinningRelaxed" in record]
    assert told == [relaxed, relaxed]


def test_an_operator_flips_the_switch_and_leaves_a_row_in_a_chain_of_their_own(
    wired: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    for value in ("enforce", "off", "default"):
        assert admin.main(["set-flag", "pinning", value], wired) == 0
        assert wired.flags.get("pinning") == (None if value == "default" else value)

    assert capsys.readouterr().out.splitlines()[-1] == '{"flag": "pinning", "value": "default"}'
    store = wired.jobs._store  # type: ignore[attr-defined]  # noqa: SLF001 - the rows below
    rows = store.audit.query("AUD#~operator")
    assert [row["ev"] for row in rows] == ["flag.set"] * 3
    assert [row["prev"] for row in rows[1:]] == [row["hash"] for row in rows[:-1]]


def test_the_service_reads_the_flag_of_its_own_table(wired: Services, settings: Settings) -> None:
    assert settings.pinning_mode is REPORT
    wired.flags.set("pinning", "off", request_id="r")

    assert wired.pinning() is OFF


# --- Configuration -------------------------------------------------------------------------------

TWO = json.dumps([f"sha256/{letter * 43}=" for letter in "AB"])


@pytest.mark.parametrize(
    ("pinned", "fault"),
    [
        ("{}", "OUTBOUND_PINS has fewer than 2 pins of sandbox.plaid.com"),
        (f'{{"sandbox.plaid.com": {TWO}}}', "OUTBOUND_PINS has fewer than 2 pins of api.stripe"),
        ('{"api.stripe.com": ["sha1/abc"]}', "OUTBOUND_PINS is not valid"),
    ],
)
def test_what_is_enforced_has_a_backup(pinned: str, fault: str) -> None:
    with pytest.raises(InvalidSettings, match=fault):
        load_settings(environment(PINNING_MODE="enforce", OUTBOUND_PINS=pinned))


def test_pins_are_those_of_the_host_that_is_called() -> None:
    pinned = f'{{"sandbox.plaid.com": {TWO}, "api.stripe.com": {TWO}}}'
    settings = load_settings(environment(PINNING_MODE="enforce", OUTBOUND_PINS=pinned))

    assert len(settings.pins_of(settings.plaid_origin)) == 2
    assert settings.pins_of("https://elsewhere.example") == frozenset()
