"""Genuine JSON in forms that our own writers do not write: numbers as text, text as numbers, fractions, odd words."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import responses

from payment_hub.domain.banks.values import Answer, CallbackRequest, Outcome
from payment_hub.domain.errors import Malformed
from tests.banks import napas_messages, paymentplatform_messages, shopeepay_messages
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, TRANSACTION, a_query
from tests.banks.test_as_banks_write import AWKWARD

# ShopeePay ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"admin_fee": 0.5},
        {"amount": "15000000"},
        {"status": "3", "transaction_type": "13"},
        {"transaction_sn": f"{TRANSACTION}.1:2"},
        {"promotion_ids": AWKWARD, "user_id_hash": None},
    ],
)
def test_shopeepay_may_add_fields_and_change_types(tmp_path: Path, changes: dict[str, Any]) -> None:
    adapter = shopeepay_messages.built(shopeepay_messages.a_section(tmp_path))
    paid = shopeepay_messages.a_transaction(**changes)
    said = adapter.read_callback(shopeepay_messages.told(paid))
    assert (said.outcome, said.amount, said.reference) == (Outcome.PAID, AMOUNT, ATTEMPT)
    with responses.RequestsMock() as wire:
        address = f"{shopeepay_messages.URL}/v3/merchant-host/transaction/check"
        wire.add("POST", address, **shopeepay_messages.answered({"transaction": paid}))
        asked = adapter.query_payment(a_query())
    assert (asked.outcome, asked.bank_transaction_id) == (Outcome.PAID, said.bank_transaction_id)


# Napas ----------------------------------------------------------------------------------------------


def napas_said(folder: Path, form: bool = False, data: bytes | None = None, **changes: Any) -> Any:
    sealed = napas_messages.envelope(napas_messages.a_result(**changes))
    if data is not None:
        checksum = hashlib.sha256(data + napas_messages.SECRET.encode()).hexdigest()
        sealed = {"data": data.decode(), "checksum": checksum}
    message = napas_messages.told(sealed)
    if form:
        body = urlencode({"napasResult": json.dumps(sealed)}).encode()
        message = CallbackRequest("POST", "/callbacks/napas", b"", {}, body, NOON)
    return napas_messages.built(napas_messages.a_section(folder)).read_callback(message)


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"response": {"gatewayCode": "Approved - ok"}},
        {"response": {"gatewayCode": 0}},
        {"transaction": {"acquirer": {"transactionId": 42}}},
        {"transaction": {"acquirer": {"transactionId": "42"}, "amount": 150_000.0, "currency": "VND"}},
        {"sourceOfFunds": AWKWARD, "fee": 0.5, "cards": ["x" * 3000] * 2},
    ],
)
def test_a_success_of_napas_is_paid_whatever_stands_beside_it(
    tmp_path: Path, form: bool, changes: dict[str, Any]
) -> None:
    said = napas_said(tmp_path, form, **changes)
    assert (said.outcome, said.amount, said.reference) == (Outcome.PAID, AMOUNT, ATTEMPT)


@pytest.mark.parametrize("result", ["success", "In progress", "SUCCESS_LATER", "Success"])
def test_a_word_that_napas_never_wrote_is_pending(tmp_path: Path, result: str) -> None:
    assert napas_said(tmp_path, result=result).outcome is Outcome.PENDING


def test_a_byte_order_mark_says_nothing(tmp_path: Path) -> None:
    adapter = paymentplatform_messages.built(paymentplatform_messages.a_section(tmp_path))
    plain = paymentplatform_messages.told(paymentplatform_messages.a_result())
    marked = dataclasses.replace(plain, body=b"\xef\xbb\xbf" + plain.body)
    assert adapter.read_callback(marked) == adapter.read_callback(plain)
    answers = [adapter.acknowledge(Answer.RECORDED, message) for message in (marked, plain)]
    assert answers[0] == answers[1]


def test_base64_in_lines_is_base64(tmp_path: Path) -> None:
    lines = base64.encodebytes(json.dumps(napas_messages.a_result()).encode())
    for data in (lines, lines.replace(b"\n", b"\r\n")):
        assert napas_said(tmp_path, data=data).outcome is Outcome.PAID
    with pytest.raises(Malformed):
        napas_said(tmp_path, data=lines.replace(b"\n", b"!"))


# PaymentPlatform ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"SoTien": "150000"},
        {"SoTien": 150_000.0},
        {"MaGiaoDich": 240501000000001},
        {"MaGiaoDich": "VCB/26326:1"},
        {"MaTienTe": None},
        {"ThongTinGiaoDich": "Lệ phí & thuế + 5% = '~*'"},
        {"ThongTinBienLai": {"PhiLePhi": [{"SoTien": 150_000.5}]}},
        {"ThoiGianGD": None},
    ],
)
def test_the_platform_may_write_a_value_otherwise(tmp_path: Path, changes: dict[str, Any]) -> None:
    adapter = paymentplatform_messages.built(paymentplatform_messages.a_section(tmp_path))
    result = paymentplatform_messages.a_result(**changes)
    message = paymentplatform_messages.told(result)
    said = adapter.read_callback(message)
    assert (said.outcome, said.amount, said.reference) == (Outcome.PAID, AMOUNT, ATTEMPT)
    reply = json.loads(adapter.acknowledge(Answer.RECORDED, message).body)
    assert (reply["MaThamChieu"], reply["MaXacThuc"]) == (ATTEMPT, result["MaXacThuc"])
    assert reply["ThoiGianGD"] == (result["ThoiGianGD"] or "")
    with responses.RequestsMock() as wire:
        answer = paymentplatform_messages.an_answer(**changes)
        wire.add("POST", paymentplatform_messages.QUERY, **answer)
        asked = adapter.query_payment(a_query())
    assert (asked.outcome, asked.amount) == (Outcome.PAID, AMOUNT)


@pytest.mark.parametrize("changes", [{"MaLoi": "ERR_01"}, {"MaLoi": 0}, {"MaLoi": "99", "MaGiaoDich": "a b"}])
def test_a_result_that_is_no_success_is_pending_however_written(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    adapter = paymentplatform_messages.built(paymentplatform_messages.a_section(tmp_path))
    result = paymentplatform_messages.told(paymentplatform_messages.a_result(**changes))
    assert adapter.read_callback(result).outcome is Outcome.PENDING
