"""One callback verified and read, per bank, against the bare cryptographic primitive over the same bytes.

    python -m benchmarks.callbacks [--calls 2000]

Each bank's simulator signs a genuine message about a payment, so nothing of the adapter's own code makes what it reads.
Rounds alternate between the adapter and the primitive; the figures are medians. The primitive is what no reader can do
without: one digest of the message with the bank's key, and one comparison in constant time.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.messages import Teller, as_received, tellers

ROUNDS: Final = 7

#: What each protocol cannot do without: the digest, and whether it is an HMAC. A bank that is not named signs nothing.
PRIMITIVES: Final[Mapping[str, tuple[str, bool]]] = {
    "bidv": ("md5", False),
    "casso": ("sha512", True),
    "keypay": ("sha256", True),
    "momo": ("sha256", True),
    "napas": ("sha256", False),
    "onepay": ("sha256", True),
    "paymentplatform": ("sha256", False),
    "payos": ("sha256", True),
    "sepay": ("sha256", True),
    "shopeepay": ("sha256", True),
    "viettelmoney": ("sha1", True),
    "vnpay": ("sha512", True),
    "vnpayqr": ("md5", False),
    "zalopay": ("sha256", True),
}


@dataclass(frozen=True)
class Measured:
    """One bank: microseconds of a whole reading and of the bare primitive."""

    bank: str
    reading: float
    primitive: float

    def line(self) -> str:
        """A line of the table."""
        digest, keyed = PRIMITIVES[self.bank]
        name = f"HMAC-{digest}" if keyed else digest
        ratio = self.reading / self.primitive
        return (
            f"  {self.bank:<16} {self.reading:7.1f} us   {name:<12} {self.primitive:5.2f} us   {ratio:5.1f}x"
        )


def microseconds(call: Callable[[], object], calls: int) -> float:
    """What one call takes, over ``calls`` of them."""
    began = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - began) / calls * 1e6


def measure(teller: Teller, calls: int) -> Measured:
    """Alternate the adapter and the primitive over the same bytes."""
    bank, adapter = teller.bank, teller.adapter
    request = as_received(teller.paid(teller.opened.reference))
    digest, keyed = PRIMITIVES[bank]
    message, key = request.body or request.query, b"k" * 32
    given = hashlib.new(digest, message).digest()

    def bare() -> bool:
        made = hmac.digest(key, message, digest) if keyed else hashlib.new(digest, message).digest()
        return hmac.compare_digest(made, given)

    readings, primitives = [], []
    for _ in range(ROUNDS):
        readings.append(microseconds(lambda: adapter.read_callback(request), calls))
        primitives.append(microseconds(bare, calls * 10))
    return Measured(bank, statistics.median(readings), statistics.median(primitives))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000)
    arguments = parser.parse_args()
    print("verify and read one callback, against the bare primitive over the same bytes (goal for HMAC: 6x)")
    with tempfile.TemporaryDirectory() as folder, tellers(Path(folder)) as all_of_them:
        for teller in all_of_them.values():
            print(measure(teller, arguments.calls).line(), flush=True)


if __name__ == "__main__":
    main()
