"""VNPAY PAY 2.1.0: a signed address for the citizen, a signed GET back (IPN), and an interface for queries and refunds.

Rules from sandbox.vnpayment.vn/apis/docs (thanh-toan-pay, truy-van-hoan-tien), read beside independent programs.
Amounts on the wire are dong x 100, times are GMT+7. VNPAY's merchant reference (vnp_TxnRef) is our attempt reference.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.bank_time import vietnam_time_or_none, write_vietnam_time
from bank_adapters.toolkit.http_client import HttpClient, reading_answer
from bank_adapters.toolkit.json_fields import Fields, read_object, text
from bank_adapters.toolkit.limits import (
    fitting,
    hundredfold,
    hundredfold_or_none,
    require_payable,
    require_refundable,
)
from bank_adapters.toolkit.settings import (
    RotatingSecret,
    number_between,
    parse_folder,
    parse_key,
    parse_url,
    read_section,
    setting,
    text_matching,
)
from bank_adapters.toolkit.signatures import hmac_hex, require_hmac_sha512
from bank_adapters.toolkit.signed_fields import as_form, as_sent, as_signed, joined, read_query
from bank_adapters.toolkit.statements import OTHERWISE, CollectorFile
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
from payment_hub.domain.money import dong

VERSION: Final = "2.1.0"

#: vnp_ResponseCode of an IPN or a return. 07 is money taken and suspected of fraud: an officer must look.
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

#: vnp_ResponseCode of the query interface. To a question every other code says that the question itself failed.
ACCEPTED, NOT_FOUND = "00", "91"

#: To a refund: 94 was requested before, 99 may be anything. Only 91 (no such payment) and 95 (it failed) are proof.
REFUND_CODES: Final = dict.fromkeys((NOT_FOUND, "95"), RefundOutcome.FAILED)

#: Our terminal, format or checksum is wrong. This request was not taken, but an earlier one of the same refund may have
#: been: so it is no answer, and the refund can go out again when the settings are right.
REQUEST_REFUSED: Final = ("02", "03", "97")

#: vnp_TransactionStatus of a refund: 05 is at work, 06 was sent to the payer's bank, 09 was rejected. 00 in the answer
#: to a refund may speak of the payment; asked about the refund, it is the word for money that has gone back.
REJECTED: Final = "09"
REFUND_STATUSES: Final = {"00": RefundOutcome.SUCCEEDED, REJECTED: RefundOutcome.FAILED}

#: vnp_TransactionType.
PAYMENT, FULL, PART = "01", "02", "03"

#: VNPAY's clock may be so far behind ours, and a refund still be the one that we asked for.
_CLOCKS_APART: Final = timedelta(minutes=1)

#: RspCode and text for our answer, with HTTP status 200 always. VNPAY sends again for 01, 04, 97 and 99.
ANSWERS: Final = {
    Answer.RECORDED: ("00", "Confirm Success"),
    Answer.ALREADY_RECORDED: ("02", "Order already confirmed"),
    Answer.NO_SUCH_ORDER: ("01", "Order not found"),
    Answer.WRONG_AMOUNT: ("04", "Invalid amount"),
    Answer.NOT_RECORDED: ("99", "Unknown error"),
}

#: What the hash does not cover. 2.1.0 knows one hash: what the second of them names is never asked.
UNHASHED: Final = frozenset({"vnp_SecureHash", "vnp_SecureHashType"})

#: What the query interface signs, in this order. An absent value keeps its place, and the amount is as it came, x 100.
QUERY_SIGNS: Final = "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo"
REFUND_SIGNS: Final = (
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy"
    " CreateDate IpAddr OrderInfo"
)
REFUND_ANSWER_SIGNS: Final = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo"
    " TransactionType TransactionStatus OrderInfo"
)
ANSWER_SIGNS: Final = f"{REFUND_ANSWER_SIGNS} PromotionCode PromotionAmount"

#: Header names as an importer in the field reads them; the codes are those of vnp_TransactionStatus.
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
_CODE: Final = r"[0-9A-Za-z]{1,10}"

PROFILE: Final = BankProfile(
    title="VNPAY PAY 2.1.0",
    methods=(PaymentMethod.PAGE,),
    facts=(
        Fact("the hash of address, IPN and return", "published hashes, recomputed", Certainty.REPRODUCED),
        Fact("the checksums of querydr and refund", "an independent program, compared", Certainty.REPRODUCED),
        Fact(
            "the checksums of their answers; codes, lengths and the answers to an IPN",
            "vnpayment.vn, API pages thanh-toan-pay and truy-van-hoan-tien",
            Certainty.OFFICIAL,
        ),
        Fact("names of the collector file's columns", "an importer in the field", Certainty.ONE_SOURCE),
        Fact("times and codes of the collector file: a setting", "our guess", Certainty.HEARSAY),
    ),
    limits=Limits(smallest=dong(1), largest=dong(9_999_999_999)),
    codes={
        "00": "paid",
        "07": "money taken, suspected of fraud: an officer must decide",
        "09": "no internet banking for this card or account",
        "10": "wrong card or account data more than three times",
        "11": "not paid in time",
        "12": "card or account locked",
        "13": "wrong one-time password",
        "24": "cancelled by the payer",
        "51": "not enough money",
        "65": "daily limit exceeded",
        "75": "the payer's bank is under maintenance",
        "79": "wrong payment password too often",
        "99": "another error",
        "status 01": "not finished",
        "status 02": "failed",
        "status 04": "reversed: taken at the payer's bank, not successful here",
        "status 05, 06": "refund being worked on, or sent to the payer's bank",
        "status 07": "suspected of fraud",
        "status 09": "refund rejected",
        "query 02, 03, 97": "wrong terminal code, format or checksum",
        "query 91, 95": "no such payment, or one that had failed",
        "query 94": "requested before",
    },
)


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_VNPAY_*``."""

    pay_url: str = setting(parse_url, "the page to which citizens are sent")
    api_url: str = setting(parse_url, "the query interface")
    tmn_code: str = setting(text_matching("[A-Za-z0-9_]{1,20}"), "our terminal code")
    secret: bytes = setting(parse_key, "the hash secret of the terminal", secret=True)
    secret_previous: bytes | None = setting(parse_key, "the one before", default=None, secret=True)
    statements: Path = setting(parse_folder, "the folder into which VNPAY's daily files are dropped")
    statement_format: CollectorFile = setting(COLLECTOR_FILE.otherwise, OTHERWISE, default=COLLECTOR_FILE)
    order_type: str = setting(
        text_matching("[a-z0-9]{1,20}"), "the catalogue code of what is paid", default="other"
    )
    server_ip: str = setting(text_matching("[0-9A-Fa-f.:]{3,45}"), "where we query from", default="127.0.0.1")
    read_seconds: int = setting(number_between(1, 60), "how long VNPAY may be silent", default=10)


def build(bank: str, section: Mapping[str, str]) -> Vnpay:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return Vnpay(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class Vnpay:
    """One terminal at VNPAY."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A signed address; VNPAY learns of the payment only when the citizen goes there. Raises Malformed."""
        require_payable(PROFILE.limits, request)
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
        key = self._key_of(query, fields)
        if fields.get("vnp_TmnCode") != self.settings.tmn_code:
            raise CallbackRejected
        code, status = (text(fields, "vnp_ResponseCode", _CODE), text(fields, "vnp_TransactionStatus", _CODE))
        outcomes = {OUTCOMES.get(code, Outcome.PENDING), STATUSES.get(status, Outcome.PENDING)}
        outcome = outcomes.pop() if len(outcomes) == 1 else Outcome.PENDING
        confirmation = _confirmation(
            self.code, fields, outcome, text(fields, "vnp_TxnRef"), f"{code}/{status}"
        )
        return replace(confirmation, key=key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """RspCode and Message."""
        return _reply(*ANSWERS[answer])

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """RspCode 97: VNPAY sends again."""
        return _reply("97", "Fail checksum")

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Ask with querydr. What VNPAY does not know is PENDING: the citizen may still be choosing."""
        reference, event = query.attempt_reference, f"querydr:{query.attempt_reference}"
        question = self._question("querydr", reference, query.started_at, query.queried_at)
        with reading_answer(self.code):
            key, code, fields = self._call(question, QUERY_SIGNS, ANSWER_SIGNS)
            if code == NOT_FOUND:
                return Confirmation(self.code, f"{event}:{code}", reference, Outcome.PENDING, code=code)
            if code != ACCEPTED:
                raise BankUnavailable(f"{self.code} refused the question with {code}")
            status = text(fields, "vnp_TransactionStatus", _CODE)
            outcome = STATUSES.get(status, Outcome.PENDING)
            if fields.get("vnp_TransactionType") != PAYMENT:  # the last movement is a refund, not the payment
                outcome = Outcome.PENDING
            return replace(_confirmation(self.code, fields, outcome, event, status), key=key)

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """Ask for a refund; the same reference again on one day is one request to VNPAY. "Accepted" is PENDING.

        Raises Malformed for what VNPAY cannot carry, and BankUnavailable for whatever leaves us in doubt.
        """
        require_refundable(PROFILE.limits, request)
        question = {
            **self._question(
                "refund", request.attempt_reference, request.payment_started_at, request.queried_at
            ),
            "vnp_RequestId": fitting(request.refund_reference, "[A-Za-z0-9-]{1,32}"),
            "vnp_OrderInfo": fitting(request.description, _SAFE_TEXT),
            "vnp_TransactionType": _refund_type(request),
            "vnp_Amount": hundredfold(request.amount),
            "vnp_TransactionNo": fitting(request.bank_transaction_id or "0", "[0-9A-Za-z_-]{1,50}"),
            "vnp_CreateBy": fitting(request.requested_by, "[A-Za-z0-9 .:@_-]{1,245}"),
        }
        with reading_answer(self.code):
            _, code, fields = self._call(question, REFUND_SIGNS, REFUND_ANSWER_SIGNS)
            if code != ACCEPTED:
                return RefundAnswer(REFUND_CODES.get(code, RefundOutcome.PENDING), code)
            for name in ("vnp_TransactionType", "vnp_Amount"):
                if as_signed(fields.get(name)) != question[name]:
                    raise Malformed(f"the answer has another {name}")
        status, number = as_signed(fields.get("vnp_TransactionStatus")), _number(fields)
        outcome = RefundOutcome.FAILED if status == REJECTED else RefundOutcome.PENDING
        its_own = number if number != request.bank_transaction_id else None  # not the payment's once more
        return RefundAnswer(outcome, f"{code}/{status}", its_own)

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """Ask with querydr for the payment's last movement; when that is any other than this refund, it is PENDING."""
        question = self._question(
            "querydr", query.attempt_reference, query.payment_started_at, query.queried_at
        )
        with reading_answer(self.code):
            _, code, fields = self._call(question, QUERY_SIGNS, ANSWER_SIGNS)
            if code != ACCEPTED or not _is_about(fields, query):
                return RefundAnswer(RefundOutcome.PENDING, code)
            status = as_signed(fields.get("vnp_TransactionStatus"))
        outcome = REFUND_STATUSES.get(status, RefundOutcome.PENDING)
        return RefundAnswer(outcome, f"{code}/{status}", _number(fields))

    def fetch_statement(self, day: date) -> Statement:
        """The collector file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return self.settings.statement_format.of_day(self.settings.statements, day, self.code)

    def _key_of(self, query: bytes, fields: Mapping[str, str]) -> int:
        """Which key signed ``query``: as we encode it, or as it came, for encoders differ. Raises CallbackRejected."""
        secrets, given = self.settings.secrets, fields.get("vnp_SecureHash")
        try:
            return require_hmac_sha512(secrets, canonical_query(fields).encode(), given)
        except CallbackRejected:
            return require_hmac_sha512(secrets, as_sent(query, "vnp_", UNHASHED).encode(), given)

    def _call(self, question: Mapping[str, str], signs: str, answer_signs: str) -> tuple[int, str, Fields]:
        """Sign and send ``question``; the key that signed the answer, its code, and its fields as they came.

        Raises BankUnavailable when the question itself was refused, and Malformed for an answer to another one.
        """
        checksum = hmac_hex("sha512", self.settings.secret, joined(question, signs.split(), "vnp_").encode())
        answer = self.http.post_json(self.settings.api_url, {**question, "vnp_SecureHash": checksum})
        fields = read_object(answer.body, decimals_as_text=True)
        signed = joined(fields, answer_signs.split(), "vnp_").encode()
        key = require_hmac_sha512(self.settings.secrets, signed, text(fields, "vnp_SecureHash"))
        code = text(fields, "vnp_ResponseCode", _CODE)
        if code in REQUEST_REFUSED:
            raise BankUnavailable(f"{self.code} refused the question with {code}")
        for name in ("vnp_Command", "vnp_TmnCode", "vnp_TxnRef"):
            if text(fields, name) != question[name]:
                raise Malformed(f"the answer has another {name}")
        return key, code, fields

    def _question(self, command: str, reference: str, started: datetime, queried: datetime) -> dict[str, str]:
        """The fields that querydr and refund share; they name the payment by reference and moment of opening."""
        return {
            "vnp_RequestId": secrets.token_hex(16),
            "vnp_Version": VERSION,
            "vnp_Command": command,
            "vnp_TmnCode": self.settings.tmn_code,
            "vnp_TxnRef": fitting(reference, _SAFE_REFERENCE),
            "vnp_OrderInfo": f"Truy van {reference}",
            "vnp_TransactionDate": write_vietnam_time(started),
            "vnp_CreateDate": write_vietnam_time(queried),
            "vnp_IpAddr": self.settings.server_ip,
        }


def canonical_query(fields: Mapping[str, str]) -> str:
    """What is hashed: every ``vnp_`` field with a value but the hash, in the order of names, encoded as a form."""
    return as_form(fields, "vnp_", UNHASHED)


def _reply(code: str, message: str) -> CallbackReply:
    return CallbackReply(200, json.dumps({"RspCode": code, "Message": message}).encode())


def _refund_type(refund: RefundRequest | RefundQuery) -> str:
    return FULL if refund.amount == refund.paid else PART


def _is_about(fields: Fields, query: RefundQuery) -> bool:
    """By size, and by number or else by time: an earlier refund must never speak for a later one. Raises Malformed."""
    confirmation = (as_signed(fields.get("vnp_TransactionType")), as_signed(fields.get("vnp_Amount")))
    if confirmation != (_refund_type(query), hundredfold(query.amount)):
        return False
    if query.bank_refund_id is not None:
        return _number(fields) == query.bank_refund_id
    moment = vietnam_time_or_none(as_signed(fields.get("vnp_PayDate")))
    return moment is not None and moment >= query.submitted_at - _CLOCKS_APART


def _number(fields: Fields) -> str | None:
    """VNPAY's transaction number; it writes 0, or nothing, when no money moved."""
    number = as_signed(fields.get("vnp_TransactionNo"))
    return number if re.fullmatch(_TRANSACTION, number, re.ASCII) else None


def _confirmation(bank: str, fields: Fields, outcome: Outcome, event: str, code: str) -> Confirmation:
    """``event`` says what kind of message it is and of which payment; number and code make it this very one."""
    number, amount = _number(fields), hundredfold_or_none(as_signed(fields.get("vnp_Amount")))
    if outcome is Outcome.PAID and (number is None or amount is None):
        raise Malformed("paid, but without a transaction number or whole dong x 100")
    return Confirmation(
        bank=bank,
        event_id=f"{event}:{number or 0}:{code}",
        reference=text(fields, "vnp_TxnRef"),
        outcome=outcome,
        amount=amount,
        bank_transaction_id=number,
        paid_at=vietnam_time_or_none(as_signed(fields.get("vnp_PayDate"))),
        code=code,
    )
