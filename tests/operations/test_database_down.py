"""The database goes away and comes back: the caller is told to come again, and nothing is lost or done twice."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import sessionmaker

from payment_hub.app import create_app
from payment_hub.domain.banks.values import CallbackRequest
from payment_hub.domain.errors import HubUnavailable
from payment_hub.embedded.postgres import THROW_AWAY, postgres
from payment_hub.hub import Hub, connect
from payment_hub.operations.callbacks import receive_callback
from payment_hub.operations.health import check_invariants
from payment_hub.signing import Signer
from payment_hub.store.schema import upgrade
from tests.conftest import StoppedClock
from tests.web.conftest import SETTINGS
from tests.worlds.banks import a_callback, sandbox_adapter
from tests.worlds.database import balances, count
from tests.worlds.orders import a_portal, an_agency, an_order


class Server:
    """A PostgreSQL of this test's own, to be stopped and started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = ExitStack()

    def start(self) -> str:
        """Start it on the same data, at the same address."""
        server = postgres(self.folder / "data", log=self.folder / "log", settings=THROW_AWAY)
        return self._running.enter_context(server)

    def stop(self) -> None:
        """End all its sessions."""
        self._running.close()


@pytest.fixture
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="hub-postgres-", dir="/tmp"))
    folder.chmod(0o711)
    server = Server(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def own_hub(server: Server, clock: StoppedClock, signer: Signer) -> Iterator[Hub]:
    """A hub on that server, connected as in production; there is no broker anywhere."""
    engine = connect(server.start(), pool=4)
    upgrade(engine)
    yield Hub(
        engine=engine,
        sessions=sessionmaker(engine),
        adapters={"sandbox": sandbox_adapter()},
        now=clock,
        signer=signer,
        settings=SETTINGS,
    )
    engine.dispose()


def test_a_callback_while_the_database_is_down_is_refused_and_its_repetition_succeeds(
    own_hub: Hub, server: Server
) -> None:
    order = an_order(own_hub, an_agency(own_hub), a_portal(own_hub))
    callback = a_callback(order["reference"], own_hub.now())
    client = create_app(SETTINGS, own_hub).test_client()
    server.stop()
    with pytest.raises(HubUnavailable):
        receive_callback(own_hub, bank="sandbox", request=callback)
    refused = client.post(callback.path, data=callback.body, headers=dict(callback.headers))
    assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
    assert "Retry-After" in refused.headers
    forged = replace(callback, body=b"{}")
    with pytest.raises(HubUnavailable):
        receive_callback(own_hub, bank="sandbox", request=forged)

    server.start()
    assert _answered_soon(own_hub, callback) == b'{"result": "RECORDED"}'
    again = client.post(callback.path, data=callback.body, headers=dict(callback.headers))
    assert (again.status_code, again.json) == (200, {"result": "ALREADY_RECORDED"})
    assert balances(own_hub) == {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}
    assert count(own_hub, "callback") == 2
    assert check_invariants(own_hub) == []


def _answered_soon(hub: Hub, callback: CallbackRequest) -> bytes:
    """The bank repeats; each stale connection of the pool may cost it one more try."""
    for _ in range(5):
        try:
            return receive_callback(hub, bank="sandbox", request=callback).body
        except HubUnavailable:
            continue
    raise AssertionError("the database is back and the hub does not find it")
