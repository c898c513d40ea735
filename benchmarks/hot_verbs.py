"""Issue and confirm over HTTP, the whole work, against pgbench running the same statements on the same server.

    python -m benchmarks.hot_verbs [--rounds 3] [--requests 4000] [--present 0]

``--present`` puts so many orders into the books first. Rounds alternate between the hub and pgbench, so that both
meet the same moods of the machine; medians are printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
from dataclasses import dataclass, field

from benchmarks import books, statements
from benchmarks.load import Load, load
from benchmarks.requests import callback_requests, issue_requests
from payment_hub.domain.access import Role
from payment_hub.embedded.run import RunningHub, running
from payment_hub.hub import Hub, utc_now
from payment_hub.operations.access import make_key
from payment_hub.settings import Settings

CLIENTS = 16


@dataclass
class Rounds:
    """What one verb did in each round: the hub's load, and pgbench's transactions a second."""

    name: str
    hub: list[Load] = field(default_factory=list)
    pgbench: list[float] = field(default_factory=list)

    def report(self) -> str:
        """A line of medians."""
        rate = statistics.median(one.rate for one in self.hub)
        base = statistics.median(self.pgbench)
        ratio = statistics.median(one.rate / tps for one, tps in zip(self.hub, self.pgbench, strict=True))
        half, most = (statistics.median(one.percentile(share) for one in self.hub) for share in (0.5, 0.99))
        return (
            f"{self.name:<8} hub {rate:7.0f}/s   pgbench {base:7.0f}/s   ratio {ratio:5.3f}   "
            f"p50 {half:5.1f} ms   p99 {most:5.1f} ms"
        )


def measure(hub: RunningHub, rounds: int, requests: int, label: str = "") -> tuple[Rounds, Rounds]:
    """Alternate the hub and pgbench; the tables are analysed before the clock starts."""
    url, port = hub.addresses.database_url, int(hub.addresses.web_url.rpartition(":")[2])
    issue, confirm = Rounds(f"issue{label}"), Rounds(f"confirm{label}")
    each = requests // CLIENTS
    token = portal_key(hub)
    _prepare(url, rounds, requests, label)
    references = books.add_orders(url, f"C{label}", (rounds + 1) * requests)
    books.settle_down(url)
    warm = issue_requests(token, f"I{label}", range(1, requests // 4 + 1))
    answered(load(port, warm, CLIENTS), 201)
    answered(load(port, callback_requests(_secret(hub), references[: requests // 4]), CLIENTS), 200)
    for number in range(1, rounds + 1):
        begin = number * requests
        callbacks = callback_requests(_secret(hub), references[begin : begin + requests])
        issues = issue_requests(token, f"I{label}", range(begin + 1, begin + requests + 1))
        issue.hub.append(answered(load(port, issues, CLIENTS), 201))
        issue.pgbench.append(
            statements.run(url, statements.issue_script(f"P{label}{number}-"), transactions=each)
        )
        confirm.hub.append(answered(load(port, callbacks, CLIENTS), 200))
        confirm.pgbench.append(
            statements.run(url, statements.confirm_script(number, requests), transactions=each)
        )
    return issue, confirm


def _prepare(url: str, rounds: int, requests: int, label: str) -> None:
    """Obligations for the hub's rounds and for pgbench's, and open orders that pgbench confirms by number."""
    books.add_obligations(url, f"I{label}", (rounds + 2) * requests)
    for number in range(1, rounds + 1):
        books.add_obligations(url, f"P{label}{number}-", requests + CLIENTS)
    books.number_orders(url, books.add_orders(url, f"Q{label}", rounds * requests + CLIENTS))


def answered(done: Load, status: int) -> Load:
    """The load, if every request was answered with this status. Raises RuntimeError."""
    if set(done.statuses) != {status}:
        raise RuntimeError(f"expected only {status}, got {dict(done.statuses)}")
    return done


def portal_key(hub: RunningHub) -> str:
    """A new key of the portal."""
    made = Hub.of(Settings.from_environ(hub.environment), {}, utc_now)
    return make_key(made, role=Role.PORTAL, holder="bench", portal_code="bench")


def _secret(hub: RunningHub) -> str:
    return hub.environment["BANK_SANDBOX_SECRET"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--present", type=int, default=0)
    arguments = parser.parse_args()
    os.environ["HUB_REQUESTS_PER_MINUTE"] = "100000000"
    with running("bench", fresh=True) as hub:
        books.add_parties(hub.addresses.database_url)
        if arguments.present:
            books.add_orders(hub.addresses.database_url, "Z", arguments.present)
        for verb in measure(hub, arguments.rounds, arguments.requests):
            print(verb.report())


if __name__ == "__main__":
    main()
