"""The sandbox bank: a little HTTP service, the bank's side of the open protocol (``docs/open-protocol.md``).

``python -m bank_adapters.simulators.sandbox --port 8090`` runs it alone; ``serve`` runs it inside a test.
It shares no code with the adapter, so that each proves the other.
"""

from __future__ import annotations

from bank_adapters.simulators.sandbox.outcomes import OUTCOMES_BY_AMOUNT
from bank_adapters.simulators.sandbox.service import QUICK, Pace, SandboxBankService, serve

__all__ = ["OUTCOMES_BY_AMOUNT", "QUICK", "Pace", "SandboxBankService", "serve"]
