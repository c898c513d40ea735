"""The checkout pages over HTTP, on a real database and with a real sandbox bank."""

from __future__ import annotations

import dataclasses
import re

import pytest
import requests

from payment_hub.app import create_app
from payment_hub.domain.banks.values import Outcome
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import list_attempts
from payment_hub.web.texts import LANGUAGES
from tests.conftest import StoppedClock
from tests.web.checkout.conftest import Citizen
from tests.web.checkout.test_qr import drawn, read
from tests.web.conftest import SETTINGS
from tests.worlds.orders import an_operator, confirmation, receive

VI, EN = LANGUAGES["vi"], LANGUAGES["en"]
SILENT_BANK: dict[str, str] = {"URL": "http://127.0.0.1:9", "READ_SECONDS": "1"}


def test_a_page_says_what_is_owed_and_keeps_to_itself(citizen: Citizen) -> None:
    answer = citizen.client.get(citizen.link)
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    for said in ("Nguyễn Thị Hường", "150.000\u00a0₫", "10:00, ngày 03/03/2026", "12/03/2026"):
        assert said in answer.text
    headers = answer.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Content-Language"] == "vi"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "style-src 'self'" in policy
    assert "script" not in policy
    assert "http://" not in policy
    assert "Set-Cookie" not in headers
    assert citizen.sees(headers={"Cookie": "lang=en"}) == answer.text


def test_english_is_a_link_away(citizen: Citizen) -> None:
    assert 'lang="en"' in citizen.sees()
    english = citizen.sees("?lang=en")
    assert '<html lang="en">' in english
    assert "VND\u00a0150,000" in english
    answer = citizen.pays(query="?lang=en")
    assert answer.location == f"{citizen.link}?lang=en"


def test_a_citizen_pays_by_qr_code_and_prints_the_receipt(hub: Hub, citizen: Citizen) -> None:
    assert citizen.state() == VI("state.CHOOSE_BANK.title")
    answer = citizen.pays()
    assert (answer.status_code, answer.location) == (303, citizen.link)
    assert citizen.state() == VI("state.AWAITING_PAYMENT.title")

    code = re.search(r'href="([^"]*/qr\.svg\?v=[0-9a-f]{16})"', citizen.sees())
    assert code is not None
    image = citizen.client.get(code[1])
    assert image.content_type == "image/svg+xml"
    assert citizen.reference in read(drawn(image.text))

    receive(hub, confirmation(f"{citizen.reference}-1"))
    assert citizen.state() == VI("state.PAID.title")
    assert "Refresh" not in citizen.client.get(citizen.link).headers
    receipt = citizen.sees("/receipt")
    for said in ("Một trăm năm mươi nghìn đồng", "AA26E", "0000001", "Nguyễn Thị Hường"):
        assert said in receipt
    assert citizen.client.get(code[1]).status_code == 404
    assert citizen.pays().location == citizen.link
    assert len(list_attempts(hub, caller=an_operator(), reference=citizen.reference)) == 1


def test_the_bank_sends_the_payer_back_to_this_page_in_the_same_language(hub: Hub, citizen: Citizen) -> None:
    citizen.pays(query="?lang=en")
    [attempt] = list_attempts(hub, caller=an_operator(), reference=citizen.reference)
    assert attempt.instructions.page_url is not None
    assert attempt.instructions.page_url in citizen.sees()
    done = requests.post(
        attempt.instructions.page_url, data={"choice": "pay"}, timeout=5, allow_redirects=False
    )
    assert done.headers["Location"].startswith(f"https://hub.test{citizen.link}?lang=en")


def test_the_code_is_kept_by_browsers_under_its_tag_alone(citizen: Citizen) -> None:
    citizen.pays()
    plain = citizen.client.get(f"{citizen.link}/qr.svg")
    tag, _ = plain.get_etag()
    assert plain.headers["Cache-Control"] == "private, no-cache"
    tagged = citizen.client.get(f"{citizen.link}/qr.svg?v={tag}")
    assert "immutable" in tagged.headers["Cache-Control"]
    again = citizen.client.get(f"{citizen.link}/qr.svg", headers={"If-None-Match": f'"{tag}"'})
    assert (again.status_code, again.data) == (304, b"")
    assert (
        "immutable"
        not in citizen.client.get(f"{citizen.link}/qr.svg?v=0123456789abcdef").headers["Cache-Control"]
    )


def test_the_same_button_twice_is_one_attempt(hub: Hub, citizen: Citizen) -> None:
    assert [citizen.pays().status_code for _ in range(2)] == [303, 303]
    assert len(list_attempts(hub, caller=an_operator(), reference=citizen.reference)) == 1


def test_a_page_that_waits_looks_again_unless_told_not_to(citizen: Citizen) -> None:
    assert "Refresh" not in citizen.client.get(citizen.link).headers
    citizen.pays()
    assert citizen.client.get(citizen.link).headers["Refresh"] == "20"
    assert "Refresh" not in citizen.client.get(f"{citizen.link}?still=1").headers


def test_a_declined_payment_can_be_tried_again(hub: Hub, citizen: Citizen) -> None:
    citizen.pays()
    receive(hub, confirmation(f"{citizen.reference}-1", outcome=Outcome.DECLINED, bank_transaction_id=None))
    assert citizen.state() == VI("state.TRY_DECLINED.title")
    assert citizen.pays().status_code == 303
    assert citizen.state() == VI("state.AWAITING_PAYMENT.title")


def test_the_rest_of_an_underpaid_order_can_be_paid(hub: Hub, citizen: Citizen) -> None:
    citizen.pays()
    receive(hub, confirmation(f"{citizen.reference}-1", 100_000))
    assert "50.000\u00a0₫" in citizen.state()
    citizen.pays()
    attempts = list_attempts(hub, caller=an_operator(), reference=citizen.reference)
    assert sorted(attempt.amount.minor for attempt in attempts) == [50_000, 150_000]


def test_nobody_pays_after_the_deadline(hub: Hub, citizen: Citizen, clock: StoppedClock) -> None:
    clock.advance(days=1)
    assert citizen.state() == VI("state.EXPIRED.title")
    assert citizen.pays().location == citizen.link
    assert list_attempts(hub, caller=an_operator(), reference=citizen.reference) == []


@pytest.mark.parametrize("section", [SILENT_BANK])
def test_a_bank_that_does_not_answer_leaves_the_outcome_unknown(hub: Hub, citizen: Citizen) -> None:
    answer = citizen.pays()
    assert (answer.status_code, answer.location) == (303, citizen.link)
    assert citizen.state() == VI("state.OUTCOME_UNKNOWN.title")
    assert citizen.pays().location == citizen.link
    assert len(list_attempts(hub, caller=an_operator(), reference=citizen.reference)) == 1


def test_coming_back_from_a_bank_shows_nothing_and_proves_nothing(citizen: Citizen) -> None:
    answer = citizen.client.get("/checkout/return/sandbox?status=PAID&order=" + citizen.reference)
    assert answer.status_code == 200
    assert VI("returned.next") in answer.text
    assert citizen.reference not in answer.text
    assert citizen.state() == VI("state.CHOOSE_BANK.title")
    assert citizen.client.get("/checkout/return/nobody").status_code == 404


def test_what_a_bank_adds_to_the_link_changes_nothing(citizen: Citizen) -> None:
    back = citizen.sees("?vnp_ResponseCode=00&vnp_TransactionStatus=00&vnp_Amount=15000000")
    assert back == citizen.sees()


def test_the_style_is_kept_for_ever_under_its_tag(citizen: Citizen) -> None:
    style = re.search(r'href="(/checkout/static/checkout\.css\?v=[0-9a-f]+)"', citizen.sees())
    assert style is not None
    with citizen.client.get(style[1]) as answer:
        assert (answer.status_code, answer.mimetype) == (200, "text/css")
        assert "immutable" in answer.headers["Cache-Control"]
    with citizen.client.get("/checkout/static/checkout.css") as answer:
        assert "immutable" not in answer.headers["Cache-Control"]


def test_a_trial_lets_the_bank_on_this_machine_be_reached(hub: Hub, citizen: Citizen) -> None:
    trial = create_app(dataclasses.replace(SETTINGS, sandbox=True), hub).test_client().get(citizen.link)
    assert VI("page.sandbox") in trial.text
    assert trial.headers["Content-Security-Policy"].endswith("https: http://127.0.0.1:* http://localhost:*")
