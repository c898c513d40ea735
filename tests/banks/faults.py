"""How messages are altered and calls go wrong, for every bank alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import requests
import responses

from payment_hub.domain.banks.values import CallbackRequest

FAILURES: Mapping[str, Exception | dict[str, Any]] = {
    "no answer in time": requests.ReadTimeout(),
    "no route": requests.ConnectionError(),
    "a server error": {"status": 500, "body": b"{}"},
    "a refusal": {"status": 400, "body": b"{}"},
    "a redirect": {"status": 302, "headers": {"Location": "https://elsewhere.test/"}},
    "an empty answer": {"status": 200, "body": b""},
    "something that is not JSON": {"status": 200, "body": b"<html>"},
    "an unsigned answer": {"status": 200, "json": {"status": "PAID", "vnp_ResponseCode": "00"}},
    "a list": {"status": 200, "body": b"[]"},
    "a truncated answer": {"status": 200, "body": b'{"resultCode": 0, "amount": 150'},
    "too many questions": {"status": 429, "headers": {"Retry-After": "30"}, "body": b"{}"},
    "an answer without end": {"status": 200, "body": b"[" * (1 << 21)},
}


def altered_part(genuine: CallbackRequest, part: str, content: bytes) -> CallbackRequest:
    """The message with another ``body`` or ``query``."""
    if part == "body":
        return dataclasses.replace(genuine, body=content)
    return dataclasses.replace(genuine, query=content)


def altered_bits(genuine: CallbackRequest) -> Iterator[CallbackRequest]:
    """The message with each single bit of body and query turned."""
    for part in ("body", "query"):
        whole: bytes = getattr(genuine, part)
        for place in range(len(whole)):
            for bit in range(8):
                altered = bytearray(whole)
                altered[place] ^= 1 << bit
                yield altered_part(genuine, part, bytes(altered))


def altered_headers(genuine: CallbackRequest, name: str) -> Iterator[CallbackRequest]:
    """The message without the header, with each character changed, and with forms that confuse readers."""
    value = genuine.headers[name]
    without = {other: text for other, text in genuine.headers.items() if other != name}
    changed = [value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :] for at in range(len(value))]
    wholes = [
        "",
        " ",
        value[:-1],
        value + " ",
        " " + value,
        value + ".",
        value * 2,
        value + ",",
        "\u0663" + value,
    ]
    wholes += ["\x00", "\ud800", "\u00e9" * 40, "9" * 5000, "-1", "1e9", "1_0"]
    wholes += ["v1", "v1,", ",", "v1,=", "v1,====", "v1 " + value]
    yield dataclasses.replace(genuine, headers=without)
    for text in changed + wholes:
        yield dataclasses.replace(genuine, headers={**without, name: text})


class Failing:
    """The bank's addresses answer, or fail, so for as long as this is entered; and each must have been called.

    An answer is what ``responses`` takes: an error to raise, words for ``add``, or a function for ``add_callback``.
    """

    def __init__(self, addresses: tuple[tuple[str, str], ...], failure: Any) -> None:
        self._addresses, self._failure, self._wire = addresses, failure, responses.RequestsMock()

    def __enter__(self) -> None:
        self._wire.__enter__()
        for method, address in self._addresses:
            if callable(self._failure):
                self._wire.add_callback(method, address, self._failure)
            else:
                given = self._failure if isinstance(self._failure, dict) else {"body": self._failure}
                self._wire.add(method, address, **given)

    def __exit__(self, *failure: object) -> None:
        self._wire.__exit__(*failure)


def refuses(kind: type[Exception], call: Callable[[], object]) -> bool:
    """Whether the call raises just this kind of refusal."""
    try:
        call()
    except kind:
        return True
    return False
