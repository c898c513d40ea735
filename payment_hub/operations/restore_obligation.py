"""Restore a withdrawn obligation under the same reference."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.obligation import VersionEvent
from payment_hub.domain.views import ObligationView
from payment_hub.hub import Hub
from payment_hub.store import obligations
from payment_hub.store.parties import agency_acted_for
from payment_hub.store.restating import lock_to_change, restate


def restore_obligation(
    hub: Hub, *, caller: Caller, agency: str, reference: str, reason: str, version: int
) -> ObligationView:
    """The obligation, owed again as it stood, in a new version.

    Raises AgencyNotFound, ObligationNotFound, StaleVersion, ObligationClosed when it is not withdrawn.
    """
    with hub.transaction() as session:
        agency_id = agency_acted_for(session, caller, agency).id
        obligation = lock_to_change(session, agency_id, reference, version, withdrawn=True)
        terms = obligations.current_terms(session, obligation.id, obligation.version)
        restate(
            session, obligation, VersionEvent.RESTORED, terms, reason=reason, by=caller.name, now=hub.now()
        )
        return obligations.view(session, caller, agency, reference)
