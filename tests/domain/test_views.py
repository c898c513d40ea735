"""What callers are shown goes over the wire in one form: amounts as text, moments in UTC, days as dates."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from payment_hub.domain.calendar import wire_moment
from payment_hub.domain.ledger import BalanceLine
from payment_hub.domain.money import Money, dong, wire_money
from payment_hub.domain.obligations import ObligationView
from payment_hub.domain.orders import OrderView
from payment_hub.domain.payments import AttemptView
from payment_hub.domain.receipts import ReceiptView
from payment_hub.domain.webhooks import DeliveryView, EventView, WebhookView

MOMENT = datetime(2026, 3, 2, 10, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=7)))
EXAMPLES: dict[str, Any] = {
    "Money": dong(150_000),
    "datetime": MOMENT,
    "datetime | None": MOMENT,
    "date": date(2026, 3, 2),
    "date | None": date(2026, 3, 2),
    "int": 7,
    "bool": True,
    "tuple[str, ...]": ("LATE",),
    "Mapping[str, str]": {"plate": "30A"},
    "Mapping[str, Any]": {"status": "PAID"},
}


def example(view: type[Any], **given: Any) -> Any:
    """A view whose every text is its field's own name, so that a swapped field shows."""
    values = {each.name: EXAMPLES.get(str(each.type), each.name) for each in fields(view)}
    return view(**(values | given))


@pytest.mark.parametrize(
    "view", [ObligationView, OrderView, AttemptView, ReceiptView, EventView, BalanceLine]
)
def test_every_field_is_shown_in_its_form(view: type[Any]) -> None:
    wire = json.dumps(example(view).as_wire())
    own = {each.name for each in fields(view) if str(each.type) in {"str", "str | None"}}
    unseen = {name for name in own if f'"{name}"' not in wire}
    assert unseen <= {"agency_name", "cursor"}
    assert "2026-03-02T03:00:00.123Z" in wire or view is BalanceLine
    assert ('{"amount": "150000", "currency": "VND"}' in wire) is (view is not EventView)


def test_no_field_stands_in_anothers_place() -> None:
    order = example(OrderView).as_wire()
    assert order["obligation"] == {"reference": "obligation_reference", "version": 7, "kind": "kind"}
    assert (order["flags"], order["finished"], order["receipt"]) == (["LATE"], True, "receipt")
    receipt = example(ReceiptView).as_wire()
    assert receipt["agency"] == {
        "code": "agency",
        "name": "agency_name",
        "tax_code": "agency_tax_code",
        "address": "agency_address",
    }
    owed = example(ObligationView).as_wire()
    assert owed["beneficiary"]["bank"] == "account_bank"
    assert owed["due_on"] == "2026-03-02"
    assert example(ObligationView, due_on=None).as_wire()["due_on"] is None
    assert example(AttemptView).as_wire()["instructions"]["purpose"] == "purpose"


def test_a_webhook_shows_every_attempt() -> None:
    attempt = example(DeliveryView, status=None)
    webhook = example(WebhookView, attempts=(attempt, attempt)).as_wire()
    assert webhook["attempts"] == [attempt.as_wire()] * 2
    assert attempt.as_wire() == {
        "url": "url",
        "status": None,
        "milliseconds": 7,
        "answer": "answer",
        "tried_at": "2026-03-02T03:00:00.123Z",
    }
    assert (webhook["event"], webhook["order"], webhook["due_at"]) == (
        "event_id",
        "order_reference",
        "2026-03-02T03:00:00.123Z",
    )


def test_moments_are_utc_to_the_millisecond_and_may_be_missing() -> None:
    assert wire_moment(MOMENT) == "2026-03-02T03:00:00.123Z"
    assert wire_moment(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000Z"
    assert wire_moment(None) is None


def test_amounts_are_text_in_their_currencys_places() -> None:
    assert wire_money(Money(150, "USD")) == {"amount": "1.50", "currency": "USD"}


def test_a_balance_is_debit_less_credit() -> None:
    line = BalanceLine(date(2026, 3, 2), "SUSPENSE", None, None, dong(30), dong(100))
    assert line.as_wire()["balance"] == {"amount": "-70", "currency": "VND"}
    assert line.as_wire()["day"] == "2026-03-02"
