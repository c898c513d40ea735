"""Set an agency's rules of giving money back."""

from __future__ import annotations

from payment_hub.domain.errors import AgencyNotFound, Malformed
from payment_hub.hub import Hub
from payment_hub.store.parties import find_agency


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
    if min(refund_limit or 0, credited_after_days or 0) < 0 or not voucher_form.strip():
        raise Malformed("a limit and a number of days are not negative, and a form has a name")
    with hub.transaction() as session:
        found = find_agency(session, agency)
        if found is None:
            raise AgencyNotFound(agency[:40])
        found.refund_limit = refund_limit
        found.refund_unseen = refund_unseen
        found.credited_after_days = credited_after_days
        found.voucher_form = voucher_form.strip()
