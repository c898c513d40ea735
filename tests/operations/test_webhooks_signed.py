"""What a portal's developers rely on: any Standard Webhooks library believes our webhooks, also while keys rotate."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from payment_hub.domain.errors import Malformed
from payment_hub.hub import Hub
from payment_hub.operations.webhooks import deliver_webhooks, rotate_webhook_key, show_webhook_keys
from tests.conftest import StoppedClock
from tests.worlds.orders import a_portal, an_agency, an_order
from tests.worlds.receivers import Receiver, a_receiver, status


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with a_receiver() as receiver:
        yield receiver


def test_strangers_believe_the_signature_of_every_try(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    clock.moment = datetime.now(UTC)  # the stranger's library reads the real clock
    an_order(hub, an_agency(hub), a_portal(hub, webhook_url=receiver.url))
    receiver.behaviour = status(500)
    deliver_webhooks(hub)
    clock.advance(minutes=1)
    deliver_webhooks(hub)
    keys = show_webhook_keys(hub, portal="dvc")
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys.public_keys[0].removeprefix("whpk_")))
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60
    for request in (first, second):
        standardwebhooks.Webhook(keys.secret).verify(request.body, dict(request.headers))
        signed = (
            f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
        )
        v1a = request.headers["webhook-signature"].split(" ")[0].removeprefix("v1a,")
        public.verify(base64.b64decode(v1a), signed)


def test_after_a_rotation_the_portal_may_still_use_the_secret_before(
    hub: Hub, receiver: Receiver, clock: StoppedClock
) -> None:
    clock.moment = datetime.now(UTC)
    portal = a_portal(hub, webhook_url=receiver.url)
    before = show_webhook_keys(hub, portal="dvc")
    after = rotate_webhook_key(hub, portal="dvc")
    assert (before.version, after.version) == (1, 2)
    assert show_webhook_keys(hub, portal="dvc") == after
    an_order(hub, an_agency(hub), portal)
    deliver_webhooks(hub)
    [request] = receiver.requests
    for keys in (before, after):
        standardwebhooks.Webhook(keys.secret).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(
    "url", ["http://portal.test/", "https://10.0.0.1/", "https://u@portal.test/", "portal.test"]
)
def test_a_portal_is_not_added_with_an_address_that_may_lead_astray(hub: Hub, url: str) -> None:
    with pytest.raises(Malformed):
        a_portal(hub, webhook_url=url)
