"""Add an agency to which money is owed."""

from __future__ import annotations

import re

from payment_hub.domain.agency import LatePolicy
from payment_hub.domain.errors import Conflict, Malformed
from payment_hub.domain.receipt import yearly_series
from payment_hub.hub import Hub
from payment_hub.store.parties import find_agency
from payment_hub.store.tables import Agency

#: Both generations of agency codes: 000.00.00.H41 and H55.242 (Decision 20/2020/QD-TTg: at most 35 characters).
_CODE = re.compile(r"[0-9A-Z]+(\.[0-9A-Z]+)*", re.ASCII)


def add_agency(
    hub: Hub,
    *,
    code: str,
    name: str,
    account_number: str,
    account_bank: str,
    account_name: str,
    receipt_series: str,
    receipt_template: str = "01BLP",
    late_policy: LatePolicy = LatePolicy.ACCEPT,
    part_payments: bool = False,
    tax_code: str | None = None,
    address: str | None = None,
) -> int:
    """The key of the new agency. Raises Malformed for an impossible code or series, Conflict for a code in use."""
    yearly_series(receipt_series, hub.now().year)
    if len(code) > 35 or not _CODE.fullmatch(code):
        raise Malformed("an agency code has at most 35 digits, capital letters and dots")
    with hub.transaction() as session:
        if find_agency(session, code) is not None:
            raise Conflict(f"agency {code} exists")
        agency = Agency(
            code=code,
            name=name,
            tax_code=tax_code,
            address=address,
            late_policy=late_policy,
            part_payments=part_payments,
            receipt_template=receipt_template,
            receipt_series=receipt_series,
            account_number=account_number,
            account_bank=account_bank,
            account_name=account_name,
            created_at=hub.now(),
        )
        session.add(agency)
        session.flush()
        return agency.id
