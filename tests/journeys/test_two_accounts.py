"""Two accounts over one protocol, each of its own agency: what is one's is not the other's, and keys can change."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
from sqlalchemy import Engine

from bank_adapters.simulators.callbacks import send_request
from bank_adapters.simulators.simulator import WireRequest
from payment_hub.domain.access import Role
from payment_hub.operations.access import add_agency, make_key
from tests.conftest import emptied
from tests.journeys.accounts import account_at
from tests.journeys.conftest import POLICE, Caller, World, a_fine, world_of
from tests.journeys.test_all_banks import AMOUNT, PACE, collected, follow, require_heard
from tests.worlds.database import count, rows

HUE = "G02.33"
GATE, OPEN = "bank_adapters.simulators.vnpay", "tests.simulators.mekong"


def open_key(key: bytes) -> dict[str, Any]:
    """A key of the open protocol, as it is used and as it stands in the settings."""
    return {"KEY": key, "SECRET": "whsec_" + base64.b64encode(key).decode()}


def terminal(name: str) -> dict[str, Any]:
    """A terminal of the card gateway, and its key."""
    return {"TERMINAL": f"TERM{name}", "SECRET": f"SECRETOFTERMINAL{name}SECRET"}


BEFORE, AFTER, STRANGE = (open_key(b"trial key number %d of the bank" % n) for n in (1, 2, 3))
OLD, NEW, ALIEN = terminal("0001"), terminal("0001") | {"SECRET": "ANOTHERSECRETOFTHEBANK"}, terminal("0009")

HANOI_GATE, _ = account_at(GATE, "vnpay", "gate_hanoi", terminal("HN01"), AGENCIES=POLICE)
HUE_GATE, _ = account_at(GATE, "vnpay", "gate_hue", terminal("HUE1"), AGENCIES=HUE)
HANOI_OPEN, _ = account_at(
    OPEN, "sandbox", "red_hanoi", open_key(b"trial key of hanoi, nothing"), AGENCIES=POLICE
)
HUE_OPEN, _ = account_at(
    OPEN, "sandbox", "red_hue", open_key(b"trial key of hue, worth nothing"), AGENCIES=HUE
)
TURNING_GATE, GATE_MODULE = account_at(
    GATE, "vnpay", "turning_gate", OLD, SECRET=NEW["SECRET"], SECRET_PREVIOUS=OLD["SECRET"]
)
TURNING_OPEN, OPEN_MODULE = account_at(
    OPEN, "sandbox", "turning_red", BEFORE, SECRET=AFTER["SECRET"], SECRET_PREVIOUS=BEFORE["SECRET"]
)

SIMULATORS = [HANOI_GATE, HUE_GATE, HANOI_OPEN, HUE_OPEN, TURNING_GATE, TURNING_OPEN]
OF = {POLICE: ("gate_hanoi", "red_hanoi"), HUE: ("gate_hue", "red_hue")}
EACH = [(HUE, "gate_hue", "gate_hanoi"), (POLICE, "gate_hanoi", "gate_hue")]
EACH += [(HUE, "red_hue", "red_hanoi"), (POLICE, "red_hanoi", "red_hue")]
TURNING = [
    ("turning_gate", GATE_MODULE, (NEW, OLD, ALIEN)),
    ("turning_red", OPEN_MODULE, (AFTER, BEFORE, STRANGE)),
]


@pytest.fixture(scope="module")
def world(migrated: Engine, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hub, two agencies, six accounts over two protocols."""
    emptied(migrated)
    with world_of(SIMULATORS, database_url, tmp_path_factory.mktemp("two_accounts"), PACE) as everybody:
        add_agency(
            everybody.hub,
            code=HUE,
            name="Phòng Cảnh sát giao thông Huế",
            account_number="7111000000002",
            account_bank="970436",
            account_name="KBNN Hue",
            receipt_series="AB26E",
        )
        yield everybody


@pytest.fixture(scope="module")
def hue(world: World) -> Caller:
    """The second agency."""
    return Caller(world.url, make_key(world.hub, role=Role.AGENCY, holder="hue", agency_code=HUE))


def an_order(world: World, hue: Caller, agency: str, reference: str) -> dict[str, Any]:
    """A fine of that agency, and the portal's order for it."""
    owed = {**a_fine(AMOUNT, reference.replace("_", "-").upper()), "agency": agency}
    registered = (hue if agency == HUE else world.agency).post("/v1/obligations", owed)
    assert registered.status_code == 201, registered.text
    issued = world.portal.post("/v1/payment-orders", {"agency": agency, "obligation": owed["reference"]})
    assert issued.status_code == 201, issued.text
    order: dict[str, Any] = issued.json()
    return order


def webhooks(world: World, bank: str) -> list[WireRequest]:
    """What the account says of its latest payment."""
    assert world.simulators is not None
    simulator = world.simulators.banks[bank]
    return simulator.callbacks(simulator.book.payments()[-1])


def at_the_door_of(bank: str, webhook: WireRequest) -> WireRequest:
    """The very same message, brought to another account's address."""
    there, _, _ = webhook.path.rpartition("/")
    return replace(webhook, path=f"{there}/{bank}")


def accepted(world: World, bank: str, webhook: WireRequest) -> bool:
    """Whether the hub took it, in the words of the account at whose door it was."""
    assert world.simulators is not None
    return world.simulators.banks[bank].accepts(send_request(webhook, world.url))


def book(world: World) -> dict[str, int]:
    """How much the hub has believed so far."""
    return {table: count(world.hub, table) for table in ("confirmation", "collection", "posting", "event")}


@pytest.mark.parametrize(("agency", "bank", "other"), EACH)
def test_an_order_is_offered_the_accounts_of_its_agency_alone(
    world: World, hue: Caller, agency: str, bank: str, other: str
) -> None:
    order = an_order(world, hue, agency, f"offer-{bank}")
    path = f"/v1/payment-orders/{order['reference']}"
    items = world.portal.get(f"{path}/payment-options").json()["items"]
    of_somebody = {item["bank"]: (item["offered"], item["reason"]) for item in items}
    assert of_somebody[bank] == (True, None)
    assert of_somebody[other] == (False, "CONTRACT")
    assert {name for name, (offered, _) in of_somebody.items() if offered} == {
        *OF[agency],
        "turning_gate",
        "turning_red",
    }
    refused = world.portal.post(f"{path}/attempts", {"bank": other})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/bank-not-offered")


@pytest.mark.parametrize(("agency", "bank", "other"), EACH)
def test_a_message_of_one_account_is_nothing_at_the_others_door(
    world: World, hue: Caller, agency: str, bank: str, other: str
) -> None:
    order = an_order(world, hue, agency, f"door-{bank}")
    follow(world, bank, world.started(order, bank), "silent")
    before = book(world)
    (webhook,) = webhooks(world, bank)
    assert not accepted(world, other, at_the_door_of(other, webhook))
    assert book(world) == before
    assert world.order(order)["status"] == "OPEN"
    assert accepted(world, bank, webhook)
    assert world.order(order)["status"] == "PAID"
    paid = book(world)
    assert not accepted(world, other, at_the_door_of(other, webhook))
    assert book(world) == paid
    assert collected(world, order) == [AMOUNT]


@pytest.mark.parametrize(("agency", "bank", "other"), EACH)
def test_each_is_paid_at_its_own_address(
    world: World, hue: Caller, agency: str, bank: str, other: str
) -> None:
    order = an_order(world, hue, agency, f"pays-{bank}")
    attempt = world.started(order, bank)
    back = follow(world, bank, attempt)
    assert requests.get(back, timeout=10).status_code == 200
    require_heard(world, bank)
    (webhook,) = webhooks(world, bank)
    assert webhook.path.endswith(f"/callbacks/{bank}")
    paid = world.order(order)
    assert (paid["status"], paid["agency"], attempt["bank"]) == ("PAID", agency, bank)
    sql = """SELECT f.bank, f.source, p.bank AS posted_at, a.code AS agency FROM confirmation f
        JOIN payment_order o ON o.id = f.order_id JOIN posting p ON p.order_id = o.id
        JOIN agency a ON a.id = p.agency_id WHERE o.reference = :r AND p.debit = 'BANK_CLEARING'"""
    assert {tuple(row.values()) for row in rows(world.hub, sql, r=order["reference"])} >= {
        (bank, "CALLBACK", bank, agency)
    }


@pytest.mark.parametrize(("bank", "module", "keys"), TURNING)
def test_while_a_key_changes_both_are_believed_and_none_else(
    world: World, hue: Caller, bank: str, module: Any, keys: tuple[dict[str, Any], ...]
) -> None:
    new, old, strange = keys
    assert shown_key(world, bank) == ("not lately", "never")
    for key, story in ((old, "old"), (new, "new")):
        turn(module, new)  # we sign with it from the beginning
        order = an_order(world, hue, POLICE, f"turn-{story}-{bank}")
        follow(world, bank, world.started(order, bank), "silent")
        turn(module, strange)
        before = book(world)
        assert not accepted(world, bank, webhooks(world, bank)[0])
        assert (book(world), world.order(order)["status"]) == (before, "OPEN")
        turn(module, key)
        assert accepted(world, bank, webhooks(world, bank)[0])
        assert world.order(order)["status"] == "PAID"
        current, previous = shown_key(world, bank)
        assert previous != "never"
        assert (current == "not lately") == (key is old)


def turn(module: Any, key: dict[str, Any]) -> None:
    """The account signs with another key from now on."""
    for name, value in key.items():
        setattr(module, name, value)


def shown_key(world: World, bank: str) -> tuple[str, str]:
    """What ``hub bank keys`` says: when the current key was last used, and the one before."""
    said = world.app.test_cli_runner().invoke(args=["hub", "bank", "keys"])
    assert said.exit_code == 0, said.output
    (line,) = [line for line in said.output.splitlines() if line.startswith(f"{bank} ")]
    current, _, previous = line.removeprefix(bank).strip().removeprefix("current ").partition("before ")
    return current.strip(), previous.strip()
