"""Obligations: register, amend, withdraw and restore them, show one, list them.

Every change adds a version and cancels the open order for the version before it.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import Conflict
from payment_hub.domain.obligations import RULES, Kind, ObligationView, Terms, VersionEvent, check_terms
from payment_hub.domain.paging import Page, cursor_of, read_cursor
from payment_hub.hub import Hub
from payment_hub.store import obligations
from payment_hub.store.access import agency_acted_for
from payment_hub.store.obligation_versions import add_next_version, close_open_order, lock_to_change


def register_obligation(
    hub: Hub, *, caller: Caller, agency: str, reference: str, kind: Kind, terms: Terms
) -> tuple[ObligationView, bool]:
    """The obligation, and whether it is new: the same content again gets the existing obligation.

    Raises MalformedObligation; AgencyNotFound for an agency that the caller does not act for; Conflict when the
    agency used its reference for something else before (a change of amount is an amendment).
    """
    checked = check_terms(RULES[kind], terms)
    with hub.transaction() as session:
        agency_id = agency_acted_for(session, caller, agency).id
        obligation_id = obligations.claim(session, agency_id, reference, kind, hub.now())
        if obligation_id is None:
            _refuse_other_content(session, agency_id, reference, kind, checked)
        else:
            obligations.add_version(
                session, obligation_id, 1, VersionEvent.REGISTERED, checked, by=caller.name, at=hub.now()
            )
        return obligations.view(session, caller, agency, reference), obligation_id is not None


def _refuse_other_content(session: Session, agency_id: int, reference: str, kind: Kind, terms: Terms) -> None:
    existing = obligations.lock(session, agency_id, reference)
    if existing.withdrawn:
        raise Conflict("this obligation was withdrawn: restore it under the same reference")
    if existing.kind != kind or obligations.current_terms(session, existing.id, existing.version) != terms:
        raise Conflict("this reference stands for an obligation with other content: amend it")


def amend_obligation(
    hub: Hub, *, caller: Caller, agency: str, reference: str, terms: Terms, reason: str, version: int
) -> ObligationView:
    """The obligation in its new version. An open order for the old one is cancelled.

    Raises MalformedObligation, AgencyNotFound, ObligationNotFound, StaleVersion, ObligationClosed.
    """
    with hub.transaction() as session:
        agency_id = agency_acted_for(session, caller, agency).id
        obligation = lock_to_change(session, agency_id, reference, version, withdrawn=False)
        checked = check_terms(RULES[Kind(obligation.kind)], terms)
        close_open_order(session, obligation, hub.now(), "obligation amended", hub.checkout_url)
        add_next_version(
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
        add_next_version(
            session, obligation, VersionEvent.WITHDRAWN, terms, reason=reason, by=caller.name, now=hub.now()
        )
        return obligations.view(session, caller, agency, reference)


def restore_obligation(
    hub: Hub, *, caller: Caller, agency: str, reference: str, reason: str, version: int
) -> ObligationView:
    """The obligation, owed again with the same terms, in a new version.

    Raises AgencyNotFound, ObligationNotFound, StaleVersion, ObligationClosed when it is not withdrawn.
    """
    with hub.transaction() as session:
        agency_id = agency_acted_for(session, caller, agency).id
        obligation = lock_to_change(session, agency_id, reference, version, withdrawn=True)
        terms = obligations.current_terms(session, obligation.id, obligation.version)
        add_next_version(
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
    """A page of what the caller may see, newest first; stable while others are registered. Raises Malformed."""
    with hub.transaction() as session:
        rows = obligations.list_views(
            session,
            caller,
            agency=agency,
            kind=kind,
            state=state,
            due_from=due_from,
            due_to=due_to,
            after=read_cursor(after),
            limit=limit + 1,
        )
    return Page(
        tuple(view for _, view in rows[:limit]),
        cursor_of(rows[limit - 1][0]) if len(rows) > limit else None,
    )
