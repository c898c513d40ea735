"""A bank on paper that gives money back, another one, and an order that was paid."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.settlement import Source
from payment_hub.hub import Hub
from payment_hub.operations.confirmations.record import receive_confirmation
from reconciliation.books import Books
from reconciliation.ledgers.csv_drop import CsvDrop
from tests.reconciliation.refunds import PaperRefunds
from tests.refunding import a_paid_order


@pytest.fixture
def bank() -> PaperRefunds:
    return PaperRefunds()


@pytest.fixture
def hub(hub: Hub, bank: PaperRefunds) -> Hub:
    other = PaperRefunds(code="other")
    return replace(hub, adapters={"sandbox": bank, "other": other})


@pytest.fixture
def books(hub: Hub) -> Books:
    return Books(hub, CsvDrop(None), partial(receive_confirmation, hub, source=Source.STATEMENT))


@pytest.fixture
def order(hub: Hub, agency: Caller, portal: Caller) -> str:
    """Paid by the bank's transaction T1."""
    return a_paid_order(hub, agency, portal, bank="sandbox", bank_transaction_id="T1")
