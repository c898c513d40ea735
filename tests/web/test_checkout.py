"""The citizen's door over HTTP, on a real database and with a real sandbox bank."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from bank_adapters import load_adapters
from bank_adapters.far_side.sandbox import serve
from payment_hub.app import create_app
from payment_hub.domain.bank_port import Outcome
from payment_hub.hub import Hub
from payment_hub.operations.list_attempts import list_attempts
from payment_hub.web.words import LANGUAGES
from tests.builders import a_portal, an_agency, an_operator, an_order, confirmation, hear
from tests.conftest import StoppedClock
from tests.web.conftest import ENVIRON, SETTINGS
from tests.web.test_checkout_qr import drawn, read

VI, EN = LANGUAGES["vi"], LANGUAGES["en"]
SILENT_BANK: dict[str, str] = {"URL": "http://127.0.0.1:9", "READ_SECONDS": "1"}


class Citizen:
    """Somebody with a browser and a link."""

    def __init__(self, client: FlaskClient, order: dict[str, Any]) -> None:
        self.client = client
        self.reference: str = order["reference"]
        self.link: str = order["checkout_url"].removeprefix("https://hub.test")

    def sees(self, more: str = "", **asked: Any) -> str:
        """The text of a page that is there."""
        answer = self.client.get(self.link + more, **asked)
        assert answer.status_code == 200, answer.text
        return answer.text

    def state(self) -> str:
        """The state that the page names."""
        shown = re.search(r'<h1 id="state">.*?<span>(.*?)</span>', self.sees())
        assert shown is not None
        return shown[1]

    def pays(self, bank: str = "sandbox", query: str = "") -> Any:
        """Press the button of a bank."""
        return self.client.post(f"{self.link}/pay{query}", data={"bank": bank})


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

    hear(hub, confirmation(f"{citizen.reference}-1"))
    assert citizen.state() == VI("state.PAID.title")
    assert "Refresh" not in citizen.client.get(citizen.link).headers
    receipt = citizen.sees("/receipt")
    for said in ("Một trăm năm mươi nghìn đồng", "AA26E", "0000001", "Nguyễn Thị Hường"):
        assert said in receipt
    assert citizen.client.get(code[1]).status_code == 404
    assert citizen.pays().location == citizen.link
    assert len(list_attempts(hub, caller=an_operator(), reference=citizen.reference)) == 1


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
    hear(hub, confirmation(f"{citizen.reference}-1", outcome=Outcome.DECLINED, bank_transaction_id=None))
    assert citizen.state() == VI("state.TRY_DECLINED.title")
    assert citizen.pays().status_code == 303
    assert citizen.state() == VI("state.AWAITING_PAYMENT.title")


def test_the_rest_of_an_underpaid_order_can_be_paid(hub: Hub, citizen: Citizen) -> None:
    citizen.pays()
    hear(hub, confirmation(f"{citizen.reference}-1", 100_000))
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


@pytest.mark.parametrize(
    "form", [{}, {"bank": ""}, {"bank": "vnpay"}, {"bank": "../sandbox"}, {"bank": "x" * 900}]
)
def test_a_bank_that_is_not_offered_is_refused_on_the_page(form: dict[str, str], citizen: Citizen) -> None:
    answer = citizen.client.post(f"{citizen.link}/pay", data=form)
    assert answer.status_code == 422
    assert VI("pay.choose_from_list") in answer.text


@pytest.mark.parametrize(
    "sent",
    [
        {"data": b"\xff\xfe%%%=%&bank", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"{" * 3000, "content_type": "application/json"},
        {"data": b"--x\r\n", "content_type": "multipart/form-data; boundary=x"},
        {"data": b"bank=sandbox" + b"x" * 10_000, "content_type": "application/x-www-form-urlencoded"},
        {"data": b"a=1&" * 1000, "content_type": "application/x-www-form-urlencoded"},
        {"data": b"", "content_type": "text/plain; charset=nonsense"},
    ],
)
def test_a_hostile_form_is_refused_and_changes_nothing(sent: Any, hub: Hub, citizen: Citizen) -> None:
    answer = citizen.client.post(f"{citizen.link}/pay", **sent)
    assert answer.status_code in {413, 422}
    assert answer.mimetype == "text/html"
    assert list_attempts(hub, caller=an_operator(), reference=citizen.reference) == []


@pytest.mark.parametrize(
    "spoil", [lambda link: link[:-1], lambda link: link + "x", lambda link: link.swapcase()]
)
def test_a_link_that_is_not_whole_leads_to_a_friendly_page(spoil: Any, citizen: Citizen) -> None:
    token = citizen.link.removeprefix("/checkout/")
    for rest in ("", "/receipt", "/qr.svg"):
        answer = citizen.client.get(f"/checkout/{spoil(token)}{rest}")
        assert answer.status_code == 404
        assert VI("error.not_found.title") in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Nguyễn" not in answer.text
    assert citizen.client.post(f"/checkout/{spoil(token)}/pay", data={"bank": "sandbox"}).status_code == 404


def test_machines_are_refused_in_their_own_form(citizen: Citizen) -> None:
    answer = citizen.client.get(
        "/checkout/none", headers={"Accept": "application/json, application/problem+json"}
    )
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_addresses_nearby_are_friendly_and_others_are_not_ours(citizen: Citizen) -> None:
    nearby = citizen.client.get("/checkout/a/b/c?lang=en")
    assert (nearby.status_code, EN("error.not_found.title") in nearby.text) == (404, True)
    assert "default-src 'none'" in nearby.headers["Content-Security-Policy"]
    other = citizen.client.get("/nowhere")
    assert (other.status_code, other.mimetype) == (404, "application/problem+json")


def test_a_form_is_sent_by_post_only(citizen: Citizen) -> None:
    answer = citizen.client.get(f"{citizen.link}/pay")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert VI("error.refused.title") in answer.text


def test_there_is_no_receipt_before_the_money(citizen: Citizen) -> None:
    answer = citizen.client.get(f"{citizen.link}/receipt")
    assert answer.status_code == 404
    assert VI("error.no_receipt.title") in answer.text
    assert f'href="{citizen.link}"' in answer.text


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


def test_without_the_database_the_page_says_not_to_pay_again(hub: Hub, citizen: Citizen) -> None:
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:9/none")
    blind = create_app(SETTINGS, dataclasses.replace(hub, engine=nowhere, sessions=sessionmaker(nowhere)))
    answer = blind.test_client().get(citizen.link)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert VI("error.unavailable.next") in answer.text


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


@pytest.fixture
def section() -> Iterator[dict[str, str]]:
    """The settings of a sandbox bank that is really there."""
    with serve(ENVIRON["BANK_SANDBOX_SECRET"]) as bank:
        yield {"URL": bank.url}


@pytest.fixture
def hub(hub: Hub, section: dict[str, str]) -> Hub:
    """The hub with that bank."""
    settings = {"SECRET": ENVIRON["BANK_SANDBOX_SECRET"]} | section
    return dataclasses.replace(hub, adapters=load_adapters(["sandbox"], {"sandbox": settings}))


@pytest.fixture
def citizen(hub: Hub, app: Flask) -> Citizen:
    """Who owes a fine of 150,000 dong, and has the link."""
    return Citizen(app.test_client(), an_order(hub, an_agency(hub), a_portal(hub)))
