"""SQL of orders: one set of columns and joins for every statement that reads an order, and the view made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.errors import OrderNotFound
from payment_hub.domain.money import Money
from payment_hub.domain.obligations import Kind
from payment_hub.domain.orders import (
    OrderedObligation,
    OrderFacts,
    OrderFlag,
    OrderStatus,
    OrderView,
    finished,
    flags_of,
    status_of,
)
from payment_hub.domain.receipts import receipt_number
from payment_hub.store.access import visible_agency
from payment_hub.store.named_sql import named

#: Everything that an OrderView and an OrderSnapshot need. Aliases: o order, b obligation, v version, a agency.
COLUMNS: Final = """
    o.id AS order_id, o.reference, o.sequence, o.obligation_id, o.obligation_version, o.agency_id, o.portal_id,
    o.required, o.currency, o.return_url, o.issued_at, o.expires_at, o.received, o.accepted, o.refunded,
    o.held_refund, o.paid_back, o.paid_back_accepted, o.disputed,
    o.cancelled_at, o.cancel_reason, o.expired_at, o.late, o.conflict, o.other_currency, o.held, o.status,
    b.reference AS obligation_reference, b.kind, b.version AS obligation_now, b.withdrawn, b.settled_by,
    b.row_version, v.description, v.payer_name,
    a.code AS agency, a.name AS agency_name, a.late_policy, a.part_payments, a.receipt_template, a.receipt_series,
    r.template AS receipt_template_used, r.series AS receipt_series_used, r.number AS receipt_serial"""

JOINS: Final = """
    JOIN obligation b ON b.id = o.obligation_id
    JOIN obligation_version v ON v.obligation_id = o.obligation_id AND v.version = o.obligation_version
    JOIN agency a ON a.id = o.agency_id
    LEFT JOIN receipt r ON r.order_id = o.id"""

LEFT_JOINS: Final = JOINS.replace("    JOIN", "    LEFT JOIN")


def order_view(row: Mapping[str, Any], checkout_url: str, **changed: Any) -> OrderView:
    """The view of a row read with COLUMNS; ``changed`` are facts newer than the row."""
    facts = {**row, **changed}
    status, flags = _status_and_flags(facts)
    serial = facts["receipt_serial"]
    return OrderView(
        reference=facts["reference"],
        version=facts["sequence"],
        agency=facts["agency"],
        obligation=OrderedObligation(
            facts["obligation_reference"], facts["obligation_version"], Kind(facts["kind"])
        ),
        status=status,
        flags=flags,
        finished=finished(status, flags),
        required=Money(facts["required"], facts["currency"]),
        received=Money(facts["received"], facts["currency"]),
        refunded=Money(facts["refunded"], facts["currency"]),
        refundable=Money(
            facts["received"] - facts["refunded"] - facts.get("held_refund", 0), facts["currency"]
        ),
        description=facts["description"],
        issued_at=facts["issued_at"],
        expires_at=facts["expires_at"],
        cancelled_at=facts["cancelled_at"],
        cancel_reason=facts["cancel_reason"],
        expired_at=facts["expired_at"],
        checkout_url=checkout_url,
        return_url=facts["return_url"],
        receipt=serial
        and receipt_number(facts["receipt_template_used"], facts["receipt_series_used"], serial),
    )


def _status_and_flags(facts: Mapping[str, Any]) -> tuple[OrderStatus, tuple[OrderFlag, ...]]:
    status = status_of(
        OrderFacts(
            required=facts["required"],
            received=facts["received"],
            refunded=facts["refunded"],
            expired=facts["expired_at"] is not None,
            cancelled=facts["cancelled_at"] is not None,
        )
    )
    flags = flags_of(
        net=facts["received"] - facts["refunded"],
        required=facts["required"],
        late=facts["late"],
        conflict=facts["conflict"],
        held=facts["held"],
        disputed=facts.get("disputed", False),
    )
    return status, flags


_VISIBLE: Final = """(CAST(:only_agency AS bigint) IS NULL OR o.agency_id = :only_agency)
    AND (CAST(:only_portal AS bigint) IS NULL OR o.portal_id = :only_portal)"""

_SQL: Final = {
    name: text(sql)
    for name, sql in named(
        "payment_hub.store", "sql/orders.sql", columns=COLUMNS, joins=JOINS, visible=_VISIBLE
    ).items()
}


def find_row(session: Session, reference: str, caller: Caller | None = None) -> Mapping[Any, Any]:
    """The order, read with COLUMNS, if the caller may see it. Raises OrderNotFound."""
    params = {"reference": reference, **_visible_to(caller)}
    row = session.execute(_SQL["find_order"], params).mappings().one_or_none()
    if row is None:
        raise OrderNotFound(reference)
    return row


def list_rows(session: Session, caller: Caller, **params: Any) -> Sequence[Mapping[Any, Any]]:
    """Orders that the caller may see, newest first, read with COLUMNS. ``params`` are the filters of the statement."""
    return session.execute(_SQL["list_orders"], {**_visible_to(caller), **params}).mappings().all()


def lock(session: Session, reference: str) -> None:
    """Lock an order by its obligation, and raise the row version. Raises OrderNotFound.

    Read the order after this, not before: a row that was read before may be out of date.
    """
    if session.execute(_SQL["lock"], {"reference": reference}).scalar_one_or_none() is None:
        raise OrderNotFound(reference)


def due_references(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Open orders whose deadline has passed."""
    return session.scalars(_SQL["due_references"], {"now": now, "limit": limit}).all()


def _visible_to(caller: Caller | None) -> dict[str, int | None]:
    if caller is None:
        return {"only_agency": None, "only_portal": None}
    return {
        "only_agency": visible_agency(caller),
        "only_portal": caller.portal_id if caller.role is Role.PORTAL else None,
    }
