"""How an order is read: one set of columns and joins, and the view that is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from payment_hub.domain.money import Money
from payment_hub.domain.payment_order import (
    OrderFacts,
    OrderFlag,
    OrderStatus,
    finished,
    flags_of,
    status_of,
)
from payment_hub.domain.receipt import receipt_number
from payment_hub.domain.views import OrderView

#: Everything that an OrderView and an OrderStanding need. Aliases: o order, b obligation, v version, a agency.
COLUMNS: Final = """
    o.id AS order_id, o.reference, o.sequence, o.obligation_id, o.obligation_version, o.agency_id, o.portal_id,
    o.required, o.currency, o.return_url, o.issued_at, o.expires_at, o.received, o.accepted, o.refunded,
    o.held_refund, o.given_back, o.given_back_accepted, o.disputed,
    o.cancelled_at, o.cancel_reason, o.expired_at, o.late, o.conflict, o.other_currency, o.held, o.status,
    b.reference AS obligation_reference, b.kind, b.version AS obligation_now, b.withdrawn, b.settled_by,
    b.sequence AS gate, v.description, v.payer_name,
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
        obligation_reference=facts["obligation_reference"],
        obligation_version=facts["obligation_version"],
        kind=facts["kind"],
        status=status,
        flags=flags,
        finished=finished(status, flags),
        required=Money(facts["required"], facts["currency"]),
        received=Money(facts["received"], facts["currency"]),
        refunded=Money(facts["refunded"], facts["currency"]),
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
        held_refund=Money(facts.get("held_refund", 0), facts["currency"]),
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
