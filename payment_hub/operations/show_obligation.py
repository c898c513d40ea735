"""Show one obligation."""

from __future__ import annotations

from payment_hub.domain.keys import Caller
from payment_hub.domain.views import ObligationView
from payment_hub.hub import Hub
from payment_hub.store import obligations


def show_obligation(hub: Hub, *, caller: Caller, agency: str, reference: str) -> ObligationView:
    """The obligation as the caller may see it. Raises ObligationNotFound."""
    with hub.transaction() as session:
        return obligations.view(session, caller, agency, reference)
