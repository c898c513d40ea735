"""Idempotency: claim a key before a request is carried out, store its answer, release or delete it."""

from __future__ import annotations

from collections.abc import Mapping

from payment_hub.domain.idempotency import Claim, StoredAnswer
from payment_hub.hub import Hub
from payment_hub.store import idempotency


def claim_request(hub: Hub, *, caller: str, key: str, request_sha256: bytes) -> StoredAnswer | None:
    """None when the request is to be carried out; otherwise the answer to the first one.

    The claim is committed at once and holds for a minute. Raises IdempotencyConflict when the key was used for another
    request, RequestStillRunning while the first is under way.
    """
    claim = Claim(caller, key, request_sha256)
    with hub.transaction() as session:
        if idempotency.claim_key(session, claim, hub.now()):
            return None
        return idempotency.stored_answer(session, claim)


def store_answer(
    hub: Hub, *, caller: str, key: str, status: int, body: str, headers: Mapping[str, str]
) -> None:
    """Keep ``status``, ``body`` and ``headers`` under a key that was claimed before."""
    with hub.transaction() as session:
        idempotency.store_answer(session, Claim(caller, key, b""), StoredAnswer(status, body, headers))


def release_request(hub: Hub, *, caller: str, key: str) -> None:
    """Release a claim whose request was refused and changed nothing, unless an answer is stored."""
    with hub.transaction() as session:
        idempotency.release_key(session, Claim(caller, key, b""))


def delete_expired_answers(hub: Hub) -> int:
    """Delete the expired answers; how many."""
    with hub.transaction() as session:
        return idempotency.delete_expired(session, hub.now())
