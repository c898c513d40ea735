"""Idempotency: the claim on a key, and the stored answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

#: How long the first answer to a key is kept.
KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Claim:
    """One request of one caller, identified by its key."""

    caller: str
    key: str
    request_sha256: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a claimed request; ``replayed`` when the same answer was sent before."""

    status: int
    body: str
    replayed: bool = False


#: How long a request may run before another with the same key may take its place.
LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to a request, kept for repetitions."""

    status: int
    body: str
    headers: Mapping[str, str]
