"""The HTTP side of a webhook: one POST to an address that a portal chose, never to a place inside our network.

A name is resolved once for each connection, every address of it is checked, and the connection goes to those addresses
and nowhere else: http.client is never given a name to resolve. Redirects are not followed; proxies and cookies are not
used. One deadline holds for the whole exchange, however slowly the bytes come.
"""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Final, Self, cast

from payment_hub.domain.errors import Malformed
from payment_hub.domain.webhooks import (
    AddressPolicy,
    WebhookAddress,
    WebhookAnswer,
    may_connect,
    read_webhook_url,
)

CONNECT_SECONDS: Final = 1.0
TOTAL_SECONDS: Final = 15.0
EXCERPT_BYTES: Final = 500
#: So much of an answer is read, to keep the connection; a longer one costs the connection.
_READ_BYTES: Final = 1 << 14
#: A name with many addresses is tried at the first of them only.
_TRIED_ADDRESSES: Final = 3

#: An address as ``socket.connect`` takes it: the IP address first.
SocketAddress = tuple[Any, ...]
Resolve = Callable[[str, int], list[tuple[int, SocketAddress]]]


def resolve(host: str, port: int) -> list[tuple[int, SocketAddress]]:
    """Family and socket address of every address of a name. Raises OSError."""
    return [
        (family, place) for family, _, _, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    ]


class AddressRefused(Exception):
    """The name leads, or may lead, to a place where webhooks must not go."""


class _Bounded(socket.socket):
    """A socket with one deadline for all reads: with a time limit for each, a slow receiver could go on for ever."""

    deadline: float = 0.0

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining(self.deadline))
        return super().recv_into(*args, **kwargs)


class _BoundedTls(_Bounded, ssl.SSLSocket):
    """The same over TLS."""


class _Pinned(HTTPConnection):
    """HTTP over a socket that is connected to a checked address; it never opens another one by itself."""

    auto_open = 0
    sock: _Bounded | Any

    def __init__(self, address: WebhookAddress, sock: _Bounded) -> None:
        super().__init__(address.host, address.port)
        if address.scheme == "https":
            self.default_port = 443  # so that the Host header names the port only when it is unusual
        self.sock = sock


@cache
def _trust() -> ssl.SSLContext:
    """The certificate authorities that this machine trusts; read once, because that takes tens of milliseconds."""
    return ssl.create_default_context()


class WebhookSender:
    """Posts webhooks one after the other and keeps the connection to the last receiver. For one thread."""

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        seconds: float = TOTAL_SECONDS,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._seconds = seconds
        self._resolve = resolve
        self._tls = tls
        self._kept: tuple[WebhookAddress, _Pinned] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._disconnect()

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookAnswer:
        """POST ``body``. A fault of the address, the network or the receiver is in the answer, never raised."""
        began = time.monotonic()
        status: int | None = None
        text: bytes | str
        try:
            address = read_webhook_url(url, self._policy)
            status, text = self._exchange(address, headers, body, began + self._seconds)
        except Malformed as error:
            text = error.detail
        except AddressRefused:
            text = "the host's address may not be used for webhooks"
        except (OSError, HTTPException, ValueError) as error:
            text = _failure_text(error)
        if status is None:
            self._disconnect()
        return WebhookAnswer(status, excerpt(text), round((time.monotonic() - began) * 1000))

    def _exchange(
        self, address: WebhookAddress, headers: Mapping[str, str], body: bytes, deadline: float
    ) -> tuple[int, bytes]:
        kept = self._kept_connection(address)
        if kept is not None:
            # The receiver may close it in this very moment; then the message goes out on a fresh one.
            with suppress(ConnectionError, ssl.SSLEOFError):
                return self._send(kept, address, headers, body, deadline)
        self._disconnect()
        connection = _Pinned(address, self._dial(address, deadline))
        self._kept = address, connection
        return self._send(connection, address, headers, body, deadline)

    def _send(
        self,
        connection: _Pinned,
        address: WebhookAddress,
        headers: Mapping[str, str],
        body: bytes,
        deadline: float,
    ) -> tuple[int, bytes]:
        connection.sock.deadline = deadline
        connection.sock.settimeout(_remaining(deadline))
        connection.request("POST", address.target, body, dict(headers))
        with connection.getresponse() as answer:
            text = answer.read(_READ_BYTES)
            if not answer.isclosed():
                self._disconnect()
            return answer.status, text

    def _dial(self, address: WebhookAddress, deadline: float) -> _Bounded:
        """A socket connected to one of the checked addresses. Raises OSError, AddressRefused."""
        failure = OSError("the name has no address")
        for family, place in self._checked(address)[:_TRIED_ADDRESSES]:
            sock = _Bounded(family, socket.SOCK_STREAM)
            try:
                sock.settimeout(min(CONNECT_SECONDS, _remaining(deadline)))
                sock.connect(place)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(_remaining(deadline))
                return self._wrap(sock, address.host) if address.scheme == "https" else sock
            except OSError as error:
                sock.close()
                failure = error
        raise failure

    def _wrap(self, sock: _Bounded, host: str) -> _BoundedTls:
        """TLS, with a certificate for the name in the URL whatever the address is."""
        tls = self._tls or _trust()
        tls.sslsocket_class = _BoundedTls
        return cast(_BoundedTls, tls.wrap_socket(sock, server_hostname=host))

    def _checked(self, address: WebhookAddress) -> list[tuple[int, SocketAddress]]:
        """The name's addresses now. One that is not allowed refuses all: an honest name has none."""
        places = self._resolve(address.host, address.port)
        if not all(may_connect(place[0], address, self._policy) for _, place in places):
            raise AddressRefused
        return places

    def _kept_connection(self, address: WebhookAddress) -> _Pinned | None:
        """The connection of the message before, if it led to the same place and is still open and silent."""
        if self._kept is None:
            return None
        kept_for, connection = self._kept
        same = (kept_for.scheme, kept_for.host, kept_for.port) == (address.scheme, address.host, address.port)
        if not same or connection.sock is None or select.select([connection.sock], [], [], 0)[0]:
            return None
        return connection

    def _disconnect(self) -> None:
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None


def excerpt(text: bytes | str) -> str:
    """The first 500 bytes of an answer as text fit to be stored and shown: no NUL, no control characters."""
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    shown = raw[:EXCERPT_BYTES].decode("utf-8", "replace")
    clean = "".join(
        char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in shown
    )
    return clean.encode()[:EXCERPT_BYTES].decode("utf-8", "ignore")


def _remaining(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def _failure_text(error: Exception) -> str:
    """Why there was no answer, as the portal's developers read it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {error.verify_message}"
    texts = (text for kind, text in _REASONS if isinstance(error, kind))
    return next(texts, f"no connection ({type(error).__name__})")


#: The first kind that fits gives the text.
_REASONS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "no answer in time"),
    (socket.gaierror, "the host name could not be resolved"),
    (ssl.SSLError, "TLS could not be set up"),
    (ConnectionRefusedError, "the connection was refused"),
    (ConnectionError, "the connection ended without an answer"),
    (HTTPException, "the answer was not HTTP"),
)
