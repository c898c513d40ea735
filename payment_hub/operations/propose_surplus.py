"""Propose by itself to give back what came twice, too much, or for what is withdrawn."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from payment_hub.domain.references import CHANCE_BITS
from payment_hub.domain.refund import THE_HUB
from payment_hub.domain.refundable import Surplus, limits_of, surplus
from payment_hub.hub import Hub
from payment_hub.store import orders, refunds
from payment_hub.store.refund_proposals import Proposal, payee_of, propose
from payment_hub.store.refunds import OrderMoney

#: What was told within this time is looked at often; the rest once an hour, because money becomes too much long after
#: it came: another order may settle what it was paid for.
RECENT: Final = timedelta(minutes=10)
_LOOKED_BACK: Final = timedelta(days=366)
_PAGE: Final = 200


def propose_surplus(hub: Hub, *, looked_back: timedelta = _LOOKED_BACK) -> int:
    """How many refunds were proposed. Each order in its own transaction; what was proposed once is not again.

    An officer still has to approve each, and as a rule only when the money stands in a statement.
    """
    since, after, made = hub.now() - looked_back, 0, 0
    while True:
        with hub.transaction() as session:
            found = refunds.with_surplus(session, since, after, _PAGE)
        made += sum(_propose_for(hub, reference) for reference in dict.fromkeys(name for _, name in found))
        if len(found) < _PAGE:
            return made
        after = found[-1][0]


def _propose_for(hub: Hub, reference: str) -> int:
    with hub.transaction() as session:
        # Most have nothing too much: nobody is kept waiting for them.
        if not _found(session, reference)[1]:
            return 0
        orders.lock(session, reference)
        known, found = _found(session, reference)
        for one in found:
            limits = limits_of(hub.adapters.get(one.collected.bank))
            chance = secrets.randbits(CHANCE_BITS)
            propose(
                session,
                known,
                _proposal(one),
                limits,
                at=hub.now(),
                chance=chance,
                checkout_url=hub.checkout_url,
            )
            known = refunds.order_money(session, reference)
        return len(found)


def _found(session: Session, reference: str) -> tuple[OrderMoney, tuple[Surplus, ...]]:
    known = refunds.order_money(session, reference)
    proposed = refunds.proposed_of(session, known.row["order_id"])
    return known, surplus(known.standing, known.money, proposed, withdrawn=known.row["withdrawn"])


def _proposal(one: Surplus) -> Proposal:
    refund_id = f"{THE_HUB}:{one.collected.key}"
    return Proposal(
        refund_id=refund_id,
        asked_sha256=hashlib.sha256(refund_id.encode()).digest(),
        collected=one.collected,
        amount=one.amount,
        reason=one.reason,
        words="",
        proposed_by=THE_HUB,
        payee=payee_of(one.collected, None, THE_HUB),
    )
