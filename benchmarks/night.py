"""The night: one day of one bank and of one agency, from stored rows to persisted discrepancies.

    python -m benchmarks.night [--rows 1000000] [--rounds 1] [--without-duckdb]

Each round is a day of its own with so many collections, receipts, statement lines and ledger entries; one in a
thousand differs. DuckDB does the same join on the same rows, held in its own tables before its clock starts. A server
is started for the occasion unless HUB_DATABASE_URL names one (an empty database on it is needed).
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.orm import sessionmaker

from payment_hub.embedded.postgres import DURABLE, throw_away_postgres
from payment_hub.hub import Hub
from payment_hub.signing import Signer
from payment_hub.store.schema import upgrade
from reconciliation.books import Books
from reconciliation.domain.runs import Scope, agency_scope, bank_scope
from reconciliation.ledgers.csv_drop import CsvDrop
from reconciliation.operations.runs import reconcile_day
from tests.worlds.settings import SETTINGS

FIRST_DAY: Final = date(2026, 3, 2)
BANK, AGENCY = bank_scope("sandbox"), agency_scope("B1")

#: One in a thousand is missing on the other side, one differs in amount, one is twice there, one is unknown here.
EVERY: Final = 1000

_PARTIES: Final = """
INSERT INTO agency (id, code, name, receipt_template, receipt_series, account_number, account_bank, account_name,
    created_at)
OVERRIDING SYSTEM VALUE VALUES (1, 'B1', 'Agency', '01BLP', 'AA26E', '1', '970436', 'KBNN', now());
INSERT INTO portal (id, code, name, created_at) OVERRIDING SYSTEM VALUE VALUES (1, 'bench', 'Bench', now())"""

_NUMBERS: Final = "FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n"

_DAY: Final = (
    f"""INSERT INTO obligation (id, agency_id, reference, kind, settled_by, created_at)
    OVERRIDING SYSTEM VALUE SELECT n, 1, 'QD-' || n, 'traffic_fine', n, now() {_NUMBERS}""",
    f"""INSERT INTO payment_order (id, reference, obligation_id, obligation_version, agency_id, portal_id, required,
        currency, issued_at, expires_at, received, accepted)
    OVERRIDING SYSTEM VALUE SELECT n, 'DV' || lpad(n::text, 14, '0'), n, 1, 1, 1, 100000 + n % 1000, 'VND', :at, :at,
        100000 + n % 1000, 100000 + n % 1000 {_NUMBERS}""",
    f"""INSERT INTO collection (bank, bank_transaction_id, order_id, agency_id, reference, amount, currency, late,
        accepted, collected_at, received_at, day)
    SELECT 'sandbox', 'T' || md5(n::text), n, 1, 'DV' || lpad(n::text, 14, '0'), 100000 + n % 1000, 'VND', false,
        true, :at, :at, :day {_NUMBERS}""",
    f"""INSERT INTO receipt (order_id, agency_id, template, series, year, number, amount, currency, issued_at, day)
    SELECT n, 1, '01BLP', 'AA26E', 2026, n, 100000 + n % 1000, 'VND', :at, :day {_NUMBERS}""",
    """INSERT INTO statement_file (id, bank, day, sha256, raw, state, lines, received_at)
    OVERRIDING SYSTEM VALUE VALUES (:file, 'sandbox', :day, 'x', '', 'ACCEPTED', 0, :at)""",
    f"""INSERT INTO statement_line (file_id, line, bank, bank_transaction_id, day, amount, currency, movement,
        reference, occurrence, booked_at, repeated)
    SELECT :file, n, 'sandbox', 'T' || md5(CASE n % :every WHEN 3 THEN 'unknown' ELSE '' END || n), :day,
        100000 + n % 1000 - CASE n % :every WHEN 1 THEN 1 ELSE 0 END, 'VND', 'CREDIT',
        'DV' || lpad(n::text, 14, '0'), 1, :at, false {_NUMBERS} WHERE n % :every <> 0 ORDER BY md5(n::text)""",
    f"""INSERT INTO statement_line (file_id, line, bank, bank_transaction_id, day, amount, currency, movement,
        reference, occurrence, booked_at, repeated)
    SELECT :file, n, 'sandbox', 'T' || md5(n::text), :day, 100000 + n % 1000, 'VND', 'CREDIT',
        'DV' || lpad(n::text, 14, '0'), 2, :at, true {_NUMBERS} WHERE n % :every = 2""",
    """INSERT INTO ledger_file (id, agency_id, day, name, sha256, raw, state, lines, received_at)
    OVERRIDING SYSTEM VALUE VALUES (:file, 1, :day, 'B1.csv', 'x', '', 'ACCEPTED', 0, :at)""",
    f"""INSERT INTO ledger_entry (file_id, line, agency_id, day, entry_number, reference, case_key, order_id, amount,
        currency, repeated)
    SELECT :file, n, 1, :day, n, 'DV' || lpad(n::text, 14, '0'), 'QD-' || n, n,
        100000 + n % 1000 - CASE n % :every WHEN 1 THEN 1 ELSE 0 END, 'VND', false
    {_NUMBERS} WHERE n % :every <> 0 ORDER BY md5(n::text)""",
)

#: The bank's half in DuckDB: the same cases named in the same way.
_DUCKDB: Final = """
CREATE OR REPLACE TABLE found AS
SELECT case_key, CASE
    WHEN other_items > 1 THEN 'DUPLICATE_AT_BANK'
    WHEN hub_amount IS NULL THEN 'MISSING_IN_HUB'
    WHEN other_items IS NULL THEN 'MISSING_AT_BANK'
    WHEN hub_currency <> other_currency THEN 'CURRENCY_MISMATCH'
    WHEN hub_amount <> other_amount THEN 'AMOUNT_MISMATCH' END AS kind
FROM (
    SELECT coalesce(h.transaction, l.transaction) AS case_key, h.amount AS hub_amount, h.currency AS hub_currency,
        l.items AS other_items, l.amount AS other_amount, l.currency AS other_currency
    FROM hub h FULL JOIN (
        SELECT transaction, count(*) AS items, sum(amount) AS amount, min(currency) AS currency
        FROM line GROUP BY transaction
    ) l ON l.transaction = h.transaction
) WHERE kind IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one comparison took."""

    scope: str
    items: int
    findings: int
    seconds: float

    def line(self) -> str:
        """For a person."""
        rate = self.items / self.seconds / 1e6
        return (
            f"{self.scope:<16} {self.items:>9,} items  {self.findings:>6,} found  {self.seconds:6.2f} s"
            f"  {rate:5.2f} M items/s"
        )


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(
        prog="python -m benchmarks.night", description=(__doc__ or "").partition("\n")[0]
    )
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--without-duckdb", action="store_true")
    chosen = options.parse_args()
    with _server() as url:
        for line in measure(url, chosen.rows, chosen.rounds, with_duckdb=not chosen.without_duckdb):
            print(line, flush=True)


def measure(url: str, rows: int, rounds: int, *, with_duckdb: bool = True) -> Iterator[str]:
    """A line for each comparison, and one for the memory of this process."""
    engine = create_engine(url)
    upgrade(engine)
    books = _books(engine)
    with engine.begin() as connection:
        connection.execute(text(_PARTIES))
    before = _peak_mib()
    for number in range(rounds):
        day = FIRST_DAY + timedelta(days=number)
        with engine.begin() as connection:
            _fill(connection, day, number, rows)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        for scope in (BANK, AGENCY):
            yield _compare(books, scope, day).line()
        yield f"peak memory of Python: {before:.0f} MiB before, {_peak_mib():.0f} MiB after"
        if with_duckdb:
            yield _in_duckdb(engine, day).line()
    engine.dispose()


@contextmanager
def _server() -> Iterator[str]:
    given = os.environ.get("HUB_DATABASE_URL")
    if given is not None:
        yield given
        return
    with throw_away_postgres(DURABLE) as url:
        yield url


def _books(engine: Engine) -> Books:
    now = datetime(2026, 3, 20, tzinfo=UTC)
    hub = Hub(
        engine=engine,
        sessions=sessionmaker(engine),
        adapters={"sandbox": None},  # type: ignore[dict-item]
        now=lambda: now,
        signer=Signer.of([b"k" * 32], [b"s" * 32]),
        settings=SETTINGS,
    )
    return Books(hub, CsvDrop(None), confirm=lambda **_: None)


def _fill(connection: Connection, day: date, number: int, rows: int) -> None:
    """A day's rows, put in by the server itself."""
    values: Mapping[str, Any] = {
        "first": number * rows + 1,
        "last": (number + 1) * rows,
        "day": day,
        "at": datetime(day.year, day.month, day.day, 5, tzinfo=UTC),
        "file": number + 1,
        "every": EVERY,
    }
    if connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
        # Who may, skips the checks of foreign keys, which are not what is measured here and take most of the time.
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in _DAY:
        connection.execute(text(statement), values)


def _compare(books: Books, scope: Scope, day: date) -> Measured:
    started = time.perf_counter()
    run = reconcile_day(books, scope=scope, day=day)
    seconds = time.perf_counter() - started
    with books.hub.transaction() as session:
        totals = session.scalar(text("SELECT totals FROM reconciliation_run WHERE id = :run"), {"run": run})
        count_query = (
            "SELECT count(*) FROM discrepancy d JOIN finding f ON f.id = d.finding_id WHERE f.run_id = :run"
        )
        findings = session.scalar(text(count_query), {"run": run})
    items = sum(line["items"]["count"] for line in totals or ())
    return Measured(str(scope), items, findings or 0, seconds)


def _in_duckdb(engine: Engine, day: date) -> Measured:
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as duck:
        for table, source in (("hub", "collection"), ("line", "statement_line")):
            path = Path(folder) / f"{table}.csv"
            _copy_out(
                engine,
                f"SELECT bank_transaction_id, amount, currency FROM {source} WHERE day = '{day}'",
                path,
            )
            columns = "{'transaction': 'VARCHAR', 'amount': 'BIGINT', 'currency': 'VARCHAR'}"
            duck.execute(
                f"CREATE TABLE {table} AS SELECT * FROM read_csv('{path}', header = false, columns = {columns})"
            )
        items = duck.sql("SELECT (SELECT count(*) FROM hub) + (SELECT count(*) FROM line)").fetchall()[0][0]
        started = time.perf_counter()
        duck.execute(_DUCKDB)
        seconds = time.perf_counter() - started
        findings = duck.sql("SELECT count(*) FROM found").fetchall()[0][0]
    return Measured("duckdb, bank", items, findings, seconds)


def _copy_out(engine: Engine, query: str, path: Path) -> None:
    raw = engine.raw_connection()
    try:
        cursor: Any = raw.cursor()
        with path.open("wb") as file, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as copied:
            for block in copied:
                file.write(block)
    finally:
        raw.close()


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
