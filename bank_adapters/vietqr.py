"""VietQR: a transfer to any account or card that can be reached by BIN, and nobody who tells us of it.

What the code says is NAPAS's "QR Format T&C" 1.0 (09/2021). Nothing is opened anywhere, nobody calls back and nobody
can be asked: that money has come is known from the account's statement, by our reference in the transfer's text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Final

from bank_adapters.toolkit.account_transfer import (
    LIMITS,
    AccountSettings,
    instructions,
    read_account_statement,
)
from bank_adapters.toolkit.settings import read_section, setting, text_matching
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, PaymentMethod
from payment_hub.domain.banks.values import Instructions, PaymentRequest, Statement

PROFILE: Final = BankProfile(
    title="VietQR",
    methods=(PaymentMethod.QR,),
    facts=(
        Fact("the text of the code", "QR Format T&C 1.0 (09/2021), section 6.1", Certainty.REPRODUCED),
        Fact("56 BINs", "NHNN 1589/NHNN-TT, list to 31/12/2023", Certainty.OFFICIAL),
        Fact("10 more BINs", "xuannghia/vietnam-qr-pay", Certainty.ONE_SOURCE),
        Fact("many apps do not carry Vietnamese letters: ASCII only", "field reports", Certainty.HEARSAY),
        Fact(
            "the columns of the statement, and flowcode as the identity of the money: a setting",
            "Anhph-Ccash/C-cash_bks_repo",
            Certainty.HEARSAY,
        ),
    ),
    limits=LIMITS,
)


@dataclass(frozen=True, slots=True)
class Settings(AccountSettings):
    """``BANK_VIETQR_*``."""

    code_kind: str = setting(
        text_matching("dynamic|static"),
        "dynamic: amount and purpose stand in the code; static: the account alone, and the payer types the rest",
        default="dynamic",
    )
    bill_number: str = setting(
        text_matching("none|attempt"),
        "whether the code also carries the attempt as bill number",
        default="none",
    )
    reference_label: str | None = setting(
        text_matching("[ -~]{1,25}"), "a fixed reference that some wallets want in the code", default=None
    )


def build(bank: str, section: Mapping[str, str]) -> Vietqr:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    return Vietqr(bank, read_section(Settings, bank, section))


@dataclass(frozen=True, slots=True)
class Vietqr:
    """One account or card."""

    code: str
    settings: Settings
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A code for the transfer; no bank is called. Raises Malformed."""
        additional: dict[str, str] = {}
        if self.settings.bill_number == "attempt":
            additional["bill"] = request.attempt_reference
        if self.settings.reference_label:
            additional["reference"] = self.settings.reference_label
        static = self.settings.code_kind == "static"
        return instructions(self.settings, request, open_amount=static, **additional)

    def fetch_statement(self, day: date) -> Statement:
        """The account's statement dropped for ``day``. Raises BankUnavailable while it is not there."""
        return read_account_statement(self.settings, day, self.code)
