"""The invariants of the books, and a database that is down."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from payment_hub.app import create_app
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import BankUnavailable, HubUnavailable
from payment_hub.domain.money import Money
from payment_hub.embedded.postgres import THROW_AWAY, postgres
from payment_hub.hub import Hub, connect
from payment_hub.operations.callbacks import receive_callback
from payment_hub.operations.health import check_invariants
from payment_hub.operations.ledger import reverse_posting
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.start import start_payment
from payment_hub.signing import Signer
from payment_hub.store.invariants import INVARIANTS, LISTED, violations
from payment_hub.store.schema import upgrade
from tests.conftest import StoppedClock
from tests.operations.planted_refunds import PLANTED_REFUNDS, give_money_back
from tests.web.conftest import SETTINGS
from tests.worlds.banks import StandInBank, a_callback, answers_in_turn, sandbox_adapter, with_banks
from tests.worlds.database import balances, count
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive

_NO_LIMITS = "".join(
    f"ALTER TABLE payment_order DROP CONSTRAINT ck_payment_order_{name};" for name in ("refunds", "paid_back")
)

#: Name of the invariant -> ways of breaking it. Order 1 is paid (attempt 1, collection, receipt; its posting is
#: reversed), order 2 is open with an attempt of unknown outcome, 3 is underpaid, 4 paid by an event that contradicts
#: itself, 5 has dollars, 6 is expired and 7 is paid.
PLANTED: dict[str, list[str]] = {
    "I1": [
        "ALTER TABLE payment_order ALTER status DROP EXPRESSION; UPDATE payment_order SET status = 'PAID' WHERE id = 2",
        "UPDATE payment_order SET received = required WHERE id = 2",
        "DELETE FROM collection WHERE order_id = 1",
    ],
    "I2": [
        _NO_LIMITS + "UPDATE payment_order SET refunded = 100000, held_refund = 50001 WHERE id = 1",
        _NO_LIMITS + "UPDATE payment_order SET held_refund = -1 WHERE id = 1",
    ],
    "I3": [
        "UPDATE payment_order SET received = received + 1 WHERE id = 1",
        "UPDATE payment_order SET accepted = accepted - 1 WHERE id = 3",
        "DELETE FROM collection WHERE order_id = 3",
    ],
    "I3-flags": [
        "UPDATE payment_order SET late = true WHERE id = 1",
        "UPDATE payment_order SET other_currency = true WHERE id = 2",
        "UPDATE payment_order SET other_currency = false WHERE id = 5",
        "UPDATE collection SET late = true WHERE order_id = 1",
    ],
    "I4": [
        "DROP INDEX uq_payment_attempt_one_under_way;"
        "INSERT INTO payment_attempt"
        " (order_id, number, reference, bank, state, amount, currency, started_at, changed_at, query_at)"
        " SELECT order_id, 2, reference || 'x', 'other', 'PENDING', amount, currency, started_at, changed_at, query_at"
        " FROM payment_attempt WHERE order_id = 2"
    ],
    "I5": ["UPDATE payment_attempt SET reference = reference || 'x' WHERE order_id = 2"],
    "I6": [
        f"UPDATE payment_attempt SET state = '{state}', query_at = query_at - interval '2 hours' WHERE order_id = 2"
        for state in ("UNKNOWN", "SUBMITTING")
    ],
    "I6-officer": [
        "UPDATE payment_attempt SET unknown_at = unknown_at - interval '4 days' WHERE order_id = 2",
        "UPDATE payment_attempt SET awaiting = 'CONFIRMATION', state = 'FAILED',"
        " unknown_at = unknown_at - interval '4 days' WHERE order_id = 2",
    ],
    "I6-money": [
        "UPDATE payment_attempt SET state = 'SUCCEEDED' WHERE order_id = 2",
        "DELETE FROM collection WHERE order_id = 1",
    ],
    "I7": ["UPDATE callback SET received_at = received_at - interval '1 hour'; DELETE FROM confirmation"],
    "I8": [
        "DROP INDEX uq_confirmation_applied; "
        "UPDATE confirmation SET disposition = 'APPLIED' WHERE disposition = 'CONFLICT'"
    ],
    "I9": ["UPDATE callback SET verified = false"],
    "I12": [
        "DELETE FROM posting WHERE order_id = 1",
        "UPDATE posting SET amount = amount - 1 WHERE order_id = 3 AND reverses IS NULL",
        "UPDATE posting SET debit = 'REFUND_CLEARING' WHERE order_id = 3 AND reverses IS NULL",
        "DELETE FROM posting WHERE currency = 'USD'",
        "UPDATE posting SET bank = 'other' WHERE order_id = 1",
        "UPDATE posting SET currency = 'USD' WHERE order_id = 1",
    ],
    "I13": [
        "UPDATE posting SET amount = amount - 1 WHERE reverses IS NOT NULL",
        "UPDATE posting SET credit = 'SUSPENSE' WHERE reverses IS NOT NULL",
    ],
    "I14": [
        "UPDATE posting SET bank = 'other' WHERE order_id = 7",
        "UPDATE posting SET currency = 'USD' WHERE order_id = 7",
        "UPDATE collection SET amount = amount + 1 WHERE order_id = 1",
    ],
    "I16": [
        "UPDATE payment_order SET sequence = sequence + 1 WHERE id = 2",
        "DELETE FROM event WHERE order_id = 1 AND sequence = 2",
        "UPDATE event SET sequence = 9 WHERE order_id = 1 AND sequence = 2",
        'UPDATE event SET data = data || \'{"status": "OPEN"}\' WHERE order_id = 1',
        'UPDATE event SET data = data || \'{"received": {"amount": "1"}}\' WHERE order_id = 1',
        "UPDATE event SET data = data - 'status'",
    ],
    "I16-webhooks": ["UPDATE webhook SET state = 'PENDING', due_at = due_at - interval '3 days'"],
    "R1": [
        "UPDATE receipt SET number = 9 WHERE order_id = 7",
        "DELETE FROM receipt",
        "UPDATE receipt_counter SET last = last + 1",
    ],
    "R2": [
        "DELETE FROM receipt",
        "UPDATE obligation SET settled_by = NULL",
        "UPDATE obligation SET settled_by = 2 WHERE id = 2",
        "UPDATE receipt SET amount = amount + 1",
        "UPDATE receipt SET currency = 'USD'",
        "UPDATE payment_order SET accepted = accepted - 1 WHERE id = 1",
    ],
    "R2-obligation": [
        "UPDATE obligation SET settled_by = 2 WHERE id = 1",
        "UPDATE obligation SET settled_by = 999 WHERE id = 2",
    ],
    "R3": [
        "UPDATE posting SET credit = 'OVERPAYMENT' WHERE order_id = 7",
        "UPDATE posting SET amount = amount + 1 WHERE order_id = 7",
    ],
    "R3-unsettled": ["UPDATE posting SET credit = 'AGENCY_PAYABLE', amount = amount + 1 WHERE order_id = 3"],
    "V1": [
        "UPDATE obligation SET version = 2 WHERE id = 1",
        "UPDATE obligation SET withdrawn = true WHERE id = 1",
        "UPDATE obligation_version SET event = 'WITHDRAWN' WHERE obligation_id = 1",
        "DELETE FROM obligation_version WHERE obligation_id = 1",
    ],
} | PLANTED_REFUNDS


@pytest.fixture
def history(hub: Hub, clock: StoppedClock) -> Hub:
    """A day at which nearly everything has happened once."""
    silent = StandInBank(on_open=answers_in_turn(BankUnavailable("no answer")))
    hub = with_banks(hub, sandbox=sandbox_adapter(), standin=StandInBank(), silent=silent)
    agency, portal = an_agency(hub), a_portal(hub, webhook_url="https://portal.test/webhooks")
    paid, unknown, part, twice, dollars = (an_order(hub, agency, portal)["reference"] for _ in range(5))
    an_order(hub, agency, portal, minutes=1)
    start_payment(hub, reference=paid, bank="standin", payer_ip="203.0.113.9", language="vi")
    with pytest.raises(BankUnavailable):
        start_payment(hub, reference=unknown, bank="silent", payer_ip="203.0.113.9", language="vi")
    receive(hub, confirmation(paid, bank="standin"))
    receive(hub, confirmation(part, 40_000))
    receive(hub, confirmation(dollars, Money(100, "USD")))
    receive_callback(
        hub, bank="sandbox", request=a_callback(twice, hub.now(), message_id="evt_same", transaction_id="T")
    )
    receive_callback(
        hub,
        bank="sandbox",
        request=a_callback(twice, hub.now(), 1, message_id="evt_same", transaction_id="T"),
    )
    receive(hub, confirmation("typed by hand", outcome=Outcome.PAID))
    reverse_posting(hub, caller=an_operator(), posting_id=1, reason="another book")
    receive(hub, confirmation(an_order(hub, agency, portal)["reference"]))
    give_money_back(hub, agency, portal)
    clock.advance(minutes=2)
    assert expire_orders(hub) == 1
    assert check_invariants(hub) == []
    return hub


@pytest.fixture
def session(history: Hub) -> Iterator[Session]:
    """A transaction in which triggers and constraints are out of force, and which is rolled back."""
    with history.sessions() as session:
        for table in (
            "callback",
            "chargeback",
            "collection",
            "confirmation",
            "event",
            "obligation_version",
            "posting",
            "receipt",
            "refund",
            "refund_event",
        ):
            session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        for table, constraint in _foreign_keys(session):
            session.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
        yield session
        session.rollback()


def _foreign_keys(session: Session) -> list[tuple[str, str]]:
    found = session.execute(
        text("SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f'")
    )
    return [(table, name) for table, name in found]


def test_every_invariant_has_a_planted_violation() -> None:
    assert list(PLANTED) == [invariant.name for invariant in INVARIANTS]


def test_a_day_at_which_nearly_everything_happened_breaks_none(history: Hub) -> None:
    assert check_invariants(history) == []


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_violation_is_found(history: Hub, session: Session, name: str) -> None:
    for way in PLANTED[name]:
        with session.begin_nested() as planted:
            for statement in way.split(";"):
                session.connection().exec_driver_sql(statement)
            found = {violation.invariant: violation.rows for violation in violations(session, history.now())}
            assert name in found, way
            assert 0 < len(found[name]) <= LISTED
            planted.rollback()
    assert violations(session, history.now()) == []


@pytest.mark.breaks_invariants
def test_what_is_broken_is_logged_by_name_and_number_and_without_what_stands_in_it(
    history: Hub, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    clock.advance(hours=2)
    with caplog.at_level(logging.ERROR):
        found = check_invariants(history)
    assert [violation.invariant for violation in found] == ["I6"]
    record = caplog.records[0]
    assert record.message == "invariant_broken"
    assert record.__dict__["reason"] == f"I6: {found[0].meaning}"
    assert record.__dict__["count"] == 1
    assert str(found[0].rows[0]["reference"]) not in str(record.__dict__)


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
