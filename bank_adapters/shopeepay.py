"""ShopeePay, "Checkout with ShopeePay" (v3 merchant-host): a signed order, a signed callback, a check interface.

Rules from product.shopeepay.com/integration (checkout, check, refund, notify, common objects), read beside public
clients for Vietnam, Thailand and Indonesia. Every body is signed as the very bytes that travel. ShopeePay's
payment_reference_id is our attempt reference; it is called reference_id everywhere but in the order.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.http_client import HttpClient, parse_page, reading_answer
from bank_adapters.toolkit.json_fields import Fields, as_object, read_object, text, whole, written
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
from bank_adapters.toolkit.signatures import hmac_base64, require_hmac_sha256
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
from payment_hub.domain.money import Money, dong

CLIENT: Final = "X-Airpay-ClientId"
SIGNATURE: Final = "X-Airpay-Req-H"

CREATE: Final = "/v3/merchant-host/order/create"
CHECK: Final = "/v3/merchant-host/transaction/check"
REFUND: Final = "/v3/merchant-host/transaction/refund/create-new"

#: transaction_type of a payment and of a refund.
PAYMENT_TYPE: Final = 13
REFUND_TYPE: Final = 15

#: Transaction status, in a callback and in an answer.
OUTCOMES: Final = {
    "1": Outcome.PENDING,
    "2": Outcome.PENDING,
    "3": Outcome.PAID,
    "4": Outcome.DECLINED,
    "6": Outcome.DECLINED,
    "7": Outcome.DECLINED,
}

#: payment_status, in the callbacks of older products. 2 (not found) and 3 (refunded) say nothing about "was it paid".
PAYMENT_STATUSES: Final = {"1": Outcome.PAID, "4": Outcome.DECLINED, "6": Outcome.DECLINED}

#: Transaction status of a refund. Expired and invalidated are not documented for refunds, so they are PENDING.
REFUNDS: Final = {"3": RefundOutcome.SUCCEEDED, "4": RefundOutcome.FAILED}

#: errcode, text and status of our answer; anything but 0 asks for the callback again.
ANSWERS: Final = {
    Answer.RECORDED: (200, 0, "success"),
    Answer.ALREADY_RECORDED: (200, 0, "success"),
    Answer.NO_SUCH_ORDER: (200, 0, "order not found"),
    Answer.WRONG_AMOUNT: (200, 0, "amount differs"),
    Answer.NOT_RECORDED: (503, -1, "try again"),
}

#: No file of ShopeePay's is known: these are our own names, to which a collector's export is brought.
COLLECTOR_FILE: Final = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern="%Y-%m-%d %H:%M:%S",
    moved={"3": True, "4": False},
)

_REFERENCE: Final = r"[A-Za-z0-9_-]{1,64}"
_TRANSACTION: Final = r"(?!0+$)[!-~]{1,64}"
_CODE: Final = r"-?[0-9]{1,10}"
_SCALES: Final = {"1": 1, "100": 100}

PROFILE: Final = BankProfile(
    title="ShopeePay (Checkout with ShopeePay, v3)",
    methods=(PaymentMethod.PAGE,),
    facts=(
        Fact("the signature: base64 of HMAC-SHA256 over the raw body", "public clients", Certainty.OFFICIAL),
        Fact(
            "order, check, refund and callback; transaction types 13 and 15; statuses",
            "product.shopeepay.com/integration",
            Certainty.OFFICIAL,
        ),
        Fact(
            "amounts are dong x 100, 100 being 1 dong",
            "product.shopeepay.com/integration/api/notify-transaction-status",
            Certainty.OFFICIAL,
        ),
        Fact(
            "clients of Vietnam do not all agree, so the operator states the scale",
            "public code",
            Certainty.HEARSAY,
        ),
        Fact(
            "a payment lives from 1 minute to 5 days",
            "a Thai client for the most, our own least",
            Certainty.HEARSAY,
        ),
        Fact("expired and invalidated payments are not paid later", "the words alone", Certainty.ONE_SOURCE),
        Fact("of the errcodes only 0 is acted upon", "no list is published", Certainty.HEARSAY),
        Fact("whether answers are signed", "one public client checks it when it is there", Certainty.HEARSAY),
        Fact("columns of the daily file", "our own", Certainty.HEARSAY),
    ),
    limits=Limits(shortest=timedelta(minutes=1), longest=timedelta(days=5)),
    codes={
        "1": "begun",
        "2": "processing",
        "3": "successful",
        "4": "failed",
        "6": "expired",
        "7": "invalidated",
    },
)


def a_scale(written: str) -> int:
    """``1`` or ``100``: how many units of the wire are one dong."""
    if written not in _SCALES:
        raise ValueError("must be 1 or 100")
    return _SCALES[written]


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_SHOPEEPAY_*``."""

    url: str = setting(parse_url, "the gateway, such as https://api.gw.airpay.vn")
    client_id: str = setting(text_matching("[A-Za-z0-9_-]{1,64}"), "our client id")
    secret: bytes = setting(parse_key, "the secret key of the client", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the one before, still valid", default=None, secret=True
    )
    merchant_ext_id: str = setting(text_matching("[A-Za-z0-9_.-]{1,64}"), "our id as a shop's owner")
    store_ext_id: str = setting(text_matching("[A-Za-z0-9_.-]{1,64}"), "our id as a shop")
    amount_scale: int = setting(
        a_scale,
        "units of the wire in one dong: 100 as published, or 1; ask ShopeePay, a wrong one moves money",
    )
    statements: Path = setting(parse_folder, "the folder into which daily files are dropped")
    statement_format: CollectorFile = setting(COLLECTOR_FILE.otherwise, OTHERWISE, default=COLLECTOR_FILE)
    platform_type: str = setting(
        text_matching("pc|mweb|app"),
        "where the citizen pays: pc shows a code, mweb opens the app",
        default="pc",
    )
    check_by: str = setting(
        text_matching("reference_id|payment_reference_id"),
        "the name of the reference in a check; the older name is sent without an amount",
        default="reference_id",
    )
    signed_answers: int = setting(
        number_between(0, 1),
        "1 believes no answer without a signature; one that is there is always checked",
        default=0,
    )
    read_seconds: int = setting(number_between(1, 60), "how long ShopeePay may be silent", default=15)


def build(bank: str, section: Mapping[str, str]) -> ShopeePay:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return ShopeePay(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class ShopeePay:
    """One shop at ShopeePay."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """An order; its answer is the page that shows a code or opens the app. The same again has the same bytes."""
        require_payable(PROFILE.limits, request)
        lasts = min(request.expires_at - request.started_at, PROFILE.limits.longest or timedelta.max)
        reference = fitting(request.attempt_reference, _REFERENCE)
        body = {
            "request_id": reference,
            "payment_reference_id": reference,
            **self._shop(),
            "amount": self._wire(request.amount),
            "currency": "VND",
            "return_url": request.return_url,
            "platform_type": self.settings.platform_type,
            "validity_period": int(lasts.total_seconds()),
        }
        with reading_answer(self.code):
            opened = self._call(CREATE, body)
            return Instructions(page_url=parse_page(str(opened.get("redirect_url_http"))))

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the header over the raw body, then read it."""
        key = require_hmac_sha256(
            self.settings.secrets, request.body, request.headers.get(SIGNATURE.lower()), "base64"
        )
        if request.method != "POST" or request.query:
            raise CallbackRejected
        fields = read_object(request.body, decimals_as_text=True)
        if any(fields.get(name, ours) != ours for name, ours in self._shop().items()):
            raise CallbackRejected
        return replace(self._confirmation(fields, _reference(fields)), key=key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """errcode 0, whatever became of it, unless it must come again."""
        status, code, message = ANSWERS[answer]
        return CallbackReply(status, json.dumps({"errcode": code, "debug_msg": message}).encode())

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """An errcode with 401: ShopeePay may send again."""
        return CallbackReply(401, json.dumps({"errcode": 2, "debug_msg": "signature"}).encode())

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Ask the check interface. What ShopeePay does not know is no answer: its codes for that are not published."""
        reference = fitting(query.attempt_reference, _REFERENCE)
        with reading_answer(self.code):
            parsed = self._check(reference, PAYMENT_TYPE, query.amount)
            confirmation = self._confirmation(parsed, reference)
        return replace(confirmation, event_id=f"query:{confirmation.event_id}")

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """Ask for money to go back. The same request sent again is the same refund, by ShopeePay's own rule.

        That it was accepted is all the answer says; the check interface tells what became of it.
        """
        require_refundable(PROFILE.limits, request)
        fitting(request.description, r"[ -~]{1,255}")  # it stands on the slip that both sides keep
        body = {
            "request_id": fitting(request.refund_reference, _REFERENCE),
            "reference_id": fitting(request.attempt_reference, _REFERENCE),
            "transaction_type": PAYMENT_TYPE,
            "refund_reference_id": request.refund_reference,
            **self._shop(),
            "amount": self._wire(request.amount),
        }
        with reading_answer(self.code):
            accepted = self._call(REFUND, body)
            if accepted.get("refund_reference_id", request.refund_reference) != request.refund_reference:
                raise Malformed("the answer is about another refund")
            return RefundAnswer(RefundOutcome.PENDING, "0", _number(accepted, "refund_sn"))

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """Ask the check interface about the refund's own reference."""
        reference = fitting(query.refund_reference, _REFERENCE)
        with reading_answer(self.code):
            parsed = self._check(reference, REFUND_TYPE, query.amount)
            code = _code(parsed, "status")
            outcome = REFUNDS.get(code, RefundOutcome.PENDING)
            if outcome is RefundOutcome.SUCCEEDED and self._amount(parsed) != query.amount:
                raise Malformed("another amount has gone back")
            return RefundAnswer(outcome, code, _number(parsed, "transaction_sn"))

    def fetch_statement(self, day: date) -> Statement:
        """The file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return self.settings.statement_format.of_day(self.settings.statements, day, self.code)

    def _check(self, reference: str, kind: int, amount: Money) -> Fields:
        """The transaction of that reference and type, which the answer must be about."""
        named = self.settings.check_by
        body: dict[str, object] = {"request_id": secrets.token_hex(16), named: reference, **self._shop()}
        body["transaction_type"] = kind
        if named == "reference_id":
            body["amount"] = self._wire(amount)
        parsed = as_object(self._call(CHECK, body).get("transaction"))
        if _reference(parsed) != reference or not _is_of(kind, parsed):
            raise Malformed(f"the answer is not about {reference}")
        return parsed

    def _call(self, path: str, fields: Mapping[str, object]) -> Fields:
        """The answer of errcode 0 to ``fields``, which leave as the very bytes that are signed."""
        body = json.dumps(fields, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            CLIENT: self.settings.client_id,
            SIGNATURE: hmac_base64("sha256", self.settings.secret, body),
        }
        answer = self.http.post(f"{self.settings.url}{path}", body, headers=headers)
        given = answer.headers.get(SIGNATURE.lower())
        if given is not None or self.settings.signed_answers:
            require_hmac_sha256(self.settings.secrets, answer.body, given, "base64")
        parsed = read_object(answer.body, decimals_as_text=True)
        if (code := whole(parsed, "errcode")) != 0:
            raise BankUnavailable(f"{self.code} refused with errcode {code}")
        if parsed.get("request_id", fields["request_id"]) != fields["request_id"]:
            raise Malformed("the answer is to another request")
        return parsed

    def _confirmation(self, fields: Fields, reference: str) -> Confirmation:
        code, outcome = _meaning(fields)
        number = _number(fields, "transaction_sn")
        if outcome is Outcome.PAID and number is None:
            raise Malformed("paid, but without a transaction number")
        return Confirmation(
            bank=self.code,
            event_id=f"{reference}:{number or 0}:{code}",
            reference=reference,
            outcome=outcome,
            amount=self._amount(fields) if outcome is Outcome.PAID else None,
            bank_transaction_id=number if outcome is Outcome.PAID else None,
            code=code,
        )

    def _shop(self) -> dict[str, str]:
        return {"merchant_ext_id": self.settings.merchant_ext_id, "store_ext_id": self.settings.store_ext_id}

    def _wire(self, amount: Money) -> int:
        """``amount`` in units of the wire, by the scale that the operator has stated."""
        return amount.minor * self.settings.amount_scale

    def _amount(self, fields: Fields) -> Money:
        units = int(written(fields, "amount", "[1-9][0-9]{0,17}"))
        if units % self.settings.amount_scale:
            raise Malformed("the amount is not whole dong, by the scale of the settings")
        return dong(units // self.settings.amount_scale)


def _reference(fields: Fields) -> str:
    """Our reference, under the one name or the other; two that differ are Malformed."""
    named = [text(fields, name) for name in ("reference_id", "payment_reference_id") if name in fields]
    if len(set(named)) != 1:
        raise Malformed("the reference is missing, or there are two")
    return named[0]


def _is_of(kind: int, fields: Fields) -> bool:
    """Whether it is about a transaction of that type, if it names a type."""
    return str(fields.get("transaction_type", kind)) == str(kind)


def _meaning(fields: Fields) -> tuple[str, Outcome]:
    """The code as evidence and what it means: PENDING for two that disagree, and for what is not about a payment."""
    if "refund_reference_id" in fields or not _is_of(PAYMENT_TYPE, fields):
        return "refund", Outcome.PENDING
    tables = {"status": OUTCOMES, "transaction_status": OUTCOMES, "payment_status": PAYMENT_STATUSES}
    codes = {name: _code(fields, name) for name in tables if name in fields}
    if not codes:
        raise Malformed("no status is given")
    meant = {tables[name].get(code, Outcome.PENDING) for name, code in codes.items()}
    return "/".join(codes.values()), meant.pop() if len(meant) == 1 else Outcome.PENDING


def _code(fields: Fields, name: str) -> str:
    """A status as text; ShopeePay writes it as a number."""
    return written(fields, name, _CODE)


def _number(fields: Fields, name: str) -> str | None:
    """ShopeePay's own number of a payment or a refund, if it has one."""
    return None if fields.get(name) in (None, "") else written(fields, name, _TRANSACTION)
