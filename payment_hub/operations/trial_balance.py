"""The trial balance by account, agency, bank and day."""

from __future__ import annotations

from datetime import date

from payment_hub.domain.balance import BalanceLine
from payment_hub.domain.errors import Forbidden
from payment_hub.domain.keys import Caller, Role
from payment_hub.domain.money import Money
from payment_hub.hub import Hub
from payment_hub.store import balances
from payment_hub.store.obligations import seen_agency


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

    Raises Forbidden for a portal: it keeps no part of the book, whatever scopes its key was given.
    """
    if caller.role is Role.PORTAL:
        raise Forbidden("a portal has no part in the ledger")
    with hub.transaction() as session:
        rows = balances.trial_balance(
            session,
            day_from=day_from,
            day_to=day_to,
            only_agency=seen_agency(caller),
            agency=agency,
            bank=bank,
        )
    return [
        BalanceLine(
            day=row["day"],
            account=row["account"],
            agency=row["agency"],
            bank=row["bank"],
            debit=Money(row["debit"], row["currency"]),
            credit=Money(row["credit"], row["currency"]),
        )
        for row in rows
    ]
