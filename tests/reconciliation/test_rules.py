"""The rules of the night: SQL against the model on every combination of what matters, the texts, and the page."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, text

from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.rules import FILE_KINDS, RULES, Rule, rules_for_side
from reconciliation.domain.runs import Side
from reconciliation.domain.texts import EXPLANATIONS, LANGUAGES
from reconciliation.store.comparison import kind_of
from tests.reconciliation.model import Case, LeftOpen, classify, why_left_open

PAGE: Final = Path(__file__).parents[2] / "docs" / "the-night.md"

ALIKE = Case(
    hub_items=1, hub_amount=100, hub_currency="VND", other_items=1, other_amount=100, other_currency="VND"
)
OUTFLOW = replace(ALIKE, is_outflow=True)
HUB_ONLY = Case(hub_items=1, hub_amount=100, hub_currency="VND")
OTHER_ONLY = Case(other_items=1, other_amount=100, other_currency="VND")
TWICE = replace(ALIKE, other_items=2, other_amount=200)

#: A case, and what it is called by a bank's rules and by an agency's.
TWO_SIDED: Final[tuple[tuple[Case, Kind | None, Kind | None], ...]] = (
    (Case(), None, None),
    (ALIKE, None, None),
    (HUB_ONLY, Kind.MISSING_AT_BANK, Kind.MISSING_AT_AGENCY),
    (replace(HUB_ONLY, file_pending=True), None, None),
    (OTHER_ONLY, Kind.MISSING_IN_HUB, Kind.BOOKED_WITHOUT_RECEIPT),
    (replace(ALIKE, other_amount=99), Kind.AMOUNT_MISMATCH, Kind.AGENCY_AMOUNT_MISMATCH),
    (replace(ALIKE, other_amount=101), Kind.AMOUNT_MISMATCH, Kind.AGENCY_AMOUNT_MISMATCH),
    (replace(ALIKE, other_currency="USD"), Kind.CURRENCY_MISMATCH, Kind.AGENCY_CURRENCY_MISMATCH),
    (TWICE, Kind.DUPLICATE_AT_BANK, Kind.DUPLICATE_AT_AGENCY),
    (replace(TWICE, other_amount=100), Kind.DUPLICATE_AT_BANK, Kind.DUPLICATE_AT_AGENCY),
    (replace(OTHER_ONLY, other_items=2), Kind.DUPLICATE_AT_BANK, Kind.DUPLICATE_AT_AGENCY),
)

#: Cases that only a bank has: debits.
OF_DEBITS: Final[tuple[tuple[Case, Kind | None], ...]] = (
    (replace(ALIKE, unexplained_debits=1), Kind.UNEXPLAINED_DEBIT),
    (replace(HUB_ONLY, unexplained_debits=1), Kind.UNEXPLAINED_DEBIT),
    (replace(OTHER_ONLY, unexplained_debits=1), Kind.UNEXPLAINED_DEBIT),
    (OUTFLOW, None),
    (replace(HUB_ONLY, is_outflow=True), Kind.REFUND_MISSING_AT_BANK),
    (replace(HUB_ONLY, is_outflow=True, file_pending=True), None),
    (replace(HUB_ONLY, is_outflow=True, refund_failed=True, file_pending=True), None),
    (replace(OUTFLOW, other_items=2, other_amount=200), Kind.DUPLICATE_REFUND),
    (replace(OUTFLOW, other_amount=99), Kind.REFUND_AMOUNT_MISMATCH),
    (replace(OUTFLOW, other_amount=101), Kind.REFUND_AMOUNT_MISMATCH),
    (replace(OUTFLOW, other_currency="USD"), Kind.REFUND_AMOUNT_MISMATCH),
    (replace(OUTFLOW, refund_failed=True), Kind.FAILED_REFUND_DEBITED),
    (replace(OUTFLOW, refund_failed=True, other_items=2), Kind.FAILED_REFUND_DEBITED),
    (replace(OUTFLOW, refund_failed=True, unexplained_debits=1), Kind.UNEXPLAINED_DEBIT),
)

MONEY: Final[tuple[tuple[LeftOpen, Kind | None], ...]] = (
    (LeftOpen(), None),
    (LeftOpen(suspense=5, has_order=False, conflict=True), Kind.UNIDENTIFIED_PAYMENT),
    (LeftOpen(suspense=5, foreign_currency=True, conflict=True), Kind.WRONG_CURRENCY),
    (LeftOpen(overpayment=5, foreign_currency=True), Kind.WRONG_CURRENCY),
    (LeftOpen(foreign_currency=True), None),
    (LeftOpen(conflict=True), Kind.CONFLICTING_CONFIRMATIONS),
    (LeftOpen(suspense=5, settled_elsewhere=True), Kind.PAID_TWICE),
    (LeftOpen(overpayment=5, settled_here=True, collections=2), Kind.PAID_TWICE),
    (LeftOpen(overpayment=5, settled_here=True, collections=1), Kind.OVERPAID),
    (LeftOpen(suspense=5, received=5, required=10), Kind.UNDERPAID),
    (LeftOpen(suspense=10, received=10, required=10), Kind.HELD),
)


def kinds(engine: Engine, expression: str, cases: list[Any]) -> list[str | None]:
    """What SQL calls each case."""
    types = {"int": "int", "bool": "boolean", "str | None": "text"}
    columns = ", ".join(f"{field.name} {types[str(field.type)]}" for field in fields(cases[0]))
    query = f"""SELECT {expression} FROM jsonb_array_elements(CAST(:cases AS jsonb)) WITH ORDINALITY AS e (c, n),
        jsonb_to_record(e.c) AS c ({columns}), LATERAL (SELECT NULLIF(to_jsonb(c)->>'has_order', 'false') AS order_id) o
        ORDER BY n"""
    with engine.connect() as connection:
        rows = connection.execute(text(query), {"cases": json.dumps([asdict(case) for case in cases])})
        return [row[0] for row in rows]


def test_a_case_is_called_what_the_table_says(migrated: Engine) -> None:
    bank = [(case, kind) for case, kind, _ in TWO_SIDED] + list(OF_DEBITS)
    agency = [(case, kind) for case, _, kind in TWO_SIDED]
    for side, table in ((Side.BANK, bank), (Side.AGENCY, agency), (Side.MONEY, list(MONEY))):
        cases: list[Any] = [case for case, _ in table]
        assert kinds(migrated, kind_of(side), cases) == [kind for _, kind in table]
        assert {kind for _, kind in table} == {rule.kind for rule in rules_for_side(side)} | {None}


def every(form: type[Any], **values: tuple[Any, ...]) -> list[Any]:
    """Every combination."""
    return [form(**dict(zip(values, one, strict=True))) for one in itertools.product(*values.values())]


@pytest.mark.parametrize("side", [Side.BANK, Side.AGENCY])
def test_the_model_calls_every_two_sided_case_the_same(side: Side, migrated: Engine) -> None:
    cases = every(
        Case,
        hub_items=(0, 1),
        hub_amount=(0, 1, 2),
        hub_currency=(None, "VND", "USD"),
        other_items=(0, 1, 2),
        other_amount=(0, 1, 2),
        other_currency=(None, "VND", "USD"),
        unexplained_debits=(0, 1),
        file_pending=(False, True),
        is_outflow=(False, True),
        refund_failed=(False, True),
    )
    cases = [case for case in cases if (case.hub_currency is None) == (case.hub_items == 0)]
    cases = [case for case in cases if (case.other_currency is None) == (case.other_items == 0)]
    assert len(cases) == 2160
    assert kinds(migrated, kind_of(side), cases) == [classify(side, case) for case in cases]


def test_the_model_calls_all_money_left_open_the_same(migrated: Engine) -> None:
    flags = dict.fromkeys(
        ("has_order", "foreign_currency", "conflict", "settled_here", "settled_elsewhere"), (False, True)
    )
    numbers = dict.fromkeys(("suspense", "overpayment", "received", "required"), (0, 1))
    cases = every(LeftOpen, **numbers, collections=(0, 1, 2), **flags)
    assert len(cases) == 1536
    assert kinds(migrated, kind_of(Side.MONEY), cases) == [why_left_open(case) for case in cases]


@pytest.mark.parametrize("side", [Side.BANK, Side.AGENCY])
@pytest.mark.parametrize(
    ("accepted", "refused", "suffix"),
    [(1, 0, None), (1, 1, None), (0, 1, "_REFUSED"), (0, 2, "_REFUSED"), (0, 0, "_MISSING")],
)
def test_a_day_without_an_accepted_file_is_called_by_its_files(
    side: Side, accepted: int, refused: int, suffix: str | None, migrated: Engine
) -> None:
    counted = f"SELECT {accepted} AS accepted_files, {refused} AS refused_files"
    query = f"SELECT {kind_of(side, of_files=True)} FROM ({counted}) AS counted"
    with migrated.connect() as connection:
        kind = connection.execute(text(query)).scalar_one()
    name = "STATEMENT" if side is Side.BANK else "LEDGER"
    assert kind == (None if suffix is None else name + suffix)


def test_every_kind_has_one_rule_and_a_text_in_every_language() -> None:
    assert Counter(rule.kind for rule in RULES) == Counter(Kind)
    assert {kind for kind in Kind if kind.endswith("_REFUSED")} < set(FILE_KINDS)
    for language in LANGUAGES:
        assert set(EXPLANATIONS[language]) == set(Kind)


def line_of(rule: Rule) -> str:
    """A rule as the page shows it."""
    days = "1 day" if rule.days == 1 else f"{rule.days} days"
    decision = rule.decision.replace("_", " ").lower()
    return f"| `{rule.kind}` | `{rule.condition}` | {days} | {decision} |"


def test_the_page_shows_the_rules_in_their_order() -> None:
    shown = [
        line for line in PAGE.read_text().splitlines() if re.match(r"\| `[A-Z_]+` \| `.* \| \d day", line)
    ]
    assert shown == [line_of(rule) for rule in RULES]
