"""Fill the hub's books in bulk: obligations to issue orders for, and open orders to confirm."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg

from payment_hub.domain.references import CHANCE_BITS, new_reference

AGENCIES: Final = 20

_OBLIGATIONS: Final = """
INSERT INTO obligation (agency_id, reference, kind, created_at)
SELECT 1 + n %% %(agencies)s, %(prefix)s || n, 'traffic_fine', now() FROM generate_series(1, %(count)s) n"""

_VERSIONS: Final = """
INSERT INTO obligation_version (obligation_id, version, event, amount, currency, payer_name, identifiers, description,
    due_on, account_number, account_bank, account_name, treasury_sub_item, stated_by, stated_at)
SELECT id, 1, 'REGISTERED', 150000, 'VND', 'Nguyễn Văn An', '{"decision_number": "1/QD"}', 'Vượt đèn đỏ', now()::date,
    '7111000000001', '970436', 'KBNN HA NOI', '4252', 'bench', now()
FROM obligation b WHERE NOT EXISTS (SELECT FROM obligation_version v WHERE v.obligation_id = b.id)"""

_ORDERS: Final = """
INSERT INTO payment_order (reference, obligation_id, obligation_version, agency_id, portal_id, required, currency,
    issued_at, expires_at)
SELECT r.reference, b.id, 1, b.agency_id, 1, 150000, 'VND', now(), now() + interval '1 day'
FROM (SELECT id, agency_id, row_number() OVER (ORDER BY id) AS n FROM obligation
    WHERE reference LIKE %(prefix)s || '%%') b
JOIN bench_reference r ON r.n = b.n"""

_EVENTS: Final = """
INSERT INTO event (order_id, sequence, agency_id, portal_id, type, data, occurred_at)
SELECT o.id, 1, o.agency_id, o.portal_id, 'payment_order.issued', jsonb_build_object('status', 'OPEN', 'received',
    jsonb_build_object('amount', '0', 'currency', 'VND')), now()
FROM payment_order o WHERE NOT EXISTS (SELECT FROM event e WHERE e.order_id = o.id)"""


def plain(url: str) -> str:
    """A SQLAlchemy URL as libpq reads it."""
    return url.replace("postgresql+psycopg://", "postgresql://")


def add_parties(url: str) -> None:
    """Twenty agencies and a portal."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(
            """INSERT INTO agency (code, name, receipt_template, receipt_series, account_number, account_bank,
            account_name, created_at) SELECT 'B' || n, 'Agency ' || n, '01BLP', 'AA26E', '7111000000001', '970436',
            'KBNN', now() FROM generate_series(1, %s) n""",
            (AGENCIES,),
        )
        connection.execute(
            "INSERT INTO portal (code, name, webhook_url, created_at) VALUES ('bench', 'Bench', NULL, now())"
        )


def add_obligations(url: str, prefix: str, count: int) -> None:
    """``count`` obligations with references ``<prefix>1`` and on; number n is owed to agency ``B<1 + n mod 20>``."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(_OBLIGATIONS, {"agencies": AGENCIES, "prefix": prefix, "count": count})
        connection.execute(_VERSIONS)


def add_orders(url: str, prefix: str, count: int) -> list[str]:
    """``count`` obligations with an open order each; the orders' references."""
    add_obligations(url, prefix, count)
    start = datetime.now(UTC) - timedelta(milliseconds=count)
    chance = random.Random(prefix)
    references = [
        new_reference(start + timedelta(milliseconds=n), chance.getrandbits(CHANCE_BITS))
        for n in range(count)
    ]
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE bench_reference (n bigint PRIMARY KEY, reference text)")
        with connection.cursor().copy("COPY bench_reference FROM STDIN") as copy:
            for n, reference in enumerate(references, 1):
                copy.write_row((n, reference))
        connection.execute(_ORDERS, {"prefix": prefix})
        connection.execute(_EVENTS)
    return references


def number_orders(url: str, references: list[str]) -> None:
    """Let a script of pgbench find these orders by number, from 0."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_orders")
        connection.execute("CREATE TABLE bench_orders (n bigint PRIMARY KEY, reference text)")
        with connection.cursor().copy("COPY bench_orders FROM STDIN") as copy:
            for n, reference in enumerate(references):
                copy.write_row((n, reference))


def settle_down(url: str) -> None:
    """Let statistics and the write-ahead log be as they are on a day without a bulk load."""
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
