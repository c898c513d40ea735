"""Does the hub slow down as its books grow? Issue and confirm with few orders present against many.

    python -m benchmarks.growth [--few 10000] [--many 1000000] [--rounds 3] [--requests 4000]

Two hubs, each with its own PostgreSQL, run side by side; rounds alternate between them, one at a time.
"""

from __future__ import annotations

import argparse
import os
import statistics

from benchmarks import books
from benchmarks.hot_verbs import CLIENTS, answered, portal_key
from benchmarks.load import load
from benchmarks.requests import callback_requests, issue_requests
from payment_hub.embedded.run import RunningHub, running


class Measured:
    """One hub with so many orders present, and the rates of its rounds."""

    def __init__(self, hub: RunningHub, present: int, rounds: int, requests: int) -> None:
        self.port = int(hub.addresses.web_url.rpartition(":")[2])
        self.secret = hub.environment["BANK_SANDBOX_SECRET"]
        self.requests = requests
        self.rates: dict[str, list[float]] = {"issue": [], "confirm": []}
        url = hub.addresses.database_url
        books.add_parties(url)
        books.add_orders(url, "Z", present)
        books.add_obligations(url, "I", (rounds + 1) * requests)
        self.references = books.add_orders(url, "C", (rounds + 1) * requests)
        books.settle_down(url)
        self.token = portal_key(hub)

    def round(self, number: int) -> None:
        """One round of each verb; round 0 warms up and is not counted."""
        begin, end = number * self.requests, (number + 1) * self.requests
        issued = answered(
            load(self.port, issue_requests(self.token, "I", range(begin + 1, end + 1)), CLIENTS), 201
        )
        confirmed = answered(
            load(self.port, callback_requests(self.secret, self.references[begin:end]), CLIENTS), 200
        )
        if number:
            self.rates["issue"].append(issued.rate)
            self.rates["confirm"].append(confirmed.rate)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=4000)
    arguments = parser.parse_args()
    os.environ["HUB_REQUESTS_PER_MINUTE"] = "100000000"
    with running("bench-few", fresh=True) as small, running("bench-many", fresh=True) as large:
        few = Measured(small, arguments.few, arguments.rounds, arguments.requests)
        many = Measured(large, arguments.many, arguments.rounds, arguments.requests)
        for number in range(arguments.rounds + 1):
            few.round(number)
            many.round(number)
    for verb in ("issue", "confirm"):
        pairs = zip(few.rates[verb], many.rates[verb], strict=True)
        ratio = statistics.median(b / a for a, b in pairs)
        less, more = statistics.median(few.rates[verb]), statistics.median(many.rates[verb])
        print(
            f"{verb:<8} {arguments.few:>10,} orders {less:7.0f}/s   {arguments.many:>10,} orders {more:7.0f}/s   "
            f"ratio {ratio:5.3f}"
        )


if __name__ == "__main__":
    main()
