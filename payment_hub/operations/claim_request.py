"""Claim an idempotency key before doing what was asked, so that it is done once however often it is asked."""

from __future__ import annotations

from payment_hub.domain.requests import Claim, StoredAnswer
from payment_hub.hub import Hub
from payment_hub.store import requests


def claim_request(hub: Hub, *, caller: str, key: str, request_sha256: bytes) -> StoredAnswer | None:
    """Nothing when the request is ours to carry out; otherwise the answer that was given the first time.

    The claim is committed at once and holds for a minute. Raises IdempotencyConflict when the key was used for another
    request, RequestStillRunning while the first is under way.
    """
    wanted = Claim(caller, key, request_sha256)
    with hub.transaction() as session:
        if requests.claim(session, wanted, hub.now()):
            return None
        return requests.first_answer(session, wanted)
