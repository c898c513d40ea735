"""Viettel Money signs values with nothing between them: of all ways to cut a genuine message one is believed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import CallbackRejected
from payment_hub.domain.references import new_reference
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, ORDER
from tests.banks.viettelmoney_messages import (
    MERCHANT,
    a_question,
    a_result,
    asked,
    built,
    check_sum,
    read,
    sent,
)


def cuts(genuine: dict[str, str], names: list[str]) -> list[dict[str, str]]:
    """The message with the borders between two neighbours, or among three, moved to every place."""
    found = []
    for left in range(len(names) - 1):
        for right in range(left + 1, min(left + 3, len(names))):
            whole = "".join(genuine[name] for name in names[left : right + 1])
            inner = [genuine[name] for name in names[left + 1 : right]]
            for first in range(len(whole) + 1):
                for second in range(first, len(whole) + 1) if inner else [first]:
                    parts = [whole[:first], *([whole[first:second]] if inner else []), whole[second:]]
                    found.append(genuine | dict(zip(names[left : right + 1], parts, strict=True)))
    return found


@pytest.mark.parametrize("merchant", ["HUBDV", "DV", "CDV0", MERCHANT])
def test_a_merchant_code_like_a_reference_costs_nobody_his_payment(tmp_path: Path, merchant: str) -> None:
    adapter = built(tmp_path, MERCHANT_CODE=merchant)
    for chance in range(400):
        order = new_reference(NOON, chance)
        said = read(adapter, billcode=order, order_id=f"{order}-1", merchant_code=merchant)
        assert (said.outcome, said.reference) == (Outcome.PAID, f"{order}-1")


@pytest.mark.parametrize("status", ["0", "1", "2", "3", "-1"])
@pytest.mark.parametrize("merchant", [MERCHANT, "1", "00"])
def test_no_cut_of_a_genuine_result_says_anything_else(tmp_path: Path, status: str, merchant: str) -> None:
    adapter = built(tmp_path, MERCHANT_CODE=merchant)
    genuine = a_result(payment_status=status, merchant_code=merchant)
    given = check_sum(genuine)
    believed = adapter.read_callback(sent(genuine | {"check_sum": given}))
    different = 0
    for cut in cuts(genuine, sorted(genuine)):
        try:
            said = adapter.read_callback(sent(cut | {"check_sum": given}))
        except CallbackRejected:
            continue
        different += said != believed
        assert said.reference == ATTEMPT
        assert said.outcome in (believed.outcome, Outcome.PENDING)
        if said.outcome is Outcome.PAID:
            assert said in (believed, dataclasses.replace(believed, payer=None))
    assert different, "a cut that means nothing is kept and asked about"


@pytest.mark.parametrize("merchant", [MERCHANT, "1"])
def test_a_question_has_one_cut(tmp_path: Path, merchant: str) -> None:
    adapter = built(tmp_path, MERCHANT_CODE=merchant)
    genuine = a_question(merchant_code=merchant)
    given, heard = check_sum(genuine), set()
    for cut in cuts(genuine, sorted(genuine)):
        try:
            said = adapter.read_inquiry(asked(cut | {"check_sum": given}))
        except CallbackRejected:
            continue
        heard.add((said.reference, said.amount))
    assert heard == {(ATTEMPT, AMOUNT)}


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": ORDER},
        {"order_id": f"{ORDER}-"},
        {"order_id": f"{ORDER}-0"},
        {"order_id": f"{ORDER}-12"},
        {"order_id": f"X{ATTEMPT}"},
        {"order_id": f"X.{ATTEMPT}.1"},
        {"order_id": "X", "vt_transaction_id": f"1{ATTEMPT}"},
        {"billcode": ATTEMPT},
        {"order_id": f"{ORDER[:8]}-{ORDER[8:]}-1"},
        {"order_id": f"{ORDER[:8]}.{ORDER[8:]}-1", "billcode": "HS0001"},
    ],
)
def test_what_holds_a_reference_of_ours_elsewhere_is_not_believed(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    with pytest.raises(CallbackRejected):
        read(built(tmp_path), **changes)
