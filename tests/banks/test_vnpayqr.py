"""VNPAY-QR for merchants: the contract, the text that is scanned, and every form of the IPN."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.simulators.server import SimulatorServer, serve, settings_of
from bank_adapters.simulators.simulator import Payment, WireReply
from bank_adapters.simulators.vnpayqr import MERCHANT, SECRET, VnpayQrSimulator, checksum
from bank_adapters.toolkit.emv_qr import crc, read_qr
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
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, ORDER, PUBLIC_URL, a_request
from tests.banks.texts import UNREADABLE_MOMENTS

# The contract
# ------------------------------------------------------------------------------------------------

SIMULATOR = VnpayQrSimulator("https://vnpayqr.test", PUBLIC_URL)
PAID = Payment(ATTEMPT, 150_000, transaction_id="000180534", paid_at=NOON)

STATEMENT = (
    "booked_at,transaction_id,reference,amount,status\n"
    f"2026-11-22 12:00:00,000180534,{ATTEMPT},150000,00\n"
    "2026-11-22 23:59:59,000180535,typed by hand,5000,00\n"
)


def an_ipn(secret: str = SECRET, **changes: Any) -> dict[str, Any]:
    """The message about a payment of 150,000 dong made at noon, with its checksum."""
    message: dict[str, Any] = json.loads(SIMULATOR.callback(PAID, at=NOON, **changes).body)
    return {**message, "checksum": checksum(message, secret)}


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

    def is_sent_again(self, reply: CallbackReply) -> bool:
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
        confirmation = adapter.read_callback(called_back(an_ipn(**changes)))
        assert confirmation.outcome is Outcome.PENDING
        assert confirmation.event_id != adapter.read_callback(called_back(an_ipn())).event_id

    def test_what_is_not_signed_makes_no_fact(self, adapter: VnpayQr) -> None:
        genuine = called_back(an_ipn())
        others = {"message": "failed", "terminalId": "OTHER", "addData": [{"amount": "1"}], "amountPaid": 1.5}
        assert adapter.read_callback(called_back({**an_ipn(), **others})) == adapter.read_callback(genuine)

    def test_the_payers_account_is_told_when_it_is_known(self, adapter: VnpayQr) -> None:
        assert adapter.read_callback(called_back(an_ipn())).payer is None
        confirmation = adapter.read_callback(called_back(an_ipn(accountNo="0011004", bankCode="")))
        assert confirmation.payer == PayerAccount("0011004", bank=None)

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
        fields = [
            json.loads(bank.acknowledge(answer, called_back(an_ipn())).body)["code"] for answer in Answer
        ]
        assert dict(zip(Answer, fields, strict=True)) == {
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


# VNPAY-QR's adapter and its simulator: the text is scanned and paid over real HTTP, the message verified.
# ------------------------------------------------------------------------------------------------

NOBODY = "http://127.0.0.1:9"


def joined_to(server: SimulatorServer, folder: Path) -> VnpayQr:
    """The adapter with the simulator's settings."""
    section = settings_of([VnpayQrSimulator], server.url, folder)["vnpayqr"]
    adapter = load_adapters(["vnpayqr"], {"vnpayqr": section})["vnpayqr"]
    assert isinstance(adapter, VnpayQr)
    return adapter


def paid(server: SimulatorServer, qr_text: str | None, choice: str = "silent") -> requests.Response:
    """A banking app scans the text and pays."""
    given = {"qr_text": qr_text, "choice": choice}
    return requests.post(
        f"{server.url}/vnpayqr/transfer", json=given, headers={"Accept": "application/json"}, timeout=5
    )


def test_a_text_of_ours_is_scanned_paid_and_told(tmp_path: Path) -> None:
    with serve(NOBODY, simulators=[VnpayQrSimulator], statements=tmp_path) as server:
        adapter, simulator = joined_to(server, tmp_path), server.banks["vnpayqr"]
        text = adapter.open_payment(a_request()).qr_text
        assert paid(server, text).json()["outcome"] == "PAID"
        payment = simulator.book.find(ATTEMPT)
        assert payment is not None
        (callback,) = simulator.callbacks(payment)
        assert simulator.callbacks(payment) == [callback]
        request = CallbackRequest(
            callback.method, "/callbacks/vnpayqr", callback.query, {}, callback.body, NOON
        )
        confirmation = adapter.read_callback(request)
        assert (confirmation.outcome, confirmation.amount, confirmation.reference) == (
            Outcome.PAID,
            AMOUNT,
            ATTEMPT,
        )
        assert confirmation.bank_transaction_id == payment.transaction_id
        for answer in Answer:
            reply = adapter.acknowledge(answer, request)
            accepted = simulator.accepts(WireReply(reply.status, reply.body))
            assert accepted is (answer is not Answer.NOT_RECORDED)
        day = date(2026, 11, 22)
        (tmp_path / "vnpayqr" / f"{day}.csv").write_text(simulator.statement(day, [payment]) or "", "utf-8")
        (line,) = adapter.fetch_statement(day).lines
        assert (line.reference, line.amount) == (ATTEMPT, AMOUNT)
        assert line.bank_transaction_id == confirmation.bank_transaction_id


def test_another_merchants_text_is_not_paid_here(tmp_path: Path) -> None:
    with serve(NOBODY, simulators=[VnpayQrSimulator], statements=tmp_path) as server:
        section = settings_of([VnpayQrSimulator], server.url, tmp_path)["vnpayqr"]
        other = load_adapters(["vnpayqr"], {"vnpayqr": {**section, "MERCHANT_CODE": "0100000000"}})["vnpayqr"]
        assert paid(server, other.open_payment(a_request()).qr_text).status_code == 400
        assert server.banks["vnpayqr"].book.payments() == []


@pytest.mark.parametrize("outcome", ["PENDING", "DECLINED"])
def test_it_tells_of_money_alone(tmp_path: Path, outcome: str) -> None:
    with serve(NOBODY, simulators=[VnpayQrSimulator], statements=tmp_path) as server:
        simulator = server.banks["vnpayqr"]
        assert simulator.callbacks(Payment(ATTEMPT, 150_000, outcome=outcome)) == []
        assert simulator.accepts(WireReply(200, json.dumps({"code": "06"}).encode()))
        assert not simulator.accepts(WireReply(200, b"<html>"))


# VNPAY-QR's published message and texts, byte by byte.
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/vnpayqr/signatures.json").read_text("utf-8")
)
(IPN,) = [vector for vector in VECTORS if vector["kind"] == "ipn-checksum"]
TEXTS = [vector for vector in VECTORS if vector["kind"] == "vnpay-qr-merchant"]


def bank_of(folder: Path, **section: str) -> VnpayQr:
    """The adapter with these settings."""
    whole = {"STATEMENTS": str(folder), "SECRET": IPN["secret"], "MERCHANT_NAME": "HUB", **section}
    adapter = load_adapters(["vnpayqr"], {"vnpayqr": whole})["vnpayqr"]
    assert isinstance(adapter, VnpayQr)
    return adapter


def published(**changes: str) -> CallbackRequest:
    """The published message; its secret is the last value of what is signed."""
    *values, secret = IPN["string_to_sign"].split("|")
    assert secret == IPN["secret"]
    message = dict(zip(IPN["inputs"], values, strict=True)) | {"checksum": IPN["expected"]} | changes
    return CallbackRequest("POST", "/callbacks/vnpayqr", b"", {}, json.dumps(message).encode(), NOON)


def test_the_published_message_is_believed(tmp_path: Path) -> None:
    confirmation = bank_of(tmp_path, MERCHANT_CODE=IPN["inputs"]["merchantCode"]).read_callback(published())
    assert (confirmation.outcome, confirmation.amount, confirmation.code) == (
        Outcome.PAID,
        dong(26_000),
        "00",
    )
    assert (confirmation.reference, confirmation.bank_transaction_id) == (
        "eyJJZCI6NDksIlR5cGUiOjF9",
        "000180534",
    )
    assert confirmation.paid_at == datetime(2020, 2, 21, 10, 11, 1, tzinfo=UTC)
    assert (confirmation.payer, confirmation.key) == (None, 0)


@pytest.mark.parametrize("name", IPN["inputs"])
def test_every_signed_field_matters(tmp_path: Path, name: str) -> None:
    with pytest.raises(CallbackRejected):
        bank_of(tmp_path, MERCHANT_CODE=IPN["inputs"]["merchantCode"]).read_callback(published(**{name: "7"}))


@pytest.mark.parametrize("vector", TEXTS)
def test_our_text_is_the_published_one_and_what_this_payment_adds(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    known = read_qr(vector["expected"])
    assert known.merchant_id == vector["inputs"]["merchant_id"]
    section = {
        "MERCHANT_CODE": known.merchant_id or "",
        "MERCHANT_NAME": known.fields["59"],
        "CITY": known.fields.get("60", ""),
        "CATEGORY": known.fields.get("52", ""),
        "STORE": known.additional["store"],
        "TERMINAL": known.additional["terminal"],
    }
    text = bank_of(tmp_path, **section).open_payment(a_request()).qr_text or ""
    assert read_qr(text).amount == AMOUNT
    more = f"01{len(ATTEMPT):02d}{ATTEMPT}", f"05{len(ORDER):02d}{ORDER}"
    labels = known.fields["62"]
    store = 4 + int(labels[2:4])
    added = more[0] + labels[:store] + more[1] + labels[store:]
    plain = text[:-4].replace("010212", "010211", 1).replace("5406150000", "", 1)
    plain = plain.replace(f"62{len(added):02d}{added}", f"62{len(labels):02d}{labels}", 1)
    assert plain == vector["string_to_sign"]
    assert crc(plain) == vector["expected"][-4:]


# As other systems write the same messages
# ------------------------------------------------------------------------------------------------


def vnpayqr_of(folder: Path, **more: str) -> Any:
    section = TestVnpayQr().section(folder) | more
    return load_adapters(["vnpayqr"], {"vnpayqr": section})["vnpayqr"]


def test_a_reference_that_is_a_number_is_answered(tmp_path: Path) -> None:
    message = called_back(an_ipn(txnId=4711))
    assert vnpayqr_of(tmp_path).read_callback(message).reference == "4711"
    reply = vnpayqr_of(tmp_path).acknowledge(Answer.RECORDED, message)
    assert json.loads(reply.body)["data"] == {"txnId": "4711"}


def test_which_message_is_a_payment_is_a_setting(tmp_path: Path) -> None:
    other = called_back(an_ipn(msgType="2"))
    assert vnpayqr_of(tmp_path).read_callback(other).outcome is Outcome.PENDING
    assert vnpayqr_of(tmp_path, PAYMENT_TYPE="2").read_callback(other).outcome is Outcome.PAID


@pytest.mark.parametrize("moment", UNREADABLE_MOMENTS)
def test_money_is_accepted_whatever_its_time(tmp_path: Path, moment: str) -> None:
    confirmation = vnpayqr_of(tmp_path).read_callback(called_back(an_ipn(payDate=moment)))
    assert (confirmation.outcome, confirmation.paid_at) == (Outcome.PAID, None)


@pytest.mark.parametrize("amount", ["0", "", "1.5"])
def test_a_pending_payment_needs_no_readable_amount(tmp_path: Path, amount: str) -> None:
    confirmation = vnpayqr_of(tmp_path).read_callback(called_back(an_ipn(code="05", amount=amount)))
    assert (confirmation.outcome, confirmation.amount) == (Outcome.PENDING, None)
