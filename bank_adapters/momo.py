"""MoMo's payment gateway v2: a page or the app for the citizen, a signed callback (IPN), and an interface to ask.

Rules from developers.momo.vn; the signature of callbacks is recomputed from messages of MoMo's sandbox. Amounts are
whole dong, times are milliseconds since 1970. MoMo's orderId is our attempt reference. MoMo does not sign its
answers: they are trusted because we called, over TLS, and only when they repeat partner, order and request.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.bank_time import read_milliseconds
from bank_adapters.toolkit.emv_qr import read_qr
from bank_adapters.toolkit.http_client import HttpClient, parse_page, reading_answer
from bank_adapters.toolkit.json_fields import Fields, as_object, read_object, read_unverified, text, whole
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
from bank_adapters.toolkit.signed_fields import as_signed, read_query
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


class Result(Enum):
    """Of what sort a resultCode is. A failed REFUND and a refused REQUEST say nothing of the payment."""

    DONE, FINAL, REFUND, REQUEST, WAITING = range(5)


#: Every documented resultCode: its sort, and what it means.
RESULTS: Final = {
    "0": (Result.DONE, "successful"),
    "10": (Result.REQUEST, "MoMo is under maintenance"),
    "11": (Result.REQUEST, "access denied"),
    "12": (Result.REQUEST, "this version of the interface is not supported"),
    "13": (Result.REQUEST, "the partner could not be authenticated"),
    "20": (Result.REQUEST, "the request is badly formed"),
    "21": (Result.REQUEST, "the amount is invalid"),
    "22": (Result.REQUEST, "the amount is out of range"),
    "40": (Result.REQUEST, "the requestId was used before"),
    "41": (Result.REQUEST, "the orderId was used before"),
    "42": (Result.REQUEST, "the orderId is invalid or unknown"),
    "43": (Result.REQUEST, "a similar transaction is being processed"),
    "45": (Result.REQUEST, "an itemId stands twice"),
    "47": (Result.REQUEST, "a value is not in the set that is allowed"),
    "98": (Result.FINAL, "the QR code could not be made"),
    "99": (Result.FINAL, "unknown error"),
    "1000": (Result.WAITING, "waiting for the payer to confirm"),
    "1001": (Result.FINAL, "insufficient funds"),
    "1002": (Result.FINAL, "rejected by the issuer of the payment method"),
    "1003": (Result.FINAL, "cancelled after it was authorised"),
    "1004": (Result.FINAL, "above the payer's daily or monthly limit"),
    "1005": (Result.FINAL, "the address or QR code has expired"),
    "1006": (Result.FINAL, "the payer refused to confirm"),
    "1007": (Result.FINAL, "the payer's account is inactive or does not exist"),
    "1017": (Result.FINAL, "cancelled by the partner"),
    "1026": (Result.FINAL, "restricted by the rules of a promotion"),
    "1080": (Result.REFUND, "the refund failed while it was processed"),
    "1081": (Result.REFUND, "the refund was rejected: refunded before, or more than is left"),
    "1088": (Result.REFUND, "the payment cannot be refunded"),
    "2019": (Result.FINAL, "the orderGroupId is invalid"),
    "4001": (Result.FINAL, "the payer's account is restricted"),
    "4002": (Result.FINAL, "the payer's account is not verified by chip card"),
    "4100": (Result.FINAL, "the payer did not log in"),
    "7000": (Result.WAITING, "being processed"),
    "7002": (Result.WAITING, "being processed by the provider of the payment method"),
    "9000": (Result.WAITING, "authorised: the money is held until we capture it"),
}
AUTHORISED: Final = "9000"
NOT_FOUND: Final = frozenset({"42"})
REPEATED: Final = frozenset({"40", "41"})
REQUEST_ERRORS: Final = frozenset(code for code, (sort, _) in RESULTS.items() if sort is Result.REQUEST)

_MEANS: Final = {Result.DONE: Outcome.PAID, Result.FINAL: Outcome.DECLINED}
OUTCOMES: Final = {code: _MEANS.get(sort, Outcome.PENDING) for code, (sort, _) in RESULTS.items()}

#: What an answer to /confirm proves; every other code leaves it to the next question.
CANCELLED: Final = {"0": Outcome.DECLINED, "1003": Outcome.DECLINED, "1017": Outcome.DECLINED}
CAPTURED: Final = CANCELLED | {"0": Outcome.PAID}

#: A refused request proves that a refund was not taken, unless it was asked for before or has to wait. 99 ends a
#: payment, which can be tried again; of a refund "unknown error" proves nothing.
NOT_TAKEN: Final = REQUEST_ERRORS - REPEATED - {"10", "43"}
REFUNDS: Final = {"0": RefundOutcome.SUCCEEDED} | {
    code: RefundOutcome.FAILED
    for code, (sort, _) in RESULTS.items()
    if code in NOT_TAKEN or (sort in (Result.FINAL, Result.REFUND) and code != "99")
}

#: What each message signs, beside the accessKey, which no callback carries.
CREATE_SIGNS: Final = (
    *("amount", "extraData", "ipnUrl", "orderId", "orderInfo"),
    *("partnerCode", "redirectUrl", "requestId", "requestType"),
)
CALLBACK_SIGNS: Final = (
    *("amount", "extraData", "message", "orderId", "orderInfo", "orderType"),
    *("partnerCode", "payType", "requestId", "responseTime", "resultCode", "transId"),
)
QUERY_SIGNS: Final = ("orderId", "partnerCode", "requestId")
REFUND_SIGNS: Final = ("amount", "description", "orderId", "partnerCode", "requestId", "transId")
CONFIRM_SIGNS: Final = ("amount", "description", "orderId", "partnerCode", "requestId", "requestType")

#: MoMo answers 4xx to a request that it refuses, with the reason in the same form; 422 is one still under way.
ANSWERED: Final = frozenset({200, 201, 202, 400, 404, 422})

#: Header names as an importer in the field reads them. Times and codes of the state were nowhere shown: to be checked.
COLLECTOR_FILE: Final = CollectorFile(
    columns={
        "booked_at": "NGAY_GIAO_DICH",
        "transaction_id": "MA_GIAO_DICH",
        "reference": "MA_DON_HANG",
        "amount": "SO_TIEN",
        "status": "TRANG_THAI",
    },
    time_pattern="%d/%m/%Y %H:%M:%S",
    moved={"0": True, "Thành công": True, "Thất bại": False},
)

#: A refund of a payment by domestic card begins at this amount.
SMALLEST_CARD_REFUND: Final = dong(10_000)

_REQUEST_TYPES: Final = "captureWallet|payWithATM|payWithCC|payWithMethod"
_ORDER: Final = r"[0-9A-Za-z]([-_.0-9A-Za-z]{0,48}[0-9A-Za-z])?"
_INFO: Final = r"[^\x00-\x1f\x7f&=]{1,255}"
_DESCRIPTION: Final = r"[A-Za-z0-9 .:_-]{1,255}"
_APP_LINK: Final = r"momo://[!-~]{1,4000}"
_QR_TEXT: Final = rf"{_APP_LINK}|0002[ -~]{{8,500}}"
_RETURN: Final = r"https?://[!-~]{1,2000}"
_TRANSACTION: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)

PROFILE: Final = BankProfile(
    title="MoMo payment gateway v2",
    methods=(PaymentMethod.PAGE, PaymentMethod.APP_LINK, PaymentMethod.QR),
    facts=(
        Fact("the signature of callbacks and returns", "six messages of a test system", Certainty.REPRODUCED),
        Fact("what the other messages sign; codes; limits", "developers.momo.vn", Certainty.OFFICIAL),
        Fact("answers repeat their question, and list refunds", "developers.momo.vn", Certainty.OFFICIAL),
        Fact("what an entry of refundTrans holds", "an answer of a test system", Certainty.ONE_SOURCE),
        Fact("columns of the daily files", "an importer in public code", Certainty.ONE_SOURCE),
        Fact("times and codes of state in the daily files", "nowhere shown", Certainty.HEARSAY),
        Fact("payWithATM, payWithCC, payWithMethod", "widely reported", Certainty.HEARSAY),
    ),
    limits=Limits(
        dong(1_000), dong(50_000_000), smallest_refund=dong(1_000), largest_refund=dong(50_000_000)
    ),
    codes={code: meaning for code, (_, meaning) in RESULTS.items()},
)


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_MOMO_*``."""

    url: str = setting(parse_url, "MoMo's host, such as https://payment.momo.vn")
    partner_code: str = setting(text_matching("[A-Za-z0-9_]{1,50}"), "our partner code")
    access_key: str = setting(text_matching("[A-Za-z0-9]{1,64}"), "our access key: signed, never sent")
    secret: bytes = setting(parse_key, "the secret key", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the one before, still valid", default=None, secret=True
    )
    statements: Path = setting(parse_folder, "the folder into which MoMo's daily files are dropped")
    public_url: str = setting(parse_url, "the hub's own address, given to MoMo for its callbacks")
    ipn_url: str | None = setting(
        parse_url, "where MoMo sends callbacks, if not to the hub itself", default=None
    )
    request_type: str = setting(text_matching(_REQUEST_TYPES), "how the payer pays", default="captureWallet")
    two_step: str = setting(
        text_matching("yes|no"), "whether the money is held until we capture it", default="no"
    )
    read_seconds: int = setting(
        number_between(1, 60), "how long MoMo may be silent: it asks for 30", default=30
    )


def build(bank: str, section: Mapping[str, str]) -> Momo:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return Momo(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class Momo:
    """One partner of MoMo's."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Ask for MoMo's page. The same attempt has the same requestId, which MoMo answers alike for 31 days; where it
        says that it knows the order already (40, 41), no second payment is opened, and the next question tells."""
        require_payable(PROFILE.limits, request)
        reference = fitting(request.attempt_reference, _ORDER)
        fields: dict[str, object] = {
            "orderId": reference,
            "requestId": request_id(reference, "create"),
            "amount": request.amount.minor,
            "orderInfo": fitting(request.description, _INFO),
            "redirectUrl": fitting(request.return_url, _RETURN),
            "ipnUrl": self.settings.ipn_url or f"{self.settings.public_url}/callbacks/{self.code}",
            "requestType": self.settings.request_type,
            "autoCapture": self.settings.two_step == "no",
            "extraData": "",
            "lang": "en" if request.language == "en" else "vi",
        }
        with reading_answer(self.code):
            answer = self._call("create", CREATE_SIGNS, fields)
            if answer["resultCode"] != 0:
                raise BankUnavailable(f"{self.code} did not open {reference}: {answer['resultCode']}")
            return _instructions(answer, request.amount)

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """A JSON body by POST."""
        if request.method != "POST":
            raise CallbackRejected
        return self._result(read_unverified(request.body))

    def read_return(self, query: bytes) -> Confirmation:
        """What the citizen's browser brings back: the callback's fields, decoded as a form before they are signed."""
        return self._result(read_query(query))

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """204 and nothing else for whatever we have stored."""
        return CallbackReply(503 if answer is Answer.NOT_RECORDED else 204, b"")

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """MoMo has no answer for it."""
        return None

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Query it. An order that MoMo does not know is PENDING: its opening may be on its way."""
        with reading_answer(self.code):
            answer = self._query(query.attempt_reference, NOT_FOUND)
            return _confirmation(self.code, answer, OUTCOMES, "query")

    def capture_payment(self, query: PaymentQuery) -> Confirmation:
        """Take the money that the payer has authorised."""
        return self._confirm(query, "capture", CAPTURED)

    def cancel_payment(self, query: PaymentQuery) -> Confirmation:
        """Let go of the money that the payer has authorised."""
        return self._confirm(query, "cancel", CANCELLED)

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """Refund, as an order of its own that names the transaction; PENDING where it was requested before."""
        require_refundable(PROFILE.limits, request)
        if self.settings.request_type == "payWithATM" and request.amount < SMALLEST_CARD_REFUND:
            raise Malformed(f"MoMo gives back {SMALLEST_CARD_REFUND} or more to a domestic card")
        reference = fitting(request.refund_reference, _ORDER)
        fields: dict[str, object] = {
            "orderId": reference,
            "requestId": request_id(reference, "refund"),
            "amount": request.amount.minor,
            "transId": int(fitting(request.bank_transaction_id, _TRANSACTION.pattern)),
            "description": fitting(request.description, _DESCRIPTION),
        }
        with reading_answer(self.code):
            return _refund_answer(self._call("refund", REFUND_SIGNS, fields, REPEATED | NOT_TAKEN))

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """Query the payment: the answer lists its refunds. One that is not listed may be on its way."""
        with reading_answer(self.code):
            listed = self._query(query.attempt_reference).get("refundTrans") or []
            if not isinstance(listed, list):
                raise Malformed("refundTrans is no list")
            for entry in map(as_object, listed):
                if entry.get("orderId") == query.refund_reference:
                    if whole(entry, "amount") != query.amount.minor:
                        raise Malformed(f"{query.refund_reference} has another amount")
                    return _refund_answer(entry)
        return RefundAnswer(RefundOutcome.PENDING, "not listed")

    def fetch_statement(self, day: date) -> Statement:
        """The collector file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return COLLECTOR_FILE.of_day(self.settings.statements, day, self.code)

    def _result(self, fields: Fields) -> Confirmation:
        """The confirmation in a callback or a return; the signed ``responseTime`` is the moment of the payment."""
        message, given = canonical(self.settings.access_key, fields, CALLBACK_SIGNS), fields.get("signature")
        # Where a value looks like a field, the same string could be cut in two ways.
        if not isinstance(given, str) or any(message.count(f"&{name}=") != 1 for name in CALLBACK_SIGNS):
            raise CallbackRejected
        key = require_hmac_sha256(self.settings.secrets, message.encode(), given)
        if fields.get("partnerCode") != self.settings.partner_code:
            raise CallbackRejected
        return _confirmation(self.code, fields, OUTCOMES, "notice", key)

    def _query(self, reference: str, errors: frozenset[str] = frozenset()) -> Fields:
        """Every question has a requestId of its own: MoMo answers a repeated one as the first time."""
        params: dict[str, object] = {
            "orderId": fitting(reference, _ORDER),
            "requestId": request_id(reference, f"query.{secrets.token_hex(6)}"),
        }
        return self._call("query", QUERY_SIGNS, params, errors)

    def _confirm(self, query: PaymentQuery, act: str, proves: Mapping[str, Outcome]) -> Confirmation:
        reference = fitting(query.attempt_reference, _ORDER)
        fields: dict[str, object] = {
            "orderId": reference,
            "requestId": request_id(reference, act),
            "requestType": act,
            "amount": query.amount.minor,
            "description": "",
        }
        with reading_answer(self.code):
            return _confirmation(self.code, self._call("confirm", CONFIRM_SIGNS, fields), proves, act)

    def _call(
        self, verb: str, signs: Sequence[str], fields: Fields, errors: frozenset[str] = frozenset()
    ) -> Fields:
        """The answer. A request error is an answer only where it is among ``errors``."""
        params = {"partnerCode": self.settings.partner_code, "lang": "vi", **fields}
        signed = canonical(self.settings.access_key, params, signs)
        params["signature"] = hmac_hex("sha256", self.settings.secret, signed.encode())
        reply = self.http.post_json(f"{self.settings.url}/v2/gateway/api/{verb}", params, expect=ANSWERED)
        answer = read_object(reply.body, decimals_as_text=True)
        code = str(whole(answer, "resultCode"))
        if code in REQUEST_ERRORS - errors:
            raise BankUnavailable(f"{self.code} refused to {verb}: {code}, {PROFILE.codes[code]}")
        if any(answer.get(name) != params[name] for name in ("partnerCode", "orderId", "requestId")):
            raise Malformed(f"the answer is not about {params['orderId']}")
        return answer


def request_id(reference: str, act: str) -> str:
    """MoMo's idempotency key: one for each thing that we ask of an order, the same however often we ask it."""
    return f"{reference}.{act}"


def canonical(access_key: str, fields: Fields, names: Sequence[str]) -> str:
    """What is signed: the access key, then ``names`` in the order of names; values as they are."""
    return "&".join([f"accessKey={access_key}", *[f"{name}={as_signed(fields.get(name))}" for name in names]])


def _instructions(answer: Fields, amount: Money) -> Instructions:
    page, app, qr_text = (str(answer.get(name)) for name in ("payUrl", "deeplink", "qrCodeUrl"))
    if qr_text.startswith("0002") and read_qr(qr_text).amount != amount:
        raise Malformed("the QR text asks for another amount")
    return Instructions(
        page_url=parse_page(page),
        app_link=app if re.fullmatch(_APP_LINK, app, re.ASCII) else None,
        qr_text=qr_text if re.fullmatch(_QR_TEXT, qr_text, re.ASCII) else None,
    )


def _confirmation(
    bank: str, fields: Fields, proves: Mapping[str, Outcome], act: str, key: int | None = None
) -> Confirmation:
    """What ``fields`` say. The time counts where a key has signed it: that of an answer is when MoMo answered, not when
    the payer paid."""
    number, amount, code = (as_signed(fields.get(name)) for name in ("transId", "amount", "resultCode"))
    reference, outcome = text(fields, "orderId"), proves.get(code, Outcome.PENDING)
    match, paid = _TRANSACTION.fullmatch(number), outcome is Outcome.PAID  # 0 where no money was taken
    if paid and not match:
        raise Malformed("paid, but without a transaction")
    return Confirmation(
        bank=bank,
        event_id=f"{act}:{reference}:{number or 0}:{code}",
        reference=reference,
        outcome=outcome,
        amount=Money.parse(amount) if amount or paid else None,
        bank_transaction_id=number if match else None,
        paid_at=None if key is None else read_milliseconds(as_signed(fields.get("responseTime"))),
        code=code,
        authorised=code == AUTHORISED,
        key=key,
    )


def _refund_answer(fields: Fields) -> RefundAnswer:
    number, code = as_signed(fields.get("transId")), str(whole(fields, "resultCode"))
    transaction = number if _TRANSACTION.fullmatch(number) else None
    return RefundAnswer(REFUNDS.get(code, RefundOutcome.PENDING), code, transaction)
