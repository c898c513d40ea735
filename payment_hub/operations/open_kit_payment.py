"""Open a payment for the acceptance kit: an order of an agency that is nobody, and the try at paying it."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from typing import Final

from payment_hub.domain.attempt_views import AttemptView
from payment_hub.domain.day import business_day
from payment_hub.domain.errors import Conflict
from payment_hub.domain.keys import Caller, Role, Scope
from payment_hub.domain.money import dong
from payment_hub.domain.obligation import Beneficiary, Kind, Terms
from payment_hub.domain.requests import Claim
from payment_hub.hub import Hub
from payment_hub.operations.add_agency import add_agency
from payment_hub.operations.add_portal import add_portal
from payment_hub.operations.issue_payment_order import issue_payment_order
from payment_hub.operations.register_obligation import register_obligation
from payment_hub.operations.start_payment import start_payment
from payment_hub.store.parties import find_portal

#: The agency and the portal of the kit, with receipts of their own, so that no other series has a stranger in it.
AGENCY: Final = "BANKKIT"
PORTAL: Final = "bank-kit"
NAME: Final = "Bank acceptance kit"
SERIES: Final = "KT26E"
AMOUNT: Final = dong(150_000)
PAYER_IP: Final = "203.0.113.7"

_ACCOUNT: Final = Beneficiary("9000000000000", "970499", "BANK ACCEPTANCE KIT")


def open_kit_payment(hub: Hub, *, bank: str) -> AttemptView:
    """The attempt at paying a new order of 150,000 dong. The kit's agency and portal are made when they are not there.

    Raises BankNotFound, BankUnavailable, Malformed.
    """
    portal = _portal(hub)
    dossier = f"{AGENCY}-{business_day(hub.now()):%y%m%d}-{secrets.randbelow(10**6):06d}"
    operator = Caller(0, Role.OPERATOR, "bank kit", frozenset(Scope))
    terms = Terms(
        amount=AMOUNT,
        payer_name=NAME,
        identifiers={"dossier_code": dossier},
        description=f"{NAME}, {bank}",
        due_on=None,
        beneficiary=_ACCOUNT,
    )
    reference = f"{dossier}-{secrets.token_hex(6)}"
    register_obligation(hub, caller=operator, agency=AGENCY, reference=reference, kind=Kind.FEE, terms=terms)
    answered = issue_payment_order(
        hub,
        caller=Caller(0, Role.PORTAL, "bank kit", frozenset(Scope), portal_id=portal, portal_code=PORTAL),
        agency=AGENCY,
        obligation_reference=reference,
        minutes=None,
        return_url=None,
        claim=Claim(f"portal:{PORTAL}", reference, b"kit"),
    )
    order: str = json.loads(answered.body)["reference"]
    return start_payment(hub, reference=order, bank=bank, payer_ip=PAYER_IP, language="vi")


def _portal(hub: Hub) -> int:
    """The key of the kit's portal. Whoever makes it has made the agency before."""
    while True:
        with hub.transaction() as session:
            found = find_portal(session, PORTAL)
            if found is not None:
                return found.id
        with suppress(Conflict):
            add_agency(
                hub,
                code=AGENCY,
                name=NAME,
                account_number=_ACCOUNT.account_number,
                account_bank=_ACCOUNT.bank,
                account_name=_ACCOUNT.account_name,
                receipt_series=SERIES,
            )
        with suppress(Conflict):
            add_portal(hub, code=PORTAL, name=NAME)
