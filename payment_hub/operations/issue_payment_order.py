"""Issue a payment order: promise that one obligation can be paid until a deadline."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from payment_hub.domain.day import business_day
from payment_hub.domain.errors import (
    Forbidden,
    HubUnavailable,
    IdempotencyConflict,
    ObligationClosed,
    ObligationNotFound,
    OpenOrderExists,
    RequestStillRunning,
)
from payment_hub.domain.keys import Caller
from payment_hub.domain.notice import EventType
from payment_hub.domain.receipt import yearly_series
from payment_hub.domain.references import CHANCE_BITS, new_reference
from payment_hub.domain.requests import KEPT, Answered, Claim
from payment_hub.hub import Hub, Statements
from payment_hub.store.claims import AlreadyClaimed
from payment_hub.store.issuing import read_for_issue, write_issue
from payment_hub.store.order_rows import order_view

TRIES = 100
"""Each lost race means that somebody else changed the obligation, which shows at the next reading."""


def issue_payment_order(
    hub: Hub,
    *,
    caller: Caller,
    agency: str,
    obligation_reference: str,
    minutes: int | None,
    return_url: str | None,
    claim: Claim,
) -> Answered:
    """The answer (201 and the order), stored with the order in one commit and given again for the same key.

    Raises IdempotencyConflict, RequestStillRunning, ObligationNotFound, ObligationClosed, OpenOrderExists (with the
    open order's reference as detail), HubUnavailable.
    """
    if caller.portal_id is None:
        raise Forbidden("only a portal issues payment orders")
    life = hub.order_life if minutes is None else timedelta(minutes=minutes)
    with hub.at_once() as connection:
        for _ in range(TRIES):
            known = read_for_issue(
                connection, caller=claim.caller, key=claim.key, agency=agency, obligation=obligation_reference
            )
            if known["request_sha256"] is not None:
                return _earlier_answer(known, claim)
            _refuse_closed(known)
            facts = _facts(hub, known, caller.portal_id, life, return_url)
            body = _write(connection, facts, claim)
            if body is not None:
                return Answered(201, body)
    raise HubUnavailable("too many changes of one obligation at once")


def _earlier_answer(known: Mapping[str, Any], claim: Claim) -> Answered:
    if known["request_sha256"] != claim.request_sha256:
        raise IdempotencyConflict(claim.key)
    if known["answered_status"] is None:
        raise RequestStillRunning(claim.key)
    return Answered(known["answered_status"], known["answered_body"], replayed=True)


def _refuse_closed(known: Mapping[str, Any]) -> None:
    if known["obligation_id"] is None:
        raise ObligationNotFound("no such obligation")
    if known["withdrawn"] or known["settled_by"] is not None:
        raise ObligationClosed("withdrawn" if known["withdrawn"] else "settled")
    if known["unsettled"] is not None:
        raise OpenOrderExists(known["unsettled"])


def _facts(
    hub: Hub, known: Mapping[str, Any], portal_id: int, life: timedelta, return_url: str | None
) -> dict[str, Any]:
    """Everything that the statement writes."""
    now = hub.now()
    zero = known["amount"] == 0
    types = [EventType.ISSUED, EventType.PAID] if zero else [EventType.ISSUED]
    facts = {
        **{
            name: known[name]
            for name in ("order_id", "obligation_id", "obligation_version", "agency_id", "gate")
        },
        "reference": new_reference(now, secrets.randbits(CHANCE_BITS)),
        "portal_id": portal_id,
        "required": known["amount"],
        "order_currency": known["currency"],
        "return_url": return_url,
        "now": now,
        "expires_at": now + life,
        "types": types,
        "first_sequence": 1,
        "receipt": zero,
        "template": known["receipt_template"],
        "series": yearly_series(known["receipt_series"], business_day(now).year),
        "paid_in": known["amount"],
        "day": business_day(now),
        "key_expires_at": now + KEPT,
    }
    facts["data"] = json.dumps(_view(hub, known, facts, now), ensure_ascii=False, separators=(",", ":"))
    return facts


def _view(hub: Hub, known: Mapping[str, Any], facts: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    reference = facts["reference"]
    fresh = {
        "sequence": len(facts["types"]),
        "currency": known["currency"],
        "received": 0,
        "refunded": 0,
        "late": False,
        "conflict": False,
        "held": False,
        "issued_at": now,
        "cancelled_at": None,
        "cancel_reason": None,
        "expired_at": None,
        "receipt_serial": None,
    }
    return order_view({**known, **facts, **fresh}, hub.checkout_url(reference)).as_wire()


def _write(connection: Statements, facts: dict[str, Any], claim: Claim) -> str | None:
    key = {"caller": claim.caller, "key": claim.key, "request_sha256": claim.request_sha256}
    try:
        return write_issue(connection, facts | key)
    except AlreadyClaimed:
        # The key, or the one open order of this obligation, was claimed since we looked: look again.
        return None
