"""JWTs made with Python's own hmac, and every way in which one is none."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.banks.examples import NOON

Claims = Mapping[str, Any]

NOW: Final = int(NOON.timestamp())
HS256: Final[Claims] = {"alg": "HS256", "typ": "JWT"}
CLAIMS: Final[Claims] = {"sub": "bidv", "iat": NOW - 60, "exp": NOW + 1}


def a_jwt(header: Claims, claims: Claims, key: str, digest: str = "sha256") -> str:
    """The compact form, signed."""
    signed = f"{_part(json.dumps(header).encode())}.{_part(json.dumps(claims).encode())}"
    return f"{signed}.{_part(hmac.digest(key.encode(), signed.encode(), digest))}"


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unsigned(key: str) -> str:
    head = _part(json.dumps({"alg": "none"}).encode())
    return f"{head}.{_part(json.dumps(CLAIMS).encode())}."


def _longer_lived(key: str) -> str:
    header, _, signature = a_jwt(HS256, CLAIMS, key).split(".")
    return f"{header}.{_part(json.dumps({**CLAIMS, 'exp': NOW + 9_000}).encode())}.{signature}"


def _last_letter(key: str) -> str:
    """The last letter of 32 bytes carries two bits that mean nothing: another spelling of the same signature."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = a_jwt(HS256, CLAIMS, key)
    return token[:-1] + letters[letters.index(token[-1]) ^ 1]


SPOILT: Final[Mapping[str, Callable[[str], str]]] = {
    "nothing": lambda key: "",
    "one word": lambda key: "abc",
    "dots": lambda key: "..",
    "many dots": lambda key: a_jwt(HS256, CLAIMS, key) + ".x",
    "alg none": _unsigned,
    "alg none, signed": lambda key: a_jwt({"alg": "none"}, CLAIMS, key),
    "alg None": lambda key: a_jwt({"alg": None}, CLAIMS, key),
    "no alg": lambda key: a_jwt({"typ": "JWT"}, CLAIMS, key),
    "alg HS512": lambda key: a_jwt({"alg": "HS512"}, CLAIMS, key, "sha512"),
    "alg HS512, signed with SHA-256": lambda key: a_jwt({"alg": "HS512"}, CLAIMS, key),
    "alg in small letters": lambda key: a_jwt({"alg": "hs256"}, CLAIMS, key),
    "alg RS256": lambda key: a_jwt({"alg": "RS256"}, CLAIMS, key),
    "something critical": lambda key: a_jwt({**HS256, "crit": ["b64"], "b64": False}, CLAIMS, key),
    "another key": lambda key: a_jwt(HS256, CLAIMS, key + "x"),
    "no key": lambda key: a_jwt(HS256, CLAIMS, ""),
    "ended": lambda key: a_jwt(HS256, {**CLAIMS, "exp": NOW}, key),
    "endless": lambda key: a_jwt(HS256, {"sub": "bidv"}, key),
    "ends in words": lambda key: a_jwt(HS256, {**CLAIMS, "exp": str(NOW + 60)}, key),
    "not begun": lambda key: a_jwt(HS256, {**CLAIMS, "nbf": NOW + 60}, key),
    "altered": _longer_lived,
    "claims in a list": lambda key: a_jwt(HS256, [], key),  # type: ignore[arg-type]
    "spelled otherwise": _last_letter,
    "padded": lambda key: a_jwt(HS256, CLAIMS, key) + "=",
    "spaced": lambda key: " " + a_jwt(HS256, CLAIMS, key),
    "not ASCII": lambda key: a_jwt(HS256, CLAIMS, key) + "\u0110",
    "huge": lambda key: a_jwt(HS256, {**CLAIMS, "x": "x" * 5000}, key),
}
