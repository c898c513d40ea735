"""Our contract with a bank is read from its own section; what is wrong is said at once; no name means two things."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from datetime import time, timedelta

import pytest

import bank_adapters
from bank_adapters import BankSettingsError, load_terms
from bank_adapters.toolkit.settings import Terms, describe, read_terms
from payment_hub.domain.banks.health import BreakerPolicy
from payment_hub.domain.banks.profile import NO_TERMS, BankTerms, Bearer, Trust

WHOLE = {
    "AGENCIES": "G22.99 H55.1",
    "KINDS": "fee tuition",
    "SMALLEST": "2000",
    "LARGEST": "50000000",
    "FEE_FIXED": "1100",
    "FEE_PER_TEN_THOUSAND": "20",
    "FEE_BORNE_BY": "payer",
    "SETTLEMENT_DAYS": "2",
    "CUT_OFF": "15:30",
    "CLOSES_AT_CUT_OFF": "1",
    "MINUTES_BEFORE_EXPIRY": "5",
    "TRUST": "inquiry",
    "INQUIRY_ABOVE": "100000000",
    "OUTCOME_MINUTES": "30",
    "FAILURES_TO_REST": "3",
    "FAILURE_SECONDS": "60",
    "REST_SECONDS": "20",
    "OPEN_SECONDS": "4",
    "QUERY_SECONDS": "5",
    "REFUND_SECONDS": "6",
}


def test_nothing_said_is_open_to_all_and_trusted() -> None:
    assert read_terms("vietbank", {"URL": "https://bank.test", "SECRET": "of the adapter"}) == NO_TERMS
    assert load_terms(["a", "b"], {}) == {"a": NO_TERMS, "b": NO_TERMS}


def test_everything_that_can_be_said() -> None:
    assert set(WHOLE) == {field.name.upper() for field in dataclasses.fields(Terms)}
    assert load_terms(["vietbank"], {"vietbank": WHOLE})["vietbank"] == BankTerms(
        agencies=("G22.99", "H55.1"),
        kinds=("fee", "tuition"),
        smallest=2_000,
        largest=50_000_000,
        fee_fixed=1_100,
        fee_per_ten_thousand=20,
        borne_by=Bearer.PAYER,
        settlement_days=2,
        cut_off=time(15, 30),
        closes_at_cut_off=True,
        before_expiry=timedelta(minutes=5),
        trust=Trust.INQUIRY,
        inquiry_above=100_000_000,
        outcome_within=timedelta(minutes=30),
        breaker=BreakerPolicy(3, timedelta(minutes=1), timedelta(seconds=20), 4, 5, 6),
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SMALLEST", "0"),
        ("LARGEST", "1.5"),
        ("FEE_FIXED", "-1"),
        ("FEE_PER_TEN_THOUSAND", "10001"),
        ("FEE_BORNE_BY", "bank"),
        ("CUT_OFF", "24:00"),
        ("CUT_OFF", "9:00"),
        ("CLOSES_AT_CUT_OFF", "yes"),
        ("TRUST", "maybe"),
        ("OUTCOME_MINUTES", "0"),
        ("REST_SECONDS", "0"),
        ("OPEN_SECONDS", "61"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(name: str, text: str) -> None:
    with pytest.raises(BankSettingsError, match=f"BANK_VIETBANK_{name}") as refusal:
        read_terms("vietbank", {name: text})
    assert refusal.value.missing == ()


def test_everything_wrong_with_every_contract_is_said_at_once() -> None:
    with pytest.raises(BankSettingsError) as refusal:
        load_terms(["a", "b"], {"a": {"TRUST": "x", "CUT_OFF": "x"}, "b": {"LARGEST": "x"}})
    named = [said.split()[0] for said in refusal.value.malformed]
    assert named == ["BANK_A_CUT_OFF", "BANK_A_TRUST", "BANK_B_LARGEST"]


def test_no_adapter_gives_one_of_these_names_another_meaning() -> None:
    terms = {field.name for field in dataclasses.fields(Terms)}
    modules = [found.name for found in pkgutil.iter_modules(bank_adapters.__path__) if not found.ispkg]
    assert len(modules) >= 2
    for name in modules:
        settings = importlib.import_module(f"bank_adapters.{name}").Settings
        assert terms & {field.name for field in dataclasses.fields(settings)} == set(), name


def test_every_one_is_described() -> None:
    rows = describe(Terms, "vietbank")
    assert [name for name, *_ in rows] == [f"BANK_VIETBANK_{name}" for name in WHOLE]
    assert all(meaning and not secret for _, meaning, _, secret in rows)
