"""Give an idempotency key back: what was asked was refused, changed nothing, and may be asked again."""

from __future__ import annotations

from payment_hub.domain.requests import Claim
from payment_hub.hub import Hub
from payment_hub.store import requests


def release_request(hub: Hub, *, caller: str, key: str) -> None:
    """Forget the claim, unless an answer is kept under it."""
    with hub.transaction() as session:
        requests.release(session, Claim(caller, key, b""))
