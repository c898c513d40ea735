"""OnePay, version 2: a signed address for the citizen, a signed message back (IPN and return), and queryDR.

Rules from phpviet/omnipay-onepay, a recorded return, and the sample programs of OnePay's own pages. Amounts on the wire
are dong x 100; no message tells a time. OnePay's merchant reference (vpc_MerchTxnRef) is our attempt reference. What is
signed is not encoded, so a value in which another field seems to begin could be cut in two ways and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.http_client import HttpClient, reading_answer
from bank_adapters.toolkit.json_fields import Fields, text, text_or_none
from bank_adapters.toolkit.limits import fitting, hundredfold, hundredfold_or_none, require_payable
from bank_adapters.toolkit.settings import (
    RotatingSecret,
    number_between,
    parse_folder,
    parse_url,
    read_section,
    setting,
    text_matching,
)
from bank_adapters.toolkit.signatures import hmac_hex, require_hmac_sha256
from bank_adapters.toolkit.signed_fields import form_encoded, read_query, sorted_and_filled
from bank_adapters.toolkit.statements import OTHERWISE, CollectorFile
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, PaymentMethod
from payment_hub.domain.banks.values import (
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
from payment_hub.domain.errors import CallbackRejected, Malformed

VERSION: Final = "2"

#: Every documented vpc_TxnResponseCode in words. Two lists are in use, for domestic and for international cards.
CODES: Final = {
    "0": "paid",
    "1": "declined by the payer's bank",
    "2": "declined by the payer's bank",
    "3": "no answer from the payer's bank, or no such merchant",
    "4": "card expired, or wrong access code",
    "5": "not enough money, or invalid amount",
    "6": "error at the payer's bank, or invalid currency",
    "7": "unspecified failure while processing",
    "8": "wrong card number, or card not supported",
    "9": "wrong name on the card",
    "10": "card expired or locked",
    "11": "card not registered for payments on the internet",
    "12": "wrong date on the card",
    "13": "limit exceeded",
    "21": "not enough money",
    "22": "wrong account data",
    "23": "account locked",
    "24": "wrong card data",
    "25": "wrong one-time password",
    "99": "cancelled by the payer",
    "100": "not finished, or not paid yet",
    "253": "not paid in time",
    "300": "pending",
    "B": "3-D Secure failed",
    "E": "wrong security code, or declined by the payer's bank",
    "F": "3-D Secure failed",
    "Z": "refused by a rule",
    "?": "unknown",
}

#: 3, 6 and 7 may be silence of the payer's bank, after which nobody knows: they wait with 100, 300 and ``?``.
_UNDECIDED: Final = ("3", "6", "7", "100", "300", "?")

#: vpc_TxnResponseCode -> what it means. "0" is compared as text: read as a number, "F" would be paid as well.
OUTCOMES: Final = {
    "0": Outcome.PAID,
    **{code: Outcome.PENDING if code in _UNDECIDED else Outcome.DECLINED for code in CODES if code != "0"},
}

#: Header names as an importer in the field reads them; the codes are thought to be those of vpc_TxnResponseCode.
COLLECTOR_FILE: Final = CollectorFile(
    columns={
        "booked_at": "TRAN_DATE",
        "transaction_id": "TRANSACTION_ID",
        "reference": "MERCHANT_TRANS_REF",
        "amount": "AMOUNT",
        "status": "TRANSACTION_STATE",
    },
    time_pattern="%d/%m/%Y %H:%M:%S",
    moved={code: outcome is Outcome.PAID for code, outcome in OUTCOMES.items()},
)

_SAFE_TEXT: Final = r"[A-Za-z0-9 .:_-]{1,34}"
_SAFE_REFERENCE: Final = r"[A-Za-z0-9_-]{1,34}"
_UNSAFE_IN_ADDRESS: Final = re.compile(r"[&~*!()']|[^!-~]")
_SIGNED: Final = ("vpc_", "user_")
_ANOTHER_FIELD: Final = re.compile(r"&(?:vpc_|user_)[^&]*=")
_TRANSACTION: Final = r"(?!0+$)[0-9A-Za-z_-]{1,50}"
_CODE: Final = r"[ -~]{1,40}"
_CURRENCIES: Final = ("vpc_Currency", "vpc_CurrencyCode")

PROFILE: Final = BankProfile(
    title="OnePay, version 2",
    methods=(PaymentMethod.PAGE,),
    facts=(
        Fact("the hash of a return, its key decoded from hex", "a published return", Certainty.REPRODUCED),
        Fact("an IPN is signed like a return, by GET or POST", "independent programs", Certainty.OFFICIAL),
        Fact("the fields of the address", "phpviet/omnipay-onepay and others", Certainty.OFFICIAL),
        Fact(
            "lengths: reference and information 34", "OnePay's merchant guide of 2012", Certainty.ONE_SOURCE
        ),
        Fact("queryDR: address, fields, a form as the answer", "independent programs", Certainty.OFFICIAL),
        Fact("answers to queryDR are signed; others are refused", "one program", Certainty.ONE_SOURCE),
        Fact("what the codes mean: two lists", "independent programs", Certainty.OFFICIAL),
        Fact("the words of our reply to an IPN", "hearsay", Certainty.HEARSAY),
        Fact("headers of the collector file", "an importer in the field", Certainty.ONE_SOURCE),
        Fact("times and codes of the collector file: a setting", "our guess", Certainty.HEARSAY),
    ),
    codes=CODES,
)


def a_hex_key(written: str) -> bytes:
    """A shared secret that is given in hex: 16 to 64 bytes. Raises ValueError."""
    if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}){16,64}", written, re.ASCII):
        raise ValueError("must be 16 to 64 bytes in hex")
    return bytes.fromhex(written)


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_ONEPAY_*``."""

    pay_url: str = setting(parse_url, "the page to which citizens are sent")
    query_url: str = setting(parse_url, "the address of queryDR")
    merchant: str = setting(text_matching("[A-Za-z0-9_]{1,20}"), "our merchant id")
    access_code: str = setting(text_matching("[A-Za-z0-9]{1,20}"), "our access code")
    secret: bytes = setting(a_hex_key, "the hash code, in hex", secret=True)
    secret_previous: bytes | None = setting(
        a_hex_key, "the one before, still valid", default=None, secret=True
    )
    query_user: str = setting(text_matching("[!-%'-~]{1,50}"), "who asks with queryDR (vpc_User)")
    query_password: str = setting(text_matching("[!-%'-~]{1,50}"), "the password of queryDR", secret=True)
    statements: Path = setting(parse_folder, "the folder into which OnePay's daily files are dropped")
    statement_format: CollectorFile = setting(COLLECTOR_FILE.otherwise, OTHERWISE, default=COLLECTOR_FILE)
    recorded_reply: str = setting(
        text_matching("[!-~]{1,100}"),
        "our reply to an IPN that is recorded",
        default="responsecode=1&desc=confirm-success",
    )
    unrecorded_reply: str = setting(
        text_matching("[!-~]{1,100}"), "our reply to any other", default="responsecode=0&desc=confirm-fail"
    )
    read_seconds: int = setting(number_between(1, 60), "how long OnePay may be silent", default=10)


def build(bank: str, section: Mapping[str, str]) -> OnePay:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return OnePay(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class OnePay:
    """One merchant at OnePay."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A signed address; OnePay learns of the payment only when the citizen goes there. Raises Malformed."""
        require_payable(PROFILE.limits, request)
        if _UNSAFE_IN_ADDRESS.search(request.return_url):
            raise Malformed(
                "the return address holds a character that signer and reader may take differently"
            )
        fields = {
            "vpc_Version": VERSION,
            "vpc_Command": "pay",
            "vpc_Currency": "VND",
            "vpc_AccessCode": self.settings.access_code,
            "vpc_Merchant": self.settings.merchant,
            "vpc_Locale": "en" if request.language == "en" else "vn",
            "vpc_ReturnURL": request.return_url,
            "vpc_MerchTxnRef": fitting(request.attempt_reference, _SAFE_REFERENCE),
            "vpc_OrderInfo": fitting(request.description, _SAFE_TEXT),
            "vpc_Amount": hundredfold(request.amount),
            "vpc_TicketNo": fitting(request.payer_ip, "[0-9A-Fa-f.:]{0,45}"),
        }
        address = form_encoded([*sorted_and_filled(fields), ("vpc_SecureHash", self._signature(fields))])
        return Instructions(page_url=f"{self.settings.pay_url}?{address}")

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """The IPN: a signed query by GET, or the same as a form by POST."""
        query, other = request.query, request.body
        if request.method == "POST":
            query, other = other, query
        if request.method not in ("GET", "POST") or other:
            raise CallbackRejected
        return self.read_return(query)

    def read_return(self, query: bytes) -> Confirmation:
        """What the citizen's browser brings back, signed like an IPN. For display only: it may never come."""
        key, fields = self._believed(query)
        if fields.get("vpc_Merchant") != self.settings.merchant:
            raise CallbackRejected
        return replace(_confirmation(self.code, fields, text(fields, "vpc_MerchTxnRef")), key=key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """One of two lines; only what is not recorded must come again."""
        if answer is Answer.NOT_RECORDED:
            return CallbackReply(503, self.settings.unrecorded_reply.encode(), "text/plain")
        return CallbackReply(200, self.settings.recorded_reply.encode(), "text/plain")

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """The line for what is not recorded."""
        return CallbackReply(200, self.settings.unrecorded_reply.encode(), "text/plain")

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Ask with queryDR. What OnePay does not know is PENDING: the citizen may still be choosing."""
        reference = query.attempt_reference
        question = {
            "vpc_Command": "queryDR",
            "vpc_Version": VERSION,
            "vpc_MerchTxnRef": fitting(reference, _SAFE_REFERENCE),
            "vpc_Merchant": self.settings.merchant,
            "vpc_AccessCode": self.settings.access_code,
            "vpc_User": self.settings.query_user,
            "vpc_Password": self.settings.query_password,
        }
        signed = {**question, "vpc_SecureHash": self._signature(question)}
        with reading_answer(self.code):
            key, fields = self._believed(self.http.post_form(self.settings.query_url, signed).body.strip())
            if text(fields, "vpc_DRExists", "[YN]") == "N":
                return Confirmation(self.code, f"querydr:{reference}:N", reference, Outcome.PENDING, code="N")
            for name in ("vpc_Merchant", "vpc_MerchTxnRef"):
                if text(fields, name) != question[name]:
                    raise Malformed(f"the answer has another {name}")
            return replace(_confirmation(self.code, fields, f"querydr:{reference}"), key=key)

    def fetch_statement(self, day: date) -> Statement:
        """The collector file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return self.settings.statement_format.of_day(self.settings.statements, day, self.code)

    def _signature(self, fields: Mapping[str, str]) -> str:
        return hmac_hex("sha256", self.settings.secret, _signed(fields)).upper()

    def _believed(self, query: bytes) -> tuple[int, Fields]:
        """Which key signed ``query``, and its signed fields, none of them empty. Raises CallbackRejected."""
        fields = read_query(query)
        key = require_hmac_sha256(self.settings.secrets, _signed(fields), fields.get("vpc_SecureHash"))
        return key, dict(_hashed(fields))


def _hashed(fields: Mapping[str, str]) -> list[tuple[str, str]]:
    """The ``vpc_`` and ``user_`` fields with a value, apart from the hash itself, in the order of their names."""
    return [
        (name, value)
        for name, value in sorted_and_filled(fields)
        if name.startswith(_SIGNED) and name not in ("vpc_SecureHash", "vpc_SecureHashType")
    ]


def _signed(fields: Mapping[str, str]) -> bytes:
    """What is hashed. Raises CallbackRejected for a value that could be read as two."""
    hashed = _hashed(fields)
    if any(_ANOTHER_FIELD.search(value) for _, value in hashed):
        raise CallbackRejected
    return "&".join(f"{name}={value}" for name, value in hashed).encode()


def _confirmation(bank: str, fields: Fields, event: str) -> Confirmation:
    """``event`` says what kind of message it is and of which payment; number and code make it this very one."""
    code = text(fields, "vpc_TxnResponseCode", _CODE)
    outcome = OUTCOMES.get(code, Outcome.PENDING)
    number: str | None = text_or_none(fields, "vpc_TransactionNo")
    if not re.fullmatch(_TRANSACTION, number or "", re.ASCII):
        number = None  # 0, or nothing, when no money was taken
    in_dong = all(fields.get(name, "VND") == "VND" for name in _CURRENCIES)
    amount = hundredfold_or_none(text(fields, "vpc_Amount")) if in_dong and "vpc_Amount" in fields else None
    if outcome is Outcome.PAID and (number is None or amount is None):
        raise Malformed("paid, but without a transaction number or whole dong x 100")
    return Confirmation(
        bank=bank,
        event_id=f"{event}:{number or 0}:{code}",
        reference=text(fields, "vpc_MerchTxnRef"),
        outcome=outcome,
        amount=amount,
        bank_transaction_id=number,
        code=code,
    )
