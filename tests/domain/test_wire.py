"""An answer in JSON: amounts as text, moments in UTC, days as dates, nothing in another's place, nothing hidden."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Annotated, Any

import pytest

from payment_hub.domain.ledger import Account, BalanceLine
from payment_hub.domain.money import Money, dong
from payment_hub.domain.obligations import Beneficiary, Kind, ObligationState, ObligationView
from payment_hub.domain.orders import EventType, OrderedObligation, OrderFlag, OrderStatus, OrderView
from payment_hub.domain.refunds.lifecycle import RefundReason, RefundState
from payment_hub.domain.refunds.views import RefundChange
from payment_hub.domain.webhooks import EventView, changed_order
from payment_hub.domain.wire import Shown, to_wire

MOMENT = datetime(2026, 3, 2, 10, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=7)))
ORDER = OrderView(
    reference="reference",
    version=3,
    agency="agency",
    obligation=OrderedObligation("obligation", 7, Kind.TUITION),
    status=OrderStatus.PAID,
    flags=(OrderFlag.LATE,),
    finished=True,
    required=dong(150_000),
    received=dong(160_000),
    refunded=dong(1),
    refundable=dong(2),
    description="description",
    issued_at=MOMENT,
    expires_at=MOMENT,
    cancelled_at=None,
    cancel_reason=None,
    expired_at=None,
    checkout_url="checkout_url",
    return_url=None,
    receipt="receipt",
)


class Colour(StrEnum):
    RED = "RED"


@dataclass(frozen=True)
class Inner:
    colour: Colour
    day: date | None


@dataclass(frozen=True)
class Everything:
    number: int
    renamed: Annotated[str, Shown("other_name")]
    secret: Annotated[str, Shown(hidden=True)]
    absent: Annotated[str | None, Shown(optional=True)]
    empty: str | None
    beside: Annotated[Inner, Shown(flat=True)]
    below: Inner
    many: tuple[Inner, ...]
    by_name: Mapping[str, datetime]

    @property
    def doubled(self) -> Annotated[int, Shown()]:
        return 2 * self.number

    @property
    def private(self) -> int:
        return 1


def test_every_type_has_one_form() -> None:
    inner = Inner(Colour.RED, date(2026, 3, 2))
    view = Everything(
        7, "text", "secret", None, None, inner, inner, (inner, Inner(Colour.RED, None)), {"a": MOMENT}
    )
    shown = {"colour": "RED", "day": "2026-03-02"}
    assert to_wire(view) == shown | {
        "number": 7,
        "other_name": "text",
        "empty": None,
        "below": shown,
        "many": [shown, {"colour": "RED", "day": None}],
        "by_name": {"a": "2026-03-02T03:00:00.123Z"},
        "doubled": 14,
    }


def test_what_has_no_form_is_refused() -> None:
    @dataclass(frozen=True)
    class Wrong:
        ratio: float

    with pytest.raises(TypeError, match="float"):
        to_wire(Wrong(0.5))


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (MOMENT, "2026-03-02T03:00:00.123Z"),
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00.000Z"),
    ],
)
def test_moments_are_utc_to_the_millisecond(moment: datetime, text: str) -> None:
    wire = to_wire(EventView("evt_1", "cursor", EventType.PAID, "DV0", 1, moment, {}))
    assert wire["occurred_at"] == text
    assert "cursor" not in wire


def test_no_field_of_an_order_stands_in_anothers_place() -> None:
    money: dict[str, Any] = {
        name: {"amount": amount, "currency": "VND"}
        for name, amount in {
            "required": "150000",
            "received": "160000",
            "refunded": "1",
            "refundable": "2",
        }.items()
    }
    moments = dict.fromkeys(("issued_at", "expires_at"), "2026-03-02T03:00:00.123Z")
    missing = dict.fromkeys(("cancelled_at", "cancel_reason", "expired_at", "return_url"))
    assert to_wire(ORDER) == money | moments | missing | {
        "reference": "reference",
        "version": 3,
        "agency": "agency",
        "obligation": {"reference": "obligation", "version": 7, "kind": "tuition"},
        "status": "PAID",
        "flags": ["LATE"],
        "finished": True,
        "description": "description",
        "checkout_url": "checkout_url",
        "receipt": "receipt",
    }


def test_an_event_names_the_refund_that_changed_the_order_and_only_then() -> None:
    refund = RefundChange("R1", "DV0-R", RefundState.PROPOSED, dong(5), RefundReason.OTHER)
    assert to_wire(changed_order(ORDER, None)) == to_wire(ORDER)
    assert to_wire(changed_order(ORDER, refund)) == to_wire(ORDER) | {
        "refund": {
            "refund_id": "R1",
            "reference": "DV0-R",
            "state": "PROPOSED",
            "amount": {"amount": "5", "currency": "VND"},
            "reason": "OTHER",
        }
    }


def test_the_account_of_an_obligation_stands_below_it_and_the_name_of_its_agency_nowhere() -> None:
    account = Beneficiary("7111000000001", "970436", "KHO BAC", "009", "4252")
    owed = to_wire(
        ObligationView(
            agency="G22.99",
            agency_name="hidden",
            reference="XP/1",
            kind=Kind.FEE,
            version=1,
            state=ObligationState.OWED,
            amount=dong(5),
            payer_name="payer",
            identifiers={"plate": "30A"},
            description="description",
            due_on=date(2026, 3, 2),
            beneficiary=account,
            open_order=None,
            registered_at=MOMENT,
        )
    )
    assert owed["beneficiary"] == {
        "account_number": "7111000000001",
        "bank": "970436",
        "account_name": "KHO BAC",
        "treasury_chapter": "009",
        "treasury_sub_item": "4252",
    }
    assert (owed["due_on"], owed["identifiers"]) == ("2026-03-02", {"plate": "30A"})
    assert "hidden" not in owed.values()


def test_amounts_are_text_in_their_currencys_places_and_a_balance_is_debit_less_credit() -> None:
    line = BalanceLine(date(2026, 3, 2), Account.SUSPENSE, None, None, dong(30), dong(100))
    wire = to_wire(line)
    assert (wire["balance"], wire["day"]) == ({"amount": "-70", "currency": "VND"}, "2026-03-02")
    dollars = BalanceLine(date(2026, 3, 2), Account.SUSPENSE, None, None, Money(150, "USD"), Money(0, "USD"))
    assert to_wire(dollars)["debit"] == {"amount": "1.50", "currency": "USD"}
