"""OnePay's vectors byte by byte, queryDR, and the file of the day."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import responses

from bank_adapters import BankSettingsError
from bank_adapters.onepay import OnePay
from payment_hub.domain.banks.port import CanRefund
from payment_hub.domain.banks.values import CallbackRequest, Movement, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, a_query, a_request
from tests.banks.onepay_messages import (
    QUERIES,
    SECRET,
    STATEMENT,
    a_onepay,
    a_result,
    a_section,
    answered,
    called_back,
    signature,
)

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/onepay/signatures.json").read_text("utf-8")
)
(RETURN,) = [vector for vector in VECTORS if vector["kind"] == "return-hash"]
(PAY,) = [vector for vector in VECTORS if vector["kind"] == "pay-hash"]


def bank_of(vector: dict[str, Any], folder: Path) -> OnePay:
    """The adapter with the merchant and the secret of a vector."""
    its = {"SECRET": vector["secret"], "MERCHANT": vector["inputs"]["vpc_Merchant"]}
    return a_onepay({**a_section(folder), **its})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_published_return_is_believed(tmp_path: Path, method: str) -> None:
    query = urlencode({**RETURN["inputs"], "vpc_SecureHash": RETURN["expected"]})
    bank = bank_of(RETURN, tmp_path)
    said = bank.read_callback(called_back(query, method))
    assert said == bank.read_return(query.encode())
    assert (said.outcome, said.amount, said.code, said.key) == (Outcome.PAID, dong(1), "0", 0)
    assert (said.reference, said.bank_transaction_id) == ("201803210919102006754784", "1625746")
    assert said.paid_at is None


def test_a_key_that_is_not_decoded_makes_another_hash(tmp_path: Path) -> None:
    text = {**a_section(tmp_path), "MERCHANT": "ONEPAY", "SECRET": RETURN["secret"].encode().hex()}
    query = urlencode({**RETURN["inputs"], "vpc_SecureHash": RETURN["expected"]})
    with pytest.raises(CallbackRejected):
        a_onepay(text).read_callback(called_back(query))


def test_our_address_is_the_vectors_and_what_we_add(tmp_path: Path) -> None:
    given = PAY["inputs"]
    request = a_request(
        attempt_reference=given["vpc_MerchTxnRef"],
        amount=dong(int(given["vpc_Amount"]) // 100),
        description=given["vpc_OrderInfo"],
    )
    page = bank_of(PAY, tmp_path).open_payment(request).page_url or ""
    fields = dict(parse_qsl(urlsplit(page).query, strict_parsing=True))
    assert fields.pop("vpc_SecureHash") == signature(fields, PAY["secret"])
    known = {name: value for name, value in fields.items() if name in given}
    assert "&".join(f"{name}={value}" for name, value in known.items()) == PAY["string_to_sign"]
    assert signature(known, PAY["secret"]) == PAY["expected"]
    assert fields.keys() - given.keys() == {"vpc_AccessCode", "vpc_Locale", "vpc_ReturnURL", "vpc_TicketNo"}


def test_a_question_is_a_signed_form(adapter: OnePay) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, **answered({"vpc_DRExists": "Y", **a_result()}))
        adapter.query_payment(a_query())
        fields = dict(parse_qsl(bytes(wire.calls[0].request.body or b"").decode(), strict_parsing=True))  # type: ignore[arg-type]
    assert fields.pop("vpc_SecureHash") == signature(fields)
    assert fields == {
        "vpc_Command": "queryDR",
        "vpc_Version": "2",
        "vpc_MerchTxnRef": ATTEMPT,
        "vpc_Merchant": "HUBTEST",
        "vpc_AccessCode": "D67342C2",
        "vpc_User": "op01",
        "vpc_Password": "op-pass-word",
    }


def test_a_payment_that_onepay_does_not_know_is_pending(adapter: OnePay) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, **answered({"vpc_DRExists": "N"}))
        said = adapter.query_payment(a_query())
    assert (said.outcome, said.code, said.reference) == (Outcome.PENDING, "N", ATTEMPT)


def test_an_answer_with_bare_spaces_and_a_line_end_is_read(adapter: OnePay) -> None:
    fields = {"vpc_DRExists": "Y", **a_result(vpc_Message="Transaction was successful")}
    plain = "&".join(f"{name}={value}" for name, value in fields.items())
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, body=f"{plain}&vpc_SecureHash={signature(fields)}\n")
        said = adapter.query_payment(a_query())
    assert (said.outcome, said.amount, said.key) == (Outcome.PAID, AMOUNT, 0)


def test_an_answer_and_a_callback_are_different_messages(adapter: OnePay) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, **answered({"vpc_DRExists": "Y", **a_result()}))
        asked = adapter.query_payment(a_query())
    told = adapter.read_callback(
        called_back(urlencode({**a_result(), "vpc_SecureHash": signature(a_result())}))
    )
    assert asked.event_id != told.event_id
    assert (asked.bank_transaction_id, asked.amount) == (told.bank_transaction_id, told.amount)


def test_an_answer_under_the_key_before_is_believed(tmp_path: Path) -> None:
    rotated = a_onepay({**a_section(tmp_path), "SECRET": "0F" * 16, "SECRET_PREVIOUS": SECRET})
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, **answered({"vpc_DRExists": "Y", **a_result()}))
        assert rotated.query_payment(a_query()).key == 1


@pytest.mark.parametrize("secret", ["A3EF", "x" * 32, "A3EFDFABA8653DF2342E8DAC29B51AF", "A3 " * 16])
def test_a_secret_must_be_hex(tmp_path: Path, secret: str) -> None:
    with pytest.raises(BankSettingsError, match="BANK_ONEPAY_SECRET") as refusal:
        a_onepay({**a_section(tmp_path), "SECRET": secret})
    assert secret not in str(refusal.value)


def test_the_replies_are_settings(tmp_path: Path) -> None:
    adapter = a_onepay({**a_section(tmp_path), "UNHEARD_REPLY": "responsecode=0&desc=other"})
    reply = adapter.refuse(CallbackRequest("GET", "/callbacks/onepay", b"", {}, b"", NOON))
    assert reply is not None
    assert reply.body == b"responsecode=0&desc=other"


def test_no_refund_is_promised(adapter: OnePay) -> None:
    assert not isinstance(adapter, CanRefund)


def test_the_file_of_a_day_shows_what_moved(adapter: OnePay, tmp_path: Path) -> None:
    (tmp_path / f"{DAY}.csv").write_text(STATEMENT, "utf-8")
    first, second = adapter.fetch_statement(DAY).lines
    assert (first.bank_transaction_id, first.reference, first.amount) == ("1625746", ATTEMPT, AMOUNT)
    assert (first.movement, first.booked_at) == (Movement.CREDIT, NOON)
    assert (second.line, second.reference) == (4, "typed by hand")


def test_a_word_that_nobody_knows_refuses_the_file(adapter: OnePay, tmp_path: Path) -> None:
    (tmp_path / f"{DAY}.csv").write_text(STATEMENT.replace(",5000,0", ",5000,Approved"), "utf-8")
    with pytest.raises(Malformed, match="line 4, column 8"):
        adapter.fetch_statement(DAY)


@pytest.fixture
def adapter(tmp_path: Path) -> OnePay:
    return a_onepay(a_section(tmp_path))
