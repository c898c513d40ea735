"""Write an order's new sums when money goes back, with all that follows: the book, the receipt that may follow, and the
events that tell it. The caller holds the obligation's lock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from payment_hub.domain.belonging import facts_after
from payment_hub.domain.day import business_day
from payment_hub.domain.ledger import Transfer
from payment_hub.domain.notice import EventType
from payment_hub.domain.receipt import yearly_series
from payment_hub.domain.refund import Effect
from payment_hub.domain.standing import OrderStanding
from payment_hub.store.closing_cte import EVENTS, RECEIPT
from payment_hub.store.order_rows import order_view
from payment_hub.store.refunds import OrderMoney

_CHANGE: Final = f"""
WITH gate AS (
    UPDATE payment_order SET refunded = %(refunded)s, held_refund = %(held_refund)s, given_back = %(given_back)s,
        given_back_accepted = %(given_back_accepted)s, disputed = %(disputed)s, held = %(held)s,
        sequence = %(sequence)s
    WHERE id = %(order_id)s::bigint
    RETURNING id
),
settled AS (
    UPDATE obligation SET settled_by = %(order_id)s::bigint WHERE id = %(obligation_id)s::bigint AND %(receipt)s
),
posted AS (
    INSERT INTO posting (source_type, source_id, kind, debit, credit, amount, currency, agency_id, bank, order_id, day,
        posted_at)
    SELECT %(source)s, %(source_id)s::bigint, t.kind, t.debit, t.credit, t.amount, %(order_currency)s,
        %(agency_id)s::bigint, %(bank)s, %(order_id)s::bigint, %(day)s::date, %(now)s::timestamptz
    FROM gate, unnest(%(kinds)s::text[], %(debits)s::text[], %(credits)s::text[], %(amounts)s::bigint[])
        AS t (kind, debit, credit, amount)
), {RECEIPT}, {EVENTS}
SELECT count(*) FROM gate"""


def change_sums(
    session: Session,
    known: OrderMoney,
    order: OrderStanding,
    *,
    held_refund: int,
    effect: Effect,
    at: datetime,
    checkout_url: Callable[[str], str],
    money: Mapping[str, Any],
    shown: Mapping[str, Any] | None = None,
) -> None:
    """Write the order's new sums with all that follows from them."""
    row, after = known.row, facts_after(order)
    sums = {
        "refunded": order.refunded,
        "held_refund": held_refund,
        "given_back": order.given_back,
        "given_back_accepted": order.given_back_accepted,
        "disputed": row["disputed"] or effect.told is EventType.DISPUTED,
        "held": after.held,
    }
    receipt = after.settled and not order.has_receipt
    types = [effect.told] if effect.told else []
    # Money that came back may complete a payment: then its order is paid now, and the portal is told so too.
    types += [EventType.PAID] if receipt else []
    sequence = row["sequence"] + len(types)
    view = order_view(row, checkout_url(row["reference"]), **sums, sequence=sequence)
    told = {
        "receipt": receipt,
        "types": types,
        "data": json.dumps(view.as_wire() | ({"refund": shown} if shown else {}), ensure_ascii=False),
        "sequence": sequence,
        "first_sequence": sequence - len(types) + 1,
    }
    session.connection().exec_driver_sql(_CHANGE, _facts(row, at) | _posted(money) | sums | told)


def _facts(row: Mapping[Any, Any], at: datetime) -> dict[str, Any]:
    """What the statement must know of the order, and of the moment."""
    return {
        **{name: row[name] for name in ("order_id", "obligation_id", "agency_id", "portal_id")},
        "order_currency": row["currency"],
        "paid_in": row["required"],
        "template": row["receipt_template"],
        "series": yearly_series(row["receipt_series"], business_day(at).year),
        "day": business_day(at),
        "now": at,
    }


def _posted(money: Mapping[str, Any]) -> dict[str, Any]:
    """What it posts."""
    moved: Sequence[Transfer] = money["moved"]
    return {
        **{name: money[name] for name in ("bank", "source", "source_id")},
        "kinds": [transfer.kind for transfer in moved],
        "debits": [transfer.debit for transfer in moved],
        "credits": [transfer.credit for transfer in moved],
        "amounts": [transfer.amount for transfer in moved],
    }
