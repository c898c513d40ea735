"""What a bank shows in ``Authorization: Bearer``: a token that was agreed, or one that it signs and that ends."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bank_adapters.toolkit.json_fields import Fields, read_object, whole
from payment_hub.domain.errors import Malformed

_LONGEST: Final = 4096


def bearer_token(headers: Mapping[str, str]) -> bytes | None:
    """The token in the header, names in lower case; None where there is none."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    shown = given.encode("utf-8", "replace")
    return shown if scheme.lower() == "bearer" and 0 < len(shown) <= _LONGEST else None


def is_one_of(given: bytes, tokens: Sequence[bytes]) -> bool:
    """Whether ``given`` is a token that was agreed, compared in constant time."""
    return True in [hmac.compare_digest(given, token) for token in tokens]


def is_jwt(given: bytes, keys: Sequence[bytes], now: datetime) -> bool:
    """Whether ``given`` is a JWT (RFC 7519) signed with HS256 under one of ``keys`` that has not ended at ``now``.

    No other algorithm is known, whatever its header says; one without an end is refused.
    """
    signed, _, signature = given.rpartition(b".")
    header, _, claims = signed.partition(b".")
    try:
        if not is_one_of(_decoded(signature), [hmac.digest(key, signed, "sha256") for key in keys]):
            return False
        header_fields, claim_fields = read_object(_decoded(header)), read_object(_decoded(claims))
        begun = "nbf" not in claim_fields or whole(claim_fields, "nbf") <= now.timestamp()
        return _is_plain(header_fields) and begun and now.timestamp() < whole(claim_fields, "exp")
    except (Malformed, binascii.Error):
        return False


def _is_plain(header: Fields) -> bool:
    return header.get("alg") == "HS256" and "crit" not in header


def _decoded(part: bytes) -> bytes:
    """base64url without padding, in its one spelling. Raises binascii.Error."""
    raw = base64.b64decode(part + b"=" * (-len(part) % 4), b"-_", validate=True)
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != part:
        raise binascii.Error
    return raw
