"""How messages are altered and calls go wrong, for every bank alike."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

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


Rewritten = Iterator[tuple[str, CallbackRequest]]


def rewritten(genuine: CallbackRequest) -> Rewritten:
    """The message with every field removed, repeated, emptied, changed in type, size and case; reordered; one more."""
    if genuine.body[:1] in (b"{", b"["):
        yield from _json(genuine)
    else:
        part = "body" if genuine.body else "query"
        yield from _form(genuine, part)
    if genuine.body and genuine.query:
        raise AssertionError("a message in two places needs a rule of its own")
    yield "a query more", dataclasses.replace(genuine, query=genuine.query + b"&amount=1")


def _json(genuine: CallbackRequest) -> Rewritten:
    whole = json.loads(genuine.body)

    def written(value: Any, **how: Any) -> CallbackRequest:
        return altered_part(genuine, "body", json.dumps(value, **how).encode())

    for path in _places(whole):
        for what, value in _other_values(_at(whole, path)):
            yield f"{path} {what}", written(_with(whole, path, value))
        yield f"{path} removed", written(_without(whole, path))
        if isinstance(path[-1], str):
            yield f"{path} renamed", written(_renamed(whole, path))
            yield f"{path} twice", altered_part(genuine, "body", _repeated(genuine.body, path[-1]))
    if isinstance(whole, dict):
        yield "one more", written({**whole, "more": "1"})
        yield "reordered", written(dict(reversed(whole.items())))
    yield "in a list", written([whole])
    yield "as text", written(json.dumps(whole))
    yield "escaped", written(whole, ensure_ascii=True, indent=1)


def _form(genuine: CallbackRequest, part: str) -> Rewritten:
    pairs = parse_qsl(getattr(genuine, part).decode(), keep_blank_values=True)

    def written(given: list[tuple[str, str]]) -> CallbackRequest:
        return altered_part(genuine, part, urlencode(given).encode())

    for at, (name, value) in enumerate(pairs):
        before, after = pairs[:at], pairs[at + 1 :]
        yield f"{name} removed", written(before + after)
        yield f"{name} twice", written([*pairs, (name, value)])
        yield f"{name} twice, otherwise", written([*pairs, (name, f"{value}0")])
        yield f"{name} renamed", written([*before, (name.upper() + "x", value), *after])
        for what, other in _other_values(value):
            yield f"{name} {what}", written([*before, (name, "" if other is None else str(other)), *after])
    yield "one more", written([*pairs, ("more", "1")])
    yield "reordered", written(list(reversed(pairs)))
    plus = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    yield "spaces as %20", altered_part(genuine, part, plus.encode())
    yield "as JSON", altered_part(genuine, part, json.dumps(dict(pairs)).encode())


def _other_values(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, bool) or value is None:
        yield "turned", not value
        return
    if isinstance(value, int):
        yield from {
            "as text": str(value),
            "x100": value * 100,
            "one more": value + 1,
            "negative": -value,
        }.items()
        yield "with a fraction", float(value) + 0.5
    if isinstance(value, str):
        yield from {
            "emptied": "",
            "null": None,
            "in other case": value.swapcase(),
            "spaced": f" {value}",
        }.items()
        yield "accented", f"{value}\u1ec7"
        if value.isdecimal() and len(value) < 16:
            yield from {
                "as a number": int(value),
                "x100": f"{value}00",
                "with a fraction": f"{value}.0",
            }.items()
    yield "as a list", [value]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value, and, where a text holds JSON itself, its whole text only."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inside:
        yield (*path, name)
        yield from _places(child, (*path, name))


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _with(whole: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(whole)
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _without(whole: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(whole)
    del _at(changed, path[:-1])[path[-1]]
    return changed


def _renamed(whole: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(whole)
    holder = _at(changed, path[:-1])
    holder[f"{path[-1]}x"] = holder.pop(path[-1])
    return changed


def _repeated(body: bytes, name: str) -> bytes:
    """The same body with ``name`` standing twice, the second time with another value."""
    marker = json.dumps(name).encode() + b":"
    at = body.replace(marker + b" ", marker + b" ").find(marker)
    if at < 0:
        at = body.find(json.dumps(name).encode())
    return body[:at] + json.dumps(name).encode() + b": 1, " + body[at:]
