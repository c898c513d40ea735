"""The HTTP client against real sockets: what banks do wrong is one kind of failure, and never takes long."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bank_adapters.toolkit.http_client import HttpClient, parse_page, reading_answer
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed, MalformedBody


class Bank(BaseHTTPRequestHandler):
    """Each path is another way to misbehave."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        getattr(self, "say_" + self.path.strip("/").replace("-", "_"))()

    do_POST = do_GET

    def say_well(self, body: bytes = b'{"a": 1}', status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def say_error(self) -> None:
        self.say_well(status=500)

    def say_teapot(self) -> None:
        self.say_well(status=418)

    def say_elsewhere(self) -> None:
        self.say_well(b"", status=307, Location="/well")

    def say_cookie(self) -> None:
        self.say_well(self.headers.get("Cookie", "none").encode(), Set_Cookie="a=b")

    def say_from_where(self) -> None:
        self.say_well(str(self.client_address).encode())

    def say_echo(self) -> None:
        self.say_well(
            self.rfile.read(int(self.headers["Content-Length"])), X_Type=self.headers["Content-Type"]
        )

    def say_silent(self) -> None:
        self.close_connection = True
        time.sleep(1.5)

    def say_dripping(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(40):
            try:
                self.wfile.write(b"x")
            except OSError:  # the client has gone, which is the point
                return
            time.sleep(0.1)

    def say_endless(self) -> None:
        self.say_well(b"x" * (2 << 20))

    def say_cut_off(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x")
        self.close_connection = True

    def say_chunked(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        return


@pytest.mark.parametrize("path", ["error", "teapot", "elsewhere", "silent", "dripping", "endless", "cut-off"])
def test_every_failure_is_bank_unavailable_and_soon(address: str, client: HttpClient, path: str) -> None:
    started = time.monotonic()
    with pytest.raises(BankUnavailable, match="vietbank"):
        client.get(f"{address}/{path}", headers={})
    assert time.monotonic() - started < 3.5


def test_an_answer_is_given_as_raw_bytes_with_lower_case_names(address: str, client: HttpClient) -> None:
    answer = client.post_json(f"{address}/echo", {"tên": "Đức"})
    assert answer.status == 200
    assert answer.body == b'{"t\\u00ean": "\\u0110\\u1ee9c"}'
    assert answer.headers["x-type"] == "application/json"


def test_a_chunked_answer_is_read_whole(address: str, client: HttpClient) -> None:
    assert client.get(f"{address}/chunked", headers={}).body == b"abcde"


def test_a_status_can_be_expected(address: str, client: HttpClient) -> None:
    assert client.get(f"{address}/teapot", headers={}, expect=(418,)).status == 418


def test_the_largest_answer_can_be_allowed(address: str, client: HttpClient) -> None:
    assert len(client.get(f"{address}/endless", headers={}, largest=2 << 20).body) == 2 << 20


def test_no_cookie_is_kept(address: str, client: HttpClient) -> None:
    for _ in range(2):
        assert client.get(f"{address}/cookie", headers={}).body == b"none"


def test_nobody_listening_is_bank_unavailable(client: HttpClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(BankUnavailable):
            client.get(f"http://127.0.0.1:{taken.getsockname()[1]}/", headers={})


@pytest.mark.parametrize("error", [CallbackRejected(), Malformed("x"), MalformedBody("y")])
def test_an_answer_that_cannot_be_believed_is_none(error: Exception) -> None:
    with pytest.raises(BankUnavailable, match="vietbank"), reading_answer("vietbank"):
        raise error


@pytest.fixture
def client() -> HttpClient:
    return HttpClient("vietbank", read_seconds=1)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bank)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_connection_is_kept_and_used_again(address: str, client: HttpClient) -> None:
    """Whatever was asked before it; a failure may cost one connection, not the next ones."""
    from_where = {client.get(f"{address}/from-where", headers={}).body for _ in range(5)}
    client.post_json(f"{address}/echo", {"a": 1})
    from_where.add(client.get(f"{address}/from-where", headers={}).body)
    assert len(from_where) == 1
    with pytest.raises(BankUnavailable):
        client.get(f"{address}/error", headers={})
    after = {client.get(f"{address}/from-where", headers={}).body for _ in range(5)}
    assert len(after) == 1


@pytest.mark.parametrize(
    "address",
    [
        "",
        "None",
        "/pay",
        "//pay.test/x",
        "http://pay.test/x",
        "javascript:alert(1)",
        "shopeevn://pay",
        "https://pay.test@evil.test/",
        "https://pay.test\\@evil.test/",
        "https://pay.test/a b",
        "https://pay.test/\n",
        "https://pay.test/\u00e9",
        "https://[pay.test/",
        "https://pay.test/?" + "x" * 4000,
    ],
)
def test_no_citizen_is_sent_there(address: str) -> None:
    with pytest.raises(Malformed):
        parse_page(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://pay.test/x",
        "https://pay.test:8443/x?a=1&b=%2F#c",
        "http://127.0.0.1:9/pay?x=1",
        "https://pay.test?x",
    ],
)
def test_the_address_stays_as_it_is(address: str) -> None:
    assert parse_page(address) == address
