"""Every text that citizens see is in the catalogues, in every language, and none is there for nothing."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pkgutil import iter_modules
from typing import Any

import pytest
from flask import Flask

import bank_adapters
from payment_hub.domain.checkout import CheckoutState, CheckoutView
from payment_hub.domain.money import Money, dong
from payment_hub.domain.obligations import RULES, Kind
from payment_hub.domain.orders import OrderStatus
from payment_hub.domain.routing import Choice, OptionReason, Rule, explained, not_offered
from payment_hub.web.api.errors import every_problem, title_of
from payment_hub.web.checkout.page import checkout_html, message_html, receipt_html
from payment_hub.web.checkout.views import _about, blueprint
from payment_hub.web.texts import BANKS, LANGUAGES, Texts, texts_for
from tests.web.checkout.views import BY_BILL, COSTLY, NOW, OPEN, PAGES

VI, EN = LANGUAGES["vi"], LANGUAGES["en"]
READ_ALOUD = ("aria-label", "alt", "title", "placeholder", "data-mark", "value")
MESSAGES = (
    "returned",
    "error.not_found",
    "error.no_receipt",
    "error.refused",
    "error.busy",
    "error.unavailable",
)


class Seen(HTMLParser):
    """Everything in a page that is shown or read aloud."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.said += [value or "" for name, value in attrs if name in READ_ALOUD and tag != "button"]

    def handle_data(self, data: str) -> None:
        self.said.append(data)


class Noting(dict[str, str]):
    """A catalogue that notes which of its keys were asked for."""

    def __init__(self, texts: Any) -> None:
        super().__init__(texts)
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def every_page(words: Texts) -> Iterator[str]:
    """All pages that this door can show."""
    views: list[CheckoutView] = [*PAGES.values(), replace(OPEN, offers=()), COSTLY, BY_BILL]
    for view in views:
        for still in (False, True):
            yield checkout_html(view, words, "token", still=still, problem="pay.choose_from_list")
        if view.receipt:
            printed = replace(view.receipt, template="02BLP")
            yield receipt_html(view, view.receipt, words, "token", "https://hub.test/r")
            refunded = replace(view, order=replace(view.order, status=OrderStatus.REFUNDED))
            yield receipt_html(refunded, printed, words, "token", "https://hub.test/r")
    scan_only = PAGES[CheckoutState.AWAITING_PAYMENT]
    assert scan_only.attempt
    scan_only = replace(
        scan_only,
        attempt=replace(
            scan_only.attempt, instructions=replace(scan_only.attempt.instructions, account_number=None)
        ),
    )
    yield checkout_html(scan_only, words, "token")
    for about in MESSAGES:
        yield message_html(about, words, "/back")


def test_both_languages_have_the_same_keys_and_places() -> None:
    assert list(VI.texts) == list(EN.texts)
    for key in VI.texts:
        assert VI.texts[key].strip()
        assert EN.texts[key].strip()
        assert places(VI.texts[key]) == places(EN.texts[key]), key


def test_every_english_text_is_translated_and_no_translation_is_left_over() -> None:
    texts = {title_of(kind) for kind in every_problem().values()}
    texts |= {explained(Choice("bank", rule, 3)).text for rule in Rule} | {
        explained(Choice(None, Rule.REQUESTED, 0)).text
    }
    texts |= {not_offered(reason, NOW).text for reason in OptionReason}
    texts |= {more.text for more in [not_offered(OptionReason.HEALTH, NOW).more] if more}
    texts |= {rules.title for rules in RULES.values()}
    texts |= {identifier.title for rules in RULES.values() for identifier in rules.identifiers}
    for words in LANGUAGES.values():
        if words is not EN:
            assert set(words.translations) == texts
            assert all(places(text) == places(words.translate(text)) for text in texts)


def test_no_text_is_left_in_the_other_language() -> None:
    vietnamese = re.compile("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", re.IGNORECASE)
    assert [key for key, text in EN.texts.items() if vietnamese.search(text)] == []


@pytest.mark.parametrize("state", CheckoutState)
def test_every_state_answers_the_three_questions(state: CheckoutState) -> None:
    for words in (VI, EN):
        assert {f"state.{state}.{part}" for part in ("title", "taken", "next")} <= set(words.texts)


def test_no_visible_word_is_outside_of_the_catalogues(app: Flask) -> None:
    silent = Texts("vi", dict.fromkeys(VI.texts, ""))
    with app.test_request_context("/checkout/token"):
        said = {piece.strip(" \n:·") for page in every_page(silent) for piece in Seen(page).said}
    unknown = {piece for piece in said if re.search(r"[^\W\d_]", piece)} - facts()
    assert unknown == set()


def test_every_word_of_the_catalogues_is_used(app: Flask) -> None:
    noting = Noting(VI.texts)
    with app.test_request_context("/checkout/token"):
        for _ in every_page(Texts("vi", noting)):
            pass
    # The first two stand in the links to a language, written by that language itself.
    for_rare_facts = {"language.name", "language.switch", "money.other", "bank.unknown_bin"}
    names = {f"bank.{module.name}" for module in iter_modules(bank_adapters.__path__)}
    assert set(VI.texts) - noting.asked - names == for_rare_facts


def test_every_message_for_a_refusal_is_in_the_catalogues() -> None:
    for status in (400, 404, 405, 409, 413, 422, 429, 500, 503):
        assert _about(Exception(), status) in MESSAGES


@pytest.mark.parametrize(
    ("money", "vi", "en"),
    [
        (dong(0), "0 ₫", "VND 0"),
        (dong(999), "999 ₫", "VND 999"),
        (dong(1_250_000), "1.250.000 ₫", "VND 1,250,000"),
        (dong(10**12), "1.000.000.000.000 ₫", "VND 1,000,000,000,000"),
        (Money(123_456, "USD"), "1.234,56 USD", "USD 1,234.56"),
    ],
)
def test_an_amount_is_written_as_people_write_it(money: Money, vi: str, en: str) -> None:
    assert VI.money(money) == vi.replace(" ", "\u00a0")
    assert EN.money(money) == en.replace(" ", "\u00a0")


def test_a_moment_says_its_offset() -> None:
    assert VI.moment(NOW) == "10:00, ngày 02/03/2026 (giờ Việt Nam, UTC+07:00)"
    assert EN.moment(NOW) == "10:00 on 02/03/2026 (Vietnam time, UTC+07:00)"


def test_a_bank_without_an_entry_is_called_by_its_name() -> None:
    assert VI.bank("vietnam_bank") == "Vietnam Bank"
    assert (VI.bank("sandbox"), EN.bank("sandbox")) == ("Ngân hàng thử nghiệm", "Sandbox bank")


def test_a_bin_is_said_with_the_name_of_its_bank() -> None:
    assert VI.bank_of_bin("970436") == "Vietcombank – Ngân hàng TMCP Ngoại Thương Việt Nam"
    assert EN.bank_of_bin("123456") == "Bank with code 123456"
    assert len(BANKS) == 66
    assert all(re.fullmatch("[0-9]{6}", bin_code) and len(names) == 2 for bin_code, names in BANKS.items())


def test_fields_are_titled_and_only_days_are_rewritten() -> None:
    given = {"decided_on": "2026-02-27", "decision_number": "2026-02-27"}
    assert EN.identifiers("traffic_fine", given) == [
        ("Decision number", "2026-02-27"),
        ("Date of decision", "27/02/2026"),
    ]
    assert EN.identifiers("traffic_fine", {"decided_on": "2026-19-39"}) == [
        ("Date of decision", "2026-19-39")
    ]


def test_every_kind_has_a_title_in_both_languages() -> None:
    for kind in Kind:
        assert VI.kind(kind)
        assert EN.kind(kind)


def test_vietnamese_is_spoken_unless_english_is_asked_for() -> None:
    assert [texts_for(asked).language for asked in (None, "vi", "en", "fr", "")] == [
        "vi",
        "vi",
        "en",
        "vi",
        "vi",
    ]


def places(text: str) -> set[str]:
    """The names of the places to be filled."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def facts() -> set[str]:
    """Every text in the views, and what the rules of kinds call things."""
    said: set[str] = set()
    waiting: list[Any] = [asdict(view) for view in PAGES.values()]
    while waiting:
        match waiting.pop():
            case dict() as found:
                waiting += found.values()
            case list() | tuple() as several:
                waiting += several
            case str() as text:
                said.add(text)
    for rules in RULES.values():
        said |= {rules.title, *(one.title for one in rules.identifiers)}
    said |= {EN("language.name"), EN("language.switch")}
    return said | {"Sandbox", "Vnpay", " – ".join(BANKS["970436"]), "DV6B 8TK2 M0H4 X9QA", "02BLP"}


@pytest.fixture
def app() -> Flask:
    """Only this door, on a trial."""
    app = Flask("pages")
    app.config["SANDBOX"] = True
    app.register_blueprint(blueprint)
    return app
