"""Every POST is done once: the Idempotency-Key header, and the first answer given again.

What changed something (2xx) is kept for 24 hours. A refusal changed nothing, so it is not kept: the same key may be
sent again when the reason is gone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Final

from flask import Response, request

from payment_hub.current import current_hub
from payment_hub.domain.errors import MissingIdempotencyKey
from payment_hub.domain.idempotency import KEPT, Claim
from payment_hub.operations.idempotency import claim_request, release_request, store_answer
from payment_hub.web.api.answers import answer_text
from payment_hub.web.api.auth import current_caller

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)

#: Of the first answer's headers, those that belong to its content.
_KEPT_HEADERS: Final = ("ETag", "Location")

EXPIRY_HEADER: Final = "Idempotency-Key-Expires-In"
REPLAYED_HEADER: Final = "Idempotent-Replayed"


def current_claim() -> Claim:
    """The identity of the request that is being answered. Raises MissingIdempotencyKey."""
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise MissingIdempotencyKey
    return Claim(current_caller().name, key, _digest())


def with_claim_headers(answer: Response, *, replayed: bool) -> Response:
    """The answer with how long the key is kept, and whether it was given before."""
    answer.headers[EXPIRY_HEADER] = str(int(KEPT.total_seconds()))
    if replayed:
        answer.headers[REPLAYED_HEADER] = "true"
    return answer


def once(view: Callable[..., Response]) -> Callable[..., Response]:
    """Let ``view`` run once for each key; later requests get its first answer."""

    @wraps(view)
    def run_once(*args: object, **named: object) -> Response:
        hub, claim = current_hub(), current_claim()
        stored = claim_request(hub, caller=claim.caller, key=claim.key, request_sha256=claim.request_sha256)
        if stored is not None:
            return with_claim_headers(answer_text(stored.body, stored.status, stored.headers), replayed=True)
        try:
            answer = view(*args, **named)
        except Exception:
            release_request(hub, caller=claim.caller, key=claim.key)
            raise
        store_answer(
            hub,
            caller=claim.caller,
            key=claim.key,
            status=answer.status_code,
            body=answer.get_data(as_text=True),
            headers={name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers},
        )
        return with_claim_headers(answer, replayed=False)

    return run_once


def _digest() -> bytes:
    digest = hashlib.sha256(f"{request.method}\n{request.path}\n".encode())
    digest.update(request.get_data())
    return digest.digest()
