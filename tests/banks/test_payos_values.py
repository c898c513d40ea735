"""payOS: values of every form are signed with the rest, and no signature fits two messages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.payos import Payos
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.examples import AMOUNT, NUMBER, TRANSACTION
from tests.banks.payos_messages import a_section, a_transfer, row, told


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return load_adapters(["payos"], {"payos": a_section(tmp_path)})["payos"]


@pytest.mark.parametrize(
    "value",
    [
        [],
        [1, "a", None, True],
        [[1], {"b": [{"d": "/", "c": "ế"}], "a": None}],
        {"b": 1, "a": "\\"},
        {},
        True,
        0,
        2**53 + 1,
        10**19,
        "&=",
        "x&y=1",
        "https://dvc.test/?a=1&b=2#c",
        "1+1 = 2 | %20 'x' \\ / \U0001f600 \u2028",
        "x" * 5000,
    ],
)
@pytest.mark.parametrize("name", ["zzz", "desc", "aaa", "a-b", "tên", "1"])
def test_a_value_of_any_form_is_signed_with_the_rest(adapter: Payos, name: str, value: object) -> None:
    genuine = told(a_transfer(**{name: value}))
    assert adapter.read_callback(genuine).amount == AMOUNT
    body = genuine.body.replace(f'"reference": "{TRANSACTION}"'.encode(), b'"reference": "FT2"')
    assert body != genuine.body
    with pytest.raises(CallbackRejected):
        adapter.read_callback(replace(genuine, body=body))


@pytest.mark.parametrize(("written", "signed"), [("1.50", "1.5"), ("-2.0", "-2"), ("0.25", "0.25")])
def test_a_number_with_a_point_is_signed_as_javascript_writes_it(
    adapter: Payos, written: str, signed: str
) -> None:
    message = told(a_transfer(zzz="@"), signed=row(a_transfer(zzz=signed)))
    assert adapter.read_callback(
        replace(message, body=message.body.replace(b'"@"', written.encode()))
    ).amount == (AMOUNT)
    exponent = replace(message, body=message.body.replace(b'"@"', b"15e-1"))
    with pytest.raises(CallbackRejected):
        adapter.read_callback(exponent)


@pytest.mark.parametrize("value", ["x&amount=1", "&zzz=", "&orderCode=1&reference=FT2", ["&code=00"]])
def test_what_could_be_signed_for_two_things_is_not_believed(adapter: Payos, value: object) -> None:
    """Though the signature is the one that every kit would make."""
    with pytest.raises(CallbackRejected):
        adapter.read_callback(told(a_transfer(zzz=value)))


def test_one_signature_names_one_money(adapter: Payos) -> None:
    """The same row cut otherwise: fields that follow the reference drawn into it, or names that hold a field."""
    genuine = a_transfer(referenceOfPartner="P1")
    text = row(genuine)
    for dropped, joined in (
        ("referenceOfPartner", {"reference": f"{TRANSACTION}&referenceOfPartner=P1"}),
        ("code", {"amount": "150000&code=00"}),
        ("description", {f"desc=Thành công&description={genuine['description']}&orderCode": NUMBER}),
    ):
        recut = {name: value for name, value in genuine.items() if name != dropped} | joined
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(told(recut, signed=text))


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": None},
        {"currency": ""},
        {"description": None},
        {"counterAccountNumber": 7},
        {"counterAccountName": ["x"]},
        {"counterAccountBankId": 970403},
        {"transactionDateTime": None},
        {"accountNumber": 12345678},
        {"virtualAccountName": {"x": 1}},
    ],
)
def test_money_is_not_turned_away_because_of_what_is_beside_it(
    adapter: Payos, changes: dict[str, Any]
) -> None:
    said = adapter.read_callback(told(a_transfer(**changes)))
    assert (said.outcome, said.amount, said.number) == (Outcome.PAID, AMOUNT, NUMBER)
