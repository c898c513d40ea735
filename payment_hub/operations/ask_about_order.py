"""Ask, before anything new is done with an order, about its attempts whose outcome nobody knows."""

from __future__ import annotations

from typing import Final

from payment_hub.hub import Hub
from payment_hub.operations.ask_about_attempt import ask_about_attempt
from payment_hub.store import asking

#: Somebody waits for the answer to something else: a bank that takes longer is asked by the clock.
SECONDS: Final = 3

#: The payer goes to no other bank, but has come back, or is said to be under way: what is pending is asked about too.
NOWHERE: Final = ""


def ask_about_order(hub: Hub, *, reference: str, leaving_for: str | None = None) -> int:
    """How many attempts a bank was asked about, each once and not for long. Never inside a transaction.

    With ``leaving_for`` the payer goes to that bank, and the one whose instructions are left is asked too. The clock's
    own questions are not put off.
    """
    with hub.transaction() as session:
        claimed = asking.claim_of_order(session, reference, hub.now(), leaving_for)
    for attempt in claimed:
        ask_about_attempt(hub, attempt=attempt, seconds=SECONDS)
    return len(claimed)
