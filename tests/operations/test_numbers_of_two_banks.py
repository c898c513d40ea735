"""Every bank counts for itself: a number of one bank says nothing about the same number of another."""

from __future__ import annotations

import pytest

from payment_hub.domain.settlement import Verdict
from payment_hub.hub import Hub
from payment_hub.operations.orders import show_order
from payment_hub.operations.payments.start import start_payment
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import count, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, standin=StandInBank(), other=StandInBank(code="other"))


@pytest.fixture
def orders(hub: Hub) -> list[str]:
    """Two orders, the first of which is being paid at the stand-in."""
    agency, portal = an_agency(hub), a_portal(hub)
    references = [str(an_order(hub, agency, portal)["reference"]) for _ in range(2)]
    start_payment(hub, reference=references[0], bank="standin", payer_ip="203.0.113.9", language="vi")
    return references


def statuses(hub: Hub, orders: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    views = [show_order(hub, caller=an_operator(), reference=reference) for reference in orders]
    return [(view.status, view.flags) for view in views]


def test_the_same_transaction_number_at_two_banks_is_two_payments(hub: Hub, orders: list[str]) -> None:
    for reference, bank in zip(orders, ("standin", "other"), strict=True):
        said = confirmation(reference, bank=bank, bank_transaction_id="T1")
        assert receive(hub, said).verdict is Verdict.SETTLES
    assert statuses(hub, orders) == [("PAID", ()), ("PAID", ())]
    assert count(hub, "collection") == 2


def test_the_same_transaction_number_for_one_order_is_paid_twice(hub: Hub, orders: list[str]) -> None:
    verdicts = [
        receive(hub, confirmation(orders[0], bank=bank, bank_transaction_id="T1")).verdict
        for bank in ("standin", "other")
    ]
    assert verdicts == [Verdict.SETTLES, Verdict.PAID_TWICE]
    assert statuses(hub, orders)[0] == ("PAID", ("OVERPAID",))


def test_the_same_event_at_two_banks_is_two_events(hub: Hub, orders: list[str]) -> None:
    for reference, bank in zip(orders, ("standin", "other"), strict=True):
        assert receive(hub, confirmation(reference, bank=bank, event_id="E1")).verdict is Verdict.SETTLES
    found = rows(hub, "SELECT bank, disposition FROM confirmation ORDER BY id")
    assert [tuple(row.values()) for row in found] == [("standin", "APPLIED"), ("other", "APPLIED")]


def test_an_attempts_number_is_believed_of_its_own_bank_alone(hub: Hub, orders: list[str]) -> None:
    number = int(scalar(hub, "SELECT id FROM payment_attempt"))
    said = confirmation(str(number), bank="other", number=number)
    assert receive(hub, said).verdict is Verdict.NO_SUCH_ORDER
    assert statuses(hub, orders) == [("OPEN", ()), ("OPEN", ())]
    said = confirmation(str(number), bank="standin", number=number)
    assert receive(hub, said).verdict is Verdict.SETTLES
    assert statuses(hub, orders) == [("PAID", ()), ("OPEN", ())]
