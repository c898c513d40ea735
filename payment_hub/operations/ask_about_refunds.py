"""Ask banks about refunds whose outcome they have not told."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

from payment_hub.domain.bank_health import BankOperation
from payment_hub.domain.bank_port import CanQueryRefund
from payment_hub.domain.errors import (
    BankCannot,
    BankNotFound,
    BankUnavailable,
    CallbackRejected,
    HubUnavailable,
    Malformed,
)
from payment_hub.domain.money import Money
from payment_hub.domain.payment_attempt import wait_before_asking
from payment_hub.domain.refund import ANSWERED_WITHIN, RETURNED_WITHIN, RefundEvent, RefundState, event_of
from payment_hub.domain.refund_port import RefundOutcome, RefundQuery
from payment_hub.hub import Hub
from payment_hub.operations.ask_bank import ask_bank
from payment_hub.operations.hear_refund_answer import hear_refund_answer
from payment_hub.store import refunds

log = logging.getLogger(__name__)

BATCH = 50
LEASE = timedelta(minutes=2)


def ask_about_refunds(hub: Hub) -> int:
    """How many refunds a bank was asked about. Never is one sent again, and never assumed to have failed.

    One whose sender is silent is UNKNOWN from now on. Where a bank cannot be asked, it stays so until somebody brings
    evidence; the question comes up again all the same, for the bank may be able to answer one day. What waits too long
    is laid before an officer.
    """
    now = hub.now()
    with hub.transaction() as session:
        due = refunds.claim_due(session, now, now + LEASE, BATCH)
    for key in due:
        _ask(hub, key)
    _lay_before_officers(hub)
    return len(due)


def _lay_before_officers(hub: Hub) -> None:
    now = hub.now()
    with hub.transaction() as session:
        overdue = refunds.lay_before_officers(
            session, now, unanswered=now - ANSWERED_WITHIN, unreturned=now - RETURNED_WITHIN
        )
    for refund in overdue:
        log.error("refund_overdue", extra={name: refund[name] for name in ("reference", "bank", "state")})


def _ask(hub: Hub, key: int) -> None:
    bank, query, state, asked = _query(hub, key)
    if state is RefundState.SUBMITTING:
        hear_refund_answer(hub, key=key, event=RefundEvent.NO_ANSWER, code="")
    try:
        call = partial(hub.able(bank, CanQueryRefund).query_refund, query)
        answer = ask_bank(
            hub, bank=bank, operation=BankOperation.QUERY, call=call, about=query.refund_reference
        )
    except (BankUnavailable, BankNotFound, BankCannot, CallbackRejected, Malformed) as error:
        fields = {"bank": bank, "reference": query.refund_reference, "why": str(error)}
        log.warning("bank_silent", extra=fields)
    except HubUnavailable:
        raise
    except Exception:
        log.exception("asking_failed", extra={"bank": bank, "reference": query.refund_reference})
    else:
        # "Pending" may be a word that the bank never documented: it proves nothing that we do not know.
        if answer.outcome is not RefundOutcome.PENDING:
            event = event_of(answer.outcome)
            hear_refund_answer(
                hub, key=key, event=event, code=answer.code, bank_refund_id=answer.bank_refund_id
            )
    with hub.transaction() as session:
        refunds.by_key(session, key).ask_at = hub.now() + wait_before_asking(asked)


def _query(hub: Hub, key: int) -> tuple[str, RefundQuery, RefundState, int]:
    with hub.transaction() as session:
        refund = refunds.by_key(session, key)
        known = refunds.order_money(session, refunds.order_reference_of(session, key))
        collected = known.of(refund.collection_id)
        query = RefundQuery(
            refund_reference=refund.reference,
            number=refund.id,
            order_reference=known.row["reference"],
            attempt_reference=collected.attempt_reference,
            bank_transaction_id=collected.bank_transaction_id,
            amount=Money(refund.amount, refund.currency),
            paid=Money(collected.amount, refund.currency),
            submitted_at=refund.submitted_at or refund.changed_at,
            payment_started_at=collected.started_at,
            asked_at=hub.now(),
            bank_reference=collected.bank_reference,
            bank_refund_id=refund.bank_refund_id,
        )
        return refund.bank, query, RefundState(refund.state), refund.asked
