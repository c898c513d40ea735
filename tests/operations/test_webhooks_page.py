"""The page for portal developers says what is true, and its example works."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from payment_hub.domain.orders import EventType
from payment_hub.domain.webhooks import LADDER, WEBHOOK_LIFE
from payment_hub.hub import Hub
from payment_hub.operations.webhooks import deliver_webhooks, show_webhook_keys
from payment_hub.outbound import EXCERPT_BYTES, TOTAL_SECONDS
from tests.conftest import StoppedClock
from tests.worlds.orders import a_portal, an_agency, an_order
from tests.worlds.receivers import a_receiver

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
UNITS = {1: "s", 60: "min", 3600: "h"}


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The functions of the page's example."""
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(compile(found[1], "docs/webhooks.md", "exec"), names)
    return names


def test_the_example_believes_a_real_webhook_by_either_key_and_nothing_else(
    hub: Hub, clock: StoppedClock, example: dict[str, Any]
) -> None:
    clock.moment = datetime.now(UTC)
    with a_receiver() as receiver:
        an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
        deliver_webhooks(hub)
    [request] = receiver.requests
    keys = show_webhook_keys(hub, portal="dvc")
    other = show_webhook_keys(hub, portal="dvc").public_keys[0][:-4] + "AAA="
    wrong = "whsec_" + "A" * 43 + "="

    def believed(
        public: str, secret: str, body: bytes = request.body, headers: dict[str, str] | None = None
    ) -> bool:
        return bool(example["is_genuine"]({**request.headers, **(headers or {})}, body, public, secret))

    assert believed(keys.public_keys[0], wrong)
    assert believed(other, keys.secret)
    assert not believed(other, wrong)
    assert not believed(keys.public_keys[0], keys.secret, body=request.body + b" ")
    assert not believed(keys.public_keys[0], keys.secret, headers={"webhook-id": "evt_2"})
    long_ago = str(int(request.headers["webhook-timestamp"]) - 301)
    assert not believed(keys.public_keys[0], keys.secret, headers={"webhook-timestamp": long_ago})
    assert not believed(keys.public_keys[0], keys.secret, headers={"webhook-signature": "v1,? v1a,%"})


def test_the_diagram_is_the_lifecycle() -> None:
    assert WEBHOOK_LIFE.as_mermaid() in PAGE


def test_the_figures_are_those_of_the_code() -> None:
    waits = [_in_words(int(wait.total_seconds())) for wait in LADDER]
    assert f"after {', '.join(waits[:-1])} and {waits[-1]}" in " ".join(PAGE.split())
    assert f"within {TOTAL_SECONDS:.0f} seconds" in PAGE
    assert f"first {EXCERPT_BYTES} bytes" in PAGE
    assert [kind for kind in EventType if f"`{kind}`" not in PAGE] == []


def _in_words(seconds: int) -> str:
    unit = max(size for size in UNITS if seconds >= size and seconds % size == 0)
    return f"{seconds // unit} {UNITS[unit]}"
