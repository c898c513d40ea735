"""The pages and doors of the simulator, for citizens, banking apps and those who try things out."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from bank_adapters.simulators.__main__ import drop_statements
from bank_adapters.simulators.simulator import Payment, Refund
from bank_adapters.toolkit.emv_qr import write_vietqr
from payment_hub.domain.money import dong
from tests.banks.examples import a_request
from tests.simulators.conftest import REFERENCE, PatientSimulator, Stage


def test_a_browser_goes_back_where_the_rail_sends_it(stage: Stage) -> None:
    page = stage.opened()
    answer = requests.post(page, {"choice": "pay"}, timeout=5, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, a_request().return_url)
    assert a_request().return_url in requests.get(page, timeout=5).text


def test_the_page_says_what_is_paid_in_both_languages_and_offers_what_there_is(stage: Stage) -> None:
    page = requests.get(stage.opened(), timeout=5).text
    for words in ("150.000 VND", "Thanh toán", "Pay", "không có tiền nào", REFERENCE):
        assert words in page
    assert set(re.findall(r'value="(\w+)"', page)) >= {"pay", "decline", "silent", "twice", "wrong_amount"}
    stage.simulator("patient").remember(Payment("P1", 1000))
    stage.server.banks["patient"].__class__.by_transfer = False
    try:
        narrow = requests.get(f"{stage.server.url}/patient/pay/P1", timeout=5).text
    finally:
        del PatientSimulator.by_transfer
    assert 'value="wrong_amount"' not in narrow


def test_what_somebody_typed_is_shown_and_not_run(stage: Stage) -> None:
    book = stage.simulator("mekong")
    book.remember(Payment("<b>x</b>", 1000, {"<i>": "<script>alert(1)</script>"}))
    for address in ("/", "/mekong/pay/%3Cb%3Ex%3C%2Fb%3E"):
        page = requests.get(stage.server.url + address, timeout=5).text
        assert "<b>" not in page
        assert "<script>" not in page
        assert "&lt;b&gt;x" in page


def test_the_index_shows_every_rail_and_payment(stage: Stage) -> None:
    stage.opened()
    page = requests.get(stage.server.url, timeout=5).text
    assert "mekong" in page
    assert "patient" in page
    assert f"/mekong/pay/{REFERENCE}" in page


def test_a_signed_arrival_leads_to_the_page_and_another_one_to_the_rails_answer(stage: Stage) -> None:
    arrived = requests.get(f"{stage.server.url}/patient/go?mark=right", timeout=5)
    assert (arrived.status_code, "1.000 VND" in arrived.text) == (200, True)
    assert requests.get(f"{stage.server.url}/patient/go?mark=wrong", timeout=5).status_code == 401


def test_a_banking_app_pays_what_it_scans(stage: Stage) -> None:
    stage.opened()
    code = write_vietqr(
        bank_bin="970499", number="9001", amount=dong(150_000), purpose=a_request().order_reference
    )
    requests.post(f"{stage.server.url}/mekong/transfer", {"qr_text": code}, timeout=5, allow_redirects=False)
    stage.server.wait_until_delivered()
    assert stage.bodies()[0]["reference"] == REFERENCE


def test_a_transfer_that_nobody_announced_is_new_money_each_time(stage: Stage) -> None:
    address = f"{stage.server.url}/mekong/transfer"
    for _ in range(2):
        paid = requests.post(
            address,
            json={"purpose": "hello", "amount": 5000},
            headers={"Accept": "application/json"},
            timeout=5,
        )
        assert (paid.json()["outcome"], paid.json()["amount"]) == ("PAID", 5000)
    stage.server.wait_until_delivered()
    assert len({body["transaction_id"] for body in stage.bodies()}) == 2


@pytest.mark.parametrize(
    "form",
    [{"purpose": "x"}, {"purpose": "x", "amount": "-1"}, {"qr_text": "00020101021138"}, {"amount": "5"}, {}],
)
def test_a_transfer_that_cannot_be_read_is_refused(stage: Stage, form: dict[str, str]) -> None:
    answer = requests.post(f"{stage.server.url}/mekong/transfer", form, timeout=5)
    assert answer.status_code in (400, 409)
    assert stage.simulator("mekong").payments() == []


def test_whoever_scans_a_code_and_walks_away_leaves_it_payable(stage: Stage) -> None:
    book = stage.simulator("patient")
    book.simulator.callbacks = lambda payment: []  # type: ignore[method-assign]
    form = {"purpose": "hello", "amount": "5000", "choice": "decline"}
    requests.post(f"{stage.server.url}/patient/transfer", form, timeout=5)
    assert [one.outcome for one in book.payments()] == ["PENDING"]


def test_a_bill_is_asked_for_and_paid_or_it_is_not_there(stage: Stage) -> None:
    asked = f"{stage.server.url}/patient/bill"
    told = requests.post(asked, {"bill_code": "B1"}, headers={"Accept": "application/json"}, timeout=5)
    assert (told.json()["outcome"], told.json()["amount"]) == ("PAID", 2000)
    assert requests.post(asked, {"bill_code": "B2"}, timeout=5).status_code == 409


def test_the_daily_file_has_what_was_paid_on_that_day_in_vietnam(stage: Stage, tmp_path: Path) -> None:
    book = stage.simulator("patient")
    for number, hour in enumerate((16, 17)):
        payment = book.settle(book.remember(Payment(f"P{number}", 1000)), "PAID", notify=False)
        payment.paid_at = datetime(2026, 3, 1, hour, 59, tzinfo=UTC)
    book.remember(Payment("P9", 1000))
    dropped = requests.post(f"{stage.server.url}/patient/statement/2026-03-02", timeout=5)
    assert dropped.json()["file"] == str(tmp_path / "patient" / "2026-03-02.csv")
    assert (tmp_path / "patient" / "2026-03-02.csv").read_text() == "2026-03-02;P1;1000\n"
    assert requests.post(f"{stage.server.url}/mekong/statement/2026-03-02", timeout=5).status_code == 409
    assert requests.post(f"{stage.server.url}/patient/statement/today", timeout=5).status_code == 400


def test_a_refund_that_is_under_way_is_decided_once_and_told(stage: Stage) -> None:
    payment = stage.simulator("patient").remember(Payment("P1", 1000))
    payment.refunds.append(Refund("R1", 500))
    address = f"{stage.server.url}/patient/refund/R1"
    assert requests.post(address, {"state": "LOST"}, timeout=5).status_code == 409
    assert requests.post(address, {"state": "SUCCEEDED"}, timeout=5).json()["refunds"] == [
        {"reference": "R1", "state": "SUCCEEDED"}
    ]
    assert requests.post(address, {"state": "FAILED"}, timeout=5).status_code == 404
    stage.server.wait_until_delivered()
    assert stage.hub.received[0][2:] == ("/refunds?told=SUCCEEDED", b"P1 R1 SUCCEEDED")


def test_in_each_mode_the_rail_goes_wrong_in_its_own_way(stage: Stage) -> None:
    stage.server.slow_seconds = 0.3
    simulator, asked = f"{stage.server.url}/mekong", f"{stage.server.url}/mekong/payments/x"
    assert requests.post(f"{simulator}/mode", {"mode": "sulk"}, timeout=5).status_code == 409
    for mode in ("slow", "hang_up", "error_500", "garbage", "normal"):
        requests.post(f"{simulator}/mode", {"mode": mode}, timeout=5)
        if mode == "slow":
            with pytest.raises(requests.ReadTimeout):
                requests.get(asked, timeout=0.1)
        elif mode == "hang_up":
            with pytest.raises(requests.ConnectionError):
                requests.get(asked, timeout=5)
        else:
            answer = requests.get(asked, timeout=5)
            expected = {"error_500": 500, "garbage": 200, "normal": 401}[mode]
            assert answer.status_code == expected
            assert mode != "garbage" or b"\xff\x00" in answer.content
    assert requests.get(f"{simulator}/mode", timeout=5).json() == {"mode": "normal", "requests": 5}


def test_an_unknown_rail_or_payment_is_not_there(stage: Stage) -> None:
    for address in ("/nobody/pay/x", "/mekong/pay/x", "/nobody/"):
        assert requests.get(stage.server.url + address, timeout=5).status_code == 404


def test_every_rail_drops_its_file_when_the_day_has_ended_in_vietnam(stage: Stage, tmp_path: Path) -> None:
    today, before = date(2026, 3, 1), datetime(2026, 3, 1, 16, 59, tzinfo=UTC)
    assert drop_statements(stage.server, today, before) == today
    assert list(tmp_path.rglob("*.csv")) == []
    assert drop_statements(stage.server, today, before + timedelta(minutes=1)) == date(2026, 3, 2)
    assert [file.name for file in tmp_path.rglob("*.csv")] == ["2026-03-01.csv"]


def test_refunds_are_what_a_test_wants_until_it_wants_nothing(stage: Stage) -> None:
    door, book = f"{stage.server.url}/mekong/refunds", stage.simulator("mekong")
    assert requests.post(door, {"state": "LOST"}, timeout=5).status_code == 409
    assert book.new_refund("R1", 1000, "SUCCEEDED").state == "SUCCEEDED"
    assert requests.post(door, {"state": "FAILED"}, timeout=5).json() == {"state": "FAILED"}
    assert book.new_refund("R2", 1000, "SUCCEEDED", number=7) == Refund("R2", 1000, "FAILED", {"number": 7})
    requests.post(door, {"state": ""}, timeout=5)
    assert book.new_refund("R3", 1000).state == "PENDING"
