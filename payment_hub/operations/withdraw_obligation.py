"""Withdraw an obligation: the agency says that it is not owed any more."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.obligation import VersionEvent
from payment_hub.domain.views import ObligationView
from payment_hub.hub import Hub
from payment_hub.store import obligations
from payment_hub.store.parties import agency_acted_for
from payment_hub.store.restating import close_open_order, lock_to_change, restate


def withdraw_obligation(
    hub: Hub, *, caller: Caller, agency: str, reference: str, reason: str, version: int
) -> ObligationView:
    """The withdrawn obligation; its open order is cancelled with the same reason.

    Raises AgencyNotFound, ObligationNotFound, StaleVersion, ObligationClosed.
    """
    with hub.transaction() as session:
        agency_id = agency_acted_for(session, caller, agency).id
        obligation = lock_to_change(session, agency_id, reference, version, withdrawn=False)
        close_open_order(session, obligation, hub.now(), reason, hub.checkout_url)
        terms = obligations.current_terms(session, obligation.id, obligation.version)
        restate(
            session, obligation, VersionEvent.WITHDRAWN, terms, reason=reason, by=caller.name, now=hub.now()
        )
        return obligations.view(session, caller, agency, reference)
