"""Do receipt numbers make an agency's payments wait in one line?

The same payments are confirmed twice through the hub's own statement: spread over twenty agencies, and all of one
agency, which share one receipt counter. The ratio says what the counter costs.

    python -m benchmarks.receipts [--rounds 3] [--requests 4000]
"""

from __future__ import annotations

import argparse
import statistics

import psycopg

from benchmarks import books, statements
from payment_hub.embedded.run import running

CLIENTS = 16


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=4000)
    arguments = parser.parse_args()
    with running("bench", fresh=True) as hub:
        url = hub.addresses.database_url
        books.add_parties(url)
        spread, alone = (
            _orders(url, "S", arguments, one_agency=False),
            _orders(url, "A", arguments, one_agency=True),
        )
        books.settle_down(url)
        books.number_orders(url, spread + alone)
        rates: dict[str, list[float]] = {"twenty agencies": [], "one agency": []}
        for number in range(1, arguments.rounds + 1):
            for name, first in (("twenty agencies", 0), ("one agency", arguments.rounds)):
                script = statements.confirm_script(first + number, arguments.requests)
                rates[name].append(statements.run(url, script, transactions=arguments.requests // CLIENTS))
        many, one = (statistics.median(rate) for rate in rates.values())
        ratio = statistics.median(b / a for a, b in zip(*rates.values(), strict=True))
        print(f"receipts  twenty agencies {many:7.0f}/s   one agency {one:7.0f}/s   ratio {ratio:5.3f}")


def _orders(url: str, prefix: str, arguments: argparse.Namespace, *, one_agency: bool) -> list[str]:
    references = books.add_orders(url, prefix, arguments.rounds * arguments.requests)
    if one_agency:
        with psycopg.connect(books.plain(url), autocommit=True) as connection:
            for table in ("obligation", "payment_order"):
                connection.execute(
                    f"UPDATE {table} SET agency_id = 1 WHERE id IN (SELECT {_KEYS[table]} FROM payment_order o "
                    "JOIN obligation b ON b.id = o.obligation_id WHERE b.reference LIKE %s)",
                    (f"{prefix}%",),
                )
    return references


_KEYS = {"obligation": "b.id", "payment_order": "o.id"}


if __name__ == "__main__":
    main()
