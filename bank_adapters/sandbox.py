"""The hub's own open protocol, for banks that have none (``docs/open-protocol.md``).

Every message, in both directions, is a raw body under Standard Webhooks headers. An answer carries the
``webhook-id`` of its question, so that no older answer can be put in its place.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, Final

from bank_adapters.toolkit import standard_webhooks
from bank_adapters.toolkit.bank_time import read_utc, write_utc
from bank_adapters.toolkit.emv_qr import write_vietqr
from bank_adapters.toolkit.http_client import (
    LARGEST_ANSWER,
    HttpAnswer,
    HttpClient,
    parse_page,
    reading_answer,
    wire_time,
)
from bank_adapters.toolkit.json_fields import Fields, read_object, text, text_or_none
from bank_adapters.toolkit.limits import fitting, require_payable
from bank_adapters.toolkit.settings import RotatingSecret, number_between, parse_url, read_section, setting
from bank_adapters.toolkit.statements import CsvFormat, Row, read_rows, refused_whole, require_totals
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, PaymentMethod
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Instructions,
    Movement,
    Outcome,
    PaymentQuery,
    PaymentRequest,
    Statement,
    StatementLine,
)
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money

PROFILE: Final = BankProfile(
    title="The hub's open protocol",
    methods=(PaymentMethod.QR, PaymentMethod.PAGE),
    facts=(Fact("every message and its signature", "docs/open-protocol.md", Certainty.REPRODUCED),),
    codes={"PAID": "paid", "DECLINED": "declined for good", "PENDING": "not known yet"},
)

#: The bank's word for a payment -> what it means.
OUTCOMES: Final = {"PAID": Outcome.PAID, "DECLINED": Outcome.DECLINED, "PENDING": Outcome.PENDING}

#: What we answer -> status. Only what we could not store must be sent again.
ANSWERS: Final = {
    Answer.RECORDED: 200,
    Answer.ALREADY_RECORDED: 200,
    Answer.NO_SUCH_ORDER: 200,
    Answer.WRONG_AMOUNT: 200,
    Answer.NOT_RECORDED: 503,
}

STATEMENT: Final = CsvFormat(
    columns={
        name: name for name in ("transaction_id", "reference", "amount", "currency", "movement", "booked_at")
    },
    lines_before=1,
)
_DECLARED: Final = re.compile(rb"statement,([0-9-]{10}),([0-9]{1,9}),([0-9]{1,15})\r?\n")
LARGEST_STATEMENT: Final = 256 << 20

_REFERENCE: Final = r"[A-Za-z0-9-]{1,40}"
_DESCRIPTION: Final = r"[ -~]{1,200}"
_TRANSACTION: Final = r"[A-Za-z0-9_-]{1,64}"


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_SANDBOX_*``."""

    url: str = setting(parse_url, "where the bank listens")
    secret: bytes = setting(
        standard_webhooks.read_webhook_secret, "shared with the bank; whsec_ and base64", secret=True
    )
    secret_previous: bytes | None = setting(
        standard_webhooks.read_webhook_secret,
        "the secret before, still valid while both sides change",
        default=None,
        secret=True,
    )
    public_url: str | None = setting(
        parse_url, "the hub's own address, given to the bank for its callbacks", default=None
    )
    read_seconds: int = setting(
        number_between(1, 60), "how long the bank may be silent before we say that we do not know", default=10
    )


def build(bank: str, section: Mapping[str, str]) -> SandboxBank:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return SandboxBank(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class SandboxBank:
    """A bank that speaks the open protocol."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """Announce the payment to the bank; its answer says which account to pay to."""
        require_payable(PROFILE.limits, request)
        fitting(request.attempt_reference, _REFERENCE)
        fitting(request.description, _DESCRIPTION)
        body = {
            "type": "payment.open",
            "attempt_reference": request.attempt_reference,
            "order_reference": request.order_reference,
            "amount": str(request.amount),
            "currency": request.amount.currency,
            "description": request.description,
            "language": request.language,
            "expires_at": write_utc(request.expires_at),
            "return_url": request.return_url,
        }
        if self.settings.public_url:
            body["callback_url"] = f"{self.settings.public_url}/callbacks/{self.code}"
        with reading_answer(self.code):
            opened = read_object(self._call("/payments", json.dumps(body).encode()).body)
            _require_about(opened, "payment.opened", request.attempt_reference)
            account, bank_bin = (text(opened, "account_number"), text(opened, "account_bank"))
            return Instructions(
                qr_text=write_vietqr(
                    bank_bin=bank_bin, number=account, amount=request.amount, purpose=request.order_reference
                ),
                page_url=parse_page(text(opened, "page_url")),
                account_number=account,
                account_name=text(opened, "account_name"),
                account_bank=bank_bin,
                purpose=request.order_reference,
                bank_reference=text(opened, "bank_reference", _TRANSACTION),
            )

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the headers over the raw body, then read it."""
        event_id, key = standard_webhooks.require_standard_webhook(
            request.headers, request.body, received_at=request.received_at, secrets=self.settings.secrets
        )
        if request.method != "POST" or request.query:
            raise CallbackRejected
        fields = read_object(request.body)
        if text(fields, "type") != "payment.result":
            raise Malformed("type is not payment.result")
        return replace(_confirmation(self.code, fields, event_id), key=key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """The hub's answer as it is, with a status that says whether to send the message again."""
        return CallbackReply(status=ANSWERS[answer], body=json.dumps({"result": answer.value}).encode())

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """Nothing of its own: the hub's problem says it."""
        return None

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """What the bank knows of the attempt now."""
        with reading_answer(self.code):
            path = f"/payments/{fitting(query.attempt_reference, _REFERENCE)}"
            answer = read_object(self._call(path, expect=(200, 404)).body)
            if answer.get("type") == "payment.unknown":
                return _unknown(self.code, query)
            _require_about(answer, "payment.status", query.attempt_reference)
            confirmation = _confirmation(self.code, answer, "")
        event_id = f"query-{query.attempt_reference}-{confirmation.code}-{confirmation.bank_transaction_id or 'none'}"
        return replace(confirmation, event_id=event_id)

    def fetch_statement(self, day: date) -> Statement:
        """The bank's file of ``day``, with the totals that it declares in its first line."""
        with reading_answer(self.code):
            raw = self._call(f"/statements/{day.isoformat()}", largest=LARGEST_STATEMENT).body
        with refused_whole(raw):
            lines = tuple(_statement_line(row) for row in read_rows(raw, STATEMENT))
            declared = _DECLARED.match(raw)
            if declared is None or declared[1].decode() != day.isoformat():
                raise Malformed(f"line 1, column 1: the totals of {day.isoformat()} must stand here")
            require_totals(lines, count=int(declared[2]), total=Money.parse(declared[3].decode()))
        return Statement(day, raw, lines)

    def _call(
        self,
        path: str,
        body: bytes | None = None,
        *,
        expect: Container[int] = (200, 201),
        largest: int = LARGEST_ANSWER,
    ) -> HttpAnswer:
        """Call the bank, signed; believe only a signed answer that carries the id of this very question."""
        message_id = f"ask_{secrets.token_hex(12)}"
        headers = standard_webhooks.sign(
            self.settings.secret, message_id=message_id, sent_at=wire_time(), body=body or b""
        )
        url = self.settings.url + path
        if body is None:
            answer = self.http.get(url, headers=headers, expect=expect, largest=largest)
        else:
            json_headers = {"Content-Type": "application/json", **headers}
            answer = self.http.post(url, body, headers=json_headers, expect=expect)
        answered, _ = standard_webhooks.require_standard_webhook(
            answer.headers, answer.body, received_at=wire_time(), secrets=self.settings.secrets
        )
        if answered != message_id:
            raise CallbackRejected
        return answer


def _unknown(bank: str, query: PaymentQuery) -> Confirmation:
    """An opening may still be on its way; but the bank refuses one that was signed longer ago than the tolerance."""
    too_late = query.queried_at - query.started_at > 2 * standard_webhooks.TOLERANCE
    outcome = Outcome.DECLINED if too_late else Outcome.PENDING
    return Confirmation(
        bank,
        f"query-{query.attempt_reference}-UNKNOWN-{outcome}",
        query.attempt_reference,
        outcome,
        code="UNKNOWN",
    )


def _require_about(fields: Fields, kind: str, reference: str) -> None:
    if text(fields, "type") != kind or text(fields, "attempt_reference") != reference:
        raise Malformed(f"the answer is not a {kind} about {reference}")


def _confirmation(bank: str, fields: Fields, event_id: str) -> Confirmation:
    status = text(fields, "status", r"[A-Z_]{1,40}")
    outcome = OUTCOMES.get(status, Outcome.PENDING)
    paid = outcome is Outcome.PAID
    moment = text_or_none(fields, "paid_at")
    return Confirmation(
        bank=bank,
        event_id=event_id,
        reference=text(fields, "reference"),
        outcome=outcome,
        amount=Money.parse(text(fields, "amount"), text(fields, "currency")),
        bank_transaction_id=(text if paid else text_or_none)(fields, "transaction_id", _TRANSACTION),
        paid_at=read_utc(moment) if moment else None,
        code=status,
    )


def _statement_line(row: Row) -> StatementLine:
    currency = row.text("currency")
    return StatementLine(
        line=row.line,
        bank_transaction_id=row.text("transaction_id"),
        reference=row.text("reference", empty=True),
        amount=row.read("amount", lambda cell: Money.parse(cell, currency)),
        movement=row.one_of("movement", {movement.value: movement for movement in Movement}),
        booked_at=row.read("booked_at", read_utc),
    )
