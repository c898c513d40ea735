"""Hear a confirmation: store the raw message and read all that the judge may know, in one statement.

Record a judgement: everything that follows from one confirmation, in one statement and so in one commit.

``gate`` raises the row version of the obligation only if it is still the one that the context was read with; all other
parts of the statement draw from it, so either all of them happen or none.

An agency's payments wait for each other at the counter of its receipts, so the number is drawn late. PostgreSQL carries
out the parts that nothing reads from the last to the first, each after what it reads itself: the receipt and the event
stand first because they are to be made last, when all else is written. A test watches it.

What a verified callback said, kept beside its bytes: to judge it later needs neither the bank's keys nor words.

Callbacks that were stored and verified, but never judged: a process died in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.banks.values import CallbackRequest, Confirmation, Outcome, PayerAccount
from payment_hub.domain.calendar import business_day
from payment_hub.domain.judgement import Judgement, digest_of
from payment_hub.domain.ledger import Account
from payment_hub.domain.money import Money
from payment_hub.domain.payments import AttemptState, Awaiting
from payment_hub.domain.receipts import yearly_series
from payment_hub.domain.references import find_reference
from payment_hub.domain.settlement import (
    Context,
    LatePolicy,
    OrderSnapshot,
    PreviousConfirmation,
    RecordedCollection,
    Source,
    Verdict,
)
from payment_hub.store.connections import DriverConnection, Prepared
from payment_hub.store.order_writes import EVENTS, RECEIPT
from payment_hub.store.orders import COLUMNS, LEFT_JOINS

#: Headers that are kept as evidence. Credentials and the rest of what a client sends are not.
KEPT_HEADERS: Final = re.compile(
    r"content-(type|length|encoding)|webhook-.*|.*(signature|timestamp|checksum|digest|request-id|req-h).*"
)

_STORE: Final = """
    INSERT INTO callback (bank, method, path, query, headers, body, source_ip, verified, parsed, received_at)
    VALUES (%(bank)s, %(method)s, %(path)s, %(query)s, %(headers)s::jsonb, %(body)s, %(source_ip)s, true,
            %(parsed)s::jsonb, %(received_at)s)
    RETURNING id"""

#: Evidence of an attack is worth keeping; room for the whole attack is not.
_STORE_UNVERIFIED: Final = Prepared("""
    INSERT INTO callback (bank, method, path, query, headers, body, source_ip, verified, received_at)
    SELECT %(bank)s::text, %(method)s::text, %(path)s::text, %(query)s::bytea, %(headers)s::jsonb, %(body)s::bytea,
        %(source_ip)s::text, false, %(received_at)s::timestamptz
    WHERE %(most)s::int > (
        SELECT count(*) FROM callback
        WHERE NOT verified AND bank = %(bank)s::text
            AND received_at > %(received_at)s::timestamptz - interval '1 minute'
    )""")

#: What the ledger holds for an order, by account: ``posted``. The alias of the order is o.
POSTED: Final = """
LEFT JOIN LATERAL (
    SELECT coalesce(sum(CASE WHEN credit = 'AGENCY_PAYABLE' THEN amount WHEN debit = 'AGENCY_PAYABLE' THEN -amount
                        END), 0) AS payable,
           coalesce(sum(CASE WHEN credit = 'OVERPAYMENT' THEN amount WHEN debit = 'OVERPAYMENT' THEN -amount
                        END), 0) AS overpayment,
           coalesce(sum(CASE WHEN credit = 'SUSPENSE' THEN amount WHEN debit = 'SUSPENSE' THEN -amount
                        END), 0) AS suspense
    FROM posting WHERE order_id = o.id AND currency = o.currency
) posted ON true"""

#: An id that first came with money known by another id is known, too: of repetitions the first is heard.
_READ: Final = f"""
SELECT {COLUMNS},
    p.id AS attempt_id, p.state AS attempt_state,
    c.id AS booked, c.amount AS booked_amount, c.currency AS booked_currency, c.order_id AS booked_order_id,
    coalesce(named.id, numbered.order_id) AS named_order_id, heard.confirmations,
    posted.payable, posted.overpayment, posted.suspense
FROM (SELECT 1) AS one
LEFT JOIN collection c ON c.bank = %(bank)s AND c.bank_transaction_id = %(transaction)s
LEFT JOIN payment_order named ON named.reference = %(reference)s
LEFT JOIN payment_attempt numbered ON numbered.id = %(number)s AND numbered.bank = %(bank)s
LEFT JOIN payment_order o ON o.id = coalesce(c.order_id, named.id, numbered.order_id)
{LEFT_JOINS}
LEFT JOIN LATERAL (
    SELECT id, state FROM payment_attempt
    WHERE order_id = o.id AND bank = %(bank)s
    ORDER BY id = numbered.id DESC NULLS LAST, reference = %(attempt)s DESC, number DESC LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(encode(digest, 'hex'), verdict) ORDER BY id) AS confirmations FROM (
        SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event)s AND disposition IN ('APPLIED', 'ORPHAN')
        UNION ALL
        SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event)s AND disposition = 'CONFLICT'
        UNION ALL
        (SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event)s AND disposition = 'DUPLICATE' ORDER BY id LIMIT 1)
    ) told
) heard ON true
{POSTED}"""

READ: Final = Prepared(_READ)
STORE_AND_READ: Final = Prepared(
    f"WITH stored AS ({_STORE}){_READ.replace('SELECT', 'SELECT stored.id AS callback_id,', 1)}\
    CROSS JOIN stored"
)


@dataclass(frozen=True, slots=True)
class ConfirmationContext:
    """What was read: the standing for the judge, and the row itself for whoever records the judgement."""

    standing: Context
    row: Mapping[Any, Any]
    callback_id: int | None

    @property
    def attempt(self) -> tuple[int, AttemptState] | None:
        """The attempt that the confirmation speaks of."""
        key = self.row["attempt_id"]
        return None if key is None else (key, AttemptState(self.row["attempt_state"]))


def store_unverified(connection: DriverConnection, bank: str, request: CallbackRequest, most: int) -> None:
    """Keep a message that could not be verified, unless ``most`` of them came under this bank's name in a minute."""
    _STORE_UNVERIFIED.row(connection, _message(bank, request) | {"most": most})


def store_and_read(
    connection: DriverConnection,
    confirmation: Confirmation,
    request: CallbackRequest | None,
    received_at: datetime,
    callback_id: int | None = None,
) -> ConfirmationContext:
    """Store the message if there is one, and read what is known of the order, the event and the money.

    ``callback_id`` is that of a message stored earlier.
    """
    asked = {
        "bank": confirmation.bank,
        "event": confirmation.event_id,
        "transaction": confirmation.bank_transaction_id,
        "reference": find_reference(confirmation.reference, received_at),
        "attempt": confirmation.reference,
        "number": confirmation.number,
    }
    if request is None:
        return _context(_one_row(connection, READ, asked), callback_id)
    stored = _message(confirmation.bank, request) | {"parsed": confirmation_to_json(confirmation)}
    row = _one_row(connection, STORE_AND_READ, asked | stored)
    return _context(row, row["callback_id"])


def _one_row(connection: DriverConnection, question: Prepared, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    row = question.row(connection, asked)
    assert row is not None  # noqa: S101 (a question about one constant row has one answer)
    return row


def _message(bank: str, request: CallbackRequest) -> dict[str, Any]:
    kept = {name: _plain(value) for name, value in request.headers.items() if KEPT_HEADERS.fullmatch(name)}
    return {
        "bank": bank,
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": json.dumps(kept),
        "body": request.body,
        "source_ip": request.source_ip,
        "received_at": request.received_at,
    }


def _plain(text: str) -> str:
    """What PostgreSQL can store of a stranger's text: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode()


def _context(row: Mapping[Any, Any], callback_id: int | None) -> ConfirmationContext:
    heard = tuple(
        PreviousConfirmation(bytes.fromhex(digest), Verdict(verdict))
        for digest, verdict in row["confirmations"] or ()
    )
    booked = None
    if row["booked"] is not None:
        same = row["booked_order_id"] == row["named_order_id"]
        booked = RecordedCollection(row["booked_amount"], row["booked_currency"], for_this_order=same)
    order = None if row["order_id"] is None else order_snapshot(row)
    return ConfirmationContext(Context(order, heard, booked), row, callback_id)


def order_snapshot(row: Mapping[Any, Any]) -> OrderSnapshot:
    """What the judge may know of an order, from a row read with COLUMNS and the sums posted for it."""
    settled_here = row["settled_by"] == row["order_id"]
    return OrderSnapshot(
        required=row["required"],
        currency=row["currency"],
        received=row["received"],
        accepted=row["accepted"],
        late=row["late"],
        conflict=row["conflict"],
        other_currency=row["other_currency"],
        expires_at=row["expires_at"],
        cancelled_at=row["cancelled_at"],
        late_policy=LatePolicy(row["late_policy"]),
        part_payments=row["part_payments"],
        still_owed=row["settled_by"] is None
        and not row["withdrawn"]
        and row["obligation_version"] == row["obligation_now"],
        settled_here=settled_here,
        settled_elsewhere=row["settled_by"] is not None and not settled_here,
        has_receipt=row["receipt_serial"] is not None,
        posted={
            Account.AGENCY_PAYABLE: int(row["payable"]),
            Account.OVERPAYMENT: int(row["overpayment"]),
            Account.SUSPENSE: int(row["suspense"]),
        },
        refunded=row["refunded"],
        paid_back=row["paid_back"],
        paid_back_accepted=row["paid_back_accepted"],
    )


_CONFIRMATION: Final = """
recorded AS (
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
    f"WITH gate AS (SELECT 1 AS id), {_CONFIRMATION} SELECT count(*) AS recorded FROM recorded"
)

#: The attempt is asked about at once, and nothing else follows.
_AWAITING: Final = Prepared(f"""
WITH gate AS (SELECT 1 AS id), {_CONFIRMATION},
tried AS (
    UPDATE payment_attempt SET awaiting = %(awaiting)s::text, queries = 0,
        query_at = least(query_at, %(now)s::timestamptz),
        unknown_at = CASE WHEN unknown_at IS NOT NULL AND resolved_at IS NULL
            THEN unknown_at ELSE %(now)s::timestamptz END,
        expected_by = CASE WHEN unknown_at IS NOT NULL AND resolved_at IS NULL
            THEN expected_by ELSE %(expected_by)s::timestamptz END,
        resolved_at = NULL
    WHERE id = %(attempt_id)s::bigint AND state <> 'SUCCEEDED' AND awaiting IS DISTINCT FROM 'CONFIRMATION'
        AND EXISTS (SELECT FROM recorded)
)
SELECT count(*) AS recorded FROM recorded""")

FOR_ORDER: Final = Prepared(f"""
WITH gate AS (
    UPDATE obligation SET row_version = row_version + 1,
        settled_by = CASE WHEN %(settles)s::boolean THEN coalesce(settled_by, %(order_id)s::bigint) ELSE settled_by END
    WHERE id = %(obligation_id)s::bigint AND row_version = %(row_version)s::bigint
    RETURNING id
), {RECEIPT}, {EVENTS}, {_CONFIRMATION},
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
    connection: DriverConnection,
    confirmation: Confirmation,
    judgement: Judgement,
    known: ConfirmationContext,
    *,
    source: Source,
    now: datetime,
) -> None:
    """Record what is heard but changes no order: repetitions, contradictions and money of unknown orders."""
    _WITHOUT_ORDER.row(connection, _parameters(confirmation, judgement, known, source, now))


def record_awaiting(
    connection: DriverConnection,
    confirmation: Confirmation,
    judgement: Judgement,
    known: ConfirmationContext,
    *,
    source: Source,
    now: datetime,
    awaiting: Awaiting,
    expected_by: datetime,
) -> None:
    """Record a word that is no outcome, and that its bank is to be asked about the attempt at once."""
    parameters = _parameters(confirmation, judgement, known, source, now)
    _AWAITING.row(connection, parameters | {"awaiting": awaiting, "expected_by": expected_by})


def record_for_order(
    connection: DriverConnection,
    confirmation: Confirmation,
    judgement: Judgement,
    known: ConfirmationContext,
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
    parameters = _parameters(confirmation, judgement, known, source, now)
    return FOR_ORDER.row(connection, parameters | facts) == {"recorded": 1}


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
        "row_version": row["row_version"],
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


def _parameters(
    confirmation: Confirmation,
    judgement: Judgement,
    known: ConfirmationContext,
    source: Source,
    now: datetime,
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


def confirmation_to_json(confirmation: Confirmation) -> str:
    """The confirmation as JSON text; ``read_said`` gives back the very same."""
    amount, payer, paid_at = confirmation.amount, confirmation.payer, confirmation.paid_at
    return json.dumps(
        {
            "bank": confirmation.bank,
            "event_id": confirmation.event_id,
            "reference": confirmation.reference,
            "outcome": confirmation.outcome,
            "amount": None if amount is None else [amount.minor, amount.currency],
            "bank_transaction_id": confirmation.bank_transaction_id,
            "paid_at": None if paid_at is None else paid_at.isoformat(),
            "code": confirmation.code,
            "number": confirmation.number,
            "authorised": confirmation.authorised,
            "payer": None if payer is None else [payer.number, payer.bank, payer.name],
            "key": confirmation.key,
        }
    )


def confirmation_from_json(parsed: Mapping[str, Any]) -> Confirmation:
    """The confirmation that was written."""
    amount, payer, paid_at = parsed["amount"], parsed["payer"], parsed["paid_at"]
    return Confirmation(
        bank=parsed["bank"],
        event_id=parsed["event_id"],
        reference=parsed["reference"],
        outcome=Outcome(parsed["outcome"]),
        amount=None if amount is None else Money(*amount),
        bank_transaction_id=parsed["bank_transaction_id"],
        paid_at=None if paid_at is None else datetime.fromisoformat(paid_at),
        code=parsed["code"],
        number=parsed["number"],
        authorised=parsed["authorised"],
        payer=None if payer is None else PayerAccount(*payer),
        key=parsed["key"],
    )


_UNJUDGED: Final = text(
    """SELECT c.id, c.parsed, c.received_at
    FROM callback c
    WHERE c.verified AND c.received_at BETWEEN :since AND :before
      AND NOT EXISTS (SELECT FROM confirmation f WHERE f.callback_id = c.id)
      AND c.id > :after
    ORDER BY c.id LIMIT :limit"""
)


def unjudged_callbacks(
    session: Session, *, since: datetime, before: datetime, after: int, limit: int
) -> Sequence[tuple[int, Confirmation, datetime]]:
    """Key, what it said and when it arrived, of each from the key ``after`` on."""
    asked = {"since": since, "before": before, "after": after, "limit": limit}
    rows = session.execute(_UNJUDGED, asked).mappings()
    return [(row["id"], confirmation_from_json(row["parsed"]), row["received_at"]) for row in rows]
