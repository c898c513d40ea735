"""The two parts that end every statement which changes an order: its receipt, if it is settled, and its events.

Both draw from a part named ``gate``. The receipt's printed number is put into the event's data here, because it is
known only here.

Issue an order: read what is asked about in one statement, write all that follows in another.

Close an order's offer, by withdrawal or by the clock, together with the event that tells it.

The caller holds the obligation's lock. Closing ends the offer, not the money: a QR code on paper can still be paid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.orders import EventType
from payment_hub.domain.wire import to_wire
from payment_hub.store.connections import DriverConnection, Prepared
from payment_hub.store.orders import COLUMNS, JOINS, order_view

RECEIPT: Final = """
numbered AS (
    INSERT INTO receipt_counter AS counter (agency_id, series, year, last)
    SELECT %(agency_id)s::bigint, %(series)s::text, extract(year FROM %(day)s::date)::int, 1
    FROM gate WHERE %(receipt)s::boolean
    ON CONFLICT (agency_id, series, year) DO UPDATE SET last = counter.last + 1
    RETURNING last
),
receipted AS (
    INSERT INTO receipt (order_id, agency_id, template, series, year, number, amount, currency, issued_at, day)
    SELECT %(order_id)s::bigint, %(agency_id)s::bigint, %(template)s::text, %(series)s::text,
        extract(year FROM %(day)s::date)::int, last,
        %(paid_in)s::bigint, %(order_currency)s::text, %(now)s::timestamptz, %(day)s::date
    FROM numbered
)"""

#: Printed form of a number just drawn; ``domain.receipt.receipt_number`` is its twin, and a test compares them.
NUMBER: Final = "%(template)s::text || ' ' || %(series)s::text || ' ' || lpad(last::text, 7, '0')"

EVENTS: Final = f"""
happened AS (
    INSERT INTO event (order_id, sequence, agency_id, portal_id, type, data, occurred_at)
    SELECT %(order_id)s::bigint, %(first_sequence)s::int + t.place::int - 1, %(agency_id)s::bigint,
        %(portal_id)s::bigint, t.type,
        %(data)s::text::jsonb || coalesce((SELECT jsonb_build_object('receipt', {NUMBER}) FROM numbered), '{{}}'),
        %(now)s::timestamptz
    FROM gate, unnest(%(types)s::text[]) WITH ORDINALITY AS t (type, place)
    RETURNING id, portal_id
),
told AS (
    INSERT INTO webhook (event_id, portal_id, due_at)
    SELECT happened.id, happened.portal_id, %(now)s::timestamptz
    FROM happened JOIN portal ON portal.id = happened.portal_id AND portal.webhook_url IS NOT NULL
)"""


READ: Final = Prepared("""
SELECT k.request_sha256, k.status AS answered_status, k.body AS answered_body,
    a.id AS agency_id, a.code AS agency, a.receipt_template, a.receipt_series,
    b.id AS obligation_id, b.reference AS obligation_reference, b.kind, b.version AS obligation_version, b.withdrawn,
    b.settled_by, b.row_version, v.amount, v.currency, v.description,
    unsettled.reference AS unsettled,
    CASE WHEN b.id IS NOT NULL THEN nextval('payment_order_id_seq') END AS order_id
FROM (SELECT 1) AS one
LEFT JOIN idempotency_record k ON k.caller = %(caller)s AND k.key = %(key)s
LEFT JOIN agency a ON a.code = %(agency)s
LEFT JOIN obligation b ON b.agency_id = a.id AND b.reference = %(obligation)s
LEFT JOIN obligation_version v ON v.obligation_id = b.id AND v.version = b.version
LEFT JOIN LATERAL (
    SELECT reference FROM payment_order
    WHERE obligation_id = b.id AND (is_open OR status = 'UNDERPAID') ORDER BY id DESC LIMIT 1
) unsettled ON true""")

WRITE: Final = Prepared(f"""
WITH gate AS (
    UPDATE obligation SET row_version = row_version + 1,
        settled_by = CASE WHEN %(receipt)s::boolean THEN %(order_id)s::bigint END
    WHERE id = %(obligation_id)s::bigint AND row_version = %(row_version)s::bigint
    RETURNING id
),
made AS (
    INSERT INTO payment_order (id, reference, obligation_id, obligation_version, agency_id, portal_id, required,
        currency, return_url, issued_at, expires_at, sequence)
    SELECT %(order_id)s::bigint, %(reference)s::text, %(obligation_id)s::bigint, %(obligation_version)s::int,
        %(agency_id)s::bigint, %(portal_id)s::bigint, %(required)s::bigint, %(order_currency)s::text,
        %(return_url)s::text, %(now)s::timestamptz, %(expires_at)s::timestamptz, cardinality(%(types)s::text[])
    FROM gate
), {RECEIPT}, {EVENTS},
answered AS (
    INSERT INTO idempotency_record (caller, key, request_sha256, status, body, created_at, expires_at)
    SELECT %(caller)s::text, %(key)s::text, %(request_sha256)s::bytea, 201,
        coalesce((SELECT (%(data)s::text::jsonb || jsonb_build_object('receipt', {NUMBER}))::text FROM numbered),
            %(data)s::text),
        %(now)s::timestamptz, %(key_expires_at)s::timestamptz
    FROM gate
    RETURNING body
)
SELECT body FROM answered""")


def read_for_issue(
    connection: DriverConnection, *, caller: str, key: str, agency: str, obligation: str
) -> Mapping[Any, Any]:
    """The earlier answer to this key, if any; the obligation, if any, with the order that is still to be paid."""
    asked = {"caller": caller, "key": key, "agency": agency, "obligation": obligation}
    row = READ.row(connection, asked)
    assert row is not None  # noqa: S101 (a question about one constant row has one answer)
    return row


def write_issue(connection: DriverConnection, facts: dict[str, Any]) -> str | None:
    """Write the order, its events, webhooks, receipt (of a zero order) and the answer. Returns the answer's body.

    None when the obligation changed since it was read. Raises AlreadyClaimed when the key or the open order was
    claimed meanwhile.
    """
    answered = WRITE.row(connection, facts)
    return answered["body"] if answered else None


_OPEN_ORDER: Final = text(
    f"SELECT {COLUMNS} FROM payment_order o {JOINS} WHERE o.obligation_id = :obligation AND o.is_open"
)

_CLOSE: Final = f"""
WITH gate AS (
    UPDATE payment_order SET cancelled_at = %(cancelled_at)s::timestamptz, cancel_reason = %(cancel_reason)s::text,
        expired_at = %(expired_at)s::timestamptz, sequence = %(first_sequence)s::int
    WHERE id = %(order_id)s::bigint AND is_open
    RETURNING id
),
numbered AS (SELECT 0 AS last WHERE false),
given_up AS (
    UPDATE payment_attempt SET state = 'ABANDONED', changed_at = %(now)s::timestamptz
    WHERE order_id = %(order_id)s::bigint AND state = 'PENDING' AND EXISTS (SELECT FROM gate)
), {EVENTS}
SELECT count(*) FROM gate"""


def open_order_of(session: Session, obligation_id: int) -> Mapping[Any, Any] | None:
    """The open order of an obligation, read with COLUMNS."""
    return session.execute(_OPEN_ORDER, {"obligation": obligation_id}).mappings().one_or_none()


def close_order(
    session: Session,
    row: Mapping[str, Any],
    event: EventType,
    now: datetime,
    checkout_url: Callable[[str], str],
    *,
    reason: str | None = None,
) -> None:
    """Cancel (with a reason) or expire the order of ``row``, and say so in an event and its webhook."""
    cancelled = event is EventType.CANCELLED
    facts = {
        "cancelled_at": now if cancelled else row["cancelled_at"],
        "cancel_reason": reason if cancelled else row["cancel_reason"],
        "expired_at": row["expired_at"] if cancelled else now,
    }
    view = order_view(row, checkout_url(row["reference"]), sequence=row["sequence"] + 1, **facts)
    more = {
        **{name: row[name] for name in ("order_id", "agency_id", "portal_id")},
        "first_sequence": row["sequence"] + 1,
        "types": [event],
        "data": json.dumps(to_wire(view)),
        "template": "",
        "series": "",
        "now": now,
    }
    session.connection().exec_driver_sql(_CLOSE, facts | more)
