"""What citizens see when something is not there, not allowed, or out of order."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from payment_hub.app import create_app
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import list_attempts
from payment_hub.web.texts import LANGUAGES
from tests.web.checkout.conftest import Citizen
from tests.web.conftest import SETTINGS
from tests.worlds.orders import an_operator

VI, EN = LANGUAGES["vi"], LANGUAGES["en"]


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


def test_without_the_database_the_page_says_not_to_pay_again(hub: Hub, citizen: Citizen) -> None:
    nowhere = create_engine("postgresql+psycopg://nobody@127.0.0.1:9/none")
    blind = create_app(SETTINGS, dataclasses.replace(hub, engine=nowhere, sessions=sessionmaker(nowhere)))
    answer = blind.test_client().get(citizen.link)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert VI("error.unavailable.next") in answer.text
