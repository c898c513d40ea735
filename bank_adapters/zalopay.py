"""ZaloPay's OpenAPI v2: an order opens a page of ZaloPay's; values in a row are signed, with ``|`` between them.

Rules from zalopay-oss/zalopay-nodejs and docs.zalopay.vn. key1 signs what we send, key2 what ZaloPay tells. Amounts are
whole dong, times are milliseconds since 1970. ZaloPay's app_trans_id is our attempt reference behind the day in Vietnam
on which it began. Answers are not signed and do not name their order: they are trusted because we called, over TLS, and
only where their amount is ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.bank_time import read_milliseconds, write_milliseconds, write_vietnam_time
from bank_adapters.toolkit.http_client import HttpClient, parse_page, reading_answer, wire_time
from bank_adapters.toolkit.json_fields import Fields, read_object, read_unverified, text, text_or_none, whole
from bank_adapters.toolkit.limits import fitting, require_payable, require_refundable
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
from bank_adapters.toolkit.signatures import hmac_hex, require_hmac_sha256
from bank_adapters.toolkit.signed_fields import as_signed, joined, read_query
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
from payment_hub.domain.money import Money, dong

#: return_code of a question, and ``status`` of a return.
OUTCOMES: Final = {"1": Outcome.PAID, "2": Outcome.DECLINED, "3": Outcome.PENDING}
REFUNDS: Final = {"1": RefundOutcome.SUCCEEDED, "2": RefundOutcome.FAILED, "3": RefundOutcome.PENDING}
OPENED: Final = 1

#: sub_return_code under return_code 2 that refuses the request itself: of payment or refund it says nothing.
REFUSALS: Final = {
    "-32": "ZaloPay has a fault",
    "-33": "the app is under maintenance",
    "-34": "the channel is under maintenance",
    "-35": "the channel is not supported, or under maintenance",
    "-43": "the payer's bank is under maintenance",
    "-68": "the order exists already",
    "-88": "the function is under maintenance",
    "-135": "ZaloPay is under maintenance",
    "-301": "ZaloPay has a fault",
    "-401": "the request is invalid",
    "-402": "the app is not authenticated",
    "-403": "the mac is wrong",
    "-405": "this address is not for us",
    "-429": "too many requests",
    "-500": "ZaloPay has a fault",
    "-999": "seen, but nowhere explained",
}
#: sub_return_code that ends a payment or refund.
ENDINGS: Final = {
    "-54": "the order has expired",
    "-101": "refunded: to a card it takes 3 to 5 working days",
    "-322": "the payment code has expired",
    "-329": "the payer cancelled",
}
REFUND_DONE: Final = "-101"
CODES: Final = {**REFUSALS, **ENDINGS, "1": "done", "2": "failed", "3": "being processed"}

#: What of REFUSALS proves that a refund was not taken; a fault proves nothing.
NOT_TAKEN: Final = frozenset({"-401", "-402", "-403", "-405", "-429"})

#: What each message signs, in this order.
CREATE_SIGNS: Final = "app_id app_trans_id app_user amount app_time embed_data item"
REFUND_SIGNS: Final = "app_id zp_trans_id amount description timestamp"
REFUND_FEE_SIGNS: Final = "app_id zp_trans_id amount refund_fee_amount description timestamp"
REFUND_QUERY_SIGNS: Final = "app_id m_refund_id timestamp"
RETURN_SIGNS: Final = "appid apptransid pmcid bankcode amount discountamount status"

#: ``type`` of a callback about an order; 2 is an agreement to be debited.
ORDER: Final = 1

#: return_code and text of our answers. 0 asks for the message again, at most three times.
ANSWERS: Final = {
    Answer.RECORDED: (1, "success"),
    Answer.ALREADY_RECORDED: (2, "duplicate"),
    Answer.NO_SUCH_ORDER: (1, "success"),
    Answer.WRONG_AMOUNT: (1, "success"),
    Answer.NOT_RECORDED: (0, "not stored, please send again"),
}

#: Header names as an importer in the field reads them. Times and codes of the state were nowhere shown: to be checked.
COLLECTOR_FILE: Final = CollectorFile(
    columns={
        "booked_at": "NGAY_GIAO_DICH",
        "transaction_id": "MA_GD_ZALOPAY",
        "reference": "MA_GD_MERCHANT",
        "amount": "SO_TIEN_GIAO_DICH",
        "status": "TRANG_THAI_GIAO_DICH",
    },
    time_pattern="%d/%m/%Y %H:%M:%S",
    moved={"1": True, "Thành công": True, "Thất bại": False},
)

_DAY: Final = "%y%m%d"
_OURS: Final = re.compile(r"[0-9]{6}_(.+)", re.ASCII | re.DOTALL)
_REFERENCE: Final = r"[0-9A-Za-z._-]{1,33}"
_DESCRIPTION: Final = r"[^\x00-\x1f\x7f|]{1,256}"
_REASON: Final = r"[A-Za-z0-9 .:_-]{1,100}"
_RETURN: Final = r"(https?://[!-{}~]{1,2000})?"
_TRANSACTION: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_STATUS: Final = r"-?[0-9]{1,6}"

PROFILE: Final = BankProfile(
    title="ZaloPay OpenAPI v2",
    methods=(PaymentMethod.PAGE,),
    facts=(
        Fact("the macs of create, query and callback", "public tests, a test system", Certainty.REPRODUCED),
        Fact("the macs of refund, query_refund and return", "zalopay-oss/zalopay-nodejs", Certainty.OFFICIAL),
        Fact("return codes 1, 2, 3; limits of times", "specs/zlp.yaml", Certainty.OFFICIAL),
        Fact("sub return codes other than -54 and -999", "specs/zlp.yaml", Certainty.OFFICIAL),
        Fact("sub return codes -54 and -999", "seen in public code", Certainty.ONE_SOURCE),
        Fact("refund_fee_amount, which is signed where it is sent", "docs.zalopay.vn", Certainty.ONE_SOURCE),
        Fact("a return's status has the meaning of return_code", "a sample page", Certainty.ONE_SOURCE),
        Fact("columns of the daily files", "an importer in public code", Certainty.ONE_SOURCE),
        Fact("times and codes of state in the daily files", "nowhere shown", Certainty.HEARSAY),
    ),
    limits=Limits(shortest=timedelta(seconds=300), longest=timedelta(seconds=2_592_000)),
    codes=CODES,
)


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_ZALOPAY_*``."""

    url: str = setting(parse_url, "ZaloPay's host, such as https://openapi.zalopay.vn")
    app_id: int = setting(number_between(1, 999_999_999), "the number of our app")
    app_user: str = setting(
        text_matching("[A-Za-z0-9_.-]{1,50}"), "the name under which we sell", default="payment-hub"
    )
    secret: bytes = setting(parse_key, "key2, with which ZaloPay signs what it tells us", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the key2 before, still valid", default=None, secret=True
    )
    request_secret: bytes = setting(parse_key, "key1, with which we sign what we ask", secret=True)
    public_url: str | None = setting(
        parse_url, "the hub's own address, given to ZaloPay for its callbacks", default=None
    )
    statements: Path = setting(parse_folder, "the folder into which ZaloPay's daily files are dropped")
    refund_fee: int | None = setting(
        number_between(0, 100_000_000), "dong kept back from each refund; where set, signed too", default=None
    )
    read_seconds: int = setting(number_between(1, 60), "how long ZaloPay may be silent", default=10)


def build(bank: str, section: Mapping[str, str]) -> ZaloPay:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return ZaloPay(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class ZaloPay:
    """One app at ZaloPay."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Make the order. The same attempt has the same app_trans_id: should ZaloPay know it already (-68), there is no
        second order, and the next question tells what became of the first."""
        sent_at = wire_time()  # near ZaloPay's clock, and by which it counts: also when we ask once more
        begins_at = max(request.started_at, sent_at)
        require_payable(PROFILE.limits, replace(request, started_at=begins_at))
        lasts = min(request.expires_at - begins_at, PROFILE.limits.longest or timedelta.max)
        back = fitting(request.return_url, _RETURN)
        fields: dict[str, object] = {
            "app_trans_id": app_trans_id(request.started_at, request.attempt_reference),
            "app_user": self.settings.app_user,
            "amount": request.amount.minor,
            "app_time": write_milliseconds(sent_at),
            "embed_data": json.dumps({"redirecturl": back} if back else {}),
            "item": "[]",
            "description": fitting(request.description, _DESCRIPTION),
            "expire_duration_seconds": lasts // timedelta(seconds=1),
            "bank_code": fitting(request.bank_choice or "", "[A-Za-z0-9]{0,20}"),
        }
        if self.settings.public_url:
            fields["callback_url"] = f"{self.settings.public_url}/callbacks/{self.code}"
        with reading_answer(self.code):
            answer = self._call("create", CREATE_SIGNS, fields)
            if whole(answer, "return_code") != OPENED:
                raise BankUnavailable(f"{self.code} opened nothing: {_code_of(answer)}")
            return Instructions(
                page_url=parse_page(str(answer.get("order_url"))),
                bank_reference=text_or_none(answer, "zp_trans_token", "[!-~]{1,200}"),
            )

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """An order was paid: ZaloPay calls for nothing else. The mac is over the text of ``data``, byte for byte."""
        message, data, key = self._verified(request)
        if whole(message, "type") != ORDER:  # it is not signed: it may refuse, but makes no payment
            raise Malformed("the message is not about an order")
        fields = read_object(data, decimals_as_text=True)
        if fields.get("app_id") != self.settings.app_id:
            raise CallbackRejected
        named, number = text(fields, "app_trans_id"), _transaction(fields)
        return Confirmation(
            bank=self.code,
            event_id=f"callback:{named}:{number}",
            reference=reference_in(named),
            outcome=Outcome.PAID,
            amount=dong(whole(fields, "amount")),
            bank_transaction_id=number,
            paid_at=read_milliseconds(as_signed(fields.get("server_time"))),
            code="1",
            key=key,
        )

    def read_return(self, query: bytes) -> Confirmation:
        """What the citizen's browser brings back. It names no transaction of ZaloPay's: for display only."""
        fields = read_query(query)
        signed = joined(fields, RETURN_SIGNS.split()).encode()
        key = require_hmac_sha256(self.settings.secrets, signed, fields.get("checksum"))
        if fields.get("appid") != str(self.settings.app_id):
            raise CallbackRejected
        named, status = text(fields, "apptransid"), text(fields, "status", _STATUS)
        return Confirmation(
            bank=self.code,
            event_id=f"return:{named}:{status}",
            reference=reference_in(named),
            outcome=OUTCOMES.get(status, Outcome.PENDING),
            amount=Money.parse(text(fields, "amount")),
            code=status,
            key=key,
        )

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """return_code and return_message."""
        return _reply(*ANSWERS[answer])

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """return_code -1, after which ZaloPay does not send again. What it signed and we could not read is asked for
        once more: it is stored nowhere."""
        try:
            self._verified(request)
        except CallbackRejected:
            return _reply(-1, "mac not equal")
        return _reply(*ANSWERS[Answer.NOT_RECORDED])

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Ask what became of the order. key1 is a field of what is signed, and is not sent."""
        named = app_trans_id(query.started_at, query.attempt_reference)
        signed = f"{self.settings.app_id}|{named}|".encode() + self.settings.request_secret
        with reading_answer(self.code):
            answer = self._answer("query", {"app_trans_id": named}, signed)
            code, code_and_sub = _accepted_code(answer)
            outcome = OUTCOMES.get(code, Outcome.PENDING)
            if answer.get("is_processing") is True:
                outcome = Outcome.PENDING
            paid = outcome is Outcome.PAID
            number = _transaction(answer) if paid else None
            if paid and whole(answer, "amount") != query.amount.minor:
                raise Malformed(f"the answer is not about {named}")
            return Confirmation(
                bank=self.code,
                event_id=f"query:{named}:{number or 0}:{code_and_sub}",
                reference=query.attempt_reference,
                outcome=outcome,
                amount=query.amount if paid else None,
                bank_transaction_id=number,
                code=code_and_sub,
            )

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """Give money back. What ZaloPay refuses as a request was not taken: this refund has failed."""
        require_refundable(PROFILE.limits, request)
        fields: dict[str, object] = {
            "m_refund_id": self._m_refund_id(request.queried_at, request.number),
            "zp_trans_id": fitting(request.bank_transaction_id, _TRANSACTION.pattern),
            "amount": request.amount.minor,
            "description": fitting(request.description, _REASON),
            "timestamp": write_milliseconds(request.queried_at),
        }
        signs = REFUND_SIGNS
        if self.settings.refund_fee is not None:
            fields["refund_fee_amount"], signs = self.settings.refund_fee, REFUND_FEE_SIGNS
        with reading_answer(self.code):
            answer = self._call("refund", signs, fields)
            if answer.get("return_code") not in (1, 3) and set(_code_of(answer).split("/")) & NOT_TAKEN:
                return RefundAnswer(RefundOutcome.FAILED, _code_of(answer))
            return _refund_answer(answer)

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """Query a refund. One that ZaloPay does not know may still be on its way."""
        fields: dict[str, object] = {
            "m_refund_id": self._m_refund_id(query.submitted_at, query.number),
            "timestamp": write_milliseconds(query.queried_at),
        }
        with reading_answer(self.code):
            return _refund_answer(self._call("query_refund", REFUND_QUERY_SIGNS, fields), params=True)

    def fetch_statement(self, day: date) -> Statement:
        """The collector file dropped for ``day``. Raises BankUnavailable while it is not there."""
        file = COLLECTOR_FILE.of_day(self.settings.statements, day, self.code)
        lines = (replace(line, reference=reference_in(line.reference)) for line in file.lines)
        return replace(file, lines=tuple(lines))

    def _verified(self, request: CallbackRequest) -> tuple[Fields, bytes, int]:
        """The message, the data in it as they are signed, and which key signed them. Raises CallbackRejected."""
        if request.method != "POST":
            raise CallbackRejected
        message = read_unverified(request.body)
        data, mac = message.get("data"), message.get("mac")
        if not isinstance(data, str) or not isinstance(mac, str):
            raise CallbackRejected
        signed = data.encode()
        return message, signed, require_hmac_sha256(self.settings.secrets, signed, mac)

    def _m_refund_id(self, moment: datetime, number: int) -> str:
        return f"{write_vietnam_time(moment, _DAY)}_{self.settings.app_id}_{number:09d}"

    def _call(self, verb: str, signs: str, fields: Mapping[str, object]) -> Fields:
        params = {"app_id": self.settings.app_id, **fields}
        return self._answer(verb, fields, joined(params, signs.split()).encode())

    def _answer(self, verb: str, fields: Mapping[str, object], signed: bytes) -> Fields:
        mac = hmac_hex("sha256", self.settings.request_secret, signed)
        params = {"app_id": self.settings.app_id, **fields, "mac": mac}
        return read_object(
            self.http.post_json(f"{self.settings.url}/v2/{verb}", params).body, decimals_as_text=True
        )


def app_trans_id(started_at: datetime, attempt_reference: str) -> str:
    """ZaloPay's name for an attempt: the day in Vietnam, by which it reconciles, then our reference. Or Malformed."""
    return f"{write_vietnam_time(started_at, _DAY)}_{fitting(attempt_reference, _REFERENCE)}"


def reference_in(named: str) -> str:
    """Our reference in an app_trans_id; what has not its form stays as it is."""
    match = _OURS.fullmatch(named)
    return match[1] if match else named


def _transaction(fields: Fields) -> str:
    """ZaloPay's number of the money, which it writes as a number or as text. Raises Malformed."""
    number = fields.get("zp_trans_id")
    written = str(number) if type(number) is int else number
    if not isinstance(written, str) or not _TRANSACTION.fullmatch(written):
        raise Malformed("paid, but without a transaction")
    return written


def _code_of(answer: Fields) -> str:
    """return_code and sub_return_code."""
    return f"{whole(answer, 'return_code')}/{as_signed(answer.get('sub_return_code'))}"


def _accepted_code(answer: Fields) -> tuple[str, str]:
    """return_code, and the word of both. Raises BankUnavailable where ZaloPay refused to answer the request."""
    code, _, sub = (code_and_sub := _code_of(answer)).partition("/")
    refused = {code, sub if code != "1" else ""} & REFUSALS.keys()
    if refused:
        raise BankUnavailable(f"refused: {', '.join(CODES[one] for one in sorted(refused))}")
    return code, code_and_sub


def _refund_answer(answer: Fields, *, params: bool = False) -> RefundAnswer:
    """``asked``: it is an answer to a question, in which a reason that nobody documented may mean "not known"."""
    code, code_and_sub = _accepted_code(answer)
    outcome, sub = REFUNDS.get(code, RefundOutcome.PENDING), code_and_sub.partition("/")[2]
    unknown = sub == REFUND_DONE or (params and sub.startswith("-") and sub not in CODES)
    if outcome is RefundOutcome.FAILED and unknown:
        outcome = RefundOutcome.PENDING
    number = as_signed(answer.get("refund_id"))
    return RefundAnswer(outcome, code_and_sub, number if _TRANSACTION.fullmatch(number) else None)


def _reply(code: int, message: str) -> CallbackReply:
    return CallbackReply(200, json.dumps({"return_code": code, "return_message": message}).encode())
