"""SePay: the payer transfers to our account, and SePay tells of every movement on it.

How a message is believed is chosen when the callback is set up at SePay, and by the setting ``auth`` here: a signature
over the raw body (``hmac``), or a key that is only shown (``apikey``). One never stands in for the other. Nothing is
opened at SePay: the order's reference in the transfer's text is all that connects them.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from bank_adapters.toolkit.account_transfer import (
    LIMITS,
    WALL_CLOCK,
    AccountSettings,
    Columns,
    declared_columns,
    free_text,
    instructions,
    moment_or_none,
    no_money,
    read_account_statement,
)
from bank_adapters.toolkit.json_fields import Fields, read_fields, text, whole
from bank_adapters.toolkit.settings import RotatingSecret, parse_key, read_section, setting, text_matching
from bank_adapters.toolkit.signatures import require_hmac_sha256
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
from payment_hub.domain.money import dong

#: transferType. What goes out of the account is no payment.
OUTCOMES: Final = {"in": Outcome.PAID, "out": Outcome.PENDING}

TOLERANCE_SECONDS: Final = 300

#: As SePay's own list of transactions calls them; a bank's file has others, so that they are a setting.
COLUMNS: Final = Columns(
    (
        ("booked_at", "transaction_date"),
        ("transaction_id", "id"),
        ("reference", "transaction_content"),
        ("credit", "amount_in"),
        ("debit", "amount_out"),
    )
)

PROFILE: Final = BankProfile(
    title="SePay",
    methods=(PaymentMethod.QR,),
    facts=(
        Fact("fields, signature, times and answers", "developer.sepay.vn, webhooks", Certainty.OFFICIAL),
        Fact(
            "with AUTH=apikey nothing is signed: whoever sees the key can say anything, so HMAC is the default",
            "developer.sepay.vn, webhooks, authentication",
            Certainty.OFFICIAL,
        ),
        Fact("one id is one movement", "developer.sepay.vn, webhooks", Certainty.OFFICIAL),
        Fact("the columns of the statement: a setting", "SePay's list of transactions", Certainty.HEARSAY),
    ),
    limits=LIMITS,
    codes={"in": "money came in", "out": "money went out"},
)

_TIMESTAMP: Final = re.compile(r"[1-9][0-9]{9}", re.ASCII)
_SIGNED: Final = "sha256="
_BANK_CODE: Final = r"[!-~]{1,100}"


@dataclass(frozen=True, slots=True)
class Settings(AccountSettings, RotatingSecret):
    """``BANK_SEPAY_*``."""

    secret: bytes = setting(parse_key, "the secret of the signature, or the API key", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the one before, still valid", default=None, secret=True
    )
    auth: str = setting(
        text_matching("hmac|apikey"), "how SePay proves who it is: hmac or apikey", default="hmac"
    )
    money_id: str = setting(
        text_matching("id|referenceCode"),
        "which of its numbers names the money, here as in the statement: SePay's or the bank's",
        default="id",
    )
    statement_columns: Columns = setting(
        declared_columns, "our names for the columns of the statement", default=COLUMNS
    )
    statement_time: str = setting(
        text_matching("[ -~]{2,40}"), "how the statement writes moments", default=WALL_CLOCK
    )


def build(bank: str, section: Mapping[str, str]) -> Sepay:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    return Sepay(bank, read_section(Settings, bank, section))


@dataclass(frozen=True, slots=True)
class Sepay:
    """One account that SePay watches."""

    code: str
    settings: Settings

    @property
    def profile(self) -> BankProfile:
        """Of a message beside which a key is only shown, nothing is signed."""
        return replace(PROFILE, signed=self.settings.auth == "hmac")

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A code for the transfer; no bank is called. Raises Malformed."""
        return instructions(self.settings, request)

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the raw message in the one way that was agreed, then read the one movement."""
        if request.method != "POST" or request.query:
            raise CallbackRejected
        key = self._signed(request) if self.settings.auth == "hmac" else self._shown(request)
        return self._confirmation(read_fields(request.body), key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """Only 2xx with ``success`` ends the retries."""
        stored = answer is not Answer.NOT_RECORDED
        return CallbackReply(200 if stored else 503, json.dumps({"success": stored}).encode())

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """401, as SePay's guide answers a message that is not genuine."""
        return CallbackReply(401, json.dumps({"success": False}).encode())

    def fetch_statement(self, day: date) -> Statement:
        """The account's statement dropped for ``day``. Raises BankUnavailable while it is not there."""
        return read_account_statement(self.settings, day, self.code)

    def _signed(self, request: CallbackRequest) -> int:
        """Which secret signed time and body. Raises CallbackRejected."""
        sent = request.headers.get("x-sepay-timestamp", "")
        if not _TIMESTAMP.fullmatch(sent):
            raise CallbackRejected
        if abs(request.received_at.timestamp() - int(sent)) > TOLERANCE_SECONDS:
            raise CallbackRejected
        given = request.headers.get("x-sepay-signature", "")
        if not given.startswith(_SIGNED):
            raise CallbackRejected
        signed = f"{sent}.".encode() + request.body
        return require_hmac_sha256(self.settings.secrets, signed, given.removeprefix(_SIGNED))

    def _shown(self, request: CallbackRequest) -> int:
        """Which key stands in the message. Raises CallbackRejected."""
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        fits = [hmac.compare_digest(b"Apikey " + key, given) for key in self.settings.secrets]
        if True not in fits:
            raise CallbackRejected
        return fits.index(True)

    def _confirmation(self, fields: Fields, key: int) -> Confirmation:
        number, amount = whole(fields, "id"), whole(fields, "transferAmount")
        code, reference = text(fields, "transferType", "[a-z]{1,10}"), free_text(fields, "content")
        event_id = f"{number}:{code}"
        ours = self.settings.account_number in (fields.get("accountNumber"), fields.get("subAccount"))
        if OUTCOMES.get(code) is not Outcome.PAID or not ours:
            return no_money(self.code, event_id, reference, code, key)
        if number <= 0 or amount <= 0:
            raise Malformed("money that came in has an id and an amount above zero")
        money = str(number) if self.settings.money_id == "id" else text(fields, "referenceCode", _BANK_CODE)
        return Confirmation(
            bank=self.code,
            event_id=event_id,
            reference=reference,
            outcome=Outcome.PAID,
            amount=dong(amount),
            bank_transaction_id=money,
            paid_at=moment_or_none(fields, "transactionDate"),
            code=code,
            key=key,
        )
