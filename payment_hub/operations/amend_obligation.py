"""Amend an obligation: the agency states it anew, as a new version."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.kinds import RULES
from payment_hub.domain.obligation import Kind, Terms, VersionEvent, check_terms
from payment_hub.domain.views import ObligationView
from payment_hub.hub import Hub
from payment_hub.store import obligations
from payment_hub.store.parties import agency_acted_for
from payment_hub.store.restating import close_open_order, lock_to_change, restate


def amend_obligation(
    hub: Hub, *, caller: Caller, agency: str, reference: str, terms: Terms, reason: str, version: int
) -> ObligationView:
    """The obligation in its new version. An open order for the old one is cancelled: its QR code may be on paper.

    Raises MalformedObligation, AgencyNotFound, ObligationNotFound, StaleVersion, ObligationClosed.
    """
    with hub.transaction() as session:
        agency_id = agency_acted_for(session, caller, agency).id
        obligation = lock_to_change(session, agency_id, reference, version, withdrawn=False)
        checked = check_terms(RULES[Kind(obligation.kind)], terms)
        close_open_order(session, obligation, hub.now(), "obligation amended", hub.checkout_url)
        restate(
            session, obligation, VersionEvent.AMENDED, checked, reason=reason, by=caller.name, now=hub.now()
        )
        return obligations.view(session, caller, agency, reference)
