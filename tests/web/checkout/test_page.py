"""The citizen's pages as HTML: well formed, self-contained, and honest in every state and language."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest
from flask import Flask

from payment_hub.domain.checkout import CheckoutState, CheckoutView
from payment_hub.domain.orders import OrderStatus
from payment_hub.web.checkout.page import checkout_html, message_html, receipt_html
from payment_hub.web.checkout.views import blueprint
from payment_hub.web.qr import qr_svg
from payment_hub.web.texts import LANGUAGES, Texts
from tests.web.checkout.strict_html import Page
from tests.web.checkout.views import ATTEMPT, OBLIGATION, OPEN, PAGES, RECEIPT, a_view

STATIC = Path(__file__).parents[3] / "payment_hub/web/static"


@pytest.fixture(params=LANGUAGES)
def words(request: pytest.FixtureRequest) -> Texts:
    """Each language in turn."""
    return LANGUAGES[request.param]


@pytest.fixture(scope="module")
def only_this_door() -> Flask:
    """An app with nothing else; its templates are compiled once."""
    app = Flask("pages")
    app.register_blueprint(blueprint)
    return app


@pytest.fixture(autouse=True)
def app(only_this_door: Flask) -> Iterator[Flask]:
    """The app while it answers."""
    only_this_door.config["SANDBOX"] = False
    with only_this_door.test_request_context("/checkout/token"):
        yield only_this_door


def page(state: CheckoutState, words: Texts) -> Page:
    return Page(checkout_html(PAGES[state], words, "token"))


@pytest.mark.parametrize("state", CheckoutState)
def test_a_page_has_one_title_and_headings_in_order(state: CheckoutState, words: Texts) -> None:
    shown = page(state, words)
    assert shown.all("html") == [{"lang": words.language}]
    levels = [int(tag[1]) for tag, _ in shown.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    labels = [attributes.get("aria-labelledby") for attributes in shown.all("section")]
    ids = [attributes["id"] for _, attributes in shown.elements if "id" in attributes]
    assert set(labels) <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("state", CheckoutState)
def test_a_page_loads_nothing_from_elsewhere_and_runs_nothing(state: CheckoutState, words: Texts) -> None:
    shown = page(state, words)
    assert not shown.all("script")
    assert not shown.all("style")
    assert not shown.all("iframe")
    for _, attributes in shown.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for loaded in (attributes.get("src"), attributes.get("action")):
            assert loaded is None or loaded.startswith("/checkout/")
    links = [attributes["href"] for attributes in shown.all("link")]
    assert all(link.startswith("/checkout/static/") for link in links)
    away = {a["href"]: a.get("rel") for a in shown.all("a") if "//" in a["href"]}
    assert set(away) <= {OPEN.order.return_url, ATTEMPT.instructions.page_url}
    assert set(away.values()) == {"noreferrer"}


@pytest.mark.parametrize("state", CheckoutState)
def test_a_page_says_to_whom_how_much_and_until_when(state: CheckoutState, words: Texts) -> None:
    view, text = PAGES[state], page(state, words).text
    assert OBLIGATION.agency_name in text
    assert words.money(view.order.required) in text
    assert words.moment(view.order.expires_at) in text
    assert "DV6B 8TK2 M0H4 X9QA" in text
    assert words("answer.taken") in text
    assert words("answer.next") in text


@pytest.mark.parametrize("state", CheckoutState)
def test_links_keep_the_language(state: CheckoutState, words: Texts) -> None:
    shown = page(state, words)
    switch, *others = [a["href"] for a in shown.all("a") if a["href"].startswith("/checkout/token")]
    assert f"lang={words.others[0].language}" in switch
    kept = [link for link in others if "qr.svg" not in link] + [f["action"] for f in shown.all("form")]
    assert all(("lang=en" in link) == (words.language == "en") for link in kept)


def test_only_pages_that_offer_banks_have_a_form(words: Texts) -> None:
    with_form = {state for state in CheckoutState if page(state, words).all("form")}
    assert with_form == {
        CheckoutState.CHOOSE_BANK,
        CheckoutState.TRY_DECLINED,
        CheckoutState.TRY_ABANDONED,
        CheckoutState.AWAITING_PAYMENT,
        CheckoutState.UNDERPAID,
    }
    buttons = page(CheckoutState.CHOOSE_BANK, words).all("button")
    assert [(button["name"], button["value"]) for button in buttons] == [
        ("bank", "sandbox"),
        ("bank", "vnpay"),
    ]


def test_the_transfer_stands_beside_the_code_as_text(words: Texts) -> None:
    shown = page(CheckoutState.AWAITING_PAYMENT, words)
    assert ATTEMPT.instructions.qr_text
    assert qr_svg(ATTEMPT.instructions.qr_text) in shown.html
    for said in ("7111000000001", "Vietcombank", "KHO BAC NHA NUOC HA NOI", "DV6B 8TK2 M0H4 X9QA"):
        assert said in shown.text
    [label] = [a["aria-label"] for a in shown.all("div") if a.get("role") == "img"]
    assert "7111000000001" in label
    assert words.money(ATTEMPT.amount) in label


def test_a_bank_with_a_page_of_its_own_gets_a_link_and_no_code(words: Texts) -> None:
    only_page = replace(
        ATTEMPT,
        instructions=replace(ATTEMPT.instructions, qr_text=None, account_number=None, purpose=None),
    )
    shown = Page(checkout_html(replace(a_view(), attempt=only_page), words, "token"))
    assert ATTEMPT.instructions.page_url in [a["href"] for a in shown.all("a")]
    assert not [a for a in shown.all("div") if a.get("role") == "img"]


def test_the_page_never_invites_to_pay_while_the_outcome_is_unknown(words: Texts) -> None:
    shown = page(CheckoutState.OUTCOME_UNKNOWN, words)
    assert not shown.all("button")
    assert ("Không thanh toán lại" if words.language == "vi" else "Do not pay again") in shown.text


def test_an_underpaid_page_says_what_is_missing(words: Texts) -> None:
    text = page(CheckoutState.UNDERPAID, words).text
    for amount in (PAGES[CheckoutState.UNDERPAID].remaining, PAGES[CheckoutState.UNDERPAID].order.received):
        assert words.money(amount) in text


def test_a_cancelled_page_says_why(words: Texts) -> None:
    view = PAGES[CheckoutState.CANCELLED]
    assert view.order.cancel_reason
    assert view.order.cancel_reason in page(CheckoutState.CANCELLED, words).text


def test_what_strangers_wrote_stays_text(words: Texts) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=y>'
    obligation = replace(
        OBLIGATION, agency_name=evil, payer_name=evil, reference=evil, identifiers={"plate": evil}
    )
    order = replace(
        OPEN.order, description=evil, cancel_reason=evil, cancelled_at=OPEN.now, status=OrderStatus.CANCELLED
    )
    html = checkout_html(replace(OPEN, obligation=obligation, order=order), words, evil)
    receipt = replace(
        RECEIPT,
        agency=replace(RECEIPT.agency, name=evil),
        payer_name=evil,
        description=evil,
        bank_transaction_id=evil,
    )
    html += receipt_html(OPEN, receipt, words, evil, evil)
    assert "<script" not in html
    assert "<img src=x" not in html
    assert escape(evil, quote=False) in html.replace("&#34;", '"')


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", None])
def test_a_browser_is_sent_to_web_addresses_only(url: str | None, words: Texts) -> None:
    order = replace(OPEN.order, return_url=url)
    attempt = replace(ATTEMPT, instructions=replace(ATTEMPT.instructions, page_url=url))
    shown = Page(checkout_html(replace(OPEN, order=order, attempt=attempt), words, "token"))
    assert all(a["href"].startswith(("/checkout/", "#")) for a in shown.all("a"))


def test_a_still_page_offers_to_reload_and_a_living_one_to_stop(words: Texts) -> None:
    view = PAGES[CheckoutState.OUTCOME_UNKNOWN]
    living, still = (checkout_html(view, words, "token", still=still) for still in (False, True))
    assert words("page.stop_looking") in living
    assert words("page.start_looking") not in living
    assert words("page.start_looking") in still
    assert words("page.stop_looking") not in still


def test_a_receipt_says_what_the_decree_asks_for(words: Texts) -> None:
    shown = receipt(PAGES[CheckoutState.PAID], words)
    assert shown.all("html") == [{"lang": words.language}]
    for said in (
        words("receipt.kind"),
        "01BLP",
        "AA26E",
        "0000042",
        RECEIPT.agency.name,
        "0100109106",
        RECEIPT.payer_name,
        RECEIPT.description,
        words.money(RECEIPT.amount),
        "Một triệu hai trăm năm mươi nghìn đồng",
        {"vi": "Ngày 02 tháng 03 năm 2026", "en": "02/03/2026"}[words.language],
        words("receipt.collected_by"),
        "FT26061123456",
        "DV6B 8TK2 M0H4 X9QA",
    ):
        assert said in shown.html or escape(said) in shown.html, said
    assert qr_svg("https://hub.test/original") in shown.html
    assert words("receipt.refunded_note") not in shown.text


def test_a_receipt_of_money_that_went_back_says_so(words: Texts) -> None:
    assert words("receipt.refunded_note") in receipt(PAGES[CheckoutState.REFUNDED], words).text


def test_a_receipt_of_zero_names_no_bank(words: Texts) -> None:
    shown = receipt(PAGES[CheckoutState.NOTHING_TO_PAY], words)
    assert words("receipt.no_bank") in shown.text
    assert "Không đồng" in shown.text


def test_a_trial_says_so_on_every_page(app: Flask, words: Texts) -> None:
    paid = PAGES[CheckoutState.PAID]
    for sandbox in (True, False):
        app.config["SANDBOX"] = sandbox
        pages = [checkout_html(paid, words, "t"), receipt(paid, words).html, message_html("returned", words)]
        assert [words("page.sandbox") in shown for shown in pages] == [sandbox] * 3


def test_the_style_is_small() -> None:
    assert (STATIC / "checkout.css").stat().st_size <= 10_000
    assert "http" not in (STATIC / "checkout.css").read_text()


def receipt(view: CheckoutView, words: Texts) -> Page:
    assert view.receipt
    return Page(receipt_html(view, view.receipt, words, "token", "https://hub.test/original"))
