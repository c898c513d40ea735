"""payOS: a payment link for the payer, a signed message for every transfer that reaches it, questions and cancellation;
and payouts, by which money goes back to the account that it came from.

Rules from payos.vn/docs and the two official kits (payos-lib-node, payos-lib-python), whose test cases are reproduced.
Our orderCode is the attempt's number. Each transfer into a link is money of its own; payouts have their own channel.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from bank_adapters.toolkit.account_transfer import WALL_CLOCK, free_text, moment_or_none, no_money, payer_of
from bank_adapters.toolkit.emv_qr import BINS, read_qr
from bank_adapters.toolkit.http_client import HttpAnswer, HttpClient, parse_page, reading_answer
from bank_adapters.toolkit.json_fields import (
    LARGEST_WHOLE,
    Fields,
    as_object,
    encoded_row,
    raw_row,
    read_fields,
    text,
    whole,
)
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
from payment_hub.domain.money import dong

#: ``code`` inside a callback's data. Only transfers that came have callbacks.
OUTCOMES: Final = {"00": Outcome.PAID}

#: ``status`` of a link. UNDERPAID has money in it, less than requested.
STATUSES: Final = {
    **dict.fromkeys(("PAID", "UNDERPAID"), Outcome.PAID),
    **dict.fromkeys(("PENDING", "PROCESSING"), Outcome.PENDING),
    **dict.fromkeys(("CANCELLED", "EXPIRED", "FAILED"), Outcome.DECLINED),
}

#: ``state`` of a payout's one transfer; whatever else it is, it is not over.
REFUND_OUTCOMES: Final = {
    "SUCCEEDED": RefundOutcome.SUCCEEDED,
    **dict.fromkeys(("FAILED", "CANCELLED", "REVERSED"), RefundOutcome.FAILED),
}

#: The bank knows of no payout under our reference: our request may still be on its way.
NOT_FOUND: Final = RefundAnswer(RefundOutcome.PENDING, "NOT_FOUND")

#: ``code`` of an answer: reading_answer; and "this orderCode has a link already".
UNDERSTOOD, OPENED_BEFORE = "00", "231"

#: Bank references of the messages by which payOS tries a callback address out: no money came.
TRIALS: Final = frozenset({"TF230204212323", "MA_GIAO_DICH_THU_NGHIEM"})

#: Callbacks have the wall clock alone; answers about links write the same moments so.
OFFSET_CLOCK: Final = "%Y-%m-%dT%H:%M:%S+07:00"

STATEMENT_FILE: Final = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern=WALL_CLOCK,
    moved={"PAID": True, "CANCELLED": False},
)

PROFILE: Final = BankProfile(
    title="payOS",
    methods=(PaymentMethod.PAGE, PaymentMethod.QR),
    facts=(
        Fact("all signatures", "payos-lib-node and -python, test cases", Certainty.REPRODUCED),
        Fact("addresses, headers, statuses, payout states", "payos-lib-node", Certainty.OFFICIAL),
        Fact("9 characters of text for accounts linked elsewhere", "payos.vn/docs/api", Certainty.OFFICIAL),
        Fact("25 characters at most, so the length is a setting", "bug reports", Certainty.ONE_SOURCE),
        Fact("code 231: the number has a link; then the link is asked", "bug reports", Certainty.ONE_SOURCE),
        Fact("the trial message for a new callback address", "several programs", Certainty.OFFICIAL),
        Fact("the payer's bank is often no BIN: then no payout", "test cases", Certainty.ONE_SOURCE),
        Fact("payouts have a channel of their own: settings", "payos-lib-golang", Certainty.OFFICIAL),
        Fact("the daily file: columns of our own", "-", Certainty.HEARSAY),
    ),
    limits=Limits(shortest=timedelta.min),  # a link need not end
    codes={**dict.fromkeys(OUTCOMES, "came"), **{word: meant.lower() for word, meant in STATUSES.items()}},
)

#: Without a payout channel nothing can go back by a message: it is transferred by hand.
NO_PAYOUTS: Final = replace(PROFILE, limits=replace(PROFILE.limits, largest_refund=dong(0)))

_CODE: Final = r"[0-9A-Za-z_-]{1,20}"
_ID: Final = r"[0-9A-Za-z_-]{1,64}"
_BANK_CODE: Final = r"[^\x00-\x1f\x7f&]{1,100}"  # with & it might be two fields of a row
_REFERENCE: Final = r"[A-Za-z0-9 .:_-]{1,40}"
_TEXT_PATTERN: Final = r"[A-Za-z0-9 .:_-]{1,255}"
_ADDRESS: Final = r"https?://[!-~]{1,400}"
_KEY: Final = r"[!-~]{8,200}"
_LAST_SECOND: Final = 2**31 - 1  # expiredAt is a signed 32-bit number of seconds


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_PAYOS_*``."""

    url: str = setting(parse_url, "the interface, such as https://api-merchant.payos.vn")
    client_id: str = setting(text_matching("[!-~]{1,100}"), "x-client-id of the channel")
    api_key: str = setting(text_matching(_KEY), "x-api-key of the channel", secret=True)
    secret: bytes = setting(parse_key, "the checksum key of the channel", secret=True)
    secret_previous: bytes | None = setting(parse_key, "the one before", default=None, secret=True)
    statements: Path = setting(parse_folder, "the folder into which daily files are dropped")
    page_url: str = setting(parse_url, "what a link's page begins with", default="https://pay.payos.vn/web")
    description_length: int = setting(
        number_between(9, 25), "length of a transfer's text: 25 where payOS linked the account", default=9
    )
    payout_client_id: str | None = setting(
        text_matching("[!-~]{1,100}"), "x-client-id of the payout channel, for refunds", default=None
    )
    payout_api_key: str | None = setting(text_matching(_KEY), "x-api-key of that", default=None, secret=True)
    payout_secret: bytes | None = setting(parse_key, "checksum key of that", default=None, secret=True)
    payout_category: str | None = setting(
        text_matching("[A-Za-z0-9_,-]{1,200}"), "categories of a payout, with commas between", default=None
    )
    read_seconds: int = setting(number_between(1, 60), "how long payOS may be silent", default=10)


def build(bank: str, section: Mapping[str, str]) -> Payos:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    pays_out = None not in (settings.payout_client_id, settings.payout_api_key, settings.payout_secret)
    profile = PROFILE if pays_out else NO_PAYOUTS
    return Payos(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds), profile)


@dataclass(frozen=True, slots=True)
class Payos:
    """One channel at payOS."""

    code: str
    settings: Settings
    http: HttpClient
    profile: BankProfile = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Make a link; if the attempt has one already, give that one. Raises Malformed, BankUnavailable."""
        require_payable(PROFILE.limits, request)
        body = json.dumps(self._opening(request)).encode()
        with reading_answer(self.code):
            answer = self.http.post(f"{self.settings.url}/v2/payment-requests", body, headers=self._headers())
            message = read_fields(answer.body)
            if text(message, "code", _CODE) == OPENED_BEFORE:
                return self._opened_before(request)
            return _instructions(self._data(message), request)

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the signature over ``data``; nothing around it is read."""
        if request.method != "POST" or request.query:
            raise CallbackRejected
        message = read_fields(request.body)
        data, given = message.get("data"), message.get("signature")
        if not isinstance(data, dict) or not isinstance(given, str):
            raise CallbackRejected
        key = require_hmac_sha256(self.settings.secrets, raw_row(data).encode(), given)
        return self._transfer_confirmation(data, key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """Any 2xx ends the retries."""
        stored = answer is not Answer.NOT_RECORDED
        return CallbackReply(200 if stored else 503, json.dumps({"success": stored}).encode())

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """Nothing of its own: the hub's problem says it."""
        return None

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """What the link knows. Several transfers in one link have their own callbacks and the daily file."""
        with reading_answer(self.code):
            answer = self.http.get(self._link(query.number), headers=self._headers())
            return self._from_link(self._data(read_fields(answer.body)), query, "query")

    def cancel_payment(self, query: PaymentQuery) -> Confirmation:
        """Close the link for good."""
        body = json.dumps({"cancellationReason": f"Huy {query.attempt_reference}"}).encode()
        with reading_answer(self.code):
            answer = self.http.post(f"{self._link(query.number)}/cancel", body, headers=self._headers())
            return self._from_link(self._data(read_fields(answer.body)), query, "cancel")

    def fetch_statement(self, day: date) -> Statement:
        """The file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return STATEMENT_FILE.of_day(self.settings.statements, day, self.code)

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """A payout to the payer's account, once for a reference. Raises Malformed where it is unknown."""
        require_refundable(PROFILE.limits, request)
        headers, secret = self._payouts()
        fields = self._payout(request)
        headers["x-idempotency-key"] = request.refund_reference
        headers["x-signature"] = hmac_hex("sha256", secret, encoded_row(fields).encode())
        with reading_answer(self.code):
            url = f"{self.settings.url}/v1/payouts"
            answer = self.http.post(url, json.dumps(fields).encode(), headers=headers)
            return _refund_answer(self._payout_data(answer, secret), request)

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """What became of the payout: by its own id, or by our reference when its answer was lost."""
        headers, secret = self._payouts()
        with reading_answer(self.code):
            if query.bank_refund_id:
                one = f"{self.settings.url}/v1/payouts/{fitting(query.bank_refund_id, _ID)}"
                return _refund_answer(self._payout_data(self.http.get(one, headers=headers), secret), query)
            ours = f"limit=10&offset=0&referenceId={fitting(query.refund_reference, _ID)}"
            payouts_answer = self.http.get(f"{self.settings.url}/v1/payouts?{ours}", headers=headers)
            payouts = _objects(self._payout_data(payouts_answer, secret), "payouts")
            if len(payouts) > 1:
                raise Malformed("several payouts carry our reference")
            return _refund_answer(payouts[0], query) if payouts else NOT_FOUND

    def _payout(self, request: RefundRequest) -> dict[str, object]:
        payer, category = request.payer, self.settings.payout_category
        if payer is None or payer.bank not in BINS:
            raise Malformed("the payer's account at a bank with a BIN is unknown")
        reference = fitting(request.refund_reference, _ID)
        return {
            "referenceId": reference,
            "amount": request.amount.minor,
            "description": self._transfer_text(request.description, reference, request.number),
            "toBin": payer.bank,
            "toAccountNumber": fitting(payer.number, "[0-9A-Za-z]{1,19}"),
            "category": category.split(",") if category else [],
        }

    def _opening(self, request: PaymentRequest) -> dict[str, object]:
        reference = fitting(request.order_reference, _REFERENCE)
        fitting(request.attempt_reference, _REFERENCE)
        if not 0 <= request.number <= LARGEST_WHOLE:
            raise Malformed(f"{request.number} is no orderCode")
        back = fitting(request.return_url, _ADDRESS)
        fields: dict[str, object] = {
            "orderCode": request.number,
            "amount": request.amount.minor,
            "description": self._transfer_text(request.description, reference, request.number),
            "cancelUrl": back,
            "returnUrl": back,
        }
        signed = "&".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()
        if request.expires_at > request.started_at:  # what is completed late has no end
            fields["expiredAt"] = min(int(request.expires_at.timestamp()), _LAST_SECOND)
        return {**fields, "signature": hmac_hex("sha256", self.settings.secret, signed)}

    def _transfer_text(self, description: str, reference: str, number: int) -> str:
        """What a transfer says: the most of ours that fits. Raises Malformed when nothing does."""
        most = self.settings.description_length
        for purpose in (fitting(description, _TEXT_PATTERN), reference, str(number)):
            if len(purpose) <= most:
                return purpose
        raise Malformed(f"nothing we could say fits in {most} characters")

    def _opened_before(self, request: PaymentRequest) -> Instructions:
        """The link that an opening made whose answer was lost. Its QR code is not answered again, its page is."""
        answer = self.http.get(self._link(request.number), headers=self._headers())
        link = self._data(read_fields(answer.body))
        _require_about(link, request.number)
        if whole(link, "amount") != request.amount.minor or text(link, "status") != "PENDING":
            raise BankUnavailable(f"{self.code} has another link under number {request.number}")
        number = text(link, "id", _ID)
        return Instructions(page_url=parse_page(f"{self.settings.page_url}/{number}"), bank_reference=number)

    def _transfer_confirmation(self, data: Fields, key: int) -> Confirmation:
        """The confirmation in a callback, which is about one transfer."""
        code, number = text(data, "code", _CODE), whole(data, "orderCode")
        money = text(data, "reference", _BANK_CODE)
        event_id = f"{text(data, 'paymentLinkId', _ID)}:{money}:{code}"
        if money in TRIALS:
            return no_money(self.code, event_id, free_text(data, "description"), "TEST", key)
        about = (event_id, str(number), number, code, key)
        return self._came(data, *about) if OUTCOMES.get(code) is Outcome.PAID else self._came_nothing(*about)

    def _from_link(self, link: Fields, query: PaymentQuery, call: str) -> Confirmation:
        _require_about(link, query.number)
        status, transfers = text(link, "status", "[A-Z_]{1,40}"), _objects(link, "transactions")
        event_id = f"{call}:{text(link, 'id', _ID)}:{len(transfers)}:{status}"
        about = (event_id, query.attempt_reference, query.number, status, None)
        if status in STATUSES and len(transfers) == 1:
            if whole(transfers[0], "amount") != whole(link, "amountPaid"):
                raise Malformed("the one transfer is not what was paid")
            return self._came(transfers[0], *about)
        empty = not transfers and whole(link, "amountPaid") == 0
        return self._came_nothing(*about, over=empty and STATUSES.get(status) is Outcome.DECLINED)

    def _came_nothing(
        self, event_id: str, reference: str, number: int, code: str, key: int | None, over: bool = False
    ) -> Confirmation:
        outcome = Outcome.DECLINED if over else Outcome.PENDING
        return Confirmation(self.code, event_id, reference, outcome, code=code, number=number, key=key)

    def _came(
        self, transfer: Fields, event_id: str, reference: str, number: int, code: str, key: int | None
    ) -> Confirmation:
        amount = whole(transfer, "amount")
        if transfer.get("currency") not in (None, "", "VND") or amount <= 0:
            raise Malformed("a transfer is of whole dong above zero")
        return Confirmation(
            bank=self.code,
            event_id=event_id,
            reference=reference,
            outcome=Outcome.PAID,
            amount=dong(amount),
            bank_transaction_id=text(transfer, "reference", _BANK_CODE),
            paid_at=moment_or_none(transfer, "transactionDateTime", OFFSET_CLOCK),
            code=code,
            number=number,
            payer=payer_of(transfer),
            key=key,
        )

    def _link(self, number: int) -> str:
        return f"{self.settings.url}/v2/payment-requests/{number}"

    def _headers(self) -> dict[str, str]:
        return _named(self.settings.client_id, self.settings.api_key)

    def _data(self, message: Fields) -> Fields:
        """What an answer about a link says, verified."""
        data = _unwrapped(self.code, message)
        require_hmac_sha256(self.settings.secrets, raw_row(data).encode(), text(message, "signature"))
        return data

    def _payout_data(self, answer: HttpAnswer, secret: bytes) -> Fields:
        """What an answer about a payout says, verified by its header."""
        data = _unwrapped(self.code, read_fields(answer.body))
        require_hmac_sha256([secret], encoded_row(data).encode(), answer.headers.get("x-signature"))
        return data

    def _payouts(self) -> tuple[dict[str, str], bytes]:
        """Headers and checksum key of the payout channel. Raises Malformed where there is none."""
        ours = self.settings
        if ours.payout_client_id is None or ours.payout_api_key is None or ours.payout_secret is None:
            raise Malformed(f"{self.code} has no payout channel, so no money can be given back")
        return _named(ours.payout_client_id, ours.payout_api_key), ours.payout_secret


def _unwrapped(bank: str, message: Fields) -> Fields:
    """The data of an answer. Raises BankUnavailable for a refusal, which nobody signs."""
    if (code := text(message, "code", _CODE)) != UNDERSTOOD:
        raise BankUnavailable(f"{bank} refused with {code}")
    return as_object(message.get("data"))


def _instructions(opened: Fields, request: PaymentRequest) -> Instructions:
    _require_about(opened, request.number)
    qr_text = text(opened, "qrCode")
    if whole(opened, "amount") != request.amount.minor or read_qr(qr_text).amount != request.amount:
        raise Malformed("the link asks for another amount")
    return Instructions(
        qr_text=qr_text,
        page_url=parse_page(text(opened, "checkoutUrl")),
        account_number=text(opened, "accountNumber", "[0-9A-Za-z]{1,30}"),
        account_name=free_text(opened, "accountName") or None,
        account_bank=text(opened, "bin", "[0-9]{6}"),
        purpose=text(opened, "description"),
        bank_reference=text(opened, "paymentLinkId", _ID),
    )


def _require_about(link: Fields, number: int) -> None:
    if whole(link, "orderCode") != number:
        raise Malformed(f"the answer is not about number {number}")


def _refund_answer(payout: Fields, request: RefundRequest | RefundQuery) -> RefundAnswer:
    transfers = _objects(payout, "transactions")
    about = (payout.get("referenceId"), [one.get("amount") for one in transfers])
    if about != (request.refund_reference, [request.amount.minor]):
        raise Malformed(f"the answer is not about {request.refund_reference}")
    state = text(transfers[0], "state", "[A-Z_]{1,40}")
    return RefundAnswer(REFUND_OUTCOMES.get(state, RefundOutcome.PENDING), state, text(payout, "id", _ID))


def _objects(fields: Fields, name: str) -> Sequence[Fields]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise Malformed(f"{name} is missing or not a list")
    return [as_object(item) for item in value]


def _named(client_id: str, api_key: str) -> dict[str, str]:
    return {"Content-Type": "application/json", "x-client-id": client_id, "x-api-key": api_key}
