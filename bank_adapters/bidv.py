"""BIDV bill collection: the bank asks us what is due (getbill), takes the money, and tells us so (paybill).

Read from the public server code of one partner; nothing was published by BIDV. Both messages are a JSON POST under a
bearer token, with an MD5 checksum over the secret and some of the values, without separators. The payer tells BIDV the
order reference (customer_id); the bill that we name (bill_id) is the order again, so BIDV can be paid without anybody
having chosen it before. BIDV answers no query, and refunds nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.bearer_tokens import bearer_token, is_jwt, is_one_of
from bank_adapters.toolkit.json_fields import read_object
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
from bank_adapters.toolkit.signed_fields import as_signed, require_ours_whole
from bank_adapters.toolkit.statements import CollectorFile
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, PaymentMethod
from payment_hub.domain.banks.values import (
    Answer,
    Bill,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Due,
    Inquiry,
    Instructions,
    Outcome,
    PaymentRequest,
    Statement,
)
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import VND, Money

#: What a message is called -> what it means. BIDV reports money alone, never a payment that failed.
OUTCOMES: Final = {"paybill": Outcome.PAID}

#: Every result_code, with our status and words for it. Only "success" and "paid already" are good answers.
CODES: Final = {
    "000": (200, "success"),
    "001": (400, "a parameter is missing"),
    "003": (400, "wrong credentials"),
    "004": (400, "wrong checksum"),
    "006": (400, "no such service"),
    "011": (400, "no such customer"),
    "012": (400, "nothing to pay"),
    "021": (400, "no such bill"),
    "022": (400, "the amount is not that of the bill"),
    "023": (200, "the bill is paid already"),
    "031": (400, "system error"),
}

ANSWERS: Final = {
    Answer.RECORDED: "000",
    Answer.ALREADY_RECORDED: "023",
    Answer.NO_SUCH_ORDER: "021",
    Answer.WRONG_AMOUNT: "022",
    Answer.NOT_RECORDED: "031",
}

#: To getbill. A bill that must not be paid now is no bill for BIDV.
INQUIRY_ANSWERS: Final = {
    Due.PAYABLE: "000",
    Due.PAID: "012",
    Due.CLOSED: "012",
    Due.AMOUNT_DIFFERS: "022",
    Due.NO_SUCH_ORDER: "011",
}

#: What the checksums cover, one value after the other, after the secret.
GETBILL_SIGNS: Final = ("service_id", "customer_id")
PAYBILL_SIGNS: Final = ("trans_id", "bill_id", "amount")

#: data.type of a bill that is paid in full or not at all.
EXACT_AMOUNT: Final = 1

#: No file of BIDV's is known: these are our own names, to which a bank's export is brought.
COLLECTOR_FILE: Final = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern="%Y-%m-%d %H:%M:%S",
    moved={"PAID": True, "FAILED": False},
)

#: What a payer states at a counter, and what BIDV may write: neither its lengths nor its alphabet is documented.
_CUSTOMER: Final = r"[^\x00-\x1f\x7f]{1,400}"
_BILL: Final = r"[!-~]{1,100}"
_TRANSACTION: Final = r"[!-~]{1,100}"
_AMOUNT: Final = r"[1-9][0-9]{0,11}"

PROFILE: Final = BankProfile(
    title="BIDV bill collection",
    methods=(PaymentMethod.BILL,),
    facts=(
        Fact(
            "the fields and checksums of getbill and paybill",
            "one partner's public server",
            Certainty.ONE_SOURCE,
        ),
        Fact(
            "result codes; 000 and 023 come with 200, the rest with 400",
            "the same",
            Certainty.ONE_SOURCE,
        ),
        Fact(
            "a bearer token, there a JWT; which, and under which key, is agreed",
            "the same",
            Certainty.ONE_SOURCE,
        ),
        Fact(
            "the amount of a bill is text, as that of paybill is", "nobody wrote it down", Certainty.HEARSAY
        ),
        Fact("the file of a day", "our own form", Certainty.HEARSAY),
    ),
    codes={code: message for code, (_, message) in CODES.items()},
)


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_BIDV_*``."""

    service_id: str = setting(text_matching("[A-Za-z0-9_-]{1,40}"), "the number of our service at BIDV")
    secret: bytes = setting(parse_key, "the secret inside the checksums", secret=True)
    secret_previous: bytes | None = setting(parse_key, "the one before", default=None, secret=True)
    token_secret: bytes = setting(parse_key, "the bearer token that BIDV shows, or signs with", secret=True)
    token_secret_previous: bytes | None = setting(parse_key, "the one before", default=None, secret=True)
    bearer: str = setting(
        text_matching("shared|jwt"),
        "shared: the token itself is shown; jwt: a JWT signed with it (HS256)",
        default="shared",
    )
    statements: Path = setting(parse_folder, "the folder into which BIDV's daily files are dropped")

    @property
    def tokens(self) -> tuple[bytes, ...]:
        """The tokens that callbacks may carry, or the keys of such tokens."""
        return (self.token_secret, *filter(None, [self.token_secret_previous]))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was found of a message: 000 when everything that protects it holds, else what is wrong with it."""

    code: str
    fields: Mapping[str, str] = field(default_factory=dict)
    key: int | None = None


def build(bank: str, section: Mapping[str, str]) -> Bidv:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    return Bidv(bank, read_section(Settings, bank, section))


@dataclass(frozen=True, slots=True)
class Bidv:
    """One service that BIDV collects for."""

    code: str
    settings: Settings
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Nothing is sent: the payer tells BIDV the order's reference, and BIDV asks us. Raises Malformed."""
        require_payable(PROFILE.limits, request)
        return Instructions(bill_code=fitting(request.order_reference, "[A-Z0-9]{1,30}"))

    def read_inquiry(self, request: CallbackRequest) -> Inquiry:
        """getbill: which bill has this customer to pay?"""
        seen = self._seen(request, GETBILL_SIGNS)
        if seen.code != "000":
            raise CallbackRejected
        customer = fitting(seen.fields["customer_id"], _CUSTOMER)
        return Inquiry(reference=customer, fields={"customer_id": customer}, key=seen.key)

    def answer_inquiry(self, inquiry: Inquiry, bill: Bill) -> CallbackReply:
        """The one bill of the order, to be paid exactly; or why there is none."""
        code = INQUIRY_ANSWERS[bill.due]
        if code != "000":
            return _reply(code)
        if bill.amount is None or bill.amount.currency != VND:
            return _reply("012")  # BIDV collects dong
        return _reply(
            code,
            service_id=self.settings.service_id,
            customer_id=inquiry.fields["customer_id"],
            customer_name=bill.payer_name,
            customer_addr="",
            data={"type": EXACT_AMOUNT, "amount": str(bill.amount), "bill_id": bill.order_reference},
        )

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """paybill: money was taken for a bill. Who paid, when, and every other word is not signed, and so no fact."""
        seen = self._seen(request, PAYBILL_SIGNS)
        if seen.code != "000":
            raise CallbackRejected
        trans_id = fitting(seen.fields["trans_id"], _TRANSACTION)
        bill_id = fitting(seen.fields["bill_id"], _BILL)
        amount = fitting(seen.fields["amount"], _AMOUNT)
        require_ours_whole(trans_id, bill_id, amount, follows=rf"{_AMOUNT}\Z")
        return Confirmation(
            bank=self.code,
            event_id=f"paybill:{trans_id}",
            reference=bill_id,
            outcome=OUTCOMES["paybill"],
            amount=Money.parse(amount),
            bank_transaction_id=trans_id,
            code="paybill",
            key=seen.key,
        )

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """result_code and result_desc."""
        return _reply(ANSWERS[answer])

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """The result_code of what is wrong with a message: BIDV's protocol has one for each."""
        signs = GETBILL_SIGNS if request.path.endswith("/inquiry") else PAYBILL_SIGNS
        code = self._seen(request, signs).code
        return _reply("001" if code == "000" else code)

    def fetch_statement(self, day: date) -> Statement:
        """The file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return COLLECTOR_FILE.of_day(self.settings.statements, day, self.code)

    def _seen(self, request: CallbackRequest, signs: tuple[str, ...]) -> _Seen:
        """Look at a message whose checksum covers ``signs``: token, form, service and checksum, in this order."""
        if not self._has_token(request):
            return _Seen("003")
        try:
            fields = read_object(request.body, decimals_as_text=True)
            read = {name: as_signed(fields.get(name)) for name in (*signs, "service_id", "checksum")}
        except (CallbackRejected, Malformed):
            return _Seen("001")
        if "" in read.values() or request.method != "POST" or request.query:
            return _Seen("001")
        if read["service_id"] != self.settings.service_id:
            return _Seen("006")
        signed = "".join(read[name] for name in signs).encode()
        messages = [secret + signed for secret in self.settings.secrets]
        try:
            return _Seen("000", read, require_digest("md5", messages, read["checksum"]))
        except CallbackRejected:
            return _Seen("004")

    def _has_token(self, request: CallbackRequest) -> bool:
        given, tokens = bearer_token(request.headers), self.settings.tokens
        if given is None:
            return False
        if self.settings.bearer == "jwt":
            return is_jwt(given, tokens, request.received_at)
        return is_one_of(given, tokens)


def _reply(code: str, **more: object) -> CallbackReply:
    status, message = CODES[code]
    body = {"result_code": code, "result_desc": message, **more}
    return CallbackReply(status, json.dumps(body, ensure_ascii=False).encode())
