"""Three banks, and an order to pay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_hub.domain.banks.profile import BankTerms
from payment_hub.hub import Hub
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.orders import a_portal, an_agency, an_order
from tests.worlds.routing import QUICK_BREAKER, SmallBank


@pytest.fixture
def one() -> StandInBank:
    return StandInBank(code="one")


@pytest.fixture
def hub(hub: Hub, one: StandInBank) -> Hub:
    banks = with_banks(hub, one=one, two=StandInBank(code="two"), small=SmallBank(code="small"))
    return replace(banks, terms={name: BankTerms(breaker=QUICK_BREAKER) for name in ("one", "two", "small")})


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
