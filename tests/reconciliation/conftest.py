"""Books on a real hub: a bank on paper, a drop folder, an agency and a portal."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.settlement import Source
from payment_hub.hub import Hub
from payment_hub.operations.confirmations import receive_confirmation
from reconciliation.books import Books
from reconciliation.ledgers.csv_drop import CsvDrop
from tests.reconciliation.stubs import StubBank
from tests.worlds.orders import a_portal, an_agency


@pytest.fixture
def bank() -> StubBank:
    """The bank ``sandbox``, on paper."""
    return StubBank()


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """Where agencies leave their ledgers."""
    return tmp_path


@pytest.fixture
def books(hub: Hub, bank: StubBank, drop: Path) -> Books:
    """The hub with its bank on paper, and the folder."""
    with_bank = replace(hub, adapters={"sandbox": bank})
    return Books(with_bank, CsvDrop(drop), partial(receive_confirmation, with_bank, source=Source.STATEMENT))


@pytest.fixture
def agency(hub: Hub) -> Caller:
    """The traffic police."""
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub) -> Caller:
    """The portal."""
    return a_portal(hub)
