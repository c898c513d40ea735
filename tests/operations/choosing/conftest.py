"""Three banks, and an order to pay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_hub.domain.banks.profile import BankTerms
from payment_hub.hub import Hub
from tests.builders import a_portal, an_agency, an_order
from tests.choosing import QUICK, SmallBank
from tests.stand_in_banks import StandInBank, with_banks


@pytest.fixture
def one() -> StandInBank:
    return StandInBank(code="one")


@pytest.fixture
def hub(hub: Hub, one: StandInBank) -> Hub:
    banks = with_banks(hub, one=one, two=StandInBank(code="two"), small=SmallBank(code="small"))
    return replace(banks, terms={name: BankTerms(breaker=QUICK) for name in ("one", "two", "small")})


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
