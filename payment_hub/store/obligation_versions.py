"""Changing an obligation: lock and check it, close the order for the old version, add the next version."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.orm import Session

from payment_hub.domain.errors import ObligationClosed, StaleVersion
from payment_hub.domain.obligations import Terms, VersionEvent
from payment_hub.domain.orders import EventType
from payment_hub.store import obligations
from payment_hub.store.order_writes import close_order, open_order_of
from payment_hub.store.tables import Obligation


def lock_to_change(
    session: Session, agency_id: int, reference: str, version: int, *, withdrawn: bool
) -> Obligation:
    """The obligation, locked, in the version that the caller read, and withdrawn or not as ``withdrawn`` says.

    Raises ObligationNotFound, StaleVersion, ObligationClosed.
    """
    obligation = obligations.lock(session, agency_id, reference)
    if obligation.version != version:
        raise StaleVersion(f"the version is {obligation.version} now")
    if obligation.settled_by is not None or obligations.has_money(session, obligation.id):
        raise ObligationClosed("money has been paid for it")
    if obligation.withdrawn is not withdrawn:
        raise ObligationClosed("it is not withdrawn" if withdrawn else "it is withdrawn")
    return obligation


def close_open_order(
    session: Session, obligation: Obligation, now: datetime, reason: str, checkout_url: Callable[[str], str]
) -> None:
    """Cancel the open order of the obligation, if there is one."""
    row = open_order_of(session, obligation.id)
    if row is not None:
        close_order(session, row, EventType.CANCELLED, now, checkout_url, reason=reason)


def add_next_version(
    session: Session,
    obligation: Obligation,
    event: VersionEvent,
    terms: Terms,
    *,
    reason: str,
    by: str,
    now: datetime,
) -> None:
    """Add the next version and raise the row version, so that decisions made on the old one are refused."""
    obligation.version += 1
    obligation.row_version += 1
    obligation.withdrawn = event is VersionEvent.WITHDRAWN
    obligations.add_version(
        session, obligation.id, obligation.version, event, terms, by=by, at=now, reason=reason
    )
