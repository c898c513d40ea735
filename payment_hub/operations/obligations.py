"""Register what somebody owes an agency.

Amend an obligation: the agency states it anew, as a new version.

Withdraw an obligation: the agency says that it is not owed any more.

Restore a withdrawn obligation under the same reference.

Show one obligation.

List obligations, newest first.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import Conflict
from payment_hub.domain.obligations import RULES, Kind, ObligationView, Terms, VersionEvent, check_terms
from payment_hub.domain.paging import Page, cursor_of, key_of
from payment_hub.hub import Hub
from payment_hub.store import obligations
from payment_hub.store.access import agency_acted_for
from payment_hub.store.obligation_versions import close_open_order, lock_to_change, restate


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


def show_obligation(hub: Hub, *, caller: Caller, agency: str, reference: str) -> ObligationView:
    """The obligation as the caller may see it. Raises ObligationNotFound."""
    with hub.transaction() as session:
        return obligations.view(session, caller, agency, reference)


def list_obligations(
    hub: Hub,
    *,
    caller: Caller,
    agency: str | None = None,
    kind: str | None = None,
    state: str | None = None,
    due_from: date | None = None,
    due_to: date | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[ObligationView]:
    """A page of what the caller may see; the order is stable while others register. Raises Malformed for a cursor."""
    with hub.transaction() as session:
        found = obligations.list_views(
            session,
            caller,
            agency=agency,
            kind=kind,
            state=state,
            due_from=due_from,
            due_to=due_to,
            after=key_of(after),
            limit=limit + 1,
        )
    return Page(
        tuple(view for _, view in found[:limit]),
        cursor_of(found[limit - 1][0]) if len(found) > limit else None,
    )
