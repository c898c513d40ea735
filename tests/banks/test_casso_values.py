"""Casso v2: values of every form are signed with the rest, as JavaScript writes them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.casso import Casso
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import CallbackRejected
from tests.banks.casso_messages import a_movement, a_section, told, with_balance
from tests.banks.examples import AMOUNT

MESSAGE = {"error": 0, "data": a_movement()}


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return load_adapters(["casso"], {"casso": a_section(tmp_path)})["casso"]


@pytest.mark.parametrize(
    ("written", "signed"),
    [
        ("25000000.5", "25000000.5"),
        ("25000000.50", "25000000.5"),
        ("25000000.0", "25000000"),
        ("-0.0", "0"),
        ("0.25", "0.25"),
        ("-11000.75", "-11000.75"),
        ("9007199254740991", "9007199254740991"),
        ("12345678901234567000", "12345678901234567000"),
    ],
)
def test_numbers_are_signed_as_javascript_writes_them(adapter: Casso, written: str, signed: str) -> None:
    assert adapter.read_callback(with_balance(written, signed)).amount == AMOUNT
    with pytest.raises(CallbackRejected):
        adapter.read_callback(with_balance(written, f"{signed}1"))
    with pytest.raises(CallbackRejected):
        adapter.read_callback(with_balance("2.5e7", "25000000"))  # JavaScript never writes it so


@pytest.mark.parametrize("written", ["900719925474099300001", "NaN", "Infinity", "01", "1.", ".5", "+1"])
def test_numbers_that_javascript_would_not_write_are_not_believed(adapter: Casso, written: str) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(with_balance(written, written))


def test_an_amount_that_javascript_writes_as_whole_is_whole(adapter: Casso) -> None:
    genuine = told(MESSAGE)
    body = genuine.body.replace(b'"amount": 150000', b'"amount": 150000.00')
    assert body != genuine.body
    assert adapter.read_callback(replace(genuine, body=body)).amount == AMOUNT


@pytest.mark.parametrize("name", ["bank-code", "_id", "$x", "tên", "", "a b", "x" * 65, 'a"\\'])
@pytest.mark.parametrize("value", ["x", None, 1, True, [], [{"b": 1, "a": [None]}], {"b": "", "a": {}}])
def test_new_fields_are_signed_with_the_rest(adapter: Casso, name: str, value: object) -> None:
    genuine = told({"error": 0, "data": a_movement(**{name: value})})
    assert adapter.read_callback(genuine).amount == AMOUNT
    with pytest.raises(CallbackRejected):
        adapter.read_callback(replace(genuine, body=told(MESSAGE).body))


@pytest.mark.parametrize(
    "changes",
    [
        {"description": None},
        {"description": 7},
        {"virtualAccountNumber": None, "virtualAccountName": None},
        {"counterAccountNumber": None, "counterAccountName": None, "counterAccountBankId": None},
        {"counterAccountNumber": 8888888888},
        {"runningBalance": 0},
        {"runningBalance": None},
        {"reference": None},
    ],
)
def test_money_is_not_turned_away_because_of_what_is_beside_it(
    adapter: Casso, changes: dict[str, Any]
) -> None:
    said = adapter.read_callback(told({"error": 0, "data": a_movement(**changes)}))
    assert (said.outcome, said.amount, said.bank_transaction_id) == (Outcome.PAID, AMOUNT, "92704")
