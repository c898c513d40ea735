"""Say through which banks an agency would rather be paid."""

from __future__ import annotations

from collections.abc import Sequence

from payment_hub.domain.errors import AgencyNotFound
from payment_hub.hub import Hub
from payment_hub.store.parties import find_agency


def prefer_banks(hub: Hub, *, agency: str, banks: Sequence[str]) -> None:
    """The most wanted first; none is no preference. It decides between banks that are offered, and hides none.

    Raises AgencyNotFound, BankNotFound.
    """
    for bank in banks:
        hub.adapter(bank)
    with hub.transaction() as session:
        found = find_agency(session, agency)
        if found is None:
            raise AgencyNotFound(agency)
        found.bank_preference = list(banks) or None
