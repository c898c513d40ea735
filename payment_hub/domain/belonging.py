"""What an order's facts amount to, and where its money belongs: asked when money comes and when it goes."""

from __future__ import annotations

from dataclasses import replace

from payment_hub.domain.ledger import Account, Allocation, Transfer, allocate, transfers
from payment_hub.domain.standing import OrderAfter, OrderStanding


def facts_after(
    order: OrderStanding,
    *,
    received: int | None = None,
    accepted: int | None = None,
    late: bool = False,
    conflict: bool = False,
    other_currency: bool = False,
) -> OrderAfter:
    """The order's facts with what has just been learnt; what is not named stays as it is."""
    received = order.received if received is None else received
    accepted = order.accepted if accepted is None else accepted
    conflict, other_currency = order.conflict or conflict, order.other_currency or other_currency
    may_settle = owed(order, conflict) and received > order.given_back
    settled = order.settled_here or (may_settle and accepted - order.given_back_accepted >= order.required)
    # By what its status goes: a refund that is only on its way must not let an order look paid that is not settled.
    kept = received - order.refunded
    may_not = kept > 0 and not settled and (not order.still_owed or kept >= order.required)
    return OrderAfter(
        received=received,
        accepted=accepted,
        late=order.late or late,
        conflict=conflict,
        other_currency=other_currency,
        held=conflict or other_currency or may_not,
        settled=settled,
    )


def owed(order: OrderStanding, conflict: bool) -> bool:
    """Whether money for this order may settle its obligation."""
    return order.settled_here or (order.still_owed and not conflict)


def allocation(order: OrderStanding, after: OrderAfter) -> Allocation:
    """Where the money that is still here belongs."""
    return allocate(
        required=order.required,
        received=after.received - order.given_back,
        accepted=after.accepted - order.given_back_accepted,
        owed=owed(order, after.conflict),
        part_payments=order.part_payments,
        settled=order.settled_here,
    )


def without(order: OrderStanding, amount: int, *, accepted: bool) -> OrderStanding:
    """The order when ``amount`` of it has been given back; a negative one has come back. ``accepted`` says whether it
    came from money that may settle."""
    return replace(
        order,
        given_back=order.given_back + amount,
        given_back_accepted=order.given_back_accepted + (amount if accepted else 0),
    )


def leaving(order: OrderStanding, amount: int, *, accepted: bool, to: Account) -> tuple[Transfer, ...]:
    """The postings by which ``amount`` leaves the order's accounts: first what is too much, then what is owed."""
    left = without(order, amount, accepted=accepted)
    return transfers(order.posted, allocation(left, facts_after(left)), 0, amount, to)


def settling_in(order: OrderStanding) -> tuple[Transfer, ...]:
    """The postings that bring what stands in the order's accounts to where it belongs."""
    return transfers(order.posted, allocation(order, facts_after(order)), 0)
