"""Worlds that many tests of operations share: an open order, and a portal's receiver of webhooks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from payment_hub.hub import Hub
from tests.worlds.orders import a_portal, an_agency, an_order
from tests.worlds.receivers import Receiver, a_receiver


@pytest.fixture
def reference(hub: Hub) -> str:
    """An open order over 150,000 dong."""
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A server of a portal's, which receives webhooks."""
    with a_receiver() as receiver:
        yield receiver
