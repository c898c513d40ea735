"""Casso v2: the payer transfers to our account, and Casso tells of every movement on it, signed.

Nothing is opened at Casso and it is not asked about payments here: the order's reference in the transfer's text is all
that connects them. Its older callbacks, which show a token instead of a signature, are never accepted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar, Final

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
    payer_of,
    read_account_statement,
)
from bank_adapters.toolkit.json_fields import Fields, as_object, read_fields, stringified, text, whole
from bank_adapters.toolkit.settings import (
    RotatingSecret,
    number_between,
    parse_key,
    read_section,
    setting,
    text_matching,
)
from bank_adapters.toolkit.signatures import require_hmac_sha512
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

#: ``error`` of a callback. No other code was ever documented.
OUTCOMES: Final = {"0": Outcome.PAID}

#: The id of the message that Casso sends when a callback address is tried out.
TEST_ID: Final = 0

#: As Casso's own callback fields call them; a bank's file has others, so that they are a setting.
COLUMNS: Final = Columns(
    (
        ("booked_at", "transactionDateTime"),
        ("transaction_id", "id"),
        ("reference", "description"),
        ("credit", "amount"),
    )
)

PROFILE: Final = BankProfile(
    title="Casso v2",
    methods=(PaymentMethod.QR,),
    facts=(
        Fact(
            "the signature of a callback", "Casso's published sample, with its test key", Certainty.REPRODUCED
        ),
        Fact("the message with id 0 is a test", "Casso's published sample", Certainty.OFFICIAL),
        Fact("no bound on the age of a message is published: a setting", "-", Certainty.HEARSAY),
        Fact("any 2xx ends the retries", "Casso's guide", Certainty.OFFICIAL),
        Fact(
            "objects inside lists are sorted too; none was ever seen",
            "the recursion described",
            Certainty.ONE_SOURCE,
        ),
        Fact("the columns of the statement: a setting", "Casso's own field names", Certainty.HEARSAY),
    ),
    limits=LIMITS,
    codes={"0": "money moved; not above zero: it went out"},
)

_SIGNATURE: Final = re.compile(r"t=([1-9][0-9]{12}),v1=([0-9A-Fa-f]{128})", re.ASCII)
_BANK_CODE: Final = r"[!-~]{1,100}"


@dataclass(frozen=True, slots=True)
class Settings(AccountSettings, RotatingSecret):
    """``BANK_CASSO_*``."""

    secret: bytes = setting(parse_key, "the key of the callback", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the one before, still valid", default=None, secret=True
    )
    tolerance_seconds: int = setting(
        number_between(30, 86_400),
        "how far the time in the signature may be from ours: a message sent again may keep its first one",
        default=43_200,
    )
    money_id: str = setting(
        text_matching("id|reference"),
        "which of its numbers names the money, here as in the statement: Casso's or the bank's",
        default="id",
    )
    statement_columns: Columns = setting(
        declared_columns, "our names for the columns of the statement", default=COLUMNS
    )
    statement_time: str = setting(
        text_matching("[ -~]{2,40}"), "how the statement writes moments", default=WALL_CLOCK
    )


def build(bank: str, section: Mapping[str, str]) -> Casso:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    return Casso(bank, read_section(Settings, bank, section))


@dataclass(frozen=True, slots=True)
class Casso:
    """One account that Casso watches."""

    code: str
    settings: Settings
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A code for the transfer; no bank is called. Raises Malformed."""
        return instructions(self.settings, request)

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the signature over the sorted text, then read the one movement."""
        sent, signature = self._signature(request)
        fields = read_fields(request.body)
        signed = f"{sent}.{stringified(fields)}".encode()
        key = require_hmac_sha512(self.settings.secrets, signed, signature)
        return self._confirmation(fields, sent, key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """Anything but 2xx makes Casso send again."""
        stored = answer is not Answer.NOT_RECORDED
        return CallbackReply(200 if stored else 503, json.dumps({"success": stored}).encode())

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """Nothing of its own: the hub's problem says it."""
        return None

    def fetch_statement(self, day: date) -> Statement:
        """The account's statement dropped for ``day``. Raises BankUnavailable while it is not there."""
        return read_account_statement(self.settings, day, self.code)

    def _signature(self, request: CallbackRequest) -> tuple[str, str]:
        """The time, as it is signed, and the hex of the header; fresh, or CallbackRejected."""
        match = _SIGNATURE.fullmatch(request.headers.get("x-casso-signature", ""))
        if match is None or request.method != "POST" or request.query:
            raise CallbackRejected
        if not self._fresh(int(match[1]), request.received_at):
            raise CallbackRejected
        return match[1], match[2]

    def _fresh(self, sent: int, received_at: datetime) -> bool:
        """``sent`` is in milliseconds."""
        return abs(received_at.timestamp() * 1000 - sent) <= self.settings.tolerance_seconds * 1000

    def _confirmation(self, fields: Fields, sent: str, key: int) -> Confirmation:
        code, data = str(whole({"error": 0, **fields}, "error")), as_object(fields.get("data"))
        number, amount, reference = whole(data, "id"), whole(data, "amount"), free_text(data, "description")
        if number == TEST_ID:
            return no_money(self.code, f"test:{sent}", reference, "TEST", key)
        ours = self.settings.account_number in (data.get("accountNumber"), data.get("virtualAccountNumber"))
        if OUTCOMES.get(code) is not Outcome.PAID or amount <= 0 or not ours:
            return no_money(self.code, f"{number}:{code}", reference, code, key)
        if number < 0:
            raise Malformed("id is below zero")
        money = str(number) if self.settings.money_id == "id" else text(data, "reference", _BANK_CODE)
        return Confirmation(
            bank=self.code,
            event_id=f"{number}:{code}",
            reference=reference,
            outcome=Outcome.PAID,
            amount=dong(amount),
            bank_transaction_id=money,
            paid_at=moment_or_none(data, "transactionDateTime"),
            code=code,
            payer=payer_of(data),
            key=key,
        )
