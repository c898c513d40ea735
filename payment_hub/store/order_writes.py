"""Write what follows from a decision about an order: every statement here is one commit's worth of changes.

The statements are made of common table expressions. The first, ``guard``, raises the row version of the obligation only
if it is still the one that was read; all other parts draw from it, so either all of them happen or none.

An agency's payments wait for each other at the counter of its receipts, so the number is drawn late. PostgreSQL carries
out the parts that nothing reads from the last to the first, each after the parts that it reads itself: the receipt and
the events stand first because they are to be made last. A test watches it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    FromClause,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    make_url,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, Insert, insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.expression import CTE, ClauseElement

from payment_hub.domain.calendar import business_day
from payment_hub.domain.effects import Effects, effects_of_closing
from payment_hub.domain.idempotency import Claim
from payment_hub.domain.ledger import Transfer
from payment_hub.domain.money import Money
from payment_hub.domain.orders import EventType
from payment_hub.domain.payments import ATTEMPT_LIFE, AttemptEvent
from payment_hub.domain.settlement import OrderRecord
from payment_hub.store.connections import DriverConnection, Prepared
from payment_hub.store.orders import COLUMNS, JOINS, order_view
from payment_hub.store.tables import (
    Base,
    Event,
    IdempotencyRecord,
    Obligation,
    PaymentAttempt,
    PaymentOrder,
    Portal,
    Posting,
    Receipt,
    ReceiptCounter,
    Webhook,
)

_DIALECT: Final = make_url("postgresql+psycopg://").get_dialect()()


def inline(value: int | str) -> ColumnElement[Any]:
    """A constant of ours, written into the SQL."""
    if isinstance(value, str):
        return literal_column(repr(str(value)), Text())
    return literal_column(repr(value), Integer())


def quoted(*members: StrEnum) -> str:
    """Words of our enumerations as a list in SQL text, so that a partial index is recognized by them."""
    return ", ".join(repr(str(word)) for word in members)


def param(name: str, like: Column[Any] | Any = None, type_: Any = None) -> ColumnElement[Any]:
    """The parameter ``name``, of the type of the column that it is ``like``. JSON comes as text."""
    kind = like.type if type_ is None else type_
    if isinstance(kind, JSONB):
        return cast(bindparam(name, type_=Text()), JSONB)
    if isinstance(kind, LargeBinary | Boolean):  # the driver adds the types of all others
        return cast(bindparam(name, type_=kind), kind)
    return bindparam(name, type_=kind)


def insert_for_each(
    source: FromClause | None,
    model: type[Base],
    *columns: str,
    where: ColumnElement[bool] | None = None,
    **others: str | ColumnElement[Any],
) -> Insert:
    """Insert a row for each row of ``source``, or one row without a source.

    Each of ``columns`` takes the parameter of its own name; each of ``others`` the parameter or the expression named.
    """
    table = model.__table__
    values = {name: param(name, table.c[name]) for name in columns}
    for name, value in others.items():
        values[name] = param(value, table.c[name]) if isinstance(value, str) else value
    rows = select(*values.values())
    rows = rows if source is None else rows.select_from(source)
    rows = rows if where is None else rows.where(where)
    return insert(model).from_select(list(values), rows, include_defaults=False)


def prepared(statement: ClauseElement) -> Prepared:
    """The statement compiled once, for the hot path."""
    return Prepared(sql_of(statement))


def sql_of(statement: ClauseElement) -> str:
    """The statement as the driver takes it, with its parameters by name."""
    return str(statement.compile(dialect=_DIALECT))


def guard() -> CTE:
    """Raise the obligation's row version if it is still the one that was read. A settled order settles it."""
    order_id = param("order_id", Obligation.settled_by)
    settled_by = case(
        (param("settles", type_=Boolean()), func.coalesce(Obligation.settled_by, order_id)),
        else_=Obligation.settled_by,
    )
    return (
        update(Obligation)
        .where(
            Obligation.id == param("obligation_id", Obligation.id),
            Obligation.row_version == param("row_version", Obligation.row_version),
        )
        .values(row_version=Obligation.row_version + inline(1), settled_by=settled_by)
        .returning(Obligation.id)
        .cte("guard")
    )


def receipt_parts(guard: CTE) -> tuple[CTE, CTE]:
    """Draw the next number of the agency's series and year, and issue the receipt with it."""
    issues = param("receipt", type_=Boolean())
    number = (
        insert_for_each(guard, ReceiptCounter, "agency_id", "series", "year", last=inline(1), where=issues)
        .on_conflict_do_update(
            index_elements=["agency_id", "series", "year"], set_={"last": ReceiptCounter.last + inline(1)}
        )
        .returning(ReceiptCounter.last)
        .cte("number")
    )
    receipt = insert_for_each(
        number,
        Receipt,
        "order_id",
        "agency_id",
        "template",
        "series",
        "year",
        "day",
        number=number.c.last,
        amount="receipt_amount",
        currency="order_currency",
        issued_at="now",
    ).cte("receipt")
    return number, receipt


def printed_number(
    template: ColumnElement[str], series: ColumnElement[str], number: ColumnElement[int]
) -> ColumnElement[str]:
    """A receipt's number as ``domain.receipts.receipt_number`` prints it; a test compares the two."""
    return func.concat_ws(
        inline(" "), template, series, func.lpad(cast(number, Text), inline(7), inline("0"))
    )


def with_receipt(order: ColumnElement[Any], number: CTE) -> ColumnElement[Any]:
    """The order's JSON with the number of the receipt that was just issued, if one was."""
    printed = printed_number(
        param("template", Receipt.template), param("series", Receipt.series), number.c.last
    )
    receipt = select(func.jsonb_build_object(inline("receipt"), printed)).select_from(number)
    return order.concat(func.coalesce(receipt.scalar_subquery(), cast(inline("{}"), JSONB)))


def event_parts(guard: CTE, number: CTE | None = None) -> tuple[CTE, CTE]:
    """The events of the change, in order, and their webhooks to a portal that wants them."""
    order = param("data", Event.data)
    types = func.unnest(param("types", type_=ARRAY(Text))).table_valued(
        column("type", Text), with_ordinality="place"
    )
    types = types.render_derived(name="happened")
    event = insert_for_each(
        guard.join(types, true()),
        Event,
        "order_id",
        "agency_id",
        "portal_id",
        sequence=param("first_sequence", Event.sequence) + cast(types.c.place, Integer) - inline(1),
        type=types.c.type,
        data=order if number is None else with_receipt(order, number),
        occurred_at="now",
    )
    event_made = event.returning(Event.id, Event.portal_id).cte("new_event")
    subscribed = event_made.join(
        Portal.__table__, (Portal.id == event_made.c.portal_id) & Portal.webhook_url.is_not(None)
    )
    webhook = insert_for_each(
        subscribed, Webhook, event_id=event_made.c.id, portal_id=event_made.c.portal_id, due_at="now"
    )
    return event_made, webhook.cte("new_webhook")


def posting_part(
    source: FromClause,
    *,
    source_type: str | ColumnElement[Any],
    source_id: str | ColumnElement[Any],
    currency: str,
) -> CTE:
    """A posting for each transfer."""
    arrays = (
        param("kinds", type_=ARRAY(Text)),
        param("debits", type_=ARRAY(Text)),
        param("credits", type_=ARRAY(Text)),
        param("amounts", type_=ARRAY(BigInteger)),
    )
    fields = (
        column("kind", Text),
        column("debit", Text),
        column("credit", Text),
        column("amount", BigInteger),
    )
    transfer = func.unnest(*arrays).table_valued(*fields).render_derived(name="transfer")
    return insert_for_each(
        source.join(transfer, true()),
        Posting,
        "agency_id",
        "bank",
        "order_id",
        kind=transfer.c.kind,
        debit=transfer.c.debit,
        credit=transfer.c.credit,
        amount=transfer.c.amount,
        day="day",
        posted_at="now",
        source_type=source_type,
        source_id=source_id,
        currency=currency,
    ).cte("new_posting")


def totals_part(guard: CTE) -> CTE:
    """The order's new totals."""
    names = (
        "received",
        "accepted",
        "refunded",
        "held_refund",
        "paid_back",
        "paid_back_accepted",
        "conflict",
        "other_currency",
        "disputed",
        "held",
        "sequence",
    )
    columns = PaymentOrder.__table__.c
    values = {name: param(name, columns[name]) for name in names}
    return (
        update(PaymentOrder)
        .where(
            PaymentOrder.id == param("order_id", PaymentOrder.id),
            param("changes_order", type_=Boolean()),
            select(guard.c.id).exists(),
        )
        .values(late=param("is_late", PaymentOrder.late), **values)
        .cte("new_totals")
    )


_GUARD: Final = guard()
_NUMBER, _RECEIPT = receipt_parts(_GUARD)
_EVENT, _WEBHOOK = event_parts(_GUARD, _NUMBER)
#: The parts of a change of an order's money, in the order that the module's first lines explain.
ORDER_PARTS: Final = (_GUARD, _NUMBER, _RECEIPT, _EVENT, _WEBHOOK)

_CHANGE: Final = sql_of(
    select(_GUARD.c.id).add_cte(
        *ORDER_PARTS,
        posting_part(_GUARD, source_type="source_type", source_id="source_id", currency="order_currency"),
        totals_part(_GUARD),
    )
)

_CLOSED: Final = (
    update(PaymentOrder)
    .where(PaymentOrder.id == param("order_id", PaymentOrder.id), PaymentOrder.is_open)
    .values(
        cancelled_at=param("cancelled_at", PaymentOrder.cancelled_at),
        cancel_reason=param("cancel_reason", PaymentOrder.cancel_reason),
        expired_at=param("expired_at", PaymentOrder.expired_at),
        sequence=param("first_sequence", PaymentOrder.sequence),
    )
    .returning(PaymentOrder.id)
    .cte("closed")
)
_ABANDONED: Final = {
    state: ATTEMPT_LIFE.after(state, AttemptEvent.GIVEN_UP)
    for state in ATTEMPT_LIFE.sources(AttemptEvent.GIVEN_UP)
}
_ABANDON: Final = (
    update(PaymentAttempt)
    .where(
        PaymentAttempt.order_id == param("order_id", PaymentAttempt.order_id),
        PaymentAttempt.state.in_([inline(state) for state in _ABANDONED]),
        select(_CLOSED.c.id).exists(),
    )
    .values(
        state=case(
            *((PaymentAttempt.state == inline(state), inline(after)) for state, after in _ABANDONED.items())
        ),
        changed_at=param("now", PaymentAttempt.changed_at),
    )
    .cte("abandoned")
)
_CLOSE: Final = sql_of(select(_CLOSED.c.id).add_cte(_CLOSED, *event_parts(_CLOSED), _ABANDON))

_ISSUED: Final = insert_for_each(
    _GUARD,
    PaymentOrder,
    "reference",
    "obligation_id",
    "obligation_version",
    "agency_id",
    "portal_id",
    "required",
    "return_url",
    "expires_at",
    id="order_id",
    currency="order_currency",
    issued_at="now",
    sequence=func.cardinality(param("types", type_=ARRAY(Text))),
)
_ANSWER: Final = (
    insert_for_each(
        _GUARD,
        IdempotencyRecord,
        "caller",
        "key",
        "request_sha256",
        status=inline(201),
        body=func.coalesce(
            select(cast(with_receipt(param("data", Event.data), _NUMBER), Text))
            .select_from(_NUMBER)
            .scalar_subquery(),
            param("data", type_=Text()),
        ),
        created_at="now",
        expires_at="key_expires_at",
    )
    .returning(IdempotencyRecord.body)
    .cte("answer")
)
WRITE_ISSUE: Final = prepared(
    select(_ANSWER.c.body).add_cte(_GUARD, _ISSUED.cte("issued"), *ORDER_PARTS[1:], _ANSWER)
)

READ_FOR_ISSUE: Final = Prepared("""
SELECT k.request_sha256, k.status AS answered_status, k.body AS answered_body,
    a.id AS agency_id, a.code AS agency, a.receipt_template, a.receipt_series,
    b.id AS obligation_id, b.reference AS obligation_reference, b.kind, b.version AS obligation_version, b.withdrawn,
    b.settled_by, b.row_version, v.amount, v.currency, v.description,
    unsettled.reference AS unsettled,
    CASE WHEN b.id IS NOT NULL THEN nextval('payment_order_id_seq') END AS order_id
FROM (SELECT 1) AS one_row
LEFT JOIN idempotency_record k ON k.caller = %(caller)s AND k.key = %(key)s
LEFT JOIN agency a ON a.code = %(agency)s
LEFT JOIN obligation b ON b.agency_id = a.id AND b.reference = %(obligation)s
LEFT JOIN obligation_version v ON v.obligation_id = b.id AND v.version = b.version
LEFT JOIN LATERAL (
    SELECT reference FROM payment_order
    WHERE obligation_id = b.id AND (is_open OR status = 'UNDERPAID') ORDER BY id DESC LIMIT 1
) unsettled ON true""")


@dataclass(frozen=True, slots=True)
class PreviousAnswer:
    """The answer to the same idempotency key; without ``status`` the first request is still running."""

    request_sha256: bytes
    status: int | None
    body: str | None


@dataclass(frozen=True, slots=True)
class ObligationSnapshot:
    """The obligation for which an order is to be issued, and the key that the order would have."""

    id: int
    reference: str
    kind: str
    version: int
    row_version: int
    withdrawn: bool
    settled: bool
    unsettled_order: str | None
    """The order that is still to be paid."""
    amount: Money
    description: str
    agency_id: int
    agency: str
    receipt_template: str
    receipt_series: str
    next_order_id: int


@dataclass(frozen=True, slots=True)
class IssueContext:
    """Everything on record when an order is to be issued."""

    previous: PreviousAnswer | None
    obligation: ObligationSnapshot | None


def read_for_issue(
    connection: DriverConnection, claim: Claim, *, agency: str, obligation: str
) -> IssueContext:
    """The earlier answer to this key, if any, and the obligation, if any."""
    params = {"caller": claim.caller, "key": claim.key, "agency": agency, "obligation": obligation}
    row = READ_FOR_ISSUE.row(connection, params)
    assert row is not None  # noqa: S101 (the query reads one constant row)
    previous = snapshot = None
    if row["request_sha256"] is not None:
        previous = PreviousAnswer(row["request_sha256"], row["answered_status"], row["answered_body"])
    if row["obligation_id"] is not None:
        snapshot = ObligationSnapshot(
            id=row["obligation_id"],
            reference=row["obligation_reference"],
            kind=row["kind"],
            version=row["obligation_version"],
            row_version=row["row_version"],
            withdrawn=row["withdrawn"],
            settled=row["settled_by"] is not None,
            unsettled_order=row["unsettled"],
            amount=Money(row["amount"], row["currency"]),
            description=row["description"],
            agency_id=row["agency_id"],
            agency=row["agency"],
            receipt_template=row["receipt_template"],
            receipt_series=row["receipt_series"],
            next_order_id=row["order_id"],
        )
    return IssueContext(previous, snapshot)


def write_issue(
    connection: DriverConnection,
    record: OrderRecord,
    effects: Effects,
    claim: Claim,
    *,
    now: datetime,
    key_expires_at: datetime,
) -> str | None:
    """Write the order, its events, webhooks, receipt (of a zero order) and the answer. Returns the answer's body.

    None when the obligation changed since it was read. Raises AlreadyClaimed when the key or the open order was
    claimed meanwhile.
    """
    view = record.view
    params = order_params(record, effects, now) | {
        "reference": view.reference,
        "obligation_version": view.obligation.version,
        "required": view.required.minor,
        "return_url": view.return_url,
        "expires_at": view.expires_at,
        "caller": claim.caller,
        "key": claim.key,
        "request_sha256": claim.request_sha256,
        "key_expires_at": key_expires_at,
    }
    answer = WRITE_ISSUE.row(connection, params)
    return answer["body"] if answer else None


def order_params(record: OrderRecord, effects: Effects, now: datetime) -> dict[str, Any]:
    """The parameters of the guard, the receipt, the events and the totals."""
    totals, receipt, events = effects.totals, effects.receipt, effects.events
    params = {
        "order_id": record.id,
        "obligation_id": record.obligation_id,
        "agency_id": record.agency_id,
        "portal_id": record.portal_id,
        "row_version": record.row_version,
        "order_currency": record.view.required.currency,
        "receipt": receipt is not None,
        "template": receipt and receipt.template,
        "series": receipt and receipt.series,
        "year": receipt and receipt.year,
        "receipt_amount": receipt and receipt.amount.minor,
        "settles": receipt is not None or (totals is not None and totals.settled),
        "types": list(events.types),
        "first_sequence": events.version - len(events.types) + 1,
        "data": json.dumps(events.order, ensure_ascii=False, separators=(",", ":")),
        "now": now,
        "day": business_day(now),
        "changes_order": totals is not None,
    }
    return params | {
        "received": totals and totals.received,
        "accepted": totals and totals.accepted,
        "refunded": totals and totals.refunded,
        "held_refund": totals and totals.held_refund,
        "paid_back": totals and totals.paid_back,
        "paid_back_accepted": totals and totals.paid_back_accepted,
        "is_late": totals and totals.late,
        "conflict": totals and totals.conflict,
        "other_currency": totals and totals.other_currency,
        "disputed": totals and totals.disputed,
        "held": totals and totals.held,
        "sequence": events.version,
    }


def posting_params(transfers: tuple[Transfer, ...]) -> dict[str, list[Any]]:
    """The parameters of the postings."""
    return {
        "kinds": [transfer.kind for transfer in transfers],
        "debits": [transfer.debit for transfer in transfers],
        "credits": [transfer.credit for transfer in transfers],
        "amounts": [transfer.amount for transfer in transfers],
    }


def change_order(
    session: Session,
    record: OrderRecord,
    effects: Effects,
    now: datetime,
    *,
    source_type: str,
    source_id: int,
    bank: str,
) -> None:
    """Write what follows from a refund or a chargeback. The caller holds the obligation's lock."""
    params = order_params(record, effects, now) | posting_params(effects.transfers)
    params |= {"source_type": source_type, "source_id": source_id, "bank": bank}
    session.connection().exec_driver_sql(_CHANGE, params).one()


_OPEN_ORDER: Final = text(
    f"SELECT {COLUMNS} FROM payment_order o {JOINS} WHERE o.obligation_id = :obligation AND o.is_open"
)


def open_order_of(session: Session, obligation_id: int) -> Mapping[Any, Any] | None:
    """The open order of an obligation, read with COLUMNS."""
    return session.execute(_OPEN_ORDER, {"obligation": obligation_id}).mappings().one_or_none()


def order_record(row: Mapping[Any, Any], checkout_url: Callable[[str], str]) -> OrderRecord:
    """The order of a row that was read with COLUMNS."""
    return OrderRecord(
        id=row["order_id"],
        obligation_id=row["obligation_id"],
        agency_id=row["agency_id"],
        portal_id=row["portal_id"],
        row_version=row["row_version"],
        receipt_template=row["receipt_template"],
        receipt_series=row["receipt_series"],
        view=order_view(row, checkout_url(row["reference"])),
    )


def close_order(
    session: Session,
    row: Mapping[Any, Any],
    event: EventType,
    now: datetime,
    checkout_url: Callable[[str], str],
    *,
    reason: str | None = None,
) -> None:
    """Cancel (with a reason) or expire the order of ``row``. The caller holds the obligation's lock."""
    record = order_record(row, checkout_url)
    if event is EventType.CANCELLED:
        closed = replace(record.view, cancelled_at=now, cancel_reason=reason)
    else:
        closed = replace(record.view, expired_at=now)
    params = order_params(record, effects_of_closing(closed, event), now)
    params |= {
        "cancelled_at": closed.cancelled_at,
        "cancel_reason": closed.cancel_reason,
        "expired_at": closed.expired_at,
    }
    session.connection().exec_driver_sql(_CLOSE, params).one()
