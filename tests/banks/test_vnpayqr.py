"""VNPAY-QR for merchants: the contract, the text that is scanned, and every form of the IPN."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.toolkit.emv_qr import read_qr
from bank_adapters.vnpayqr import VnpayQr
from payment_hub.domain.banks.port import CanQuery, CanRefund
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Movement,
    Outcome,
    PayerAccount,
)
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.contract import CallbackContract, StatementContract
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, ORDER, a_request

SECRET, MERCHANT = "trial@MERCHANT", "0109999999"
SIGNED = "code msgType txnId qrTrace bankCode mobile accountNo amount payDate merchantCode"

STATEMENT = (
    "booked_at,transaction_id,reference,amount,status\n"
    f"2026-11-22 12:00:00,000180534,{ATTEMPT},150000,00\n"
    "2026-11-22 23:59:59,000180535,typed by hand,5000,00\n"
)


def an_ipn(secret: str = SECRET, **changes: Any) -> dict[str, Any]:
    """The message about a payment of 150,000 dong made at noon, with its checksum."""
    message = {
        "code": "00",
        "message": "Tru tien thanh cong, so trace 000180534",
        "msgType": "1",
        "txnId": ATTEMPT,
        "qrTrace": "000180534",
        "bankCode": "VIETCOMBANK",
        "mobile": "0900000000",
        "accountNo": "",
        "amount": "150000",
        "payDate": "20261122120000",
        "masterMerCode": "A000000775",
        "merchantCode": MERCHANT,
        "terminalId": "HUB00001",
        "addData": [{"amount": "150000", "ccy": "704", "tipAndFee": "0.0"}],
    } | changes
    told = "|".join(
        ["" if message.get(name) is None else str(message[name]) for name in SIGNED.split()] + [secret]
    )
    return {"checksum": hashlib.md5(told.encode()).hexdigest().upper(), **message}


def called_back(message: dict[str, Any]) -> CallbackRequest:
    """The IPN with this body."""
    return CallbackRequest("POST", "/callbacks/vnpayqr", b"", {}, json.dumps(message).encode(), NOON)


class TestVnpayQr(CallbackContract, StatementContract):
    bank = "vnpayqr"
    required = frozenset(
        f"BANK_VNPAYQR_{name}" for name in ("MERCHANT_CODE", "MERCHANT_NAME", "SECRET", "STATEMENTS")
    )
    tells_declined: ClassVar[bool] = False

    def section(self, folder: Path) -> dict[str, str]:
        return {
            "MERCHANT_CODE": MERCHANT,
            "MERCHANT_NAME": "CONG DICH VU CONG",
            "SECRET": SECRET,
            "STATEMENTS": str(folder),
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        code = "00" if outcome is Outcome.PAID else "42"
        return called_back(an_ipn(**{"code": code, **changes}))

    def heard_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200 or json.loads(reply.body)["code"] == "08"

    def statement_text(self) -> str:
        return STATEMENT

    # The text -----------------------------------------------------------------------------------------

    def test_the_text_names_merchant_amount_and_attempt(self, tmp_path: Path) -> None:
        labels = {"CITY": "HANOI", "CATEGORY": "9399", "STORE": "HUB 1", "TERMINAL": "HUB00001"}
        given = self.built({**self.section(tmp_path), **labels}).open_payment(a_request())
        qr = read_qr(given.qr_text)
        assert (qr.merchant_id, qr.amount, qr.one_time) == (MERCHANT, AMOUNT, True)
        assert qr.additional == {
            "bill": ATTEMPT,
            "reference": ORDER,
            "store": "HUB 1",
            "terminal": "HUB00001",
        }
        assert (qr.fields["52"], qr.fields["59"], qr.fields["60"]) == ("9399", "CONG DICH VU CONG", "HANOI")
        assert given.purpose == ORDER

    def test_what_is_not_set_is_left_out(self, adapter: VnpayQr) -> None:
        qr = read_qr(adapter.open_payment(a_request()).qr_text or "")
        assert qr.additional == {"bill": ATTEMPT, "reference": ORDER}
        assert not {"52", "60"} & qr.fields.keys()

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": "A" * 26},
            {"attempt_reference": "A B"},
            {"order_reference": ""},
            {"amount": dong(0)},
            {"amount": dong(10**13)},
            {"amount": Money(100, "USD")},
        ],
    )
    def test_what_no_text_can_hold_is_not_written(self, adapter: VnpayQr, changes: dict[str, Any]) -> None:
        with pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))

    # Being told ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "changes",
        [{"code": "01"}, {"code": "99"}, {"code": "0"}, {"code": "42"}, {"msgType": "2"}, {"msgType": ""}],
    )
    def test_a_word_nobody_documented_is_pending(self, adapter: VnpayQr, changes: dict[str, str]) -> None:
        said = adapter.read_callback(called_back(an_ipn(**changes)))
        assert said.outcome is Outcome.PENDING
        assert said.event_id != adapter.read_callback(called_back(an_ipn())).event_id

    def test_what_is_not_signed_makes_no_fact(self, adapter: VnpayQr) -> None:
        genuine = called_back(an_ipn())
        others = {"message": "failed", "terminalId": "OTHER", "addData": [{"amount": "1"}], "amountPaid": 1.5}
        assert adapter.read_callback(called_back({**an_ipn(), **others})) == adapter.read_callback(genuine)

    def test_the_payers_account_is_told_when_it_is_known(self, adapter: VnpayQr) -> None:
        assert adapter.read_callback(called_back(an_ipn())).payer is None
        said = adapter.read_callback(called_back(an_ipn(accountNo="0011004", bankCode="")))
        assert said.payer == PayerAccount("0011004", bank=None)

    def test_numbers_may_be_written_as_json_numbers(self, adapter: VnpayQr) -> None:
        assert adapter.read_callback(called_back(an_ipn(amount=150_000))).amount == AMOUNT

    def test_hex_of_either_case_is_the_same_checksum(self, adapter: VnpayQr) -> None:
        message = an_ipn()
        lower = {**message, "checksum": message["checksum"].lower()}
        assert adapter.read_callback(called_back(lower)).outcome is Outcome.PAID

    @pytest.mark.parametrize(
        "message",
        [
            an_ipn(merchantCode="0100000000"),
            an_ipn(mobile="09|00"),
            an_ipn(secret="another@MERCHANT"),
            {**an_ipn(), "checksum": None},
            {**an_ipn(), "checksum": ["x"]},
            {**an_ipn(), "checksum": hashlib.sha256(b"x").hexdigest()},
            {**an_ipn(), "amount": 1500.5},
            {**an_ipn(), "amount": True},
        ],
    )
    def test_a_strangers_message_is_rejected(self, adapter: VnpayQr, message: dict[str, Any]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(message))

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": "0"},
            {"amount": "-150000"},
            {"amount": "150000.00"},
            {"amount": "0150000"},
            {"amount": ""},
            {"qrTrace": ""},
            {"qrTrace": "a b"},
            {"qrTrace": "000000000"},
            {"txnId": ""},
            {"code": ""},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: VnpayQr, changes: dict[str, str]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(called_back(an_ipn(**changes)))

    # Answering ----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("answer", Answer)
    def test_what_is_on_our_books_is_never_answered_as_a_failure(
        self, adapter: VnpayQr, answer: Answer
    ) -> None:
        reply = json.loads(adapter.acknowledge(answer, called_back(an_ipn())).body)
        assert reply["code"] == ("08" if answer is Answer.NOT_RECORDED else "00")
        assert reply["data"] == {"txnId": ATTEMPT}
        assert reply["message"]

    def test_who_knows_better_sets_its_codes(self, tmp_path: Path) -> None:
        codes = {"REPEATED_CODE": "03", "UNKNOWN_CODE": "04", "AMOUNT_CODE": "07", "AGAIN_CODE": "05"}
        bank = self.built({**self.section(tmp_path), **codes})
        said = [json.loads(bank.acknowledge(answer, called_back(an_ipn())).body)["code"] for answer in Answer]
        assert dict(zip(Answer, said, strict=True)) == {
            Answer.RECORDED: "00",
            Answer.ALREADY_RECORDED: "03",
            Answer.NO_SUCH_ORDER: "04",
            Answer.WRONG_AMOUNT: "07",
            Answer.NOT_RECORDED: "05",
        }

    @pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b'{"txnId": 5}', json.dumps(an_ipn()).encode()])
    def test_a_refusal_is_code_06_whatever_came(self, adapter: VnpayQr, body: bytes) -> None:
        reply = adapter.refuse(CallbackRequest("POST", "/callbacks/vnpayqr", b"", {}, body, NOON))
        assert reply is not None
        assert json.loads(reply.body)["code"] == "06"

    # The rest -----------------------------------------------------------------------------------------

    def test_nothing_is_promised_that_nobody_documented(self, adapter: VnpayQr) -> None:
        assert not isinstance(adapter, CanQuery | CanRefund)

    def test_its_labels_fit_into_the_text(self, tmp_path: Path) -> None:
        for name, text in {"STORE": "S" * 21, "TERMINAL": "T T", "CITY": "H" * 16, "CATEGORY": "12"}.items():
            with pytest.raises(BankSettingsError, match=f"BANK_VNPAYQR_{name}"):
                load_adapters([self.bank], {self.bank: {**self.section(tmp_path), name: text}}, "")
        longest = {"STORE": "S" * 20, "TERMINAL": "T" * 20, "CITY": "H" * 15, "MERCHANT_NAME": "N" * 25}
        text = self.built({**self.section(tmp_path), **longest}).open_payment(a_request()).qr_text
        assert len(read_qr(text).fields["62"]) <= 99

    def test_the_file_of_a_day_shows_what_moved(self, adapter: VnpayQr, tmp_path: Path) -> None:
        (tmp_path / f"{DAY}.csv").write_text(STATEMENT, "utf-8")
        first = adapter.fetch_statement(DAY).lines[0]
        assert (first.bank_transaction_id, first.reference, first.amount) == ("000180534", ATTEMPT, AMOUNT)
        assert (first.movement, first.booked_at) == (Movement.CREDIT, NOON)
