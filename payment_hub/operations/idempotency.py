"""Claim an idempotency key before doing what was asked, so that it is done once however often it is asked.

Keep the answer to a request, to be given again when the same request comes again.

Give an idempotency key back: what was asked was refused, changed nothing, and may be asked again.

Remove answers that were kept long enough.
"""

from __future__ import annotations

from collections.abc import Mapping

from payment_hub.domain.idempotency import Claim, StoredAnswer
from payment_hub.hub import Hub
from payment_hub.store import idempotency


def claim_request(hub: Hub, *, caller: str, key: str, request_sha256: bytes) -> StoredAnswer | None:
    """Nothing when the request is ours to carry out; otherwise the answer that was given the first time.

    The claim is committed at once and holds for a minute. Raises IdempotencyConflict when the key was used for another
    request, RequestStillRunning while the first is under way.
    """
    wanted = Claim(caller, key, request_sha256)
    with hub.transaction() as session:
        if idempotency.claim_key(session, wanted, hub.now()):
            return None
        return idempotency.stored_answer(session, wanted)


def store_answer(
    hub: Hub, *, caller: str, key: str, status: int, body: str, headers: Mapping[str, str]
) -> None:
    """Keep ``status``, ``body`` and ``headers`` under a key that was claimed before."""
    with hub.transaction() as session:
        idempotency.store_answer(session, Claim(caller, key, b""), StoredAnswer(status, body, headers))


def release_request(hub: Hub, *, caller: str, key: str) -> None:
    """Forget the claim, unless an answer is kept under it."""
    with hub.transaction() as session:
        idempotency.release_key(session, Claim(caller, key, b""))


def delete_expired_answers(hub: Hub) -> int:
    """Remove every answer whose time is over; how many that were."""
    with hub.transaction() as session:
        return idempotency.delete_expired(session, hub.now())
