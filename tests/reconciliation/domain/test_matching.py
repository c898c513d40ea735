"""What each case is called, said once more and independently of the tests that name it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reconciliation.domain.discrepancy import DiscrepancyKind as Kind
from reconciliation.domain.scope import Side

from reconciliation.domain.matching import Case, classify

ALIKE = Case(
    hub_items=1,
    hub_amount=100,
    hub_currency="VND",
    other_items=1,
    other_amount=100,
    other_currency="VND",
    other_currencies=1,
)
BACK = replace(ALIKE, goes_back=True)
HUB_ALONE = Case(hub_items=1, hub_amount=100, hub_currency="VND")
OTHER_ALONE = Case(other_items=1, other_amount=100, other_currency="VND", other_currencies=1)
TWICE = replace(ALIKE, other_items=2, other_amount=200)


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (ALIKE, None),
        (Case(), None),
        (HUB_ALONE, Kind.MISSING_AT_BANK),
        (replace(HUB_ALONE, awaited=True), None),
        (OTHER_ALONE, Kind.UNKNOWN_TO_HUB),
        (replace(ALIKE, other_amount=99), Kind.AMOUNTS_DIFFER),
        (replace(ALIKE, other_amount=101), Kind.AMOUNTS_DIFFER),
        (replace(ALIKE, other_currency="USD"), Kind.CURRENCIES_DIFFER),
        (TWICE, Kind.DUPLICATE_AT_BANK),
        (replace(OTHER_ALONE, other_items=2), Kind.DUPLICATE_AT_BANK),
        (replace(TWICE, other_amount=100), Kind.DUPLICATE_AT_BANK),
        (replace(ALIKE, charged_back=1), Kind.CHARGED_BACK),
        (replace(HUB_ALONE, charged_back=1), Kind.CHARGED_BACK),
        (replace(OTHER_ALONE, charged_back=1), Kind.CHARGED_BACK),
    ],
)
def test_money_that_came_against_a_banks_statement(case: Case, kind: Kind | None) -> None:
    assert classify(Side.BANK, case) is kind


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (BACK, None),
        (replace(HUB_ALONE, goes_back=True), Kind.REFUND_MISSING_AT_BANK),
        (replace(HUB_ALONE, goes_back=True, awaited=True), None),
        (replace(HUB_ALONE, goes_back=True, failed=True, awaited=True), None),
        (replace(BACK, other_items=2, other_amount=200), Kind.REFUNDED_TWICE),
        (replace(BACK, other_amount=99), Kind.REFUND_AMOUNT_DIFFERS),
        (replace(BACK, other_amount=101), Kind.REFUND_AMOUNT_DIFFERS),
        (replace(BACK, other_currency="USD"), Kind.REFUND_AMOUNT_DIFFERS),
        (replace(BACK, failed=True), Kind.REFUNDED_THOUGH_FAILED),
        (replace(BACK, failed=True, other_items=2), Kind.REFUNDED_THOUGH_FAILED),
        (replace(BACK, failed=True, charged_back=1), Kind.CHARGED_BACK),
    ],
)
def test_money_that_went_back_against_a_banks_statement(case: Case, kind: Kind | None) -> None:
    assert classify(Side.BANK, case) is kind


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (ALIKE, None),
        (HUB_ALONE, Kind.MISSING_AT_AGENCY),
        (replace(HUB_ALONE, awaited=True), None),
        (OTHER_ALONE, Kind.BOOKED_WITHOUT_RECEIPT),
        (TWICE, Kind.DUPLICATE_AT_AGENCY),
        (replace(OTHER_ALONE, other_items=2), Kind.DUPLICATE_AT_AGENCY),
        (replace(ALIKE, other_amount=99), Kind.AGENCY_AMOUNT_DIFFERS),
        (replace(ALIKE, other_currency="USD"), Kind.AGENCY_CURRENCY_DIFFERS),
    ],
)
def test_receipts_against_an_agencys_ledger(case: Case, kind: Kind | None) -> None:
    assert classify(Side.AGENCY, case) is kind
