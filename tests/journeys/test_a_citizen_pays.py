"""From the decision to the receipt: what a citizen, a portal and a bank live through."""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import requests
from sqlalchemy import text

from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.webhooks import deliver_webhooks
from tests.journeys.conftest import VNPAY_SECRET, World


def test_a_citizen_pays_a_traffic_fine_by_qr_code(world: World) -> None:
    order = world.an_order(5_000_000)
    page = requests.get(order["checkout_url"], timeout=10)
    assert page.status_code == 200
    assert "Phòng Cảnh sát giao thông" in page.text
    chosen = requests.post(
        f"{order['checkout_url']}/pay", data={"bank": "sandbox"}, timeout=10, allow_redirects=False
    )
    assert chosen.status_code == 303
    waiting = requests.get(order["checkout_url"], timeout=10).text
    assert "<svg" in waiting
    assert re.sub(r"\s", "", order["reference"]) in re.sub(r"<[^>]*>|\s", "", waiting)

    world.bank.pay(f"{order['reference']}-1")
    world.bank.wait_until_delivered(10)
    paid = world.order(order)
    assert (paid["status"], paid["finished"], paid["receipt"]) == ("PAID", True, "01BLP AA26E 0000001")
    receipt = world.portal.get(f"/v1/payment-orders/{order['reference']}/receipt").json()
    assert receipt["amount_in_words"] == "Năm triệu đồng"
    assert requests.get(f"{order['checkout_url']}/receipt", timeout=10).status_code == 200

    assert deliver_webhooks(world.hub) == 2
    told = world.receiver.webhook(order["reference"], "payment_order.paid")
    assert told is not None
    assert told["data"] == paid


def test_what_the_bank_does_not_tell_is_found_out_by_asking(world: World) -> None:
    order = world.an_order(2_345_005)
    attempt = world.started(order)
    world.bank.pay(attempt["reference"])
    assert world.order(order)["status"] == "OPEN"
    _ask_now(world)
    assert world.order(order)["status"] == "PAID"


def test_a_redirect_bank_confirms_in_its_own_words_and_is_answered_in_them(world: World) -> None:
    order = world.an_order(150_000)
    page = world.started(order, "vnpay")["instructions"]["page_url"]
    asked = dict(parse_qsl(urlsplit(page).query))
    assert (asked["vnp_Amount"], asked["vnp_TxnRef"]) == ("15000000", f"{order['reference']}-1")
    told = _ipn(asked)
    assert requests.get(f"{world.url}/callbacks/vnpay?{told}", timeout=10).json()["RspCode"] == "00"
    assert world.order(order)["status"] == "PAID"
    assert requests.get(f"{world.url}/callbacks/vnpay?{told}", timeout=10).json()["RspCode"] == "02"
    forged = told.replace("15000000", "15000100")
    assert requests.get(f"{world.url}/callbacks/vnpay?{forged}", timeout=10).json()["RspCode"] == "97"


def test_a_declined_try_leaves_room_for_another_bank(world: World) -> None:
    order = world.an_order(750_001)
    world.bank.pay(world.started(order)["reference"])
    world.bank.wait_until_delivered(10)
    assert world.order(order)["status"] == "OPEN"
    assert world.started(order, "vnpay")["reference"].endswith("-2")


def test_nobody_is_told_failed_while_the_bank_is_silent(world: World) -> None:
    order = world.an_order(750_012)
    answer = world.portal.post(f"/v1/payment-orders/{order['reference']}/attempts", {"bank": "sandbox"})
    assert answer.status_code == 503
    page = requests.get(order["checkout_url"], timeout=10).text
    assert "chưa" in page.lower()
    again = world.portal.post(f"/v1/payment-orders/{order['reference']}/attempts", {"bank": "vnpay"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/payment-under-way")
    world.bank.pay(f"{order['reference']}-1")
    world.bank.wait_until_delivered(10)
    assert world.order(order)["status"] == "PAID"


def _ask_now(world: World) -> None:
    with world.hub.transaction() as session:
        session.execute(text("UPDATE payment_attempt SET query_at = now() - interval '1 second'"))
    assert query_pending(world.hub) == 1


def _ipn(asked: dict[str, str]) -> str:
    """The notification that VNPAY would send, signed as its page says: sorted, form-encoded, HMAC-SHA512."""
    told = {
        "vnp_TmnCode": asked["vnp_TmnCode"],
        "vnp_Amount": asked["vnp_Amount"],
        "vnp_BankCode": "NCB",
        "vnp_OrderInfo": asked["vnp_OrderInfo"],
        "vnp_TransactionNo": "14422574",
        "vnp_ResponseCode": "00",
        "vnp_TransactionStatus": "00",
        "vnp_TxnRef": asked["vnp_TxnRef"],
        "vnp_PayDate": asked["vnp_CreateDate"],
    }
    text = urlencode(sorted(told.items()), quote_via=quote_plus)
    return (
        f"{text}&vnp_SecureHash={hmac.new(VNPAY_SECRET.encode(), text.encode(), hashlib.sha512).hexdigest()}"
    )
