"""Commands about refunds and chargebacks."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from payment_hub.hub import Hub
from tests.web.conftest import an_app
from tests.worlds.database import rows
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive
from tests.worlds.refunds import LAN, propose


@pytest.fixture
def app(hub: Hub) -> Flask:
    return an_app(hub)


@pytest.fixture
def paid(hub: Hub) -> str:
    reference = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    receive(hub, confirmation(reference, bank="oldbank", bank_transaction_id="T1"))
    return reference


def run(app: Flask, *words: str) -> tuple[int, str, str]:
    answer: Any = app.test_cli_runner().invoke(args=["hub", *words])
    return answer.exit_code, answer.stdout, answer.stderr


def test_the_rules_of_an_agency_are_set(app: Flask, hub: Hub, paid: str) -> None:
    more = ("--limit", "5000000", "--unseen", "--credited-after", "-1", "--voucher-form", "C1-05/NS")
    assert run(app, "set-refund-rules", "G22.99", *more) == (0, "refund rules of G22.99 set\n", "")
    kept = rows(hub, "SELECT refund_limit, refund_unseen, credited_after_days, voucher_form FROM agency")
    assert list(kept[0].values()) == [5_000_000, True, None, "C1-05/NS"]
    run(app, "set-refund-rules", "G22.99")
    kept = rows(hub, "SELECT refund_limit, refund_unseen, credited_after_days, voucher_form FROM agency")
    assert list(kept[0].values()) == [None, False, 1, "C1-04/NS"]


@pytest.mark.parametrize("more", [("--limit", "-1"), ("--voucher-form", " "), ("--credited-after", "-2")])
def test_rules_that_make_no_sense_are_refused(app: Flask, paid: str, more: tuple[str, ...]) -> None:
    assert run(app, "set-refund-rules", "G22.99", *more)[0] == 1
    assert run(app, "set-refund-rules", "H41")[0] == 1


def test_proposed_refunds_are_listed(app: Flask, hub: Hub, paid: str) -> None:
    assert run(app, "list-refunds") == (0, "", "")
    view = propose(hub, LAN, paid)
    output = run(app, "list-refunds")[1]
    assert output.startswith(f"{view.reference}  {paid}")
    assert f"{LAN.holder} -> -" in output
    assert run(app, "list-refunds", "--state", "APPROVED")[1] == ""


def test_a_chargeback_is_recorded_once(app: Flask, paid: str) -> None:
    words = ("record-chargeback", "oldbank", "T1", "50000", "--evidence", "letter 7")
    for _ in range(2):
        assert run(app, *words) == (0, f"order {paid} is PARTLY_REFUNDED, 100000 left\n", "")
    code, _, output = run(app, "record-chargeback", "oldbank", "T2", "1", "--evidence", "letter 8")
    assert (code, output) == (1, "No such bank transaction has brought money. oldbank T2\n")
