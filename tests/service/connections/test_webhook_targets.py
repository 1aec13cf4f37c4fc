"""Where webhooks may lead: as text, as addresses, and on the wire."""

import itertools
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from budgetbuddy.domain.deliveries import ANSWER_BYTES, Fault
from budgetbuddy.domain.webhooks import TargetNotAllowed
from budgetbuddy.gateways.outgoing import PARALLEL, READ_BYTES, WebhookSender
from budgetbuddy.security.addresses import Target, TargetRules, is_public

from .receivers import (
    HOST,
    LOOPBACK,
    PUBLIC,
    Certified,
    Network,
    Receiver,
    certified,
    receiving,
    saying,
)

URL = f"https://{HOST}/in?key=1"
RULES = TargetRules(own_hosts=["api.budgetbuddy.example"])


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://HOOKS.example.com:443/a/b?c=d",
        "https://xn--bcher-kva.example/",
        "https://a-b.c9.example.co/%20",
    ],
)
def test_an_https_address_of_a_public_name_is_allowed(url: str) -> None:
    target = RULES.target(url)

    assert (target.port, target.secure) == (443, True)
    assert target.host == target.host.lower()
    assert target.path.startswith("/")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://hooks.example.com:22/",
        "https://user%3Asecret@hooks.example.com/".replace("%3A", ":"),
        "https://hooks.example.com@127.0.0.1/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://localhost/",
        "https://intranet/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "https://service.localhost/",
        "https://1.0.0.127.in-addr.arpa/",
        "https://api.budgetbuddy.example/",
        "https://x.api.budgetbuddy.example/",
        "https://hooks.example.com./",
        "https://-hooks.example.com/",
        "https://hooks..example.com/",
        "https://b\u00fccher.example/",
        "https://hooks.example.com\uff0fpath",
        "https://hooks.example.com/\r\nHost: evil.example",
        "https://hooks.example.com/ space",
        "https://hooks.example.com/#fragment",
        "https://hooks.example.com\\@127.0.0.1/",
        "https:hooks.example.com/",
        "https:///hooks.example.com/",
        " https://hooks.example.com/",
        "https://hooks.example.com/\n",
        "https://" + "a" * 64 + ".example.com/",
        "https://" + ".".join(["a" * 60] * 5) + ".com/",
        "https://hooks.example.com/" + "a" * 2_048,
        f"http://{LOOPBACK}:8080/",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(TargetNotAllowed):
        RULES.target(url)


def test_a_laptop_may_reach_itself_and_nothing_else_by_http() -> None:
    rules = TargetRules(loopback=True)

    expected = Target(host=LOOPBACK, port=9_000, path="/in", secure=False)
    assert rules.target("http://127.0.0.1:9000/in") == expected
    for url in ("http://127.0.0.2:9000/", "http://localhost:9000/", "http://10.0.0.1:80/"):
        with pytest.raises(TargetNotAllowed):
            rules.target(url)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


def test_a_translated_public_address_is_public() -> None:
    assert is_public("64:ff9b::5db8:d822")  # a network without IPv4 gives it to every name


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # noqa: S104 - refused
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2002:c0a8:1::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "hooks.example.com",
        "",
    ],
)
def test_addresses_of_networks_within_are_not_public(address: str) -> None:
    assert not is_public(address)


# --- On the wire ---------------------------------------------------------------------------------


@pytest.fixture
def sender(network: Network, certificate: Certified) -> WebhookSender:
    return sender_of(network, certificate.client)


def sender_of(network: Network, tls: ssl.SSLContext, **more: Any) -> WebhookSender:
    return WebhookSender(RULES, resolve=network.resolve, dial=network.dial, tls=tls, **more)


def posted(sender: WebhookSender, url: str = URL) -> Any:
    answer = sender.post(url, {"X-Test": "1"}, b'{"a":1}')
    assert answer is not None
    return answer


def test_a_name_is_resolved_once_and_the_connection_carries_it(
    sender: WebhookSender, network: Network, receiver: Receiver
) -> None:
    answer = posted(sender)

    assert (answer.fault, answer.status, answer.text) == (None, 200, "thanks")
    assert (network.asked, network.dialled) == ([HOST], [(PUBLIC, 443)])
    assert receiver.names == [HOST]
    (request,) = receiver.received
    assert (request.path, request.body) == ("/in?key=1", b'{"a":1}')
    assert (request.headers["Host"], request.headers["X-Test"]) == (HOST, "1")


def test_a_name_that_changes_its_mind_leads_nowhere_within(
    sender: WebhookSender, network: Network, records: Callable[[], list[dict[str, Any]]]
) -> None:
    network.answers = [[PUBLIC], ["169.254.169.254"]]

    assert posted(sender).fault is None
    assert network.dialled == [(PUBLIC, 443)]
    assert posted(sender).fault is Fault.ADDRESS
    assert network.dialled == [(PUBLIC, 443)]
    assert [line["SsrfBlocked"] for line in records() if "SsrfBlocked" in line] == [1]


@pytest.mark.parametrize(
    "answer", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["::ffff:127.0.0.1"], ["fd00:ec2::254"], []]
)
def test_one_address_within_is_one_too_many(
    sender: WebhookSender, network: Network, answer: list[str]
) -> None:
    network.answers = [answer]

    assert posted(sender).fault is Fault.ADDRESS
    assert network.dialled == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(
    sender: WebhookSender, receiver: Receiver, network: Network, status: int
) -> None:
    receiver.status = status
    receiver.headers = {"Location": "https://169.254.169.254/latest/meta-data/"}
    answer = posted(sender)

    assert (answer.fault, answer.status) == (Fault.STATUS, status)
    assert len(network.dialled) == len(receiver.received) == 1


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500, 503])
def test_only_2xx_is_a_delivery(sender: WebhookSender, receiver: Receiver, status: int) -> None:
    receiver.status = status

    assert posted(sender).fault is Fault.STATUS


def test_only_the_beginning_of_an_answer_is_kept(sender: WebhookSender, receiver: Receiver) -> None:
    receiver.body = b"x" * 500_000

    assert posted(sender).text == "x" * ANSWER_BYTES


def test_a_certificate_for_another_name_or_of_nobody_we_trust_is_refused(
    network: Network, receiver: Receiver, certificate: Certified, tmp_path: Path
) -> None:
    other = certified(tmp_path, "other.example.com")
    stranger = sender_of(network, other.client)
    assert posted(stranger).fault is Fault.CERTIFICATE

    with receiving(other.server) as named_otherwise:
        lost = sender_of(Network(port=named_otherwise.port), other.client)
        assert posted(lost).fault is Fault.CERTIFICATE
    assert receiver.received == []
    assert certificate


def test_a_peer_that_sends_a_byte_at_a_time_is_left_after_the_whole_time() -> None:
    rules = TargetRules(loopback=True)
    sender = WebhookSender(rules, all_seconds=0.3)
    head = iter(b"HTTP/1.1 200 OK\r\n")
    drops = itertools.chain((bytes([b]) for b in head), itertools.repeat(b"X"))
    with saying(drops, pause=0.02) as port:
        answer = posted(sender, f"http://{LOOPBACK}:{port}/")

    assert answer.fault is Fault.TIMEOUT
    assert 250 <= answer.millis < 2_000


def test_a_peer_that_says_nothing_is_left_after_the_whole_time() -> None:
    sender = WebhookSender(TargetRules(loopback=True), all_seconds=0.2)
    with saying(iter([b""]), pause=30) as port:
        answer = posted(sender, f"http://{LOOPBACK}:{port}/")

    assert answer.fault is Fault.TIMEOUT


def test_headers_without_end_are_not_read_to_their_end() -> None:
    sender = WebhookSender(TargetRules(loopback=True))
    lines = itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"X: " + b"y" * 9_000))
    with saying(lines) as port:
        answer = posted(sender, f"http://{LOOPBACK}:{port}/")

    assert answer.fault is Fault.ANSWER
    assert READ_BYTES < 100_000


def test_a_peer_that_speaks_no_http_or_is_not_there_is_a_fault() -> None:
    sender = WebhookSender(TargetRules(loopback=True))
    with saying(iter([b"SSH-2.0-OpenSSH\r\n"])) as port:
        assert posted(sender, f"http://{LOOPBACK}:{port}/").fault is Fault.ANSWER
    assert posted(sender, f"http://{LOOPBACK}:{port}/").fault is Fault.CONNECTION


def test_a_name_that_nobody_knows_or_that_takes_too_long_is_a_fault(
    certificate: Certified,
) -> None:
    def nowhere(host: str, port: int) -> list[str]:
        raise OSError(host, port)

    sender = WebhookSender(RULES, resolve=nowhere, tls=certificate.client)
    assert posted(sender).fault is Fault.UNKNOWN_HOST


def test_a_resolver_that_hangs_is_left(certificate: Certified) -> None:
    never = threading.Event()

    def hanging(host: str, port: int) -> list[str]:
        never.wait(10)
        return [host, str(port)]

    sender = WebhookSender(RULES, resolve=hanging, tls=certificate.client, all_seconds=0.2)
    assert posted(sender).fault is Fault.UNKNOWN_HOST
    never.set()


def test_slow_receivers_take_some_places_and_no_more() -> None:
    sender = WebhookSender(TargetRules(loopback=True))
    taken = [sender._places.acquire(blocking=False) for _ in range(PARALLEL)]  # noqa: SLF001 - as calls would

    assert all(taken)
    assert sender.post(f"http://{LOOPBACK}:1/", {}, b"") is None
