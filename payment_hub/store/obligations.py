"""SQL of obligations: reading, locking and registering them, and adding versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import ObligationNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.obligations import (
    Beneficiary,
    Kind,
    ObligationState,
    ObligationView,
    Terms,
    VersionEvent,
)
from payment_hub.store.access import visible_agency
from payment_hub.store.named_sql import named
from payment_hub.store.tables import Obligation, ObligationVersion, PaymentOrder

_SELECT: Final = """
SELECT b.id, b.agency_id, a.code AS agency, a.name AS agency_name, b.reference, b.kind, b.version, b.withdrawn,
    b.settled_by, b.created_at, v.amount, v.currency, v.payer_name, v.identifiers, v.description, v.due_on,
    v.account_number, v.account_bank, v.account_name, v.treasury_chapter, v.treasury_sub_item,
    (SELECT reference FROM payment_order o WHERE o.obligation_id = b.id AND o.is_open) AS open_order
FROM obligation b
JOIN agency a ON a.id = b.agency_id
JOIN obligation_version v ON v.obligation_id = b.id AND v.version = b.version
WHERE (CAST(:only_agency AS bigint) IS NULL OR b.agency_id = :only_agency)"""

_SQL: Final = {
    name: text(sql)
    for name, sql in named(
        "payment_hub.store",
        "sql/obligations.sql",
        obligations=_SELECT,
        settled=ObligationState.SETTLED,
        withdrawn=ObligationState.WITHDRAWN,
        owed=ObligationState.OWED,
    ).items()
}


def view(session: Session, caller: Caller, agency: str, reference: str) -> ObligationView:
    """The obligation as the caller may see it. Raises ObligationNotFound."""
    return _one(session, visible_agency(caller), agency, reference)


def view_for_citizen(session: Session, agency: str, reference: str) -> ObligationView:
    """The obligation behind an order whose token the citizen holds. Raises ObligationNotFound."""
    return _one(session, None, agency, reference)


def _one(session: Session, only_agency: int | None, agency: str, reference: str) -> ObligationView:
    params = {"only_agency": only_agency, "agency": agency, "reference": reference}
    row = session.execute(_SQL["find_obligation"], params).mappings().one_or_none()
    if row is None:
        raise ObligationNotFound(reference)
    return _view(row)


def list_views(session: Session, caller: Caller, **params: Any) -> list[tuple[int, ObligationView]]:
    """Obligations that the caller may see, newest first, each with its key. ``params`` are the statement's filters."""
    rows = session.execute(
        _SQL["list_obligations"], {"only_agency": visible_agency(caller), **params}
    ).mappings()
    return [(row["id"], _view(row)) for row in rows]


def lock(session: Session, agency_id: int, reference: str) -> Obligation:
    """The obligation, locked: it is the one lock for itself and all its orders. Raises ObligationNotFound."""
    query = select(Obligation).where(Obligation.agency_id == agency_id, Obligation.reference == reference)
    obligation = session.scalar(
        query.with_for_update(key_share=True).execution_options(populate_existing=True)
    )
    if obligation is None:
        raise ObligationNotFound(reference)
    return obligation


def claim(session: Session, agency_id: int, reference: str, kind: str, now: datetime) -> int | None:
    """The key of the new obligation; None when the agency has used the reference before."""
    statement = (
        insert(Obligation)
        .values(agency_id=agency_id, reference=reference, kind=kind, created_at=now)
        .on_conflict_do_nothing()
        .returning(Obligation.id)
    )
    return session.scalar(statement)


def has_money(session: Session, obligation_id: int) -> bool:
    """Whether any of its orders has money that was not refunded."""
    orders = select(PaymentOrder.id).where(
        PaymentOrder.obligation_id == obligation_id, PaymentOrder.received > PaymentOrder.refunded
    )
    return session.scalar(orders.limit(1)) is not None


def current_terms(session: Session, obligation_id: int, version: int) -> Terms:
    """The terms of one version."""
    row = session.scalars(
        select(ObligationVersion).where(
            ObligationVersion.obligation_id == obligation_id, ObligationVersion.version == version
        )
    ).one()
    beneficiary = Beneficiary(
        row.account_number, row.account_bank, row.account_name, row.treasury_chapter, row.treasury_sub_item
    )
    return Terms(
        Money(row.amount, row.currency),
        row.payer_name,
        row.identifiers,
        row.description,
        row.due_on,
        beneficiary,
    )


def add_version(
    session: Session,
    obligation_id: int,
    version: int,
    event: VersionEvent,
    terms: Terms,
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """Add a version; versions are never changed."""
    account = terms.beneficiary
    session.add(
        ObligationVersion(
            obligation_id=obligation_id,
            version=version,
            event=event,
            amount=terms.amount.minor,
            currency=terms.amount.currency,
            payer_name=terms.payer_name,
            identifiers=dict(terms.identifiers),
            description=terms.description,
            due_on=terms.due_on,
            account_number=account.account_number,
            account_bank=account.bank,
            account_name=account.account_name,
            treasury_chapter=account.treasury_chapter,
            treasury_sub_item=account.treasury_sub_item,
            reason=reason,
            stated_by=by,
            stated_at=at,
        )
    )
    session.flush()


def _view(row: Mapping[Any, Any]) -> ObligationView:
    state = ObligationState.WITHDRAWN if row["withdrawn"] else ObligationState.OWED
    return ObligationView(
        agency=row["agency"],
        agency_name=row["agency_name"],
        reference=row["reference"],
        kind=Kind(row["kind"]),
        version=row["version"],
        state=state if row["settled_by"] is None else ObligationState.SETTLED,
        amount=Money(row["amount"], row["currency"]),
        payer_name=row["payer_name"],
        identifiers=row["identifiers"],
        description=row["description"],
        due_on=row["due_on"],
        beneficiary=Beneficiary(
            account_number=row["account_number"],
            bank=row["account_bank"],
            account_name=row["account_name"],
            treasury_chapter=row["treasury_chapter"],
            treasury_sub_item=row["treasury_sub_item"],
        ),
        open_order=row["open_order"],
        registered_at=row["created_at"],
    )
