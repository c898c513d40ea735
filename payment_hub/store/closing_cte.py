"""The two parts that end every statement which changes an order: its receipt, if it is settled, and its events.

Both draw from a part named ``gate``. The receipt's printed number is put into the event's data here, because it is
known only here.
"""

from __future__ import annotations

from typing import Final

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
    INSERT INTO notice (event_id, portal_id, due_at)
    SELECT happened.id, happened.portal_id, %(now)s::timestamptz
    FROM happened JOIN portal ON portal.id = happened.portal_id AND portal.notice_url IS NOT NULL
)"""
