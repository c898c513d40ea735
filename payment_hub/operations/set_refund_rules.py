"""Set an agency's rules of giving money back."""

from __future__ import annotations

from typing import Final

from payment_hub.domain.errors import AgencyNotFound, Malformed
from payment_hub.domain.money import MAX_MINOR
from payment_hub.hub import Hub
from payment_hub.store.parties import find_agency

#: Longer than any agency waits for its money.
MOST_DAYS: Final = 366


def set_refund_rules(
    hub: Hub,
    *,
    agency: str,
    refund_limit: int | None,
    refund_unseen: bool,
    credited_after_days: int | None,
    voucher_form: str,
) -> None:
    """All four at once, as the columns of the agency say. Raises AgencyNotFound, Malformed."""
    in_range = 0 <= (refund_limit or 0) <= MAX_MINOR and 0 <= (credited_after_days or 0) <= MOST_DAYS
    if not in_range or not voucher_form.strip():
        raise Malformed(
            f"a limit has at most {MAX_MINOR}, days are at most {MOST_DAYS}, and a form has a name"
        )
    with hub.transaction() as session:
        found = find_agency(session, agency)
        if found is None:
            raise AgencyNotFound(agency[:40])
        found.refund_limit = refund_limit
        found.refund_unseen = refund_unseen
        found.credited_after_days = credited_after_days
        found.voucher_form = voucher_form.strip()
