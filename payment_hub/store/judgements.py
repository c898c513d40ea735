"""Record a judgement: everything that follows from one confirmation, in one statement and so in one commit.

``gate`` raises the obligation's sequence only if nobody has done so since the standing was read; all other parts of the
statement draw from it, so either all of them happen or none.

An agency's payments wait for each other at the counter of its receipts, so the number is drawn late. PostgreSQL carries
out the parts that nothing reads from the last to the first, each after what it reads itself: the receipt and the event
stand first because they are to be made last, when all else is written. A test watches it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from payment_hub.domain.bank_values import Confirmation
from payment_hub.domain.day import business_day
from payment_hub.domain.judgement import Judgement, digest_of
from payment_hub.domain.payment_attempt import AttemptState, Told
from payment_hub.domain.receipt import yearly_series
from payment_hub.domain.standing import Source
from payment_hub.store.closing_cte import EVENTS, RECEIPT
from payment_hub.store.connections import Statements
from payment_hub.store.prepared import Prepared
from payment_hub.store.standings import Known

_SAID: Final = """
said AS (
    INSERT INTO confirmation (callback_id, source, bank, event_id, reference, order_id, attempt_id, outcome, amount,
        currency, bank_transaction_id, paid_at, code, payer, key, digest, verdict, disposition, judged_at)
    SELECT %(callback_id)s::bigint, %(source)s::text, %(bank)s::text, %(event_id)s::text, %(reference)s::text,
        %(order_id)s::bigint, %(attempt_id)s::bigint, %(outcome)s::text, %(amount)s::bigint, %(currency)s::text,
        %(transaction)s::text, %(paid_at)s::timestamptz, %(code)s::text, %(payer)s::jsonb, %(key)s::smallint,
        %(digest)s::bytea, %(verdict)s::text,
        %(disposition)s::text, %(now)s::timestamptz
    FROM gate
    RETURNING id
),
money AS (
    INSERT INTO collection (bank, bank_transaction_id, order_id, agency_id, reference, amount, currency, late, accepted,
        paid_at, collected_at, received_at, day)
    SELECT %(bank)s::text, %(transaction)s::text, %(order_id)s::bigint, %(agency_id)s::bigint, %(reference)s::text,
        %(amount)s::bigint, %(currency)s::text, %(late)s::boolean, %(accepts)s::boolean,
        %(paid_at)s::timestamptz, %(collected_at)s::timestamptz, %(now)s::timestamptz, %(collected_on)s::date
    FROM gate WHERE %(collects)s::boolean
    RETURNING id
),
posted AS (
    INSERT INTO posting (source_type, source_id, kind, debit, credit, amount, currency, agency_id, bank, order_id, day,
        posted_at)
    SELECT 'collection', money.id, t.kind, t.debit, t.credit, t.amount, %(currency)s::text, %(agency_id)s::bigint,
        %(bank)s::text, %(order_id)s::bigint, %(day)s::date, %(now)s::timestamptz
    FROM money, unnest(%(kinds)s::text[], %(debits)s::text[], %(credits)s::text[], %(amounts)s::bigint[])
        AS t (kind, debit, credit, amount)
)"""

_WITHOUT_ORDER: Final = Prepared(
    f"WITH gate AS (SELECT 1 AS id), {_SAID} SELECT count(*) AS recorded FROM said"
)

#: The attempt is asked about at once, and nothing else follows.
_TOLD: Final = Prepared(f"""
WITH gate AS (SELECT 1 AS id), {_SAID},
tried AS (
    UPDATE payment_attempt SET told = %(told)s::text, ask_at = least(ask_at, %(now)s::timestamptz), asked = 0,
        unknown_at = CASE WHEN unknown_at IS NOT NULL AND known_at IS NULL
            THEN unknown_at ELSE %(now)s::timestamptz END,
        promised_at = CASE WHEN unknown_at IS NOT NULL AND known_at IS NULL
            THEN promised_at ELSE %(promised)s::timestamptz END,
        known_at = NULL
    WHERE id = %(attempt_id)s::bigint AND state <> 'SUCCEEDED' AND told IS DISTINCT FROM 'PAID'
        AND EXISTS (SELECT FROM said)
)
SELECT count(*) AS recorded FROM said""")

FOR_ORDER: Final = Prepared(f"""
WITH gate AS (
    UPDATE obligation SET sequence = sequence + 1,
        settled_by = CASE WHEN %(settles)s::boolean THEN coalesce(settled_by, %(order_id)s::bigint) ELSE settled_by END
    WHERE id = %(obligation_id)s::bigint AND sequence = %(gate)s::bigint
    RETURNING id
), {RECEIPT}, {EVENTS}, {_SAID},
moved AS (
    UPDATE payment_order SET received = %(received)s::bigint, accepted = %(accepted)s::bigint,
        late = %(is_late)s::boolean, conflict = %(conflict)s::boolean,
        other_currency = %(other_currency)s::boolean, held = %(held)s::boolean,
        sequence = %(first_sequence)s::int
    WHERE id = %(order_id)s::bigint AND %(changes)s::boolean AND EXISTS (SELECT FROM gate)
),
tried AS (
    UPDATE payment_attempt SET state = coalesce(%(attempt_state)s::text, state),
        contradicted = contradicted OR %(contradicted)s::boolean, changed_at = %(now)s::timestamptz
    WHERE id = %(attempt_id)s::bigint AND EXISTS (SELECT FROM gate)
)
SELECT count(*) AS recorded FROM gate""")


def record_without_order(
    connection: Statements,
    confirmation: Confirmation,
    judgement: Judgement,
    known: Known,
    *,
    source: Source,
    now: datetime,
) -> None:
    """Record what is heard but changes no order: repetitions, contradictions and money of unknown orders."""
    _WITHOUT_ORDER.row(connection, _said(confirmation, judgement, known, source, now))


def record_told(
    connection: Statements,
    confirmation: Confirmation,
    judgement: Judgement,
    known: Known,
    *,
    source: Source,
    now: datetime,
    told: Told,
    promised: datetime,
) -> None:
    """Record a word that is no outcome, and that its bank is to be asked about the attempt at once."""
    said = _said(confirmation, judgement, known, source, now)
    _TOLD.row(connection, said | {"told": told, "promised": promised})


def record_for_order(
    connection: Statements,
    confirmation: Confirmation,
    judgement: Judgement,
    known: Known,
    *,
    source: Source,
    now: datetime,
    attempt: tuple[AttemptState, bool] | None,
    data: dict[str, Any] | None,
) -> bool:
    """Record what changes an order or its attempt. False when somebody was faster: read and judge again.

    ``attempt`` is the attempt's state afterwards and whether the bank contradicts itself; ``data`` is the order as the
    event shows it.
    """
    facts = _for_order(judgement, known.row, attempt, data, now)
    said = _said(confirmation, judgement, known, source, now)
    return FOR_ORDER.row(connection, said | facts) == {"recorded": 1}


def _for_order(
    judgement: Judgement,
    row: Mapping[str, Any],
    attempt: tuple[AttemptState, bool] | None,
    data: dict[str, Any] | None,
    now: datetime,
) -> dict[str, Any]:
    after = judgement.after
    state, contradicted = attempt or (None, False)
    return {
        "obligation_id": row["obligation_id"],
        "gate": row["gate"],
        "settles": after is not None and after.settled,
        "changes": after is not None,
        "received": after and after.received,
        "accepted": after and after.accepted,
        "is_late": after and after.late,
        "conflict": after and after.conflict,
        "other_currency": after and after.other_currency,
        "held": after and after.held,
        "attempt_state": state,
        "contradicted": contradicted,
        "receipt": judgement.receipt,
        "template": row["receipt_template"],
        "series": yearly_series(row["receipt_series"], business_day(now).year),
        "paid_in": row["required"],
        "order_currency": row["currency"],
        "portal_id": row["portal_id"],
        "types": [judgement.event] if judgement.event else [],
        "first_sequence": row["sequence"] + 1,
        "data": json.dumps(data),
    }


def _said(
    confirmation: Confirmation, judgement: Judgement, known: Known, source: Source, now: datetime
) -> dict[str, Any]:
    row, transfers = known.row, judgement.transfers
    amount, moment, payer = confirmation.amount, judgement.collected_at, confirmation.payer
    return {
        "callback_id": known.callback_id,
        "source": source,
        "bank": confirmation.bank,
        "event_id": confirmation.event_id,
        "reference": confirmation.reference,
        "order_id": row["order_id"],
        "agency_id": row["agency_id"],
        "attempt_id": row["attempt_id"],
        "outcome": confirmation.outcome,
        "amount": None if amount is None else amount.minor,
        "currency": None if amount is None else amount.currency,
        "transaction": confirmation.bank_transaction_id,
        "paid_at": confirmation.paid_at,
        "code": confirmation.code,
        "payer": None if payer is None else json.dumps(asdict(payer)),
        "key": confirmation.key,
        "digest": digest_of(confirmation),
        "verdict": judgement.verdict,
        "disposition": judgement.disposition,
        "collects": judgement.collects,
        "late": judgement.late,
        "accepts": judgement.accepts,
        "collected_at": moment,
        "collected_on": moment and business_day(moment),
        "day": business_day(now),
        "now": now,
        "kinds": [transfer.kind for transfer in transfers],
        "debits": [transfer.debit for transfer in transfers],
        "credits": [transfer.credit for transfer in transfers],
        "amounts": [transfer.amount for transfer in transfers],
    }
