"""The door to the books."""

from __future__ import annotations

from typing import Any, Final

from flask import Response

from payment_hub.current import current_hub
from payment_hub.domain.keys import Scope
from payment_hub.operations.trial_balance import trial_balance
from payment_hub.web.answers import answer_text, as_text
from payment_hub.web.api import Door
from payment_hub.web.auth import current_caller
from payment_hub.web.endpoints import EVENTUAL, Endpoint
from payment_hub.web.schemas.ledger import BalanceQuery, TrialBalanceSchema

door: Final = Door("ledger", __name__, description="Double entry, append-only.")


@door.serve(
    Endpoint(
        "GET",
        "/ledger/trial-balance",
        scope=Scope.LEDGER_READ,
        asks=BalanceQuery,
        gives=TrialBalanceSchema,
        consistency=EVENTUAL,
    )
)
def balance(asked: dict[str, Any]) -> Response:
    """Show the trial balance by account, agency, bank and day

    Debits and credits sum to the same over all lines of one currency. An agency sees the lines that bear its name.
    """
    lines = trial_balance(current_hub(), caller=current_caller(), **asked)
    return answer_text(as_text({"items": [line.as_wire() for line in lines]}))
