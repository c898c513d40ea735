"""Receipts are numbered one after the other, for each agency from 1, and no number is given twice."""

from __future__ import annotations

from payment_hub.hub import Hub
from payment_hub.operations.receipts import show_receipt
from tests.worlds.database import rows
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive


def test_each_payment_draws_the_next_number_of_its_agency(hub: Hub) -> None:
    portal, police, hospital = a_portal(hub), an_agency(hub), an_agency(hub, "H55")
    numbers = []
    for agency in (police, police, hospital, police, hospital):
        reference = an_order(hub, agency, portal)["reference"]
        receive(hub, confirmation(reference))
        receipt = show_receipt(hub, caller=an_operator(), reference=reference)
        numbers.append((agency.agency_code, receipt.number))
    assert numbers == [
        ("G22.99", "01BLP AA26E 0000001"),
        ("G22.99", "01BLP AA26E 0000002"),
        ("H55", "01BLP AA26E 0000001"),
        ("G22.99", "01BLP AA26E 0000003"),
        ("H55", "01BLP AA26E 0000002"),
    ]
    told = rows(hub, "SELECT data ->> 'receipt' AS receipt FROM event WHERE sequence = 2 ORDER BY id")
    assert [row["receipt"] for row in told] == [number for _, number in numbers]


def test_what_does_not_settle_draws_no_number(hub: Hub) -> None:
    portal, agency = a_portal(hub), an_agency(hub)
    in_part, whole = (an_order(hub, agency, portal)["reference"] for _ in range(2))
    receive(hub, confirmation(in_part, 1_000))
    receive(hub, confirmation(whole))
    receive(hub, confirmation(whole))
    receive(hub, confirmation(in_part, 149_000))
    numbers = [show_receipt(hub, caller=portal, reference=one).number for one in (whole, in_part)]
    assert numbers == ["01BLP AA26E 0000001", "01BLP AA26E 0000002"]
