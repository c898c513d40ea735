"""Confirmations over HTTP with every bank's callbacks mixed, against those of a single bank, on the same hub.

    python -m benchmarks.banks [--rounds 5] [--requests 3000]

Each bank's simulator signs its messages; that a message was believed is seen in the books and not in a status, because
some banks are refused with 200 in their own words. Rounds alternate; medians are printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from itertools import cycle
from pathlib import Path

import psycopg

from benchmarks import books
from benchmarks.load import Load, load
from benchmarks.messages import Teller, as_bytes, tellers
from benchmarks.requests import callback_requests
from payment_hub.embedded.run import RunningHub, running

CLIENTS = 16

_ATTEMPT = """
INSERT INTO payment_attempt (order_id, number, reference, bank, state, amount, currency, started_at, changed_at,
    query_at)
SELECT id, 1, reference || '-1', %(bank)s, 'PENDING', required, currency, now(), now(), now() + interval '1 day'
FROM payment_order WHERE reference = %(reference)s RETURNING id"""


def mixed_requests(hub: RunningHub, banks: list[Teller], references: list[str]) -> list[bytes]:
    """One callback for each order, each of another bank in turn."""
    callbacks = []
    with psycopg.connect(books.plain(hub.addresses.database_url), autocommit=True) as connection:
        for teller, reference in zip(cycle(banks), references, strict=False):
            named = reference if teller.by_order else f"{reference}-1"
            if teller.numbered:
                row = connection.execute(_ATTEMPT, {"bank": teller.bank, "reference": reference}).fetchone()
                named = str(row[0]) if row else ""
            callbacks.append(as_bytes(teller.paid(named)))
    return callbacks


def believed(hub: RunningHub, done: Load, before: int, expected: int) -> Load:
    """The load, if every one of its messages became money in the books. Raises RuntimeError."""
    arrived = collected(hub) - before
    if arrived != expected:
        raise RuntimeError(f"{expected} callbacks made {arrived} collections; answered {dict(done.statuses)}")
    return done


def collected(hub: RunningHub) -> int:
    """How much money is in the books, counted by bank transactions."""
    with psycopg.connect(books.plain(hub.addresses.database_url)) as connection:
        row = connection.execute("SELECT count(*) FROM collection").fetchone()
    return int(row[0]) if row else 0


def measure(
    hub: RunningHub, banks: list[Teller], rounds: int, requests: int
) -> tuple[list[Load], list[Load]]:
    """Alternate a single bank and all of them; the first round of each is for warming up."""
    port = int(hub.addresses.web_url.rpartition(":")[2])
    secret = hub.environment["BANK_SANDBOX_SECRET"]
    references = books.add_orders(hub.addresses.database_url, "R", 2 * (rounds + 1) * requests)
    books.settle_down(hub.addresses.database_url)
    single: list[Load] = []
    mixed: list[Load] = []
    for number in range(rounds + 1):
        begin = 2 * number * requests
        one, many = references[begin : begin + requests], references[begin + requests : begin + 2 * requests]
        for payloads, loads in (
            (callback_requests(secret, one), single),
            (mixed_requests(hub, banks, many), mixed),
        ):
            before = collected(hub)
            loads.append(believed(hub, load(port, payloads, CLIENTS), before, requests))
    return single[1:], mixed[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=3000)
    arguments = parser.parse_args()
    os.environ["HUB_REQUESTS_PER_MINUTE"] = "100000000"
    with (
        running("bench", fresh=True) as hub,
        tempfile.TemporaryDirectory() as folder,
        tellers(Path(folder)) as by_bank,
    ):
        proving = [teller for teller in by_bank.values() if teller.proves]
        books.add_parties(hub.addresses.database_url)
        single, mixed = measure(hub, proving, arguments.rounds, arguments.requests)
    ratio = statistics.median(many.rate / one.rate for one, many in zip(single, mixed, strict=True))
    for name, loads in (("single", single), (f"{len(proving)} mixed", mixed)):
        rate, slow = (statistics.median(figures) for figures in (_rates(loads), _p99(loads)))
        print(f"  {name:<10} {rate:7.0f}/s   p99 {slow:5.1f} ms")
    print(f"  ratio      {ratio:7.3f}   (goal 0.9)")


def _rates(loads: list[Load]) -> list[float]:
    return [one.rate for one in loads]


def _p99(loads: list[Load]) -> list[float]:
    return [one.percentile(0.99) for one in loads]


if __name__ == "__main__":
    main()
