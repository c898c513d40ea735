"""Propose that money goes back: the sum is reserved, and another person must approve it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from payment_hub.domain.errors import (
    IdempotencyConflict,
    Malformed,
    RefundableChanged,
    RefundBlocked,
    RefundExceeds,
)
from payment_hub.domain.keys import Caller, Role
from payment_hub.domain.money import Money
from payment_hub.domain.references import CHANCE_BITS, parse_reference
from payment_hub.domain.refund import Reason
from payment_hub.domain.refund_views import RefundView
from payment_hub.domain.refundable import limits_of, money_to_return
from payment_hub.hub import Hub
from payment_hub.store import refund_lists, refunds
from payment_hub.store.refund_proposals import Proposal, payee_of, propose
from payment_hub.store.refunds import OrderMoney


def propose_refund(
    hub: Hub,
    *,
    caller: Caller,
    reference: str,
    refund_id: str,
    refundable: Money,
    amount: Money,
    reason: Reason,
    words: str,
    collection: tuple[str, str] | None = None,
    payee: Mapping[str, Any] | None = None,
) -> RefundView:
    """The proposal; the same request again gives it again, however far it has come.

    ``refundable`` is the balance that the caller saw, ``collection`` the bank and its transaction whose money is
    meant. Raises MalformedReference, OrderNotFound, CollectionNotFound; IdempotencyConflict when the id was used for
    another request; Malformed, RefundableChanged, RefundExceeds, RefundBlocked.
    """
    plain = parse_reference(reference)
    asked = repr(
        (caller.name, refundable, amount, reason, words, collection, payee and sorted(payee.items()))
    )
    digest = hashlib.sha256(asked.encode()).digest()
    with hub.transaction() as session:
        known = refunds.lock_order(session, plain, caller)
        earlier = refunds.find(session, known.row["order_id"], refund_id)
        if earlier is None:
            _refuse(caller, known, refundable, amount)
            money = money_to_return(known.money, amount.minor, collection, reason)
            to = payee_of(money, payee, caller.name)
            proposal = Proposal(refund_id, digest, money, amount.minor, reason, words, caller.holder, to)
            by_bank = limits_of(hub.adapters.get(money.bank))
            now, chance = hub.now(), secrets.randbits(CHANCE_BITS)
            propose(session, known, proposal, by_bank, at=now, chance=chance, checkout_url=hub.checkout_url)
        elif earlier.asked_sha256 != digest:
            raise IdempotencyConflict(refund_id)
        return refund_lists.one(session, caller, known.row["order_id"], refund_id)


def _refuse(caller: Caller, known: OrderMoney, refundable: Money, amount: Money) -> None:
    now = Money(known.refundable, known.row["currency"])
    if refundable != now:
        raise RefundableChanged(f"it is {now} {now.currency} now")
    if amount.minor <= 0:
        raise Malformed("nothing to give back", pointers={"/amount/amount": "Must be more than 0."})
    if now < amount:
        raise RefundExceeds(f"at most {now} {now.currency}")
    # What a bank has told in two ways only a person may decide about, who has looked into it.
    if known.standing.conflict and caller.role not in (Role.OFFICER, Role.OPERATOR):
        raise RefundBlocked("banks contradict each other about this order")
