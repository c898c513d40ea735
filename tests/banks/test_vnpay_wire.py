"""VNPAY's published and cross-implementation vectors, and its query interface, byte by byte."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
import responses

from bank_adapters.toolkit.bank_time import read_vietnam_time
from bank_adapters.toolkit.signed_fields import joined
from bank_adapters.vnpay import ANSWER_SIGNS, QUERY_SIGNS, STATUSES, Vnpay, canonical_query
from payment_hub.domain.banks.values import CallbackRequest, Outcome, PaymentQuery
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import NOON, a_request
from tests.banks.vnpay_messages import a_vnpay

API = "https://vnpay.test/merchant_webapi/api/transaction"
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/vnpay/signatures.json").read_text("utf-8")
)


def of_kind(kind: str) -> list[dict[str, Any]]:
    found = [vector for vector in VECTORS if vector["kind"] == kind]
    assert found
    return found


def bank_of(vector: Mapping[str, Any], folder: Path) -> Vnpay:
    """The adapter with the terminal and the secret of a vector."""
    section = {
        "PAY_URL": "https://vnpay.test/paymentv2/vpcpay.html",
        "API_URL": API,
        "TMN_CODE": vector["inputs"]["vnp_TmnCode"],
        "SECRET": vector["secret"],
        "SERVER_IP": vector["inputs"].get("vnp_IpAddr", "10.0.0.5"),
        "STATEMENTS": str(folder),
    }
    return a_vnpay(section)


@pytest.mark.parametrize("vector", of_kind("pay-url-hash"))
def test_the_pay_address_has_the_published_hash(vector: dict[str, Any], tmp_path: Path) -> None:
    fields = vector["inputs"]
    expires = fields.get("vnp_ExpireDate")
    request = a_request(
        attempt_reference=fields["vnp_TxnRef"],
        amount=dong(int(fields["vnp_Amount"]) // 100),
        description=fields["vnp_OrderInfo"],
        payer_ip=fields["vnp_IpAddr"],
        started_at=read_vietnam_time(fields["vnp_CreateDate"]),
        expires_at=read_vietnam_time(expires) if expires else NOON,
        return_url=fields["vnp_ReturnUrl"],
        bank_choice=fields.get("vnp_BankCode"),
    )
    page = bank_of(vector, tmp_path).open_payment(request).page_url
    assert page is not None
    query, _, given = page.partition("?")[2].rpartition("&vnp_SecureHash=")
    if expires:
        assert (query, given) == (vector["string_to_sign"], vector["expected"].lower())
    else:  # we always say until when: without it the rest is the vector's
        rest = "&".join(pair for pair in query.split("&") if not pair.startswith("vnp_ExpireDate="))
        assert rest == vector["string_to_sign"]
        assert given == _hmac(vector["secret"], query)
        assert _hmac(vector["secret"], rest) == vector["expected"].lower()


@pytest.mark.parametrize("vector", of_kind("ipn-or-return-hash"))
def test_a_published_message_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    query = f"{urlencode(vector['inputs'])}&vnp_SecureHash={vector['expected']}"
    said = bank_of(vector, tmp_path).read_callback(_ipn(query))
    assert said.reference == "1716257871703"
    assert said.amount == dong(10_000)
    assert said.bank_transaction_id == "14422574"
    assert said.paid_at == datetime(2024, 5, 21, 2, 18, 6, tzinfo=UTC)
    assert said.outcome is (Outcome.PAID if vector["inputs"]["vnp_ResponseCode"] == "00" else Outcome.PENDING)


def test_the_legacy_vector_is_refused(tmp_path: Path) -> None:
    (vector,) = of_kind("ipn-hash-md5")
    legacy = hashlib.md5(vector["string_to_sign"].encode()).hexdigest()
    assert legacy == vector["expected"]
    query = f"{urlencode(vector['inputs'])}&vnp_SecureHash={legacy}"
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path).read_callback(_ipn(query))


@pytest.mark.parametrize("vector", of_kind("hash-of-query"))
def test_a_query_is_encoded_as_published(vector: dict[str, Any]) -> None:
    fields = {name: values[0] for name, values in parse_qs(vector["inputs"]["raw_query"]).items()}
    assert canonical_query(fields) == vector["string_to_sign"]
    assert _hmac(vector["secret"], vector["string_to_sign"]) == vector["expected"]


@pytest.mark.parametrize("vector", of_kind("querydr-request-hash"))
def test_a_question_has_the_published_hash(
    vector: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = vector["inputs"]
    monkeypatch.setattr("secrets.token_hex", lambda _: fields["vnp_RequestId"])
    asked = PaymentQuery(
        "HUB240501000123",
        fields["vnp_TxnRef"],
        dong(150_000),
        read_vietnam_time(fields["vnp_TransactionDate"]),
        read_vietnam_time(fields["vnp_CreateDate"]),
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", API, status=500)
        with pytest.raises(BankUnavailable):
            bank_of(vector, tmp_path).query_payment(asked)
        sent = json.loads(wire.calls[0].request.body or b"")
    assert joined(sent, QUERY_SIGNS.split(), "vnp_") == vector["string_to_sign"]
    assert sent["vnp_SecureHash"] == vector["expected"]


@pytest.mark.parametrize("vector", of_kind("querydr-response-hash"))
def test_an_answer_as_documented_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    said = _answered(vector, tmp_path, {**vector["inputs"], "vnp_SecureHash": vector["expected"]})
    assert (said.outcome, said.amount, said.bank_transaction_id) == (Outcome.PAID, dong(150_000), "14422574")
    assert said.paid_at == datetime(2024, 5, 1, 1, 32, 11, tzinfo=UTC)


def test_absent_promotion_fields_keep_their_places(tmp_path: Path) -> None:
    (vector,) = of_kind("querydr-response-hash")
    fields = {name: value for name, value in vector["inputs"].items() if "Promotion" not in name}
    assert (
        _answered(vector, tmp_path, {**fields, "vnp_SecureHash": vector["expected"]}).outcome is Outcome.PAID
    )


@pytest.mark.parametrize("status", [*STATUSES, "42"])
def test_a_status_means_the_same_in_an_answer(status: str, tmp_path: Path) -> None:
    expected = {"00": Outcome.PAID, "02": Outcome.DECLINED}.get(status, Outcome.PENDING)
    assert _resigned(tmp_path, vnp_TransactionStatus=status).outcome is expected


def test_a_refund_is_no_answer_about_the_payment(tmp_path: Path) -> None:
    assert _resigned(tmp_path, vnp_TransactionType="02").outcome is Outcome.PENDING


def test_a_payment_that_vnpay_does_not_know_is_pending(tmp_path: Path) -> None:
    said = _resigned(tmp_path, vnp_ResponseCode="91", vnp_TransactionStatus=None, vnp_Amount=None)
    assert (said.outcome, said.code) == (Outcome.PENDING, "91")


@pytest.mark.parametrize("code", ["02", "03", "94", "97", "99", "42"])
def test_a_question_that_vnpay_refuses_is_unanswered(code: str, tmp_path: Path) -> None:
    with pytest.raises(BankUnavailable, match=code):
        _resigned(tmp_path, vnp_ResponseCode=code)


@pytest.mark.parametrize(
    "changes",
    [
        {"vnp_TxnRef": "HUB240501000124"},
        {"vnp_TmnCode": "OTHERTMN"},
        {"vnp_Amount": "15000050"},
        {"vnp_Amount": True},
        {"vnp_Message": "a|b"},
        {"vnp_Message": ["x"]},
        {"vnp_TransactionNo": "0"},
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BankUnavailable):
        _resigned(tmp_path, **changes)


def test_numbers_may_be_written_as_json_numbers(tmp_path: Path) -> None:
    said = _resigned(tmp_path, vnp_Amount=15_000_000, vnp_TransactionNo=14422574)
    assert (said.amount, said.bank_transaction_id) == (dong(150_000), "14422574")


def test_every_signed_field_of_an_answer_matters(tmp_path: Path) -> None:
    (vector,) = of_kind("querydr-response-hash")
    for name in ANSWER_SIGNS.split():
        altered = {**vector["inputs"], f"vnp_{name}": "7", "vnp_SecureHash": vector["expected"]}
        with pytest.raises(BankUnavailable):
            _answered(vector, tmp_path, altered)


def _resigned(folder: Path, **changes: Any) -> Any:
    (vector,) = of_kind("querydr-response-hash")
    fields = vector["inputs"] | changes
    names = [f"vnp_{name}" for name in ANSWER_SIGNS.split()]
    message = "|".join("" if fields.get(name) is None else str(fields[name]) for name in names)
    return _answered(vector, folder, {**fields, "vnp_SecureHash": _hmac(vector["secret"], message)})


def _answered(vector: Mapping[str, Any], folder: Path, answer: Mapping[str, Any]) -> Any:
    asked = PaymentQuery(
        "HUB240501000123", "HUB240501000123", dong(150_000), NOON, NOON + timedelta(minutes=30)
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", API, json=dict(answer))
        return bank_of(vector, folder).query_payment(asked)


def _ipn(query: str) -> CallbackRequest:
    return CallbackRequest("GET", "/callbacks/vnpay", query.encode(), {}, b"", NOON)


def _hmac(secret: str, message: str) -> str:
    return hmac.new(secret.encode(), message.encode(), "sha512").hexdigest()
