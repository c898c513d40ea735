"""Obligations: what each kind needs, and everything wrong named at once."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from payment_hub.domain.errors import MalformedObligation
from payment_hub.domain.money import MAX_MINOR, Money, dong
from payment_hub.domain.obligations import RULES, Beneficiary, Kind, Terms, check_terms

TREASURY = Beneficiary("7111000000001", "970436", "KHO BAC NHA NUOC", "009", "4252")
IDENTIFIERS = {
    Kind.FEE: {"dossier_code": "000.00.16.H26-200429-0010", "procedure_code": "1.000948.H38"},
    Kind.HOSPITAL_BILL: {"patient_code": "BN2026-0001", "treatment_code": "26.000123"},
    Kind.TUITION: {"pupil_code": "0123456789", "school_year": "2025-2026", "term": "HK1"},
    Kind.TRAFFIC_FINE: {"decision_number": "1234/QD-XPHC", "decided_on": "2026-02-27", "plate": "30A-123.45"},
}


def terms(kind: Kind = Kind.TRAFFIC_FINE, **changed: Any) -> Terms:
    """Proper terms of a kind, apart from what is changed."""
    proper = Terms(
        dong(150_000), "Nguyễn Thị Hường", IDENTIFIERS[kind], "Vượt đèn đỏ", date(2026, 3, 12), TREASURY
    )
    return replace(proper, **changed)


def wrong(kind: Kind = Kind.TRAFFIC_FINE, **changed: Any) -> set[str]:
    """The places that are refused."""
    with pytest.raises(MalformedObligation) as refusal:
        check_terms(RULES[kind], terms(kind, **changed))
    assert all(pointer in refusal.value.detail for pointer in refusal.value.pointers)
    return set(refusal.value.pointers)


def test_every_kind_has_its_rules_and_its_names() -> None:
    assert set(RULES) == set(Kind) == set(IDENTIFIERS)
    assert all(rules.title for rules in RULES.values())


@pytest.mark.parametrize("kind", Kind)
def test_proper_terms_are_accepted(kind: Kind) -> None:
    checked = check_terms(RULES[kind], terms(kind))
    assert dict(checked.identifiers) == IDENTIFIERS[kind]
    assert list(checked.identifiers) == sorted(checked.identifiers)


@pytest.mark.parametrize("kind", Kind)
def test_what_a_kind_needs_may_not_be_left_out(kind: Kind) -> None:
    needed = {
        f"/identifiers/{identifier.name}" for identifier in RULES[kind].identifiers if identifier.required
    }
    assert wrong(kind, identifiers={}) == needed


@pytest.mark.parametrize("kind", Kind)
def test_what_a_kind_does_not_know_is_refused(kind: Kind) -> None:
    assert wrong(kind, identifiers={**IDENTIFIERS[kind], "colour": "red"}) == {"/identifiers/colour"}


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("value", ["", "ß", "1\n", "x" * 60, "１２３４５６７８９０"])
def test_identifiers_have_a_form(kind: Kind, value: str) -> None:
    asked = IDENTIFIERS[kind]
    assert wrong(kind, identifiers=dict.fromkeys(asked, value)) == {f"/identifiers/{name}" for name in asked}


@pytest.mark.parametrize("amount", [-1, MAX_MINOR + 1])
def test_an_amount_has_limits(amount: int) -> None:
    assert wrong(amount=dong(amount)) == {"/amount/amount"}


@pytest.mark.parametrize("amount", [0, 1, MAX_MINOR])
def test_the_limits_themselves_are_allowed(amount: int) -> None:
    assert check_terms(RULES[Kind.FEE], terms(Kind.FEE, amount=dong(amount))).amount == dong(amount)


def test_obligations_are_owed_in_dong() -> None:
    assert wrong(amount=Money(100, "USD")) == {"/amount/currency"}


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"account_number": "12345"}, "account_number"),
        ({"account_number": "12345678901234567890"}, "account_number"),
        ({"account_number": "abc123456"}, "account_number"),
        ({"bank": "97043"}, "bank"),
        ({"bank": "97043６"}, "bank"),
        ({"account_name": "  "}, "account_name"),
        ({"account_name": "x" * 141}, "account_name"),
        ({"treasury_chapter": "9"}, "treasury_chapter"),
        ({"treasury_sub_item": "42520"}, "treasury_sub_item"),
        ({"treasury_sub_item": None}, "treasury_sub_item"),
    ],
)
def test_the_beneficiary_is_checked(changed: dict[str, Any], place: str) -> None:
    assert wrong(beneficiary=replace(TREASURY, **changed)) == {f"/beneficiary/{place}"}


def test_only_money_for_the_budget_needs_the_treasurys_numbers() -> None:
    plain = replace(TREASURY, treasury_chapter=None, treasury_sub_item=None)
    assert check_terms(RULES[Kind.TUITION], terms(Kind.TUITION, beneficiary=plain)).beneficiary == plain
    unchaptered = replace(TREASURY, treasury_chapter=None)
    assert check_terms(RULES[Kind.TRAFFIC_FINE], terms(beneficiary=unchaptered)).beneficiary == unchaptered


@pytest.mark.parametrize("text", ["", "   ", "x" * 501, "a\x00b", "a\u202eb", "a\u200bb", "\ue000", "a\nb"])
def test_words_are_visible_and_not_too_many(text: str) -> None:
    assert wrong(payer_name=text, description=text) == {"/payer_name", "/description"}


def test_words_are_kept_in_one_normal_form() -> None:
    decomposed = unicodedata.normalize("NFD", " Nguyễn Thị Hường ")
    checked = check_terms(RULES[Kind.FEE], terms(Kind.FEE, payer_name=decomposed, description=decomposed))
    assert checked.payer_name == checked.description == "Nguyễn Thị Hường"


def test_everything_wrong_is_named_at_once() -> None:
    assert wrong(amount=dong(-1), payer_name="", identifiers={}, beneficiary=replace(TREASURY, bank="x")) == {
        "/amount/amount",
        "/payer_name",
        "/identifiers/decision_number",
        "/identifiers/decided_on",
        "/beneficiary/bank",
    }
