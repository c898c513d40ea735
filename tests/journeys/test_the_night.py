"""The night over HTTP: what was really put there is found, explained, and resolved by two people."""

from __future__ import annotations

import csv
import io
import uuid
from datetime import date
from pathlib import Path
from typing import Any

import requests

from payment_hub.domain.calendar import business_day
from payment_hub.hub import utc_now
from tests.journeys.conftest import POLICE, Caller, World


def test_the_night_finds_what_was_put_there_and_nothing_else(world: World) -> None:
    day = business_day(utc_now())
    agreed, less, missing, lost = (
        _paid(world, amount, f"QD-{amount}") for amount in (500_000, 500_014, 500_013, 500_005)
    )
    assert world.order(lost)["status"] == "OPEN"
    _ledger(world.ledgers, day, [agreed, less, lost], [500_000, 500_014, 500_004])

    runs = {scope: _run(world, scope, day) for scope in ("bank:sandbox", f"agency:{POLICE}")}
    assert world.order(lost)["status"] == "PAID"  # the statement told what no callback had told
    found = {(one["kind"], one["order"]) for one in _discrepancies(world)}
    assert found == {
        ("AMOUNT_MISMATCH", less["reference"]),
        ("MISSING_AT_BANK", missing["reference"]),
        ("MISSING_AT_AGENCY", missing["reference"]),
        ("AGENCY_AMOUNT_MISMATCH", lost["reference"]),
    }
    again = _run(world, "bank:sandbox", day)
    assert again["number"] == runs["bank:sandbox"]["number"]


def test_a_discrepancy_is_resolved_by_two_people(world: World) -> None:
    day = business_day(utc_now())
    _paid(world, 500_014, "QD-1")
    _run(world, "bank:sandbox", day)
    found = _discrepancies(world)[0]
    path = f"/v1/reconciliation/discrepancies/{found['number']}"
    decided = {"decision": "BANK_CORRECTS", "reason": "the bank corrects its statement tomorrow"}
    proposed = _change(world.officer, f"{path}/propose", found["version"], decided)
    assert proposed.status_code == 200, proposed.text
    alone = _change(world.officer, f"{path}/approve", proposed.json()["version"], {})
    assert (alone.status_code, alone.json()["type"]) == (409, "/problems/same-person")
    approved = _change(world.second_officer, f"{path}/approve", proposed.json()["version"], {})
    assert (approved.status_code, approved.json()["state"]) == (200, "RESOLVED")


def _paid(world: World, amount: int, reference: str) -> dict[str, Any]:
    order = world.an_order(amount, reference)
    world.bank.pay(world.started(order)["reference"])
    world.bank.wait_until_delivered(10)
    return order


def _run(world: World, scope: str, day: date) -> dict[str, Any]:
    answer = world.officer.post("/v1/reconciliation/runs", {"scope": scope, "day": day.isoformat()})
    assert answer.ok, answer.text
    run: dict[str, Any] = answer.json()
    assert run["state"] == "COMMITTED"
    return run


def _discrepancies(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.officer.get("/v1/reconciliation/discrepancies").json()["items"]
    return found


def _change(officer: Caller, path: str, version: int, body: dict[str, str]) -> requests.Response:
    head = {
        "Authorization": f"Bearer {officer.key}",
        "Idempotency-Key": str(uuid.uuid4()),
        "If-Match": f'"{version}"',
    }
    return requests.post(officer.url + path, json=body, headers=head, timeout=10)


def _ledger(folder: Path, day: date, orders: list[dict[str, Any]], amounts: list[int]) -> None:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["entry_number", "order_reference", "amount", "currency", "booked_on", "receipt_number"])
    for number, (order, amount) in enumerate(zip(orders, amounts, strict=True), 1):
        rows.writerow([number, order["reference"], amount, "VND", day, ""])
    rows.writerow(["total", len(orders), sum(amounts), "VND", "", ""])
    (folder / f"{POLICE}_{day}.csv").write_text(text.getvalue())
