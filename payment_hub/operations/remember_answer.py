"""Keep the answer to a request, to be given again when the same request comes again."""

from __future__ import annotations

from collections.abc import Mapping

from payment_hub.domain.requests import Claim, StoredAnswer
from payment_hub.hub import Hub
from payment_hub.store import requests


def remember_answer(
    hub: Hub, *, caller: str, key: str, status: int, body: str, headers: Mapping[str, str]
) -> None:
    """Keep ``status``, ``body`` and ``headers`` under a key that was claimed before."""
    with hub.transaction() as session:
        requests.remember(session, Claim(caller, key, b""), StoredAnswer(status, body, headers))
