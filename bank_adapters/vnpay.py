"""VNPAY PAY 2.1.0: a signed address for the citizen, a signed GET back (IPN), and a query interface.

Rules from sandbox.vnpayment.vn/apis/docs (thanh-toan-pay, truy-van-hoan-tien), read beside independent
implementations. Amounts on the wire are dong x 100, times are GMT+7. VNPAY's merchant reference
(vnp_TxnRef) is our attempt reference.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.bank_time import read_vietnam_time, write_vietnam_time
from bank_adapters.toolkit.collector_file import CollectorFile
from bank_adapters.toolkit.http_client import HttpClient, understood
from bank_adapters.toolkit.json_fields import Fields, read_object, text, text_or_none
from bank_adapters.toolkit.settings import a_folder, a_key, a_number, a_url, a_word, read_section, setting
from bank_adapters.toolkit.signatures import hmac_hex, require_hmac_sha512
from bank_adapters.toolkit.signed_fields import as_signed, form_encoded, joined, read_query, sorted_and_filled
from bank_adapters.toolkit.wire_values import fitting, hundredfold, read_hundredfold
from payment_hub.domain.bank_port import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Instructions,
    Outcome,
    PaymentQuery,
    PaymentRequest,
    Statement,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed

CODE: Final = "vnpay"
VERSION: Final = "2.1.0"

#: vnp_ResponseCode of an IPN or a return. 07 is money taken and suspected of fraud: somebody must look.
OUTCOMES: Final = {
    "00": Outcome.PAID,
    "07": Outcome.PENDING,
    **dict.fromkeys(("09", "10", "11", "12", "13", "24", "51", "65", "75", "79", "99"), Outcome.DECLINED),
}

#: vnp_TransactionStatus. 04 to 09 are reversals, refunds and suspicion: no plain answer to "was it paid".
STATUSES: Final = {
    "00": Outcome.PAID,
    "02": Outcome.DECLINED,
    **dict.fromkeys(("01", "04", "05", "06", "07", "09"), Outcome.PENDING),
}

#: vnp_ResponseCode of the query interface that is an answer; every other code says that the question failed.
QUERY_ANSWERED: Final = "00"
QUERY_NOT_FOUND: Final = "91"

#: RspCode and words for our answer, and the status. VNPAY sends again for 01, 04 and 99.
ANSWERS: Final = {
    Answer.RECORDED: (200, "00", "Confirm Success"),
    Answer.ALREADY_RECORDED: (200, "02", "Order already confirmed"),
    Answer.NO_SUCH_ORDER: (200, "01", "Order not found"),
    Answer.WRONG_AMOUNT: (200, "04", "Invalid amount"),
    Answer.NOT_RECORDED: (503, "99", "Unknown error"),
}

#: What the query interface signs, in this order.
QUERY_SIGNS: Final = "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo"
ANSWER_SIGNS: Final = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo"
    " TransactionType TransactionStatus OrderInfo PromotionCode PromotionAmount"
)

#: Header names as an importer in the field reads them; the words are those of vnp_TransactionStatus.
COLLECTOR_FILE: Final = CollectorFile(
    columns={
        "booked_at": "THOI_GIAN_GD",
        "transaction_id": "MA_GIAO_DICH",
        "reference": "MA_DON_HANG",
        "amount": "SO_TIEN_TRUOC_KM",
        "status": "TRANG_THAI",
    },
    time_pattern="%d/%m/%Y %H:%M:%S",
    moved={"00": True, "02": False},
)

#: All form encoders agree on these characters; on others they differ, and with them the signatures.
_SAFE_TEXT: Final = r"[A-Za-z0-9 .:_-]{1,255}"
_SAFE_REFERENCE: Final = r"[A-Za-z0-9.:_-]{1,100}"
_UNSAFE_IN_ADDRESS: Final = re.compile(r"[~*!()']|[^ -~]")
_TRANSACTION: Final = r"(?!0+$)[0-9A-Za-z_-]{1,50}"
_CODE: Final = r"[0-9]{2}"


@dataclass(frozen=True, slots=True)
class Settings:
    """``BANK_VNPAY_*``."""

    pay_url: str = setting(a_url, "the page to which citizens are sent")
    api_url: str = setting(a_url, "the query interface")
    tmn_code: str = setting(a_word("[A-Za-z0-9_]{1,20}"), "our terminal code")
    secret: bytes = setting(a_key, "the hash secret of the terminal", secret=True)
    secret_previous: bytes | None = setting(
        a_key, "the one before, still believed", default=None, secret=True
    )
    statements: Path = setting(a_folder, "the folder into which VNPAY's daily files are dropped")
    order_type: str = setting(a_word("[a-z0-9]{1,20}"), "the catalogue code of what is paid", default="other")
    server_ip: str = setting(a_word("[0-9A-Fa-f.:]{3,45}"), "where we query from", default="127.0.0.1")
    read_seconds: int = setting(a_number(1, 60), "how long VNPAY may be silent", default=10)

    @property
    def believed(self) -> tuple[bytes, ...]:
        """The secrets under which a message is believed."""
        return (self.secret, *filter(None, [self.secret_previous]))


def build(section: Mapping[str, str]) -> Vnpay:
    """The adapter from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, CODE, section)
    return Vnpay(settings, HttpClient(CODE, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class Vnpay:
    """VNPAY in five verbs."""

    settings: Settings
    http: HttpClient
    code: ClassVar[str] = CODE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A signed address; VNPAY hears of the payment only when the citizen goes there. Raises Malformed."""
        if _UNSAFE_IN_ADDRESS.search(request.return_url):
            raise Malformed("the return address holds a character that encoders write differently")
        fields = {
            "vnp_Version": VERSION,
            "vnp_Command": "pay",
            "vnp_TmnCode": self.settings.tmn_code,
            "vnp_Amount": hundredfold(request.amount),
            "vnp_CurrCode": "VND",
            "vnp_CreateDate": write_vietnam_time(request.started_at),
            "vnp_ExpireDate": write_vietnam_time(request.expires_at),
            "vnp_IpAddr": request.payer_ip,
            "vnp_Locale": "en" if request.language == "en" else "vn",
            "vnp_OrderInfo": fitting(request.description, _SAFE_TEXT),
            "vnp_OrderType": self.settings.order_type,
            "vnp_ReturnUrl": request.return_url,
            "vnp_TxnRef": fitting(request.attempt_reference, _SAFE_REFERENCE),
            "vnp_BankCode": fitting(request.bank_choice, "[A-Za-z0-9]{1,20}") if request.bank_choice else "",
        }
        query = canonical_query(fields)
        signature = hmac_hex("sha512", self.settings.secret, query.encode())
        return Instructions(page_url=f"{self.settings.pay_url}?{query}&vnp_SecureHash={signature}")

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """The IPN: a GET whose query is signed."""
        if request.method != "GET":
            raise CallbackRejected
        return self.read_return(request.query)

    def read_return(self, query: bytes) -> Confirmation:
        """What the citizen's browser brings back, signed like an IPN. For display only: it may never come."""
        fields = read_query(query)
        if "vnp_SecureHashType" in fields:  # 2.1.0 knows one hash; older ones are not to be talked back in
            raise CallbackRejected
        given = fields.pop("vnp_SecureHash", None)
        require_hmac_sha512(self.settings.believed, canonical_query(fields).encode(), given)
        if fields.get("vnp_TmnCode") != self.settings.tmn_code:
            raise CallbackRejected
        code, status = (text(fields, "vnp_ResponseCode", _CODE), text(fields, "vnp_TransactionStatus", _CODE))
        said = {OUTCOMES.get(code, Outcome.PENDING), STATUSES.get(status, Outcome.PENDING)}
        outcome = said.pop() if len(said) == 1 else Outcome.PENDING
        return _confirmation(fields, outcome, text(fields, "vnp_TxnRef"), f"{code}/{status}")

    def acknowledge(self, answer: Answer) -> CallbackReply:
        """RspCode and Message."""
        status, code, words = ANSWERS[answer]
        return CallbackReply(status=status, body=json.dumps({"RspCode": code, "Message": words}).encode())

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Ask with querydr. What VNPAY does not know is PENDING: the citizen may still be choosing."""
        question = self._question(query)
        with understood(CODE):
            fields = read_object(self.http.post_json(self.settings.api_url, question).body)
            signed = joined(fields, ANSWER_SIGNS.split(), "vnp_").encode()
            require_hmac_sha512(self.settings.believed, signed, text(fields, "vnp_SecureHash"))
            return self._from_answer(fields, query.attempt_reference)

    def fetch_statement(self, day: date) -> Statement:
        """The collector file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return COLLECTOR_FILE.of_day(self.settings.statements, day, CODE)

    def _from_answer(self, fields: Fields, reference: str) -> Confirmation:
        code = text(fields, "vnp_ResponseCode", _CODE)
        if code not in (QUERY_ANSWERED, QUERY_NOT_FOUND):
            raise BankUnavailable(f"{CODE} refused the question with {code}")
        if (text(fields, "vnp_TmnCode"), text(fields, "vnp_TxnRef")) != (self.settings.tmn_code, reference):
            raise Malformed(f"the answer is not about {reference}")
        if code == QUERY_NOT_FOUND:
            return Confirmation(CODE, f"querydr:{reference}:{code}", reference, Outcome.PENDING, code=code)
        status = text(fields, "vnp_TransactionStatus", _CODE)
        outcome = STATUSES.get(status, Outcome.PENDING)
        if fields.get("vnp_TransactionType") != "01":  # the last movement is a refund, not the payment
            outcome = Outcome.PENDING
        return _confirmation(fields, outcome, f"querydr:{reference}", status)

    def _question(self, query: PaymentQuery) -> dict[str, str]:
        fields = {
            "vnp_RequestId": secrets.token_hex(16),
            "vnp_Version": VERSION,
            "vnp_Command": "querydr",
            "vnp_TmnCode": self.settings.tmn_code,
            "vnp_TxnRef": fitting(query.attempt_reference, _SAFE_REFERENCE),
            "vnp_OrderInfo": f"Truy van {query.attempt_reference}",
            "vnp_TransactionDate": write_vietnam_time(query.started_at),
            "vnp_CreateDate": write_vietnam_time(query.asked_at),
            "vnp_IpAddr": self.settings.server_ip,
        }
        signed = joined(fields, QUERY_SIGNS.split(), "vnp_")
        return {**fields, "vnp_SecureHash": hmac_hex("sha512", self.settings.secret, signed.encode())}


def canonical_query(fields: Mapping[str, str]) -> str:
    """What is hashed: every ``vnp_`` field with a value, in the order of names, encoded as a form."""
    return form_encoded((name, value) for name, value in sorted_and_filled(fields) if name.startswith("vnp_"))


def _confirmation(fields: Fields, outcome: Outcome, event: str, code: str) -> Confirmation:
    """``event`` says what kind of message it is and of which payment; number and code make it this very
    one."""
    number: str | None = as_signed(fields.get("vnp_TransactionNo"))
    if not re.fullmatch(_TRANSACTION, number or "", re.ASCII):
        number = None  # VNPAY writes 0, or nothing, when no money was taken
    if outcome is Outcome.PAID and number is None:
        raise Malformed("paid, but without a transaction number")
    moment = text_or_none(fields, "vnp_PayDate")
    return Confirmation(
        bank=CODE,
        event_id=f"{event}:{number or 0}:{code}",
        reference=text(fields, "vnp_TxnRef"),
        outcome=outcome,
        amount=read_hundredfold(as_signed(fields.get("vnp_Amount"))),
        bank_transaction_id=number,
        paid_at=read_vietnam_time(moment) if moment else None,
        code=code,
    )
