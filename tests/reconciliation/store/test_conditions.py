"""The SQL conditions and their pure twins, on every combination of the values that matter."""

from __future__ import annotations

import itertools
import json
from dataclasses import asdict, fields
from typing import Any

import pytest
from sqlalchemy import Engine, text

from reconciliation.domain.discrepancies import DiscrepancyKind
from reconciliation.domain.left_open import TESTS as MONEY_TESTS
from reconciliation.domain.left_open import LeftOpen, why_left_open
from reconciliation.domain.matching import TESTS, Case, classify
from reconciliation.domain.runs import Side
from reconciliation.store.conditions import CONDITIONS, kind_of


def every(form: type[Any], **values: tuple[Any, ...]) -> list[Any]:
    """Every combination."""
    return [form(**dict(zip(values, one, strict=True))) for one in itertools.product(*values.values())]


def answered(engine: Engine, expression: str, cases: list[Any]) -> list[str | None]:
    """What SQL says of each case."""
    kinds = {"int": "int", "bool": "boolean", "str | None": "text"}
    columns = ", ".join(f"{field.name} {kinds[str(field.type)]}" for field in fields(cases[0]))
    query = f"""SELECT {expression} FROM jsonb_array_elements(CAST(:cases AS jsonb)) WITH ORDINALITY AS e (one, n),
        jsonb_to_record(one) AS c ({columns}), LATERAL (SELECT NULLIF(to_jsonb(c)->>'has_order', 'false') AS order_id) o
        ORDER BY n"""
    with engine.connect() as connection:
        given = {"cases": json.dumps([asdict(case) for case in cases])}
        return [row[0] for row in connection.execute(text(query), given)]


@pytest.mark.parametrize("side", [Side.BANK, Side.AGENCY])
def test_two_sided_cases_are_named_alike(side: Side, migrated: Engine) -> None:
    """2,160 cases."""
    cases = every(
        Case,
        hub_items=(0, 1),
        hub_amount=(0, 1, 2),
        hub_currency=(None, "VND", "USD"),
        other_items=(0, 1, 2),
        other_amount=(0, 1, 2),
        other_currency=(None, "VND", "USD"),
        other_currencies=(1,),
        charged_back=(0, 1),
        awaited=(False, True),
        goes_back=(False, True),
        failed=(False, True),
    )
    cases = [case for case in cases if (case.hub_currency is None) == (case.hub_items == 0)]
    cases = [case for case in cases if (case.other_currency is None) == (case.other_items == 0)]
    assert answered(migrated, kind_of(side), cases) == [classify(side, case) for case in cases]
    assert {classify(side, case) for case in cases} == {kind for kind, _ in TESTS[side]} | {None}


def test_money_left_open_is_named_alike(migrated: Engine) -> None:
    """3,072 cases."""
    flags = dict.fromkeys(
        ("has_order", "foreign_money", "conflict", "settled_here", "settled_elsewhere"), (False, True)
    )
    numbers = dict.fromkeys(("suspense", "overpayment", "received", "required"), (0, 1))
    cases = every(LeftOpen, **numbers, collections=(0, 1, 2), **flags)
    assert answered(migrated, kind_of(Side.MONEY), cases) == [why_left_open(case) for case in cases]
    assert {why_left_open(case) for case in cases} == {kind for kind, _ in MONEY_TESTS} | {None}


def test_every_kind_but_those_of_files_has_a_condition() -> None:
    """Files are not cases of two sides."""
    without = {kind for kind in DiscrepancyKind if kind not in CONDITIONS}
    assert without == {kind for kind in DiscrepancyKind if kind.endswith(("_MISSING", "_REFUSED"))}
