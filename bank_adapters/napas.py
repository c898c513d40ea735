"""Napas e-commerce payment gateway (domestic and international cards), API version 32.

A token, then a data key for one order; with it the citizen fills in a form of Napas's that stands on a page of the
operator's. The result comes back as base64 of JSON with a checksum over that text and the client's secret. Read from
public clients; the specification itself ("Napas Payment Gateway Techspec" 3.5) is given to members alone.

A token is fetched for every opening: the adapter remembers nothing, and a payment is rare beside the two calls.
Neither a question nor a refund is here: what their answers hold could not be read anywhere.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote, urlencode

from bank_adapters.toolkit.http_client import HttpClient, parse_page, reading_answer
from bank_adapters.toolkit.json_fields import Fields, as_object, read_object, text, text_or_none, written
from bank_adapters.toolkit.limits import fitting, require_payable
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
from bank_adapters.toolkit.signatures import require_digest
from bank_adapters.toolkit.signed_fields import read_query
from bank_adapters.toolkit.statements import OTHERWISE, CollectorFile
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, PaymentMethod
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Instructions,
    Outcome,
    PaymentRequest,
    Statement,
)
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money

#: paymentResult.result. An ERROR is about a request, not about money: it says nothing of the payment.
OUTCOMES: Final = {
    "SUCCESS": Outcome.PAID,
    "FAILURE": Outcome.DECLINED,
    "PENDING": Outcome.PENDING,
    "ERROR": Outcome.PENDING,
}

#: What is paid, of all operations that end in the same kind of result.
OPERATIONS: Final = frozenset({"PAY", "PURCHASE", "PURCHASE_OTP"})

#: No file of Napas's is known: these are our own names, to which a collector's export is brought.
COLLECTOR_FILE: Final = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern="%Y-%m-%d %H:%M:%S",
    moved={"SUCCESS": True, "FAILURE": False},
)

#: A result with all that Napas may tell of a card, base64 inside JSON inside a form.
LONGEST_FORM: Final = 1 << 16

_REFERENCE: Final = r"[A-Za-z0-9_-]{1,40}"
_WORD: Final = r"[ -~]{1,40}"
_TRANSACTION: Final = r"(?!0+$)[!-~]{1,64}"
_TOKEN: Final = r"[!-~]{1,2000}"  # noqa: S105 - the form of a token, not one
_KEY: Final = r"[A-Za-z0-9+/=:_.-]{1,2500}"
#: Napas writes a whole number as 150000, "150000", 150000.0 or "150000.00".
_AMOUNT: Final = re.compile(r"([1-9][0-9]{0,11})(?:\.0{1,2})?", re.ASCII)
_FIELDS: Final = "{fields}"

PROFILE: Final = BankProfile(
    title="Napas e-commerce gateway (API 32)",
    methods=(PaymentMethod.PAGE,),
    facts=(
        Fact("token, data key, and the checksum of a result", "public clients", Certainty.OFFICIAL),
        Fact("the fields of a result", "two public clients' models", Certainty.OFFICIAL),
        Fact("SUCCESS, FAILURE, PENDING and ERROR", "public clients", Certainty.ONE_SOURCE),
        Fact(
            "the money's identity is transaction.acquirer.transactionId",
            "one client's books",
            Certainty.ONE_SOURCE,
        ),
        Fact("amounts are whole dong as text", "public clients", Certainty.OFFICIAL),
        Fact("the form's attributes travel to the page in its address", "our own", Certainty.HEARSAY),
        Fact("where the token is put", "public clients differ", Certainty.HEARSAY),
        Fact("what a result is answered with", "not published; the status alone is meant", Certainty.HEARSAY),
        Fact("columns of the daily file", "our own", Certainty.HEARSAY),
    ),
    codes={
        "SUCCESS": "paid",
        "FAILURE": "declined",
        "PENDING": "not known yet",
        "ERROR": "a request was wrong",
    },
)


def a_page_with_fields(written: str) -> str:
    """An https address in which ``{fields}`` stands once, after ``?`` or ``#``."""
    before, placeholder, after = written.partition(_FIELDS)
    if not placeholder or _FIELDS in after or not before.endswith(("?", "#", "&")):
        raise ValueError("must hold {fields} once, after ? or #")
    try:
        parse_page(before + after)
    except Malformed as error:
        raise ValueError(error.detail) from error
    return written


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_NAPAS_*``."""

    url: str = setting(parse_url, "the gateway's API, such as https://dps.napas.com.vn/api")
    client_id: str = setting(
        text_matching("[A-Za-z0-9_-]{1,40}"), "our client id, which is also the id in addresses"
    )
    secret: bytes = setting(parse_key, "the client's secret, with which results are checked", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the one before, still valid", default=None, secret=True
    )
    login: str = setting(text_matching("[!-~]{1,64}"), "the name for the token")
    password_secret: bytes = setting(parse_key, "the password for the token", secret=True)
    page_url: str = setting(
        a_page_with_fields,
        "the operator's page that holds Napas's form; the form's attributes are put where {fields} stands,"
        " as in https://pay.agency.vn/napas#{fields}",
    )
    statements: Path = setting(parse_folder, "the folder into which daily files are dropped")
    statement_format: CollectorFile = setting(COLLECTOR_FILE.otherwise, OTHERWISE, default=COLLECTOR_FILE)
    card_scheme: str = setting(text_matching("AtmCard|CreditCard"), "which cards", default="AtmCard")
    enable_3d_secure: str = setting(
        text_matching("true|false"), "whether cards are asked for 3-D Secure", default="false"
    )
    channel: str = setting(text_matching("[0-9]{4}"), "the channel code of the form", default="6014")
    device_id: str = setting(
        text_matching("[A-Za-z0-9_-]{1,40}"), "how the hub is named as a device", default="0123456789"
    )
    token_place: str = setting(
        text_matching("header|query"),
        "where the token is put: the Authorization header or the address",
        default="header",
    )
    read_seconds: int = setting(number_between(1, 60), "how long Napas may be silent", default=15)


def build(bank: str, section: Mapping[str, str]) -> Napas:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return Napas(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class Napas:
    """One client of the gateway."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A token, a data key for the order, and the address of the page where the form is."""
        require_payable(PROFILE.limits, request)
        order = {
            "id": fitting(request.attempt_reference, _REFERENCE),
            "amount": str(request.amount),
            "currency": request.amount.currency,
        }
        payer = {
            "clientIP": fitting(request.payer_ip, "[0-9A-Fa-f.:]{3,45}"),
            "deviceId": self.settings.device_id,
            "environment": "WebApp",
            "cardScheme": self.settings.card_scheme,
            "enable3DSecure": self.settings.enable_3d_secure,
        }
        with reading_answer(self.code):
            keys = self._data_key(order, payer)
            form = {
                "merchantId": self.settings.client_id,
                **payer,
                "apiOperation": "PAY",
                "orderId": order["id"],
                "orderAmount": order["amount"],
                "orderCurrency": order["currency"],
                "orderReference": request.order_reference,
                "channel": self.settings.channel,
                "sourceOfFundsType": "CARD",
                "dataKey": _long_text(keys, "dataKey", _KEY),
                "napasKey": _long_text(keys, "napasKey", _KEY),
            }
            return Instructions(page_url=parse_page(self.settings.page_url.replace(_FIELDS, urlencode(form))))

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the checksum over the text of ``data``, and only then decode it."""
        if request.method != "POST" or request.query:
            raise CallbackRejected
        envelope = _envelope(request.body)
        data, given = envelope.get("data"), envelope.get("checksum")
        if not isinstance(data, str) or not isinstance(given, str):
            raise CallbackRejected
        signed = data.encode("utf-8", "replace")
        key = require_digest("sha256", [signed + secret for secret in self.settings.secrets], given)
        parsed = as_object(read_object(_decoded(data), decimals_as_text=True).get("paymentResult"))
        if parsed.get("merchantId", self.settings.client_id) != self.settings.client_id:
            raise CallbackRejected
        return _confirmation(self.code, parsed, key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """The status says it; no code of Napas's is documented."""
        return CallbackReply(503 if answer is Answer.NOT_RECORDED else 200, b"{}")

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """Nothing of its own: the hub's problem says it."""
        return None

    def fetch_statement(self, day: date) -> Statement:
        """The file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return self.settings.statement_format.of_day(self.settings.statements, day, self.code)

    def _data_key(self, order: Mapping[str, str], payer: Mapping[str, str]) -> Fields:
        body = {"apiOperation": "DATA_KEY", "order": order, "inputParameters": payer}
        token = self._token()
        address = f"{self.settings.url}/rest/version/32/merchant/{self.settings.client_id}/datakey"
        headers = {"Content-Type": "application/json"}
        if self.settings.token_place == "query":  # noqa: S105 - a place, not a token
            address += f"?access_token={quote(token, safe='')}"
        else:
            headers["Authorization"] = f"Bearer {token}"
        parsed = read_object(self.http.post(address, json.dumps(body).encode(), headers=headers).body)
        if as_object(parsed.get("order", order)).get("id", order["id"]) != order["id"]:
            raise Malformed("the data key is for another order")
        return parsed

    def _token(self) -> str:
        form = {
            "grant_type": "password",
            "client_id": self.settings.client_id,
            "client_secret": self.settings.secret.decode(),
            "username": self.settings.login,
            "password": self.settings.password_secret.decode(),
        }
        parsed = read_object(self.http.post_form(f"{self.settings.url}/oauth/token", form).body)
        return _long_text(parsed, "access_token", _TOKEN)


def _long_text(fields: Fields, name: str, pattern: str) -> str:
    """As ``text``, for keys and tokens of any length that ``pattern`` allows."""
    value = fields.get(name)
    if not isinstance(value, str) or not re.fullmatch(pattern, value, re.ASCII):
        raise Malformed(f"{name} is missing or not as it must be")
    return value


def _envelope(body: bytes) -> Mapping[str, object]:
    """``data`` and ``checksum``: a JSON body, or the form field ``napasResult`` that holds one."""
    try:
        if body.lstrip()[:1] == b"{":
            return read_object(body)
        return read_object(read_query(body, LONGEST_FORM).get("napasResult", "").encode())
    except Malformed as error:
        raise CallbackRejected from error


def _decoded(data: str) -> bytes:
    """``data`` is verified; some encoders break its lines."""
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("data is not base64") from error


def _confirmation(bank: str, parsed: Fields, key: int) -> Confirmation:
    """The payment of one order. A result of another operation (a refund, a token) says nothing about the payment."""
    order = as_object(parsed.get("order"))
    reference, result = text(order, "id"), text(parsed, "result", _WORD)
    operation = text_or_none(parsed, "apiOperation", _WORD) or "PAY"
    outcome = OUTCOMES.get(result, Outcome.PENDING) if operation in OPERATIONS else Outcome.PENDING
    details = parsed.get("response")
    gateway = details.get("gatewayCode") if isinstance(details, dict) else None
    code = f"{result}/{gateway[:40]}" if gateway and isinstance(gateway, str) else result
    paid = outcome is Outcome.PAID
    number, amount = (_transaction_id(parsed), _amount(parsed, order)) if paid else (None, None)
    return Confirmation(
        bank=bank,
        event_id=f"{reference}:{number or 0}:{operation}:{code}",
        reference=reference,
        outcome=outcome,
        amount=amount,
        bank_transaction_id=number,
        code=code,
        key=key,
    )


def _transaction_id(parsed: Fields) -> str:
    acquirer = as_object(as_object(parsed.get("transaction")).get("acquirer"))
    return written(acquirer, "transactionId", _TRANSACTION)


def _amount(parsed: Fields, order: Fields) -> Money:
    """What was ordered; Malformed when something else has moved, for then nobody knows what was paid."""
    ordered, moved = _money(order), _money({**order, **_filled(as_object(parsed.get("transaction")))})
    if ordered != moved:
        raise Malformed("the amount of the order is not what has moved")
    return ordered


def _filled(transaction: Fields) -> Fields:
    return {name: transaction[name] for name in ("amount", "currency") if transaction.get(name)}


def _money(fields: Fields) -> Money:
    """Whole dong. Raises Malformed for anything else."""
    match = _AMOUNT.fullmatch(str(fields.get("amount")))
    if match is None:
        raise Malformed("the amount is not whole dong")
    return Money.parse(match[1], text(fields, "currency", "[A-Z]{3}"))
