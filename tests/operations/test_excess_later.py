"""What becomes too much long after it came, and what never does."""

from __future__ import annotations

from payment_hub.domain.access import Caller
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.refunds.decide import propose_excess_refunds
from tests.asking import rows
from tests.builders import an_agency, an_obligation, an_order
from tests.conftest import StoppedClock
from tests.operations.test_excess import agency, hub, pay, portal, proposals

__all__ = ["agency", "hub", "portal"]
"""Fixtures."""


def test_a_part_is_proposed_however_late_another_order_settles(
    hub: Hub, portal: Caller, clock: StoppedClock
) -> None:
    agency = an_agency(hub, late_policy=LatePolicy.ACCEPT)
    obligation = an_obligation(hub, agency)
    first = an_order(hub, agency, portal, obligation=obligation, minutes=10)["reference"]
    clock.advance(minutes=11)
    expire_orders(hub)
    second = an_order(hub, agency, portal, obligation=obligation)["reference"]
    pay(hub, first, 40_000)
    clock.advance(days=20)
    assert propose_excess_refunds(hub) == 0
    pay(hub, second, transaction="T2")
    propose_excess_refunds(hub)
    assert proposals(hub) == [("T1", "PAID_TWICE", 40_000, "hub")]


def test_where_nothing_is_too_much_nobody_is_kept_waiting(hub: Hub, agency: Caller, portal: Caller) -> None:
    pay(hub, an_order(hub, agency, portal)["reference"], 40_000)
    before = rows(hub, "SELECT row_version FROM obligation")
    propose_excess_refunds(hub)
    assert rows(hub, "SELECT row_version FROM obligation") == before
