"""A citizen with a link, a hub on a real database, and a sandbox bank that is really there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bank_adapters import load_adapters
from payment_hub.hub import Hub
from tests.simulators.sandbox import serve
from tests.web.conftest import ENVIRON
from tests.worlds.orders import a_portal, an_agency, an_order


class Citizen:
    """Somebody with a browser and a link."""

    def __init__(self, client: FlaskClient, order: dict[str, Any]) -> None:
        self.client = client
        self.reference: str = order["reference"]
        self.link: str = order["checkout_url"].removeprefix("https://hub.test")

    def sees(self, more: str = "", **asked: Any) -> str:
        """The text of a page that is there."""
        answer = self.client.get(self.link + more, **asked)
        assert answer.status_code == 200, answer.text
        return answer.text

    def state(self) -> str:
        """The state that the page names."""
        shown = re.search(r'<h1 id="state">.*?<span>(.*?)</span>', self.sees())
        assert shown is not None
        return shown[1]

    def pays(self, bank: str = "sandbox", query: str = "") -> Any:
        """Press the button of a bank."""
        return self.client.post(f"{self.link}/pay{query}", data={"bank": bank})


@pytest.fixture
def section() -> Iterator[dict[str, str]]:
    """The settings of a sandbox bank that is really there."""
    with serve(ENVIRON["BANK_SANDBOX_SECRET"]) as bank:
        yield {"URL": bank.url}


@pytest.fixture
def hub(hub: Hub, section: dict[str, str]) -> Hub:
    """The hub with that bank."""
    settings = {"SECRET": ENVIRON["BANK_SANDBOX_SECRET"]} | section
    return dataclasses.replace(hub, adapters=load_adapters(["sandbox"], {"sandbox": settings}))


@pytest.fixture
def citizen(hub: Hub, app: Flask) -> Citizen:
    """Who owes a fine of 150,000 dong, and has the link."""
    return Citizen(app.test_client(), an_order(hub, an_agency(hub), a_portal(hub)))
