"""Issue an order: read what is asked about in one statement, write all that follows in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from payment_hub.store.closing_cte import EVENTS, NUMBER, RECEIPT
from payment_hub.store.connections import Statements
from payment_hub.store.prepared import Prepared

READ: Final = Prepared("""
SELECT k.request_sha256, k.status AS answered_status, k.body AS answered_body,
    a.id AS agency_id, a.code AS agency, a.receipt_template, a.receipt_series,
    b.id AS obligation_id, b.reference AS obligation_reference, b.kind, b.version AS obligation_version, b.withdrawn,
    b.settled_by, b.sequence AS gate, v.amount, v.currency, v.description,
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
    UPDATE obligation SET sequence = sequence + 1,
        settled_by = CASE WHEN %(receipt)s::boolean THEN %(order_id)s::bigint END
    WHERE id = %(obligation_id)s::bigint AND sequence = %(gate)s::bigint
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
    connection: Statements, *, caller: str, key: str, agency: str, obligation: str
) -> Mapping[Any, Any]:
    """The earlier answer to this key, if any; the obligation, if any, with the order that is still to be paid."""
    asked = {"caller": caller, "key": key, "agency": agency, "obligation": obligation}
    row = READ.row(connection, asked)
    assert row is not None  # noqa: S101 (a question about one constant row has one answer)
    return row


def write_issue(connection: Statements, facts: dict[str, Any]) -> str | None:
    """Write the order, its events, notices, receipt (of a zero order) and the answer. Returns the answer's body.

    None when the obligation changed since it was read. Raises AlreadyClaimed when the key or the open order was
    claimed meanwhile.
    """
    answered = WRITE.row(connection, facts)
    return answered["body"] if answered else None
