"""What one confirmation does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import OrderClosed
from payment_hub.domain.money import Money, dong
from payment_hub.domain.settlement import Disposition, LatePolicy, Verdict
from payment_hub.hub import Hub
from payment_hub.operations.obligations import amend_obligation
from payment_hub.operations.orders import cancel_order, expire_orders, show_order
from tests.conftest import StoppedClock
from tests.worlds.database import balances, rows
from tests.worlds.orders import (
    a_portal,
    an_agency,
    an_obligation,
    an_operator,
    an_order,
    confirmation,
    fine_terms,
    receive,
)


def order_of(hub: Hub) -> dict[str, Any]:
    wanted = "status, received, accepted, late, conflict, held, sequence"
    return rows(hub, f"SELECT {wanted} FROM payment_order")[0]


def flags(hub: Hub, reference: str) -> tuple[str, ...]:
    return show_order(hub, caller=an_operator(), reference=reference).flags


@pytest.fixture
def reference(hub: Hub) -> str:
    """An open order over 150,000 dong."""
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def test_money_for_an_open_order_settles_it_with_posting_receipt_and_event(hub: Hub, reference: str) -> None:
    judgement = receive(hub, confirmation(reference))
    assert (judgement.verdict, judgement.disposition) == (Verdict.SETTLES, Disposition.APPLIED)
    assert order_of(hub) | {
        "status": "PAID",
        "received": 150000,
        "accepted": 150000,
        "sequence": 2,
    } == order_of(hub)
    assert rows(hub, "SELECT debit, credit, amount FROM posting") == [
        {"debit": "BANK_CLEARING", "credit": "AGENCY_PAYABLE", "amount": 150000}
    ]
    assert rows(hub, "SELECT series, number, amount FROM receipt") == [
        {"series": "AA26E", "number": 1, "amount": 150000}
    ]
    assert rows(
        hub,
        "SELECT type, sequence, data ->> 'status' AS status, data ->> 'receipt' AS receipt FROM event ORDER BY id",
    ) == [
        {"type": "payment_order.issued", "sequence": 1, "status": "OPEN", "receipt": None},
        {"type": "payment_order.paid", "sequence": 2, "status": "PAID", "receipt": "01BLP AA26E 0000001"},
    ]


def test_a_repeated_confirmation_is_answered_as_the_first_time(hub: Hub, reference: str) -> None:
    said = confirmation(reference)
    receive(hub, said)
    again = receive(hub, said)
    assert (again.verdict, again.first_verdict) == (Verdict.DUPLICATE, Verdict.SETTLES)
    assert order_of(hub)["received"] == 150000
    assert len(rows(hub, "SELECT 1 FROM posting")) == 1


def test_the_same_bank_transaction_under_a_new_event_id_counts_once(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference, bank_transaction_id="TA"))
    again = receive(hub, confirmation(reference, bank_transaction_id="TA"))
    assert again.disposition is Disposition.DUPLICATE
    assert order_of(hub)["received"] == 150000


def test_an_event_id_that_first_repeated_known_money_is_known_too(hub: Hub, reference: str) -> None:
    said = confirmation(reference, event_id="e-1", bank_transaction_id="T")
    receive(hub, said)
    again = replace(said, event_id="e-2")
    assert receive(hub, again).disposition is Disposition.DUPLICATE
    assert receive(hub, replace(again, amount=dong(1))).disposition is Disposition.CONFLICT
    assert receive(hub, again).disposition is Disposition.DUPLICATE


@pytest.mark.parametrize("event_id", ["E1", "E2"])
def test_the_same_transaction_with_another_amount_is_kept_and_holds_the_order(
    hub: Hub, reference: str, event_id: str
) -> None:
    receive(hub, confirmation(reference, event_id="E1", bank_transaction_id="TA"))
    contradiction = confirmation(reference, 140_000, event_id=event_id, bank_transaction_id="TA")
    assert receive(hub, contradiction).disposition is Disposition.CONFLICT
    assert receive(hub, contradiction).disposition is Disposition.DUPLICATE
    assert order_of(hub)["received"] == 150000
    assert flags(hub, reference) == ("CONFLICT", "HELD")


def test_too_little_waits_in_suspense_until_the_rest_comes(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(reference, 40_000)).verdict is Verdict.UNDERPAYS
    assert (order_of(hub)["status"], balances(hub)) == (
        "UNDERPAID",
        {"BANK_CLEARING": -40_000, "SUSPENSE": 40_000},
    )
    assert receive(hub, confirmation(reference, 110_000)).verdict is Verdict.SETTLES
    assert order_of(hub)["status"] == "PAID"
    assert balances(hub) == {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}


def test_too_much_settles_and_the_rest_is_a_debt_to_the_payer(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(reference, 151_000)).verdict is Verdict.OVERPAYS
    assert flags(hub, reference) == ("OVERPAID",)
    assert balances(hub) == {"BANK_CLEARING": -151_000, "AGENCY_PAYABLE": 150_000, "OVERPAYMENT": 1_000}


def test_a_second_payment_is_kept_whole_to_be_given_back(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference))
    assert receive(hub, confirmation(reference, bank="vnpay")).verdict is Verdict.PAID_TWICE
    assert balances(hub) == {"BANK_CLEARING": -300_000, "AGENCY_PAYABLE": 150_000, "OVERPAYMENT": 150_000}
    assert len(rows(hub, "SELECT 1 FROM receipt")) == 1


def test_money_for_no_order_is_remembered_in_suspense(hub: Hub, reference: str) -> None:
    judgement = receive(hub, confirmation("DV5N71C6W000000N"))
    assert (judgement.verdict, judgement.disposition) == (Verdict.NO_SUCH_ORDER, Disposition.ORPHAN)
    assert balances(hub) == {"BANK_CLEARING": -150_000, "SUSPENSE": 150_000}
    assert order_of(hub)["status"] == "OPEN"


def test_money_in_another_currency_is_never_converted(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(reference, Money(100, "USD"))).verdict is Verdict.WRONG_CURRENCY
    assert (order_of(hub)["status"], flags(hub, reference)) == ("OPEN", ("HELD",))
    assert rows(hub, "SELECT credit, amount, currency FROM posting") == [
        {"credit": "SUSPENSE", "amount": 100, "currency": "USD"}
    ]


def test_late_money_settles_where_the_agency_accepts_it(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    clock.advance(days=1, minutes=1)
    assert expire_orders(hub) == 1
    assert order_of(hub)["status"] == "EXPIRED"
    assert receive(hub, confirmation(reference)).verdict is Verdict.SETTLES
    assert (order_of(hub)["status"], flags(hub, reference)) == ("PAID", ("LATE",))


@pytest.mark.parametrize("policy", [LatePolicy.REFUND, LatePolicy.SUSPENSE])
def test_late_money_is_held_where_the_agency_does_not_accept_it(
    hub: Hub, clock: StoppedClock, policy: LatePolicy
) -> None:
    order = an_order(hub, an_agency(hub, late_policy=policy), a_portal(hub))
    clock.advance(days=1, minutes=1)
    assert receive(hub, confirmation(order["reference"])).verdict is Verdict.TOO_LATE
    assert flags(hub, order["reference"]) == ("LATE", "HELD")
    assert balances(hub) == {"BANK_CLEARING": -150_000, "SUSPENSE": 150_000}
    assert rows(hub, "SELECT 1 FROM receipt") == []


def test_the_banks_own_moment_decides_lateness_if_it_is_credible(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    paid_at = clock() + timedelta(hours=23)
    clock.advance(days=1, hours=2)
    receive(hub, confirmation(reference, paid_at=paid_at))
    assert flags(hub, reference) == ()


def test_an_incredible_moment_of_the_bank_is_not_believed(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    paid_at = clock()
    clock.advance(days=5)
    receive(hub, confirmation(reference, paid_at=paid_at))
    assert flags(hub, reference) == ("LATE",)


def test_the_old_code_of_an_amended_obligation_is_never_called_paid(hub: Hub) -> None:
    agency, portal = an_agency(hub), a_portal(hub)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)
    assert agency.agency_code is not None
    amend_obligation(
        hub,
        caller=agency,
        agency=agency.agency_code,
        reference=obligation,
        terms=fine_terms(200_000),
        reason="recalculated",
        version=1,
    )
    new = an_order(hub, agency, portal, obligation=obligation)
    assert receive(hub, confirmation(old["reference"])).verdict is Verdict.TOO_LATE
    assert "HELD" in flags(hub, old["reference"])
    assert receive(hub, confirmation(new["reference"], 200_000)).verdict is Verdict.SETTLES


def test_two_orders_of_one_obligation_settle_it_once(hub: Hub, clock: StoppedClock) -> None:
    agency, portal = an_agency(hub), a_portal(hub)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(days=1, minutes=1)
    expire_orders(hub)
    new = an_order(hub, agency, portal, obligation=obligation)
    assert receive(hub, confirmation(new["reference"])).verdict is Verdict.SETTLES
    assert receive(hub, confirmation(old["reference"])).verdict is Verdict.PAID_TWICE
    assert flags(hub, old["reference"]) == ("LATE", "HELD")
    assert balances(hub)["AGENCY_PAYABLE"] == 150_000
    assert len(rows(hub, "SELECT 1 FROM receipt")) == 1


def test_a_refusal_leaves_the_order_open(hub: Hub, reference: str) -> None:
    declined = confirmation(reference, None, outcome=Outcome.DECLINED, bank_transaction_id=None)
    assert receive(hub, declined).verdict is Verdict.DECLINED
    assert order_of(hub)["status"] == "OPEN"
    assert receive(hub, confirmation(reference)).verdict is Verdict.SETTLES


def test_paid_without_a_transaction_is_no_proof(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(reference, bank_transaction_id=None)).verdict is Verdict.CONTRADICTS
    assert order_of(hub)["status"] == "OPEN"


def test_withdrawing_closes_the_offer_and_not_the_money(hub: Hub, reference: str) -> None:
    withdrawn = cancel_order(hub, caller=an_operator(), reference=reference, reason="wrong person", version=1)
    assert (withdrawn.status, withdrawn.version) == ("CANCELLED", 2)
    with pytest.raises(OrderClosed):
        cancel_order(hub, caller=an_operator(), reference=reference, reason="again", version=2)
    receive(hub, confirmation(reference))
    assert order_of(hub)["received"] == 150_000


def test_an_order_of_nothing_has_its_receipt_without_a_bank(hub: Hub) -> None:
    order = an_order(hub, an_agency(hub), a_portal(hub), amount=0)
    assert (order["status"], order["receipt"]) == ("PAID", "01BLP AA26E 0000001")
