"""Choosing a bank: what the rules cost, out of fifteen banks, beside what is done around them for one payment.

The rules are asked for every payment and for every look at a citizen's page, so they must cost next to nothing: well
under 100 microseconds. Rounds alternate; the figures are medians of the rounds.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from payment_hub.domain.banks.health import BankStates
from payment_hub.domain.banks.profile import BankProfile, BankTerms, PaymentMethod
from payment_hub.domain.money import dong
from payment_hub.domain.routing import RoutingFacts, bank_facts, choose_bank, options

BANKS: Final = 15
ROUNDS: Final = 9
TIMES: Final = 2_000

NOW: Final = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
PROFILE: Final = BankProfile("A bank", (PaymentMethod.QR, PaymentMethod.PAGE), ())
#: Fees in threes, so that several rules have to be asked before one bank is left.
TERMS: Final = [
    BankTerms(fee_fixed=1_000 + number % 3, settlement_days=1 + number % 2) for number in range(BANKS)
]


def facts() -> RoutingFacts:
    """Fifteen banks as they stand."""
    states = BankStates(NOW)
    banks = tuple(
        bank_facts(
            f"bank{number}", PROFILE, terms, states, amount=dong(150_000), now=NOW, holidays=frozenset()
        )
        for number, terms in enumerate(TERMS)
    )
    return RoutingFacts("G22.99", "traffic_fine", 150_000, "VND", NOW.isoformat(), 3_600, banks)


def microseconds(work: Callable[[], object]) -> float:
    """How long one time takes."""
    began = time.perf_counter()
    for _ in range(TIMES):
        work()
    return (time.perf_counter() - began) / TIMES * 1_000_000


def main() -> None:
    """Measure and print."""
    routing_facts = facts()
    stored = json.dumps(routing_facts.as_json())
    works: dict[str, Callable[[], object]] = {
        "choose": lambda: choose_bank(routing_facts),
        "offer": lambda: options(routing_facts),
        "gather": facts,
        "store": lambda: json.dumps(routing_facts.as_json()),
        "replay": lambda: choose_bank(RoutingFacts.from_json(json.loads(stored))),
    }
    took: dict[str, list[float]] = {name: [] for name in works}
    for number in range(ROUNDS):
        for name in works if number % 2 else reversed(works):
            took[name].append(microseconds(works[name]))
    middle = {name: statistics.median(times) for name, times in took.items()}
    print(f"{BANKS} banks, {len(stored)} bytes of facts stored with each choice")
    print(f"  choose: {middle['choose']:6.1f} us   (goal: well under 100)")
    print(f"  offer:  {middle['offer']:6.1f} us   which banks a page shows")
    print(f"  gather: {middle['gather']:6.1f} us   the facts from profiles, contracts and health")
    print(f"  store:  {middle['store']:6.1f} us   the facts as JSON")
    print(f"  replay: {middle['replay']:6.1f} us   the stored facts, chosen from again")


if __name__ == "__main__":
    main()
