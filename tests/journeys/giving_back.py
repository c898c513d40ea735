"""The steps of money that goes back, over HTTP: who proposes, who decides, what the clock does, what the bank says."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from bank_adapters import load_adapters
from bank_adapters.simulators.payos import PayosSimulator
from bank_adapters.simulators.server import find_simulators, settings_of
from bank_adapters.simulators.simulator import Refund, Simulator
from payment_hub.domain.banks.port import CanQuery, CanQueryRefund, TakesCallbacks
from payment_hub.domain.calendar import business_day
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.eligibility import limits_of
from payment_hub.hub import utc_now
from payment_hub.operations.refunds.send import query_refunds, send_refunds
from payment_hub.operations.webhooks import deliver_webhooks
from tests.journeys.conftest import Caller, World
from tests.journeys.test_all_banks import AMOUNT, ask_now, follow, night, require_heard
from tests.simulators.mekong import MekongSimulator
from tests.worlds.database import execute, scalar


class LinksAlone(PayosSimulator):
    """A channel for links and none for payouts: the same protocol under another name."""

    name = "links_alone"

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        section = super().settings(url, folder)
        return {"PROTOCOL": "payos"} | {
            name: value for name, value in section.items() if not name.startswith("PAYOUT")
        }


SIMULATORS: Sequence[type[Simulator]] = [MekongSimulator, LinksAlone, *find_simulators()]

with tempfile.TemporaryDirectory() as _folder:
    ADAPTERS = load_adapters(
        [simulator.name for simulator in SIMULATORS],
        settings_of(SIMULATORS, "http://127.0.0.1:9", Path(_folder)),
        "http://127.0.0.1:9",
    )

REFUNDING = [
    name
    for name, adapter in ADAPTERS.items()
    if (limits := limits_of(adapter)) is not None and limits.largest_refund != dong(0)
]
ON_PAPER = [name for name in ADAPTERS if name not in REFUNDING]
ANSWERING = [name for name in REFUNDING if isinstance(ADAPTERS[name], CanQueryRefund)]


def money(amount: int) -> dict[str, str]:
    """As it stands on the wire."""
    return {"amount": str(amount), "currency": "VND"}


def a_paid_order(world: World, bank: str, story: str) -> dict[str, Any]:
    """A citizen has paid a fine of its own for every story, through this bank."""
    order = world.an_order(AMOUNT, f"HT-{bank}-{story}".replace("_", "-").upper())
    follow(world, bank, world.started(order, bank))
    require_heard(world, bank)
    adapter = world.hub.adapters[bank]
    if not (isinstance(adapter, TakesCallbacks) and adapter.profile.signed):
        (ask_now if isinstance(adapter, CanQuery) else lambda world: night(world, bank))(world)
    paid = world.order(order)
    assert paid["status"] == "PAID"
    return paid


def address(order: dict[str, Any], refund_id: str = "R1") -> str:
    """Where one refund of it stands."""
    return f"/v1/payment-orders/{order['reference']}/refunds/{refund_id}"


def propose(
    world: World,
    order: dict[str, Any],
    amount: int = AMOUNT,
    refund_id: str = "R1",
    by: Caller | None = None,
    payee: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Somebody looks how much can go back, and proposes; ``payee`` is an account that they know."""
    caller = by or world.portal
    seen = caller.get(f"/v1/payment-orders/{order['reference']}/refunds").json()["refundable"]
    asked = {
        "refundable": seen,
        "amount": money(amount),
        "reason": "DOSSIER_REFUSED",
        "note": "Hồ sơ bị từ chối",
        "payee": payee,
    }
    answer = caller.put(address(order, refund_id), asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def approve(world: World, order: dict[str, Any], refund_id: str = "R1", by: Caller | None = None) -> str:
    """Another person approves it; by which way it goes."""
    answer = (by or world.officer).post(f"{address(order, refund_id)}/approve", {})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "APPROVED"
    return str(answer.json()["route"])


def state(world: World, order: dict[str, Any], refund_id: str = "R1") -> str:
    """Where the refund stands."""
    return str(world.officer.get(address(order, refund_id)).json()["state"])


def prove(world: World, order: dict[str, Any], event: str, refund_id: str = "R1") -> str:
    """A third person, who has not approved it, brings a document; where the refund stands then."""
    asked = {"event": event, "document": "UNC 17", "dated_on": business_day(utc_now()).isoformat()}
    answer = world.second_officer.post(f"{address(order, refund_id)}/evidence", asked)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["state"])


def send(world: World) -> int:
    """The clock sends what was approved."""
    return send_refunds(world.hub)


def ask(world: World, *orders: dict[str, Any]) -> int:
    """The clock asks, for whatever is open of these orders is due now."""
    execute(
        world.hub,
        """UPDATE refund r SET query_at = :due
        FROM payment_order o WHERE o.id = r.order_id AND o.reference = ANY(:of)""",
        of=[order["reference"] for order in orders],
        due=utc_now() - timedelta(seconds=1),
    )
    return query_refunds(world.hub)


def refunds_at_bank(world: World, bank: str) -> list[Refund]:
    """All refunds that the bank knows of."""
    assert world.simulators is not None
    return [refund for payment in world.simulators.banks[bank].book.payments() for refund in payment.refunds]


def wait_until_there(world: World, bank: str, refunds: int) -> None:
    """A bank that hung up, or is slow, works all the same: wait until it knows of so many."""
    deadline = time.monotonic() + 10
    while len(refunds_at_bank(world, bank)) < refunds:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def carry_out(world: World, bank: str, becomes: str) -> None:
    """The bank carries out, or cannot, what is under way there."""
    assert world.simulators is not None
    *_, under_way = [one for one in refunds_at_bank(world, bank) if one.state == "PENDING"]
    there = f"{world.simulators.url}/{bank}/refund/{under_way.reference}"
    answer = requests.post(there, {"state": becomes}, headers={"Accept": "application/json"}, timeout=10)
    assert answer.status_code == 200, answer.text


@contextmanager
def refunds_are(world: World, bank: str, wanted: str) -> Iterator[None]:
    """For the block, a refund is in this state as soon as the bank is asked for it."""
    _tell(world, bank, "refunds", state=wanted)
    try:
        yield
    finally:
        _tell(world, bank, "refunds", state="")


@contextmanager
def in_mode(world: World, bank: str, mode: str) -> Iterator[None]:
    """For the block, the bank's own interface goes wrong."""
    _tell(world, bank, "mode", mode=mode)
    try:
        yield
    finally:
        _tell(world, bank, "mode", mode="normal")


def _tell(world: World, bank: str, door: str, **given: str) -> None:
    assert world.simulators is not None
    answer = requests.post(f"{world.simulators.url}/{bank}/{door}", given, timeout=10)
    assert answer.status_code == 200, answer.text


def in_clearing(world: World, order: dict[str, Any], account: str = "REFUND_CLEARING") -> int:
    """What stands there of this order: credits less debits."""
    sql = """SELECT coalesce(sum(CASE :account WHEN credit THEN p.amount WHEN debit THEN -p.amount ELSE 0 END), 0)
        FROM posting p JOIN payment_order o ON o.id = p.order_id WHERE o.reference = :reference"""
    return int(scalar(world.hub, sql, account=account, reference=order["reference"]))


def require_told(world: World, order: dict[str, Any], *events: str) -> None:
    """The portal has heard of exactly these, in this order, after that it was paid."""
    while deliver_webhooks(world.hub):
        pass
    told = [one for one in world.receiver.webhooks if one["order"] == order["reference"]]
    by_sequence = [
        one["type"].removeprefix("payment_order.") for one in sorted(told, key=lambda it: it["sequence"])
    ]
    assert by_sequence[by_sequence.index("paid") + 1 :] == list(events)


def require_returned(world: World, order: dict[str, Any], paid_back: int = AMOUNT) -> None:
    """So much has gone back, and nothing of it is on its way any more."""
    now = world.order(order)
    expected = "REFUNDED" if paid_back == AMOUNT else "PARTLY_REFUNDED"
    assert (now["status"], now["refunded"]["amount"]) == (expected, str(paid_back))
    assert in_clearing(world, order) == 0
    assert in_clearing(world, order, "AGENCY_PAYABLE") == AMOUNT - paid_back


def require_kept(world: World, order: dict[str, Any]) -> None:
    """All the money is where it was before anybody wanted it back."""
    now = world.order(order)
    assert (now["status"], now["refunded"]["amount"]) == ("PAID", "0")
    assert in_clearing(world, order) == 0
    assert in_clearing(world, order, "AGENCY_PAYABLE") == AMOUNT
    seen = world.portal.get(f"/v1/payment-orders/{order['reference']}/refunds").json()
    assert seen["refundable"]["amount"] == str(AMOUNT)
