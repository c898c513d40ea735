"""Register what somebody owes an agency."""

from __future__ import annotations

from sqlalchemy.orm import Session

from payment_hub.domain.errors import Conflict
from payment_hub.domain.keys import Caller
from payment_hub.domain.kinds import RULES
from payment_hub.domain.obligation import Kind, Terms, VersionEvent, check_terms
from payment_hub.domain.views import ObligationView
from payment_hub.hub import Hub
from payment_hub.store import obligations
from payment_hub.store.parties import agency_acted_for


def register_obligation(
    hub: Hub, *, caller: Caller, agency: str, reference: str, kind: Kind, terms: Terms
) -> tuple[ObligationView, bool]:
    """The obligation, and whether it is new: the same statement again is answered with what stands.

    Raises MalformedObligation; AgencyNotFound for an agency that the caller does not act for; Conflict when the
    agency used its reference for something else before (a change of amount is an amendment).
    """
    checked = check_terms(RULES[kind], terms)
    with hub.transaction() as session:
        agency_id = agency_acted_for(session, caller, agency).id
        made = obligations.claim(session, agency_id, reference, kind, hub.now())
        if made is None:
            _refuse_other_content(session, agency_id, reference, kind, checked)
        else:
            obligations.add_version(
                session, made, 1, VersionEvent.REGISTERED, checked, by=caller.name, at=hub.now()
            )
        return obligations.view(session, caller, agency, reference), made is not None


def _refuse_other_content(session: Session, agency_id: int, reference: str, kind: Kind, terms: Terms) -> None:
    standing = obligations.lock(session, agency_id, reference)
    if standing.withdrawn:
        raise Conflict("this obligation was withdrawn: restore it under the same reference")
    if standing.kind != kind or obligations.current_terms(session, standing.id, standing.version) != terms:
        raise Conflict("this reference stands for an obligation with other content: amend it")
