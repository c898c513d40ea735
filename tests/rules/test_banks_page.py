"""The page of banks has every bank, every ability of the port and every setting, and marks every secret."""

from __future__ import annotations

import dataclasses

import pytest

from bank_adapters import load_adapters
from bank_adapters.toolkit.settings import BankSettingsError, Terms
from docs.banks import ABILITIES, CERTAINTIES, METHODS, Bank, banks_page, chapter, every_bank
from payment_hub.domain.banks import port
from payment_hub.domain.banks.profile import Certainty, PaymentMethod

BANKS = list(every_bank())


def test_every_ability_and_method_of_the_port_has_a_label() -> None:
    protocols = {name for name, it in vars(port).items() if getattr(it, "_is_runtime_protocol", False)}
    assert set(ABILITIES) == protocols - {"BankAdapter"}
    assert (set(METHODS), set(CERTAINTIES)) == (set(PaymentMethod), set(Certainty))


def test_the_settings_of_every_bank_are_listed_once() -> None:
    page = banks_page()
    for field in dataclasses.fields(Terms):
        assert page.count(f"| `BANK_<NAME>_{field.name.upper()}` |") == 1


def test_every_bank_has_a_line_and_a_chapter() -> None:
    page = banks_page()
    assert len(BANKS) > 1
    for bank in BANKS:
        assert page.count(f"\n| [`{bank.name}`](#{bank.name}) |") == 1
        assert page.count(f"\n## {bank.name}\n") == 1


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.name)
def test_a_chapter_has_abilities_facts_and_codes(bank: Bank) -> None:
    text = chapter(bank)
    assert all(fact.what.replace("|", "\\|") in text for fact in bank.profile.facts)
    assert all(f"| `{code}` |" in text for code in bank.profile.codes)
    assert ", ".join(bank.abilities) in text


@pytest.mark.parametrize("bank", BANKS, ids=lambda bank: bank.name)
def test_a_required_setting_stops_the_start(bank: Bank) -> None:
    with pytest.raises(BankSettingsError) as refusal:
        load_adapters([bank.name], {}, "https://hub.test")
    required = {line.split("`")[1] for line in chapter(bank).splitlines() if "| required |" in line}
    assert required == set(refusal.value.missing)
    assert refusal.value.missing
