"""VNPAY gives money back: what is sent byte by byte, and what each answer proves."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters.toolkit.bank_time import read_vietnam_time
from bank_adapters.vnpay import Vnpay
from payment_hub.domain.banks.values import RefundAnswer, RefundOutcome, RefundRequest
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.examples import AMOUNT, NOON, a_refund, a_refund_query
from tests.banks.test_vnpay_wire import bank_of, of_kind
from tests.banks.vnpay_messages import ANSWER, API, a_movement, a_section, a_vnpay, answered

SUCCEEDED, FAILED, PENDING = RefundOutcome.SUCCEEDED, RefundOutcome.FAILED, RefundOutcome.PENDING
ASKED = (
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy"
)
ASKED += " CreateDate IpAddr OrderInfo"


def refund_of(fields: dict[str, str]) -> RefundRequest:
    """The refund that a vector is about."""
    amount = dong(int(fields["vnp_Amount"]) // 100)
    return a_refund(
        refund_reference=fields["vnp_RequestId"],
        attempt_reference=fields["vnp_TxnRef"],
        bank_transaction_id=fields["vnp_TransactionNo"],
        amount=amount,
        paid=amount,
        payment_started_at=read_vietnam_time(fields["vnp_TransactionDate"]),
        description=fields["vnp_OrderInfo"],
        requested_by=fields["vnp_CreateBy"],
        queried_at=read_vietnam_time(fields["vnp_CreateDate"]),
    )


def test_the_request_has_the_checksum_of_an_independent_program(tmp_path: Path) -> None:
    (vector,) = of_kind("refund-request-hash")
    sent = sent_by(bank_of(vector, tmp_path), refund_of(vector["inputs"]))
    assert "|".join(sent[f"vnp_{name}"] for name in ASKED.split()) == vector["string_to_sign"]
    assert sent == {**vector["inputs"], "vnp_SecureHash": vector["expected"]}


def test_the_documented_answer_is_believed_with_the_amount_as_it_came(tmp_path: Path) -> None:
    (vector,) = of_kind("refund-response-hash")
    (asked,) = of_kind("refund-request-hash")
    bank, fields = bank_of(vector, tmp_path), {**vector["inputs"], "vnp_SecureHash": vector["expected"]}
    assert refunded(bank, {"json": fields}, refund_of(asked["inputs"])) == RefundAnswer(
        PENDING, "00/05", "14422999"
    )
    for amount in ("150000", 150_000, "15000001", ""):
        with pytest.raises(BankUnavailable):
            refunded(bank, {"json": {**fields, "vnp_Amount": amount}}, refund_of(asked["inputs"]))


def test_every_signed_field_of_an_answer_matters(adapter: Vnpay) -> None:
    genuine = answered(a_movement("refund", vnp_TransactionType="02"))["json"]
    for name in ANSWER.split():
        with pytest.raises(BankUnavailable):
            refunded(adapter, {"json": {**genuine, f"vnp_{name}": "7"}})


@pytest.mark.parametrize(("amount", "kind"), [(AMOUNT, "02"), (dong(149_999), "03"), (dong(1), "03")])
def test_a_part_is_called_a_part(adapter: Vnpay, amount: Money, kind: str) -> None:
    sent = sent_by(adapter, a_refund(amount=amount))
    assert (sent["vnp_TransactionType"], sent["vnp_Amount"]) == (kind, f"{amount}00")


def test_a_missing_transaction_number_is_sent_as_0(adapter: Vnpay) -> None:
    assert sent_by(adapter, a_refund(bank_transaction_id=""))["vnp_TransactionNo"] == "0"


def test_the_same_refund_is_the_same_request(adapter: Vnpay) -> None:
    one, again, other = (
        sent_by(adapter, a_refund(refund_reference=name))["vnp_RequestId"]
        for name in ("RF1-1", "RF1-1", "RF11")
    )
    assert one == again != other


@pytest.mark.parametrize(
    "changes",
    [
        {"refund_reference": "R" * 33},
        {"refund_reference": "RF 1"},
        {"requested_by": "cán bộ"},
        {"requested_by": "a|b"},
        {"description": "a|b"},
        {"bank_transaction_id": "1|2"},
        {"attempt_reference": "A B"},
        {"amount": dong(10**10), "paid": dong(10**10)},
        {"amount": Money(100, "USD"), "paid": Money(100, "USD")},
    ],
)
def test_what_the_checksum_could_not_tell_apart_is_not_sent(adapter: Vnpay, changes: dict[str, Any]) -> None:
    with responses.RequestsMock(), pytest.raises(Malformed):
        adapter.refund_payment(a_refund(**changes))


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        ("00", "05", PENDING),
        ("00", "06", PENDING),
        ("00", "00", PENDING),
        ("00", "", PENDING),
        ("00", "42", PENDING),
        ("00", "09", FAILED),
        ("91", "", FAILED),
        ("95", "", FAILED),
        ("94", "", PENDING),
        ("94", "09", PENDING),
        ("99", "", PENDING),
        ("42", "", PENDING),
    ],
)
def test_only_a_proof_is_a_failure(adapter: Vnpay, code: str, status: str, outcome: RefundOutcome) -> None:
    told = {"vnp_ResponseCode": code, "vnp_TransactionStatus": status, "vnp_TransactionType": "02"}
    assert refunded(adapter, answered(a_movement("refund", **told))).outcome is outcome


@pytest.mark.parametrize("code", ["02", "03", "97"])
def test_a_refused_request_proves_nothing_about_an_earlier_one(adapter: Vnpay, code: str) -> None:
    with pytest.raises(BankUnavailable, match=code):
        refunded(adapter, answered(a_movement("refund", vnp_ResponseCode=code)))


def test_the_payments_own_number_is_no_number_of_the_refund(adapter: Vnpay) -> None:
    told = answered(a_movement("refund", vnp_TransactionType="02", vnp_TransactionNo="14422574"))
    assert refunded(adapter, told, a_refund(bank_transaction_id="14422574")).bank_refund_id is None
    assert refunded(adapter, told).bank_refund_id == "14422574"


def test_an_answer_under_the_key_before_is_believed(tmp_path: Path) -> None:
    rotated = a_vnpay(
        {
            **a_section(tmp_path),
            "SECRET": "NEWSECRETNEWSECRET",
            "SECRET_PREVIOUS": a_section(tmp_path)["SECRET"],
        }
    )
    told = answered(a_movement("refund", vnp_TransactionType="02", vnp_TransactionStatus="05"))
    assert refunded(rotated, told).outcome is PENDING


# Asking ---------------------------------------------------------------------------------------------

SENT = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("told", "known", "outcome"),
    [
        ({"vnp_TransactionStatus": "00"}, None, SUCCEEDED),
        ({"vnp_TransactionStatus": "05"}, None, PENDING),
        ({"vnp_TransactionStatus": "06"}, None, PENDING),
        ({"vnp_TransactionStatus": "09"}, None, FAILED),
        ({"vnp_TransactionStatus": "02"}, None, PENDING),
        ({"vnp_TransactionType": "01", "vnp_Amount": "15000000"}, None, PENDING),
        ({"vnp_TransactionType": "02"}, None, PENDING),
        ({"vnp_Amount": "4000000"}, None, PENDING),
        ({"vnp_TransactionNo": "14422999"}, "14422999", SUCCEEDED),
        ({"vnp_TransactionNo": "14422998"}, "14422999", PENDING),
        ({"vnp_PayDate": "20261122125901"}, None, SUCCEEDED),
        ({"vnp_PayDate": "20261122125859"}, None, PENDING),
        ({"vnp_PayDate": "20261122125859", "vnp_TransactionStatus": "09"}, None, PENDING),
        ({"vnp_PayDate": "20261122125859"}, "14422999", SUCCEEDED),
        ({"vnp_PayDate": ""}, None, PENDING),
        ({"vnp_PayDate": "00010101000000"}, None, PENDING),
        ({"vnp_ResponseCode": "91"}, None, PENDING),
        ({"vnp_ResponseCode": "99"}, None, PENDING),
    ],
)
def test_an_earlier_refund_never_speaks_for_a_later_one(
    adapter: Vnpay, told: dict[str, str], known: str | None, outcome: RefundOutcome
) -> None:
    movement = {"vnp_TransactionType": "03", "vnp_Amount": "5000000", "vnp_PayDate": "20261122130002"}
    asked = a_refund_query(amount=dong(50_000), submitted_at=SENT, bank_refund_id=known)
    with responses.RequestsMock() as wire:
        wire.add("POST", API, **answered(a_movement("querydr", **{**movement, **told})))
        assert adapter.query_refund(asked).outcome is outcome
        sent = json.loads(wire.calls[0].request.body or b"")
    assert (sent["vnp_Command"], sent["vnp_TransactionDate"]) == ("querydr", "20261122120000")


@pytest.mark.parametrize("changes", [{"vnp_TxnRef": "DVAAAAAAAAAAAAAA-1"}, {"vnp_ResponseCode": "97"}])
def test_an_answer_about_a_refund_that_makes_no_sense_is_no_answer(
    adapter: Vnpay, changes: dict[str, str]
) -> None:
    told = answered(a_movement("querydr", **{"vnp_TransactionType": "02", **changes}))
    with responses.RequestsMock() as wire:
        wire.add("POST", API, **told)
        with pytest.raises(BankUnavailable):
            adapter.query_refund(a_refund_query())


def sent_by(adapter: Vnpay, request: RefundRequest) -> dict[str, str]:
    """What goes over the wire, to a bank that fails then."""
    with responses.RequestsMock() as wire:
        wire.add("POST", API, status=500)
        with pytest.raises(BankUnavailable):
            adapter.refund_payment(request)
        sent: dict[str, str] = json.loads(wire.calls[0].request.body or b"")
        return sent


def refunded(adapter: Vnpay, answer: dict[str, Any], request: RefundRequest | None = None) -> RefundAnswer:
    """What the adapter makes of an answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", API, **answer)
        return adapter.refund_payment(request or a_refund())


@pytest.fixture
def adapter(tmp_path: Path) -> Vnpay:
    return a_vnpay(a_section(tmp_path))
