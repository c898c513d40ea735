"""Callbacks and confirmations: what is on record when one is judged, and everything that follows from it.

A callback is stored before it is judged, with its parsed confirmation, so that it can be judged later without the
bank's keys. ``store.order_writes`` explains the order of the parts of a statement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Boolean, case, func, null, select, text, true, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import CTE

from payment_hub.domain.banks.values import CallbackRequest, Confirmation, Outcome, PayerAccount
from payment_hub.domain.calendar import business_day
from payment_hub.domain.effects import Effects
from payment_hub.domain.judgement import Judgement, digest_of
from payment_hub.domain.ledger import Account
from payment_hub.domain.money import Money
from payment_hub.domain.payments import AttemptState, Awaiting
from payment_hub.domain.references import find_reference
from payment_hub.domain.settlement import (
    AttemptSnapshot,
    ConfirmationContext,
    Disposition,
    LatePolicy,
    OrderSnapshot,
    PreviousConfirmation,
    RecordedCollection,
    Source,
    Verdict,
)
from payment_hub.store.connections import DriverConnection, Prepared
from payment_hub.store.order_writes import (
    ORDER_PARTS,
    inline,
    insert_for_each,
    order_params,
    order_record,
    param,
    posting_params,
    posting_part,
    prepared,
    quoted,
    sql_of,
    totals_part,
)
from payment_hub.store.orders import COLUMNS, LEFT_JOINS
from payment_hub.store.tables import Callback, Collection, ConfirmationRecord, PaymentAttempt

#: Headers that are kept as evidence. Credentials and the rest of what a client sends are not.
KEPT_HEADERS: Final = re.compile(
    r"content-(type|length|encoding)|webhook-.*|.*(signature|timestamp|checksum|digest|request-id|req-h).*"
)

_STORE: Final = sql_of(
    insert_for_each(
        None,
        Callback,
        "bank",
        "method",
        "path",
        "query",
        "headers",
        "body",
        "source_ip",
        "parsed",
        "received_at",
        verified=true(),
    ).returning(Callback.id)
)

#: An attack leaves evidence, within limits.
_STORE_UNVERIFIED: Final = Prepared("""
    INSERT INTO callback (bank, method, path, query, headers, body, source_ip, verified, received_at)
    SELECT %(bank)s::text, %(method)s::text, %(path)s::text, %(query)s::bytea, %(headers)s::jsonb, %(body)s::bytea,
        %(source_ip)s::text, false, %(received_at)s::timestamptz
    WHERE %(most)s::int > (
        SELECT count(*) FROM callback
        WHERE NOT verified AND bank = %(bank)s::text
            AND received_at > %(received_at)s::timestamptz - interval '1 minute'
    )""")

_POSTED: Final = {
    "payable": Account.AGENCY_PAYABLE,
    "overpayment": Account.OVERPAYMENT,
    "suspense": Account.SUSPENSE,
}

#: What the ledger holds for the order ``o``, by account: ``posted``.
POSTED: Final = f"""
LEFT JOIN LATERAL (
    SELECT {
    ", ".join(
        f"coalesce(sum(CASE {quoted(account)} WHEN credit THEN amount WHEN debit THEN -amount END), 0) AS {name}"
        for name, account in _POSTED.items()
    )
}
    FROM posting WHERE order_id = o.id AND currency = o.currency
) posted ON true"""

#: Of the duplicates of an event the first is enough: it came with money that another event id had brought before.
_CONTEXT: Final = f"""
SELECT {{callback}} AS callback_id, {COLUMNS},
    p.id AS attempt_id, p.state AS attempt_state,
    c.id AS collection_id, c.amount AS collected, c.currency AS collected_currency, c.order_id AS collected_for,
    coalesce(named.id, numbered.order_id) AS named_order_id, previous.confirmations,
    posted.payable, posted.overpayment, posted.suspense
FROM {{source}}
LEFT JOIN collection c ON c.bank = %(bank)s AND c.bank_transaction_id = %(bank_transaction_id)s
LEFT JOIN payment_order named ON named.reference = %(order_reference)s
LEFT JOIN payment_attempt numbered ON numbered.id = %(attempt_number)s AND numbered.bank = %(bank)s
LEFT JOIN payment_order o ON o.id = coalesce(c.order_id, named.id, numbered.order_id)
{LEFT_JOINS}
LEFT JOIN LATERAL (
    SELECT id, state FROM payment_attempt
    WHERE order_id = o.id AND bank = %(bank)s
    ORDER BY id = numbered.id DESC NULLS LAST, reference = %(reference)s DESC, number DESC LIMIT 1
) p ON true
LEFT JOIN LATERAL (
    SELECT json_agg(json_build_array(encode(digest, 'hex'), verdict) ORDER BY id) AS confirmations FROM (
        SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event_id)s
            AND disposition IN ({quoted(Disposition.APPLIED, Disposition.ORPHAN)})
        UNION ALL
        SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event_id)s AND disposition = {quoted(Disposition.CONFLICT)}
        UNION ALL
        (SELECT id, digest, verdict FROM confirmation
        WHERE bank = %(bank)s AND event_id = %(event_id)s
            AND disposition = {quoted(Disposition.DUPLICATE)} ORDER BY id LIMIT 1)
    ) same_event
) previous ON true
{POSTED}"""

READ: Final = Prepared(_CONTEXT.format(callback="%(callback_id)s::bigint", source="(SELECT 1) AS one_row"))
STORE_AND_READ: Final = Prepared(
    f"WITH stored AS ({_STORE}) {_CONTEXT.format(callback='stored.id', source='stored')}"
)


def _confirmation_parts(guard: CTE | None) -> tuple[CTE, CTE, CTE]:
    """The confirmation, the money that it brings, and the postings of that money."""
    confirmation = (
        insert_for_each(
            guard,
            ConfirmationRecord,
            "callback_id",
            "source",
            "bank",
            "event_id",
            "reference",
            "order_id",
            "attempt_id",
            "outcome",
            "amount",
            "currency",
            "bank_transaction_id",
            "paid_at",
            "code",
            "payer",
            "key",
            "digest",
            "verdict",
            "disposition",
            judged_at="now",
        )
        .returning(ConfirmationRecord.id)
        .cte("new_confirmation")
    )
    collection = (
        insert_for_each(
            confirmation,
            Collection,
            "bank",
            "bank_transaction_id",
            "order_id",
            "agency_id",
            "reference",
            "amount",
            "currency",
            "late",
            "paid_at",
            "collected_at",
            accepted="accepts",
            received_at="now",
            day="collected_on",
            where=param("collects", type_=Boolean()),
        )
        .returning(Collection.id)
        .cte("new_collection")
    )
    postings = posting_part(
        collection, source_type=inline("collection"), source_id=collection.c.id, currency="currency"
    )
    return confirmation, collection, postings


def _attempt_part(guard: CTE) -> CTE:
    """The attempt's new state."""
    return (
        update(PaymentAttempt)
        .where(
            PaymentAttempt.id == param("attempt_id", PaymentAttempt.id),
            param("attempt_state", PaymentAttempt.state).is_not(None),
            select(guard.c.id).exists(),
        )
        .values(
            state=param("attempt_state", PaymentAttempt.state),
            contradicted=PaymentAttempt.contradicted | param("contradicted", type_=Boolean()),
            changed_at=param("now", PaymentAttempt.changed_at),
        )
        .cte("moved_attempt")
    )


def _awaiting_part(confirmation: CTE) -> CTE:
    """The attempt whose bank must be queried at once, with the time by which the outcome is expected."""
    now = param("now", PaymentAttempt.query_at)
    awaiting = param("awaiting", PaymentAttempt.awaiting)
    unknown = PaymentAttempt.unknown_at.is_not(None) & PaymentAttempt.resolved_at.is_(None)
    return (
        update(PaymentAttempt)
        .where(
            PaymentAttempt.id == param("attempt_id", PaymentAttempt.id),
            awaiting.is_not(None),
            PaymentAttempt.state != inline(AttemptState.SUCCEEDED),
            PaymentAttempt.awaiting.is_distinct_from(inline(Awaiting.CONFIRMATION)),
            select(confirmation.c.id).exists(),
        )
        .values(
            awaiting=awaiting,
            queries=inline(0),
            query_at=func.least(PaymentAttempt.query_at, now),
            unknown_at=case((unknown, PaymentAttempt.unknown_at), else_=now),
            expected_by=case(
                (unknown, PaymentAttempt.expected_by),
                else_=param("expected_by", PaymentAttempt.expected_by),
            ),
            resolved_at=null(),
        )
        .cte("awaiting_attempt")
    )


_GUARD: Final = ORDER_PARTS[0]
#: A confirmation that changes its order or its attempt.
APPLY: Final = prepared(
    select(_GUARD.c.id).add_cte(
        *ORDER_PARTS, *_confirmation_parts(_GUARD), totals_part(_GUARD), _attempt_part(_GUARD)
    )
)
_CONFIRMATION, _COLLECTION, _POSTINGS = _confirmation_parts(None)
#: Repetitions, contradictions, money of unknown orders, and messages that are no outcome yet.
_KEEP: Final = prepared(
    select(_CONFIRMATION.c.id).add_cte(_CONFIRMATION, _COLLECTION, _POSTINGS, _awaiting_part(_CONFIRMATION))
)


def store_unverified(connection: DriverConnection, bank: str, request: CallbackRequest, most: int) -> None:
    """Keep a message that could not be verified, unless ``most`` of them came under this bank's name in a minute."""
    _STORE_UNVERIFIED.row(connection, _message(bank, request) | {"most": most})


def read_context(
    connection: DriverConnection,
    confirmation: Confirmation,
    received_at: datetime,
    checkout_url: Callable[[str], str],
    *,
    request: CallbackRequest | None = None,
    callback_id: int | None = None,
) -> ConfirmationContext:
    """Everything on record about the confirmation's order, event and money; a ``request`` is stored at the same time.

    ``callback_id`` is that of a message stored earlier.
    """
    params = {
        "bank": confirmation.bank,
        "event_id": confirmation.event_id,
        "bank_transaction_id": confirmation.bank_transaction_id,
        "order_reference": find_reference(confirmation.reference, received_at),
        "reference": confirmation.reference,
        "attempt_number": confirmation.number,
        "callback_id": callback_id,
    }
    if request is None:
        row = READ.row(connection, params)
    else:
        params |= _message(confirmation.bank, request) | {"parsed": confirmation_to_json(confirmation)}
        row = STORE_AND_READ.row(connection, params)
    assert row is not None  # noqa: S101 (the query reads one constant row)
    collection = attempt = None
    if row["collection_id"] is not None:
        same = row["collected_for"] == row["named_order_id"]
        collection = RecordedCollection(row["collected"], row["collected_currency"], for_this_order=same)
    if row["attempt_id"] is not None:
        attempt = AttemptSnapshot(row["attempt_id"], AttemptState(row["attempt_state"]))
    has_order = row["order_id"] is not None
    return ConfirmationContext(
        order=order_snapshot(row) if has_order else None,
        previous=tuple(
            PreviousConfirmation(bytes.fromhex(digest), Verdict(verdict))
            for digest, verdict in row["confirmations"] or ()
        ),
        collection=collection,
        attempt=attempt,
        record=order_record(row, checkout_url) if has_order else None,
        callback_id=row["callback_id"],
    )


def _message(bank: str, request: CallbackRequest) -> dict[str, Any]:
    kept = {name: _storable(value) for name, value in request.headers.items() if KEPT_HEADERS.fullmatch(name)}
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


def _storable(text: str) -> str:
    """A sender's text as PostgreSQL can store it: no NUL, no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode()


def order_snapshot(row: Mapping[Any, Any]) -> OrderSnapshot:
    """The facts of an order, from a row read with COLUMNS and POSTED."""
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
        posted={account: int(row[name]) for name, account in _POSTED.items()},
        refunded=row["refunded"],
        paid_back=row["paid_back"],
        held_refund=row["held_refund"],
        paid_back_accepted=row["paid_back_accepted"],
        disputed=row["disputed"],
    )


def write(
    connection: DriverConnection,
    confirmation: Confirmation,
    judgement: Judgement,
    context: ConfirmationContext,
    effects: Effects,
    *,
    source: Source,
    now: datetime,
    expected_by: datetime,
) -> bool:
    """Write the confirmation and its effects in one commit.

    False when the obligation has changed since the context was read. Raises AlreadyClaimed when its event, its
    transaction or its callback was recorded meanwhile.
    """
    amount, payer, collection = confirmation.amount, confirmation.payer, judgement.collection
    record, attempt = context.record, context.attempt
    params = {
        "callback_id": context.callback_id,
        "source": source,
        "bank": confirmation.bank,
        "event_id": confirmation.event_id,
        "reference": confirmation.reference,
        "order_id": record and record.id,
        "agency_id": record and record.agency_id,
        "attempt_id": attempt and attempt.id,
        "outcome": confirmation.outcome,
        "amount": amount.minor if amount is not None else None,
        "currency": amount.currency if amount is not None else None,
        "bank_transaction_id": confirmation.bank_transaction_id,
        "paid_at": confirmation.paid_at,
        "code": confirmation.code,
        "payer": None if payer is None else json.dumps(asdict(payer)),
        "key": confirmation.key,
        "digest": digest_of(confirmation),
        "verdict": judgement.verdict,
        "disposition": judgement.disposition,
        "collects": collection is not None,
        "late": collection and collection.late,
        "accepts": collection and collection.accepted,
        "collected_at": collection and collection.collected_at,
        "collected_on": collection and business_day(collection.collected_at),
        "day": business_day(now),
        "now": now,
        "awaiting": effects.awaiting,
        "expected_by": expected_by,
    } | posting_params(effects.transfers)
    if record is None or not effects.change_order:
        return _KEEP.row(connection, params) is not None
    params |= order_params(record, effects, now) | {
        "attempt_state": effects.attempt and effects.attempt.state,
        "contradicted": effects.attempt and effects.attempt.contradicted,
    }
    return APPLY.row(connection, params) is not None


def confirmation_to_json(confirmation: Confirmation) -> str:
    """The confirmation as JSON text; ``confirmation_from_json`` reads it."""
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
    """The confirmation that ``confirmation_to_json`` wrote."""
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
    """Callbacks that were stored and verified but never judged: key, confirmation and time of arrival of each."""
    params = {"since": since, "before": before, "after": after, "limit": limit}
    rows = session.execute(_UNJUDGED, params).mappings()
    return [(row["id"], confirmation_from_json(row["parsed"]), row["received_at"]) for row in rows]
