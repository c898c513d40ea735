"""The sandbox bank, quick, on a server of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bank_adapters.simulators import server as simulators
from bank_adapters.simulators.sandbox import SandboxSimulator
from bank_adapters.simulators.simulator import Book, WireReply, WireRequest


class QuickSandbox(SandboxSimulator):
    """Everything happens, and soon."""

    delay_seconds = 0.1
    slow_seconds = 3.5
    retries: ClassVar[tuple[float, ...]] = (0.05, 0.05, 0.05)


@dataclass(frozen=True)
class Sandbox:
    """The bank as a test meets it."""

    server: simulators.SimulatorServer
    simulator: SandboxSimulator

    @property
    def url(self) -> str:
        """The bank's own address."""
        return self.simulator.url

    @property
    def book(self) -> Book:
        """Its payments, and the deliveries of its callbacks."""
        return self.simulator.book

    def pay(self, attempt_reference: str, **requested: Any) -> dict[str, Any]:
        """The payer pays."""
        return self._post(f"/payments/{attempt_reference}/pay", requested)

    def transfer(self, reference: str, amount: int, **requested: Any) -> dict[str, Any]:
        """Unannounced money arrives."""
        return self._post("/transfers", {"reference": reference, "amount": amount, **requested})

    def statuses(self) -> list[int]:
        """The hub's answers to the callbacks, in their order."""
        return [delivery.reply.status for delivery in self.book.deliveries]

    def wait_until_delivered(self, seconds: float = 10.0) -> None:
        """Wait until no callback is on its way. Raises TimeoutError."""
        self.server.wait_until_delivered(seconds)

    def _post(self, path: str, requested: dict[str, Any]) -> dict[str, Any]:
        reply: WireReply = self.simulator.receive(
            WireRequest("POST", path, body=json.dumps(requested).encode())
        )
        assert reply.status == 200, reply
        payment: dict[str, Any] = json.loads(reply.body)
        return payment


@contextmanager
def serve(
    secret: str,
    *,
    secret_previous: str | None = None,
    hub_url: str = "",
    state: Path | None = None,
    kind: type[SandboxSimulator] = QuickSandbox,
) -> Iterator[Sandbox]:
    """Serve one sandbox bank. Without ``hub_url`` it calls back only where an opening names an address."""

    own = {"secrets": classmethod(lambda _: (secret, secret_previous))}
    with simulators.serve(hub_url, simulators=[type("Bank", (kind,), own)], state=state) as server:
        bank = server.banks["sandbox"]
        assert isinstance(bank, SandboxSimulator)
        yield Sandbox(server, bank)
