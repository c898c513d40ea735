"""KeyPay v3: a page for the citizen, a call when something happened to the payment, and an interface to ask and refund.

Read from the public code of one-stop portals (VietOpenCPS); KeyPay published nothing. check_sum is an HMAC-SHA256
over a few values with ``|`` between them: under key 1 for what we send, under key 2 for what we receive. Amounts are
whole dong.

The check_sum of a callback covers the payment and its amount, but neither its status nor KeyPay's own number. So a
callback proves only that something happened: it is PENDING, and the outcome is queried at KeyPay itself (detail).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.http_client import HttpClient, parse_page, reading_answer
from bank_adapters.toolkit.json_fields import Fields, as_object, read_object, text
from bank_adapters.toolkit.limits import fitting, require_payable, require_refundable
from bank_adapters.toolkit.settings import (
    number_between,
    parse_folder,
    parse_key,
    parse_url,
    read_section,
    setting,
    text_matching,
)
from bank_adapters.toolkit.signatures import hmac_hex, require_hmac_sha256
from bank_adapters.toolkit.signed_fields import as_signed, joined
from bank_adapters.toolkit.statements import CollectorFile
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, Limits, PaymentMethod
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Instructions,
    Outcome,
    PaymentQuery,
    PaymentRequest,
    RefundAnswer,
    RefundOutcome,
    RefundQuery,
    RefundRequest,
    Statement,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money

VERSION: Final = "3.0"
PAY, REFUND = "PAY", "REFUND"
NO_ERROR: Final = "0"

#: status. No other code was ever written down; what the contract says can be set.
OUTCOMES: Final = {"0": Outcome.PAID}

#: What each message signs, in this order.
CREATE_SIGNS: Final = "addition_fee client_id command trans_amount transaction_id version"
DETAIL_SIGNS: Final = "client_id command transaction_id"
REFUND_SIGNS: Final = "amount client_id command reason transaction_id"
REFUND_DETAIL_SIGNS: Final = "client_id command transaction_refund_code"

#: return_code and return_msg of our answer, and its status. KeyPay gets an error only when it must send again.
ANSWERS: Final = {
    Answer.RECORDED: (200, 0, "success"),
    Answer.ALREADY_RECORDED: (200, 0, "success"),
    Answer.NO_SUCH_ORDER: (200, 0, "success"),
    Answer.WRONG_AMOUNT: (200, 0, "success"),
    Answer.NOT_RECORDED: (503, -1, "error"),
}

#: No file of KeyPay's is known: these are our own names, to which a collector's export is brought.
COLLECTOR_FILE: Final = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern="%Y-%m-%d %H:%M:%S",
    moved={"PAID": True, "FAILED": False},
)

_REFERENCE: Final = r"[A-Za-z0-9_-]{1,50}"
_CODE: Final = r"[!-~]{1,100}"
_TEXT: Final = r"[A-Za-z0-9 .:_-]{1,255}"
_STATUS: Final = r"-?[A-Za-z0-9_]{1,20}"
_AMOUNT: Final = r"[1-9][0-9]{0,11}"

PROFILE: Final = BankProfile(
    title="KeyPay v3",
    methods=(PaymentMethod.PAGE,),
    facts=(
        Fact("the four check_sums, and which key is for what", "VietOpenCPS", Certainty.ONE_SOURCE),
        Fact(
            "status 0 is paid; a later product of the same house writes 2",
            "VietOpenCPS",
            Certainty.ONE_SOURCE,
        ),
        Fact(
            "callbacks under key 2; a later branch expects key 1: a setting",
            "VietOpenCPS",
            Certainty.ONE_SOURCE,
        ),
        Fact(
            "answers: error, and data with url_pay, transaction_code ...", "VietOpenCPS", Certainty.ONE_SOURCE
        ),
        Fact(
            "answers are signed under key 2 as detail is",
            "VietOpenCPS, never called there",
            Certainty.ONE_SOURCE,
        ),
        Fact("the command of a refund's detail", "named, not written down", Certainty.HEARSAY),
        Fact("words for failed and refunded", "nowhere: settings, empty at first", Certainty.HEARSAY),
        Fact("the file of a day", "our own form", Certainty.HEARSAY),
    ),
    # A refund has no reference of ours: a part that was requested twice would be refunded twice.
    limits=Limits(part_refunds=False),
    codes={"0": "paid"},
    signed=False,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """``BANK_KEYPAY_*``."""

    create_url: str = setting(parse_url, "where payments are created")
    detail_url: str = setting(parse_url, "where payments are queried")
    refund_url: str = setting(parse_url, "where refunds are requested")
    refund_detail_url: str = setting(parse_url, "where refunds are queried")
    client_id: str = setting(text_matching("[A-Za-z0-9_-]{1,50}"), "our number at KeyPay")
    secret: bytes = setting(parse_key, "key 1, for what we send", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the one before, where KeyPay signs with key 1", default=None, secret=True
    )
    secret_received: bytes = setting(parse_key, "key 2, for what we receive", secret=True)
    secret_received_previous: bytes | None = setting(parse_key, "the one before", default=None, secret=True)
    callbacks_by: str = setting(text_matching("key1|key2"), "which key signs callbacks", default="key2")
    statements: Path = setting(parse_folder, "the folder into which daily files are dropped")
    declined_status: str | None = setting(
        text_matching(_STATUS), "status of a payment that failed", default=None
    )
    refunded_status: str | None = setting(
        text_matching(_STATUS), "status of money that was refunded", default=None
    )
    unrefunded_status: str | None = setting(
        text_matching(_STATUS), "status of a refund that failed", default=None
    )
    refund_detail_command: str = setting(
        text_matching("[A-Z_]{1,30}"), "the command that asks about refunds", default="REFUND_DETAIL"
    )
    service_kind: str = setting(text_matching("[0-9]{1,2}"), "MaDichVu: 1 fines, 2 fees", default="2")
    unit_code: str = setting(text_matching(r"[A-Za-z0-9.]{1,35}"), "MaDonVi: the agency's code", default="")
    account_number: str = setting(
        text_matching(r"[A-Za-z0-9.]{1,30}"), "TKThuHuong: whom to credit", default=""
    )
    account_bank: str = setting(text_matching("[A-Za-z0-9]{1,20}"), "MaNHThuHuong: at which bank", default="")
    read_seconds: int = setting(number_between(1, 60), "how long KeyPay may be silent", default=10)

    @property
    def for_callbacks(self) -> tuple[bytes, ...]:
        """The keys under which a callback is genuine."""
        if self.callbacks_by == "key1":
            return (self.secret, *filter(None, [self.secret_previous]))
        return self.for_answers

    @property
    def for_answers(self) -> tuple[bytes, ...]:
        """The keys under which an answer is genuine."""
        return (self.secret_received, *filter(None, [self.secret_received_previous]))


def build(bank: str, section: Mapping[str, str]) -> KeyPay:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return KeyPay(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class KeyPay:
    """One client number at KeyPay."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Create the payment; its page comes in the answer. Raises Malformed and BankUnavailable."""
        require_payable(PROFILE.limits, request)
        description = fitting(request.description, _TEXT)
        question = {
            "client_id": self.settings.client_id,
            "transaction_id": fitting(request.attempt_reference, _REFERENCE),
            "trans_amount": str(request.amount),
            "command": PAY,
            "version": VERSION,
            "addition_fee": "0",
        }
        more = {
            "description": description,
            "locale": "en" if request.language == "en" else "vn",
            "country_code": "vi",
            "currency_code": "VND",
            "environment": "1",
            "bill_info": self._bill_info(request, description),
            "return_url": request.return_url,
        }
        with reading_answer(self.code):
            data = self._data(self.settings.create_url, question, CREATE_SIGNS, DETAIL_SIGNS, more)
            page = parse_page(text(data, "url_pay", "[!-~]+"))
            return Instructions(
                page_url=page, bank_reference=_written(data, "transaction_code", f"({_CODE})?") or None
            )

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Something happened to a payment of ours: PENDING, because what happened is not signed."""
        if request.method != "POST" or request.query:
            raise CallbackRejected
        fields = read_object(request.body, decimals_as_text=True)
        signed = {name: as_signed(fields.get(name)) for name in CREATE_SIGNS.split()}
        message = joined(signed, CREATE_SIGNS.split()).encode()
        key = require_hmac_sha256(self.settings.for_callbacks, message, text(fields, "check_sum"))
        ours = (self.settings.client_id, PAY, VERSION)
        if (signed["client_id"], signed["command"], signed["version"]) != ours:
            raise CallbackRejected
        reference = text(signed, "transaction_id", _REFERENCE)
        return Confirmation(
            bank=self.code,
            event_id=f"callback:{reference}",
            reference=reference,
            outcome=Outcome.PENDING,
            amount=Money.parse(text(signed, "trans_amount", _AMOUNT)),
            key=key,
        )

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """return_code and return_msg."""
        return _reply(*ANSWERS[answer])

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """return_code -1."""
        return _reply(200, -1, "check_sum invalid")

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Ask with detail. Status, amount and number are KeyPay's answer to our own question, on its own address."""
        reference = query.attempt_reference
        question = self._question(PAY, transaction_id=fitting(reference, _REFERENCE))
        with reading_answer(self.code):
            data = self._data(self.settings.detail_url, question, DETAIL_SIGNS, DETAIL_SIGNS)
            status = _written(data, "status", _STATUS)
            outcome = OUTCOMES.get(status, Outcome.PENDING)
            if outcome is Outcome.PENDING and status == self.settings.declined_status:
                outcome = Outcome.DECLINED
            number = _written(data, "transaction_code", _CODE if outcome is Outcome.PAID else f"({_CODE})?")
            return Confirmation(
                bank=self.code,
                event_id=f"detail:{reference}:{number or 0}:{status}",
                reference=reference,
                outcome=outcome,
                amount=Money.parse(_written(data, "trans_amount", _AMOUNT)),
                bank_transaction_id=number or None,
                code=status,
            )

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """Ask for the whole payment back. Raises Malformed and BankUnavailable."""
        require_refundable(PROFILE.limits, request)
        question = self._question(
            REFUND,
            transaction_id=fitting(request.attempt_reference, _REFERENCE),
            amount=str(request.amount),
            reason=fitting(request.description, _TEXT),
        )
        with reading_answer(self.code):
            error, data = self._call(self.settings.refund_url, question, REFUND_SIGNS, REFUND_SIGNS)
            if error != NO_ERROR:  # none was ever written down: this one may mean "refunded already"
                return RefundAnswer(RefundOutcome.PENDING, error)
            return self._refund(data, _written(data, "transaction_refund_code", _CODE))

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """Ask by KeyPay's own number of the refund. Raises BankUnavailable, and Malformed while we know none."""
        if query.bank_refund_id is None:
            raise Malformed(f"{self.code} gave no number to ask about this refund with")
        refund = fitting(query.bank_refund_id, _CODE)
        question = self._question(self.settings.refund_detail_command, transaction_refund_code=refund)
        with reading_answer(self.code):
            url, signs = self.settings.refund_detail_url, REFUND_DETAIL_SIGNS
            data = self._data(url, question, signs, signs)
            return self._refund(data, refund)

    def fetch_statement(self, day: date) -> Statement:
        """The file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return COLLECTOR_FILE.of_day(self.settings.statements, day, self.code)

    def _bill_info(self, request: PaymentRequest, description: str) -> dict[str, object]:
        """ThongTinBienLai, as far as we know it: what an electronic receipt is made of. Nothing of it is signed."""
        details: dict[str, object] = {
            "MaDichVu": self.settings.service_kind,
            "MaDonVi": self.settings.unit_code,
            "MaCoQuanQD": self.settings.unit_code,
            "TKThuHuong": self.settings.account_number,
            "MaNHThuHuong": self.settings.account_bank,
            "MaHoSo": request.order_reference,
            "NoiDungThanhToan": description,
            "DSKhoanNop": [{"NoiDung": description, "SoTien": str(request.amount)}],
        }
        return {name: value for name, value in details.items() if value}

    def _question(self, command: str, **more: str) -> dict[str, str]:
        return {"client_id": self.settings.client_id, "command": command, **more}

    def _data(
        self, url: str, params: Mapping[str, str], signs: str, answer_signs: str, more: Fields | None = None
    ) -> Fields:
        """What was answered. Raises BankUnavailable when it is an error."""
        error, data = self._call(url, params, signs, answer_signs, more)
        if error != NO_ERROR:
            raise BankUnavailable(f"{self.code} refused the question with {error}")
        return data

    def _call(
        self, url: str, params: Mapping[str, str], signs: str, answer_signs: str, more: Fields | None = None
    ) -> tuple[str, Fields]:
        """Sign and send a question; the error that KeyPay names, or the data of its answer.

        Data is signed over values that we know ourselves: so it is ours that is answered. Raises CallbackRejected,
        Malformed, BankUnavailable.
        """
        check_sum = hmac_hex("sha256", self.settings.secret, joined(params, signs.split()).encode())
        sent = {**params, **(more or {}), "check_sum": check_sum}
        answer = read_object(self.http.post_json(url, sent).body, decimals_as_text=True)
        error = _written(answer, "error", _STATUS)
        if error != NO_ERROR:
            return error, {}
        data = as_object(answer.get("data"))
        require_hmac_sha256(
            self.settings.for_answers, joined(params, answer_signs.split()).encode(), text(data, "check_sum")
        )
        return error, data

    def _refund(self, data: Fields, refund: str) -> RefundAnswer:
        status = _written(data, "status", _STATUS)
        refunded, failed = self.settings.refunded_status, self.settings.unrefunded_status
        outcome = RefundOutcome.PENDING
        if refunded != failed and status in (refunded, failed):
            outcome = RefundOutcome.SUCCEEDED if status == refunded else RefundOutcome.FAILED
        return RefundAnswer(outcome, status, refund)


def _written(fields: Fields, name: str, pattern: str) -> str:
    """A text or a whole number, as text: KeyPay's clients read both alike. Raises Malformed."""
    return text({name: as_signed(fields.get(name))}, name, pattern)


def _reply(status: int, code: int, message: str) -> CallbackReply:
    return CallbackReply(status, json.dumps({"return_code": code, "return_msg": message}).encode())
