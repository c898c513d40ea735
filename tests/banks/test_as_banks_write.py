"""Genuine messages in forms that our own encoders do not write: other encoders, other types, odd or absent values.

A bank's message must never be refused because our reader is stricter than the protocol, and never mean more for it.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import responses

from bank_adapters import load_adapters
from payment_hub.domain.banks.values import Answer, Outcome
from payment_hub.domain.errors import CallbackRejected
from tests.banks import onepay_messages, test_vnpayqr, vnpay_messages
from tests.banks.examples import AMOUNT, a_query

#: What may stand in a text that another system of the same merchant, or the bank itself, has written.
AWKWARD = [
    "Lệ phí hồ sơ Đống Đa",
    "e\u0323\u0302",
    "a+b",
    "a%20b",
    "a%2Bb",
    "a%2bb",
    "a=b",
    "a&b",
    "& = ?",
    '"a\' b"',
    "~*!()'",
    "a\U0001f600b",
    "a/b?c#d;e:f",
    " a ",
    "x" * 2500,
]
ENCODERS: dict[str, Callable[[str], str]] = {
    "Python": quote_plus,
    "Java": lambda text: quote_plus(text, safe="*").replace("~", "%7E"),
    "JavaScript": lambda text: quote(text, safe="~*!()'").replace("%20", "+"),
    "%20": lambda text: quote(text, safe=""),
    "lower hex": lambda text: re.sub("%..", lambda found: found[0].lower(), quote_plus(text)),
}


# VNPAY ----------------------------------------------------------------------------------------------


@pytest.fixture
def vnpay(tmp_path: Path) -> Any:
    return vnpay_messages.a_vnpay(vnpay_messages.a_section(tmp_path))


def an_ipn(encoded: Callable[[str], str], **changes: str) -> str:
    """The query as a sender with this encoder signs and sends it."""
    filled = {name: value for name, value in vnpay_messages.an_ipn(**changes).items() if value}
    query = "&".join(f"{name}={encoded(value)}" for name, value in sorted(filled.items()))
    made = hmac.new(vnpay_messages.SECRET.encode(), query.encode(), "sha512")
    return f"{query}&vnp_SecureHash={made.hexdigest()}"


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("text", AWKWARD)
def test_vnpay_is_believed_whatever_its_encoder(vnpay: Any, encoder: str, text: str) -> None:
    query = an_ipn(ENCODERS[encoder], vnp_OrderInfo=text, vnp_NewField=text[:40])
    said = vnpay.read_callback(vnpay_messages.called_back(query))
    assert (said.outcome, said.amount) == (Outcome.PAID, AMOUNT)
    altered = query.replace("vnp_Amount=15000000", "vnp_Amount=1500000")
    for spoilt in (altered, query.replace("vnp_NewField", "vnp_NewFields"), f"{query}&vnp_More=1"):
        with pytest.raises(CallbackRejected):
            vnpay.read_callback(vnpay_messages.called_back(spoilt))


@pytest.mark.parametrize("moment", ["", "0", "00010101000000", "20261322120000", "22/11/2026 12:00"])
def test_money_is_not_turned_away_for_its_time(vnpay: Any, tmp_path: Path, moment: str) -> None:
    optional = {"vnp_BankTranNo": "", "vnp_CardType": "", "vnp_BankCode": "", "vnp_PayDate": moment}
    said = vnpay.read_callback(vnpay_messages.called_back(an_ipn(quote_plus, **optional)))
    assert (said.outcome, said.amount, said.paid_at) == (Outcome.PAID, AMOUNT, None)
    scanned = vnpayqr_of(tmp_path).read_callback(
        test_vnpayqr.called_back(test_vnpayqr.an_ipn(payDate=moment))
    )
    assert (scanned.outcome, scanned.paid_at) == (Outcome.PAID, None)
    answer = vnpay_messages.a_movement("querydr", vnp_PayDate=moment, vnp_PromotionRate=0.5)
    with responses.RequestsMock() as wire:
        wire.add("POST", vnpay_messages.API, **vnpay_messages.answered(answer))
        assert vnpay.query_payment(a_query()).outcome is Outcome.PAID


@pytest.mark.parametrize("code", ["0", "100", "A1"])
def test_a_code_that_vnpay_never_wrote_is_pending(vnpay: Any, code: str) -> None:
    for changes in ({"vnp_ResponseCode": code}, {"vnp_TransactionStatus": code}):
        said = vnpay.read_callback(vnpay_messages.called_back(an_ipn(quote_plus, **changes)))
        assert (said.outcome, code in said.code) == (Outcome.PENDING, True)


@pytest.mark.parametrize("amount", ["0", "", "15000050"])
def test_what_tells_of_no_money_may_tell_of_no_amount(vnpay: Any, tmp_path: Path, amount: str) -> None:
    told = {"vnp_ResponseCode": "24", "vnp_TransactionStatus": "02", "vnp_Amount": amount}
    said = vnpay.read_callback(vnpay_messages.called_back(an_ipn(quote_plus, **told)))
    assert (said.outcome, said.amount) == (Outcome.DECLINED, None)
    result = onepay_messages.a_result(vpc_TxnResponseCode="99", vpc_Amount=amount, vpc_CurrencyCode="USD")
    said = onepay_of(tmp_path).read_callback(onepay_messages.called_back(onepay_messages.signed(result)))
    assert (said.outcome, said.amount) == (Outcome.DECLINED, None)
    message = test_vnpayqr.an_ipn(code="05", amount=amount.replace("15000050", "1.5"))
    said = vnpayqr_of(tmp_path).read_callback(test_vnpayqr.called_back(message))
    assert (said.outcome, said.amount) == (Outcome.PENDING, None)


# OnePay ---------------------------------------------------------------------------------------------


def onepay_of(folder: Path) -> Any:
    return onepay_messages.a_onepay(onepay_messages.a_section(folder))


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("text", AWKWARD)
def test_onepay_signs_texts_as_they_are(tmp_path: Path, encoder: str, text: str) -> None:
    fields = onepay_messages.a_result(vpc_OrderInfo=text, vpc_Message=text[:40], user_Note=text[:40])
    signed = {**fields, "vpc_SecureHash": onepay_messages.signature(fields)}
    query = "&".join(f"{name}={ENCODERS[encoder](value)}" for name, value in signed.items())
    said = onepay_of(tmp_path).read_callback(onepay_messages.called_back(query))
    assert (said.outcome, said.amount) == (Outcome.PAID, AMOUNT)


@pytest.mark.parametrize("value", ["a&vpc_Amount=1", "a&user_x=", "&vpc_CurrencyCode=USD", "a&b&vpc_x=1=2"])
def test_a_value_in_which_a_field_begins_is_rejected(tmp_path: Path, value: str) -> None:
    signed = onepay_messages.signed(onepay_messages.a_result(vpc_OrderInfo=value))
    with pytest.raises(CallbackRejected):
        onepay_of(tmp_path).read_callback(onepay_messages.called_back(signed))


# VNPAY-QR -------------------------------------------------------------------------------------------


def vnpayqr_of(folder: Path, **more: str) -> Any:
    section = test_vnpayqr.TestVnpayQr().section(folder) | more
    return load_adapters(["vnpayqr"], {"vnpayqr": section})["vnpayqr"]


def test_a_reference_that_is_a_number_is_answered(tmp_path: Path) -> None:
    message = test_vnpayqr.called_back(test_vnpayqr.an_ipn(txnId=4711))
    assert vnpayqr_of(tmp_path).read_callback(message).reference == "4711"
    reply = vnpayqr_of(tmp_path).acknowledge(Answer.RECORDED, message)
    assert json.loads(reply.body)["data"] == {"txnId": "4711"}


def test_which_message_is_a_payment_is_a_setting(tmp_path: Path) -> None:
    other = test_vnpayqr.called_back(test_vnpayqr.an_ipn(msgType="2"))
    assert vnpayqr_of(tmp_path).read_callback(other).outcome is Outcome.PENDING
    assert vnpayqr_of(tmp_path, PAYMENT_TYPE="2").read_callback(other).outcome is Outcome.PAID
