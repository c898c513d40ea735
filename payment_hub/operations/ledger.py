"""The ledger: reversing a posting, and the trial balance.

A mistake is corrected by a new posting, never by a change.
"""

from __future__ import annotations

from datetime import date

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.calendar import business_day
from payment_hub.domain.errors import AlreadyReversed, Forbidden, PostingNotFound
from payment_hub.domain.ledger import BalanceLine
from payment_hub.hub import Hub
from payment_hub.store import ledger
from payment_hub.store.access import visible_agency


def reverse_posting(hub: Hub, *, caller: Caller, posting_id: int, reason: str) -> int:
    """The key of the reversal. Raises PostingNotFound, AlreadyReversed."""
    now = hub.now()
    with hub.transaction() as session:
        posting = ledger.find_posting(session, posting_id)
        if posting is None:
            raise PostingNotFound(str(posting_id))
        reversal = ledger.reverse_posting(
            session, posting, f"{caller.name}: {reason}", business_day(now), now
        )
        if reversal is None:
            raise AlreadyReversed(str(posting_id))
        return reversal


def trial_balance(
    hub: Hub,
    *,
    caller: Caller,
    day_from: date,
    day_to: date,
    agency: str | None = None,
    bank: str | None = None,
) -> list[BalanceLine]:
    """All lines from ``day_from`` to ``day_to`` that the caller may see; debits and credits sum to the same.

    Raises Forbidden for a portal, whatever scopes its key has: no account is a portal's.
    """
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal has no part in the ledger")
    with hub.transaction() as session:
        return ledger.trial_balance(
            session,
            day_from=day_from,
            day_to=day_to,
            only_agency=visible_agency(caller),
            agency=agency,
            bank=bank,
        )
