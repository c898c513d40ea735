"""Send approved refunds to their banks: store the intent, ask the bank, store its answer. Nothing is sent twice."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from payment_hub.domain.bank_health import BankOperation
from payment_hub.domain.bank_port import CanRefund
from payment_hub.domain.errors import BankResting, BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money
from payment_hub.domain.refund import NOT_CARRIED, RefundEvent, event_of, plain_name
from payment_hub.domain.refund_port import RefundRequest, account_of
from payment_hub.hub import Hub
from payment_hub.operations.ask_bank import ask_bank
from payment_hub.operations.hear_refund_answer import hear_refund_answer
from payment_hub.operations.read_bank_states import read_bank_states
from payment_hub.store import refunds
from payment_hub.store.refund_moves import Told, move
from payment_hub.store.refunds import OrderMoney
from payment_hub.store.tables import Refund

BATCH = 20

#: A process that dies while it asks the bank leaves its refund SUBMITTING; so long after the longest that the call may
#: last the bank is asked about it. Nobody asks about what is still on its way.
FIRST_QUESTION = timedelta(minutes=2)


def send_refunds(hub: Hub) -> int:
    """How many were sent. A refund is claimed, and committed as being sent, one at a time: a process that dies leaves
    one of which nobody knows, and the others untouched."""
    sent = 0
    while sent < BATCH and (claimed := _claim(hub)) is not None:
        if not _send(hub, *claimed):
            break
        sent += 1
    return sent


def _claim(hub: Hub) -> tuple[int, str, RefundRequest] | None:
    """One refund to be sent, with its intent stored: its key, its bank and what to ask."""
    now, banks = hub.now(), _awake(hub)
    with hub.transaction() as session:
        key = refunds.claim_approved(session, banks)
        if key is None:
            return None
        refund = refunds.by_key(session, key)
        known = refunds.order_money(session, refunds.order_reference_of(session, key))
        longest = timedelta(seconds=hub.terms_of(refund.bank).seconds(BankOperation.REFUND) or 0)
        refund.submitted_at, refund.ask_at = now, now + FIRST_QUESTION + longest
        told = Told(f"bank:{refund.bank}", now)
        move(session, refund, known, RefundEvent.SUBMITTED, told, hub.checkout_url)
        return key, refund.bank, _request(hub, refund, known)


def _awake(hub: Hub) -> list[str]:
    """The banks that give money back and can be asked now: what is for the others waits, and is not even claimed."""
    states, now = read_bank_states(hub), hub.now()
    return [
        bank
        for bank in hub.banks_able(CanRefund)
        if states.away_until(bank, BankOperation.REFUND, now) is None
        and states.of(bank, BankOperation.REFUND).may_ask(now, hub.terms_of(bank).patience)
    ]


def _request(hub: Hub, refund: Refund, known: OrderMoney) -> RefundRequest:
    collected = known.of(refund.collection_id)
    return RefundRequest(
        refund_reference=refund.reference,
        number=refund.id,
        order_reference=known.row["reference"],
        attempt_reference=collected.attempt_reference,
        bank_transaction_id=collected.bank_transaction_id,
        amount=Money(refund.amount, refund.currency),
        paid=Money(collected.amount, refund.currency),
        paid_at=collected.collected_at,
        payment_started_at=collected.started_at,
        description=f"Hoan tien {known.row['reference']}",
        requested_by=plain_name(refund.approved_by or ""),
        asked_at=refund.submitted_at or hub.now(),
        bank_reference=collected.bank_reference,
        payer=account_of(refund.payee),
    )


def _send(hub: Hub, key: int, bank: str, request: RefundRequest) -> bool:
    """Whether the bank was asked, or never will be; False when it began to rest since the refund was claimed."""
    call = partial(hub.able(bank, CanRefund).refund_payment, request)
    try:
        answer = ask_bank(
            hub, bank=bank, operation=BankOperation.REFUND, call=call, about=request.order_reference
        )
    except BankResting as error:
        hear_refund_answer(hub, key=key, event=RefundEvent.NOT_SENT, code=error.detail[:200])
        return False
    except (BankUnavailable, CallbackRejected) as error:
        # An answer that cannot be believed is none.
        hear_refund_answer(hub, key=key, event=RefundEvent.NO_ANSWER, code=error.detail[:200])
    except Malformed as error:
        # The request never left: the bank's own limits forbid it. That is proof.
        hear_refund_answer(hub, key=key, event=RefundEvent.FAILED, code=f"{NOT_CARRIED} {error.detail}"[:200])
    else:
        event = event_of(answer.outcome)
        hear_refund_answer(hub, key=key, event=event, code=answer.code, bank_refund_id=answer.bank_refund_id)
    return True
