"""The HTTP side of webhooks, against real listeners on loopback."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.client import NotConnected
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from payment_hub import outbound
from payment_hub.domain.webhooks import AddressPolicy, WebhookAnswer, read_webhook_url
from payment_hub.outbound import WebhookSender, excerpt
from tests.worlds.receivers import Receiver, a_receiver, hang_up, status

TRIAL = AddressPolicy(allow_loopback=True)
STRICT = AddressPolicy()
TCP = socket.AF_INET


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses to which a connection was tried; only those on this machine are really connected to."""
    seen: list[str] = []
    connect = socket.socket.connect

    def spy(sock: socket.socket, place: tuple[str, int]) -> None:
        seen.append(place[0])
        if not place[0].startswith("127."):
            raise ConnectionRefusedError
        connect(sock, place)

    monkeypatch.setattr(outbound._Bounded, "connect", spy)
    return seen


def post(url: str, policy: AddressPolicy = TRIAL, seconds: float = 2, **more: Any) -> WebhookAnswer:
    with WebhookSender(policy, seconds=seconds, **more) as sender:
        return sender.post(url, {"webhook-id": "evt_1"}, b'{"id":"evt_1"}')


def names(*addresses: str, port: int = 443) -> outbound.Resolve:
    """A resolver that knows one name with these addresses."""
    return lambda host, asked: [(TCP, (address, port)) for address in addresses]


def test_the_body_and_the_headers_arrive_as_they_were_given(receiver: Receiver) -> None:
    answer = post(receiver.url + "?tenant=7")
    [request] = receiver.requests
    assert (answer.status, request.method, request.path) == (200, "POST", "/webhooks?tenant=7")
    assert request.body == b'{"id":"evt_1"}'
    assert request.headers["webhook-id"] == "evt_1"
    assert request.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("code", [200, 204, 302, 307, 400, 410, 500, 503])
def test_the_status_comes_back_whatever_it_is(receiver: Receiver, code: int) -> None:
    receiver.behaviour = status(code, b"" if code == 204 else b"said")
    assert post(receiver.url).status == code


def test_a_redirect_is_not_followed_not_even_to_the_same_machine(receiver: Receiver) -> None:
    with a_receiver() as inside:
        for code in (301, 302, 303, 307, 308):
            receiver.behaviour = status(code, Location=inside.url)
            assert post(receiver.url).status == code
        assert inside.connections == 0


def test_messages_to_one_receiver_share_a_connection(receiver: Receiver) -> None:
    receiver.behaviour = status(200, b"thank you")
    with WebhookSender(TRIAL) as sender:
        assert [sender.post(receiver.url, {}, b"{}").status for _ in range(5)] == [200] * 5
    assert receiver.connections == 1


def test_a_receiver_that_closes_after_each_answer_is_called_again(receiver: Receiver) -> None:
    receiver.behaviour = status(200, Connection="close")
    with WebhookSender(TRIAL) as sender:
        assert [sender.post(receiver.url, {}, b"{}").status for _ in range(3)] == [200] * 3
    assert receiver.connections == 3


def test_a_receiver_that_closes_without_saying_so_is_called_again(receiver: Receiver) -> None:
    def answer_and_leave(handler: BaseHTTPRequestHandler) -> None:
        status(200)(handler)
        handler.close_connection = True

    receiver.behaviour = answer_and_leave
    with WebhookSender(TRIAL) as sender:
        assert [sender.post(receiver.url, {}, b"{}").status for _ in range(20)] == [200] * 20


def test_a_long_answer_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.behaviour = status(200, b"x" * 5_000_000)
    with WebhookSender(TRIAL) as sender:
        answers = [sender.post(receiver.url, {}, b"{}") for _ in range(2)]
    assert [(answer.status, answer.text) for answer in answers] == [(200, "x" * 500)] * 2


def test_silence_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        answer = post(f"http://127.0.0.1:{deaf.getsockname()[1]}/", seconds=0.3)
    assert (answer.status, answer.text) == (None, "no answer in time")
    assert 250 <= answer.milliseconds < 1500
    assert post("http://127.0.0.1:9/", seconds=0).text == "no answer in time"


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"]
)
def test_an_answer_that_drips_ends_at_the_same_deadline(receiver: Receiver, first: bytes) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(first)
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    receiver.behaviour = drip
    answer = post(receiver.url, seconds=0.4)
    assert (answer.status, answer.text) == (None, "no answer in time")
    assert answer.milliseconds < 1500


def test_a_receiver_that_hangs_up_gave_no_answer(receiver: Receiver) -> None:
    receiver.behaviour = hang_up
    answer = post(receiver.url)
    assert (answer.status, answer.text) == (None, "the connection ended without an answer")


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 x\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200]
)
def test_an_answer_that_is_not_http_is_no_answer(receiver: Receiver, said: bytes) -> None:
    def speak(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(said)
        handler.close_connection = True

    receiver.behaviour = speak
    assert post(receiver.url).status is None


def test_nobody_listening_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    answer = post(f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.text) == (None, "the connection was refused")


def test_this_machine_is_not_called_unless_that_is_allowed(receiver: Receiver, dialled: list[str]) -> None:
    for host in (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "127.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
    ):
        for scheme in ("http", "https"):
            assert post(f"{scheme}://{host}:{receiver.port}/", STRICT).status is None
    assert (receiver.connections, dialled) == (0, [])


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.8",
        "169.254.169.254",
        "0.0.0.0",
        "192.168.1.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "fec0::1",
        "fd00:ec2::254",
    ],
)
def test_a_name_that_leads_inside_is_not_called(receiver: Receiver, dialled: list[str], address: str) -> None:
    for found in ([address], ["93.184.216.34", address], [address, "93.184.216.34"]):
        answer = post("https://portal.test/", STRICT, resolve=names(*found, port=receiver.port))
        assert (answer.status, answer.text) == (None, "the host's address may not be used for webhooks")
    assert (receiver.connections, dialled) == (0, [])


def test_a_name_that_changes_after_the_check_leads_nowhere_else(
    receiver: Receiver, dialled: list[str]
) -> None:
    """DNS rebinding: a public address for the first question, this machine for every later one."""
    answers = iter(["93.184.216.34"])

    def rebinding(host: str, port: int) -> list[tuple[int, outbound.SocketAddress]]:
        return [(TCP, (next(answers, "127.0.0.1"), receiver.port))]

    answer = post("https://portal.test/", STRICT, resolve=rebinding)
    assert (answer.status, dialled, receiver.connections) == (None, ["93.184.216.34"], 0)


def test_a_connection_that_was_closed_never_resolves_the_name_by_itself() -> None:
    ours, theirs = socket.socketpair()
    address = read_webhook_url("https://localhost/", TRIAL)
    with theirs, outbound._Bounded(fileno=ours.detach()) as sock:
        connection = outbound._Pinned(address, sock)
        connection.close()
        with pytest.raises(NotConnected):
            connection.request("POST", "/")


def test_the_next_address_of_a_name_is_tried_when_the_first_does_not_answer(
    receiver: Receiver, dialled: list[str]
) -> None:
    found = ["127.0.0.9", "127.0.0.1"]
    answer = post("http://localhost/", resolve=names(*found, port=receiver.port))
    assert (answer.status, dialled) == (200, found)


def test_a_name_that_cannot_be_resolved_is_no_answer() -> None:
    def nothing(host: str, port: int) -> list[tuple[int, outbound.SocketAddress]]:
        raise socket.gaierror(-2, "Name or service not known")

    assert post("https://portal.test/", resolve=nothing).text == "the host name could not be resolved"
    assert post("https://portal.test/", resolve=names()).text == "no connection (OSError)"


def test_a_proxy_of_the_surroundings_is_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert post(receiver.url).status == 200
        assert proxy.connections == 0


def test_an_excerpt_can_be_stored_and_shown_whatever_the_answer_holds() -> None:
    assert excerpt(b"ok\x00\x1b[31m\xff\xe2\x80\xae\r\nnext") == "ok\ufffd\ufffd[31m\ufffd\ufffd\ufffd\nnext"
    assert len(excerpt(b"\xff" * 5000).encode()) <= 500
    assert excerpt("đồng".encode() * 200).encode().startswith("đồng".encode())
    assert len(excerpt("đồng" * 200).encode()) <= 500
