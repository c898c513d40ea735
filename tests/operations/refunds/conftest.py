"""A bank that gives back, one that cannot be asked about it, and an order that was paid."""

from __future__ import annotations

import pytest

from payment_hub.domain.access import Caller
from payment_hub.hub import Hub
from tests.worlds.banks import with_banks
from tests.worlds.orders import a_portal, an_agency
from tests.worlds.refunds import BankWithoutRefundQuery, RefundingBank, a_paid_order


@pytest.fixture
def bank() -> RefundingBank:
    return RefundingBank()


@pytest.fixture
def hub(hub: Hub, bank: RefundingBank) -> Hub:
    return with_banks(hub, refunding=bank, unasked=BankWithoutRefundQuery())


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub) -> Caller:
    return a_portal(hub)


@pytest.fixture
def paid(hub: Hub, agency: Caller, portal: Caller) -> str:
    """An order that was paid through the refunding bank."""
    return a_paid_order(hub, agency, portal)
