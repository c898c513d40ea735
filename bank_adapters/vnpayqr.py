"""VNPAY-QR for merchants (MMS): a QR text for the payer's banking app, and a signed JSON message back (IPN).

Rules from the published IPN sample, its README, and independent programs that answer it. We write the QR text
ourselves: the bank's own service for it (createQrcode) is known only at second hand, and its checksum cannot be
reproduced.
The bill number in the text is our attempt reference; it comes back as txnId. Amounts are whole dong, times are GMT+7.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.bank_time import vietnam_time_or_none
from bank_adapters.toolkit.emv_qr import write_vnpay_qr
from bank_adapters.toolkit.json_fields import read_unverified, text, written
from bank_adapters.toolkit.limits import fitting, require_payable
from bank_adapters.toolkit.settings import (
    RotatingSecret,
    parse_folder,
    parse_key,
    read_section,
    setting,
    text_matching,
)
from bank_adapters.toolkit.signatures import require_digest
from bank_adapters.toolkit.signed_fields import as_signed, joined
from bank_adapters.toolkit.statements import OTHERWISE, CollectorFile
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, Limits, PaymentMethod
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Instructions,
    Outcome,
    PayerAccount,
    PaymentRequest,
    Statement,
)
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong

#: What the checksum covers, in this order, with the secret behind it. Everything else in the message is hearsay.
SIGNED: Final = "code msgType txnId qrTrace bankCode mobile accountNo amount payDate merchantCode"

#: ``code`` of an IPN. It is sent when money has come, and no other code is documented.
OUTCOMES: Final = {"00": Outcome.PAID}

#: No file of this bank is known: these are our own names, to which a collector's export is brought.
COLLECTOR_FILE: Final = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern="%Y-%m-%d %H:%M:%S",
    moved={"00": True},
)

#: Words beside the codes of our answers.
_MESSAGES: Final = {
    Answer.RECORDED: "recorded",
    Answer.ALREADY_RECORDED: "recorded before",
    Answer.NO_SUCH_ORDER: "recorded, no such order",
    Answer.WRONG_AMOUNT: "recorded, the amount differs",
    Answer.NOT_RECORDED: "not recorded, send again",
}

_REFERENCE: Final = r"[A-Za-z0-9-]{1,25}"
_AMOUNT: Final = "[1-9][0-9]{0,12}"
_TRANSACTION: Final = r"(?!0+$)[0-9A-Za-z_-]{1,50}"
_LABEL: Final = "[A-Za-z0-9 .,&/_-]"
_CODE: Final = "[0-9]{2}"

PROFILE: Final = BankProfile(
    title="VNPAYQR, merchant service (MMS)",
    methods=(PaymentMethod.QR,),
    facts=(
        Fact("the QR text: tag 26 with A000000775, tags 52 to 62", "published texts", Certainty.REPRODUCED),
        Fact("the checksum of the IPN", "a published sample and its secret", Certainty.REPRODUCED),
        Fact("the codes with which an IPN is answered", "four independent programs", Certainty.OFFICIAL),
        Fact(
            "a bill number in a text of our own making comes back as txnId",
            "a program whose txnId is the bill number of the service's own text",
            Certainty.ONE_SOURCE,
        ),
        Fact(
            "createQrcode: not used, its checksum cannot be reproduced",
            "public clients",
            Certainty.ONE_SOURCE,
        ),
        Fact(
            "after an answer other than 00 the payer's bank may have to take the money back",
            "a partner bank's page about codes that void a payment",
            Certainty.HEARSAY,
        ),
        Fact("msgType 1 is a payment; when an IPN is sent again", "samples", Certainty.HEARSAY),
        Fact("columns of the daily file", "our own", Certainty.HEARSAY),
    ),
    limits=Limits(largest=dong(9_999_999_999_999)),
    codes={
        "00": "paid",
        "answer 00": "recorded",
        "answer 01": "some goods are missing",
        "answer 02": "all goods are missing",
        "answer 03": "the order was paid before",
        "answer 04": "the order could not be made",
        "answer 05": "the order is being worked on",
        "answer 06": "wrong checksum",
        "answer 07": "wrong amount",
        "answer 08": "no result in time",
        "answer 09": "the QR text has expired",
        "answer 10": "sender not allowed",
    },
)


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_VNPAYQR_*``.

    What we have recorded is answered with 00 whatever we think of it: it is on our books, and after another word the
    payer's bank might reverse the money. Who has it in writing what the bank does can have its other codes.
    """

    merchant_code: str = setting(text_matching("[0-9A-Za-z]{1,25}"), "our merchant code")
    merchant_name: str = setting(text_matching(f"{_LABEL}{{1,25}}"), "our name in the payer's app")
    secret: bytes = setting(parse_key, "the secret of the IPN", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the one before, still valid", default=None, secret=True
    )
    statements: Path = setting(parse_folder, "the folder into which daily files are dropped")
    statement_format: CollectorFile = setting(COLLECTOR_FILE.otherwise, OTHERWISE, default=COLLECTOR_FILE)
    category: str | None = setting(
        text_matching("[0-9]{4}"), "our merchant category (ISO 18245)", default=None
    )
    city: str | None = setting(text_matching(f"{_LABEL}{{1,15}}"), "our city", default=None)
    store: str | None = setting(text_matching(f"{_LABEL}{{1,20}}"), "the label of our store", default=None)
    terminal: str | None = setting(
        text_matching("[A-Za-z0-9]{1,20}"), "the label of our terminal", default=None
    )
    payment_type: str = setting(
        text_matching("[0-9A-Za-z]{1,5}"),
        "the msgType of a payment; any other says nothing of money",
        default="1",
    )
    repeated_code: str = setting(
        text_matching(_CODE), "our answer to a message recorded before", default="00"
    )
    unknown_code: str = setting(text_matching(_CODE), "our answer when we know no such order", default="00")
    amount_code: str = setting(text_matching(_CODE), "our answer to another amount", default="00")
    again_code: str = setting(text_matching(_CODE), "our answer when it must be sent again", default="08")

    def code_of(self, answer: Answer) -> str:
        """The bank's code for ``answer``."""
        others = {
            Answer.ALREADY_RECORDED: self.repeated_code,
            Answer.NO_SUCH_ORDER: self.unknown_code,
            Answer.WRONG_AMOUNT: self.amount_code,
            Answer.NOT_RECORDED: self.again_code,
        }
        return others.get(answer, "00")


def build(bank: str, section: Mapping[str, str]) -> VnpayQr:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    return VnpayQr(bank, read_section(Settings, bank, section))


@dataclass(frozen=True, slots=True)
class VnpayQr:
    """One merchant; it calls nobody, so it has no HTTP client."""

    code: str
    settings: Settings
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A QR text for this amount and attempt; the bank learns of it only when it is paid. Raises Malformed."""
        require_payable(PROFILE.limits, request)
        labels = {
            "bill": fitting(request.attempt_reference, _REFERENCE),
            "reference": fitting(request.order_reference, _REFERENCE),
            "store": self.settings.store,
            "terminal": self.settings.terminal,
        }
        qr_text = write_vnpay_qr(
            merchant_id=self.settings.merchant_code,
            amount=request.amount,
            category=self.settings.category,
            name=self.settings.merchant_name,
            city=self.settings.city,
            **{name: label for name, label in labels.items() if label is not None},
        )
        return Instructions(qr_text=qr_text, purpose=request.order_reference)

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """The IPN: a JSON object with an MD5 checksum over its first fields and the secret."""
        if request.method != "POST" or request.query:
            raise CallbackRejected
        fields = read_unverified(request.body)
        signed = joined(fields, SIGNED.split())
        messages = [f"{signed}|".encode() + secret for secret in self.settings.secrets]
        given = fields.get("checksum")
        key = require_digest("md5", messages, given if isinstance(given, str) else None)
        if as_signed(fields.get("merchantCode")) != self.settings.merchant_code:
            raise CallbackRejected
        parsed = {name: as_signed(fields.get(name)) for name in SIGNED.split()}
        tells_of_money = parsed["msgType"] == self.settings.payment_type
        return _confirmation(self.code, parsed, OUTCOMES if tells_of_money else {}, key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """Code and text, and the txnId that is answered."""
        status = 503 if answer is Answer.NOT_RECORDED else 200
        return _reply(status, self.settings.code_of(answer), _MESSAGES[answer], request)

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """Code 06: the checksum is wrong."""
        return _reply(200, "06", "wrong checksum", request)

    def fetch_statement(self, day: date) -> Statement:
        """The collector file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return self.settings.statement_format.of_day(self.settings.statements, day, self.code)


def _confirmation(
    bank: str, parsed: Mapping[str, str], outcomes: Mapping[str, Outcome], key: int
) -> Confirmation:
    """What the signed fields say; a code that is not in ``outcomes`` is PENDING."""
    code, reference = text(parsed, "code"), text(parsed, "txnId")
    outcome = outcomes.get(code, Outcome.PENDING)
    paid = outcome is Outcome.PAID
    trace = text(parsed, "qrTrace", _TRANSACTION) if paid else parsed["qrTrace"]
    amount = text(parsed, "amount", _AMOUNT) if paid else parsed["amount"]
    return Confirmation(
        bank=bank,
        event_id=f"{reference}:{parsed['msgType']}:{trace}:{code}",
        reference=reference,
        outcome=outcome,
        amount=Money.parse(amount) if re.fullmatch(_AMOUNT, amount) else None,
        bank_transaction_id=trace or None,
        paid_at=vietnam_time_or_none(parsed["payDate"]),
        code=code,
        payer=PayerAccount(parsed["accountNo"], bank=parsed["bankCode"] or None)
        if parsed["accountNo"]
        else None,
        key=key,
    )


def _reply(status: int, code: str, message: str, request: CallbackRequest) -> CallbackReply:
    reply = {"code": code, "message": message, "data": {"txnId": _written_reference(request)}}
    return CallbackReply(status, json.dumps(reply).encode())


def _written_reference(request: CallbackRequest) -> str:
    """The txnId as the message has it, for the answer alone; nothing when it cannot be read."""
    try:
        return written(read_unverified(request.body), "txnId")
    except (CallbackRejected, Malformed):
        return ""
