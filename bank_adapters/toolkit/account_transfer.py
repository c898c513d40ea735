"""Payments that the payer makes as a transfer to an account of ours, with our reference in the free text.

What such banks share: the account's settings, the QR code of a transfer, how its free text and time are read when
a bank reports it, and the account's statement, whose columns the settings declare.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from bank_adapters.toolkit.bank_time import read_vietnam_time
from bank_adapters.toolkit.emv_qr import TO_ACCOUNT, TO_CARD, parse_bin, write_vietqr
from bank_adapters.toolkit.json_fields import Fields
from bank_adapters.toolkit.limits import fitting, require_payable
from bank_adapters.toolkit.settings import parse_folder, setting, text_matching
from bank_adapters.toolkit.statements import CsvFormat, Row, read_rows, refused_whole
from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import (
    Confirmation,
    Instructions,
    Movement,
    Outcome,
    PayerAccount,
    PaymentRequest,
    Statement,
    StatementLine,
)
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import Money, dong

#: A QR code carries 13 digits of an amount, and no deadline: what was paid in part may be completed late.
LIMITS: Final = Limits(largest=dong(9_999_999_999_999), shortest=timedelta.min)

#: What a purpose may be: longer ones, and other alphabets, do not arrive whole at every bank.
PURPOSE: Final = r"[ -~]{1,25}"

WALL_CLOCK: Final = "%Y-%m-%d %H:%M:%S"

_SERVICES: Final = {"account": TO_ACCOUNT, "card": TO_CARD}
_COLUMNS: Final = frozenset({"booked_at", "transaction_id", "reference", "credit", "debit"})
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]+")
_LONGEST_TEXT: Final = 500
_PAYER: Final = ("Number", "Name", "BankId", "BankName")
_AMOUNT: Final = re.compile(r"(-?)([0-9]+)(?:\.0{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Columns:
    """Our name for a column -> the header in the file."""

    pairs: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return ",".join(f"{ours}={theirs}" for ours, theirs in self.pairs)


def declared_columns(text: str) -> Columns:
    """Read a setting: ``booked_at=<header>,transaction_id=...,reference=...,credit=...`` and, where money that goes
    out has a column of its own, ``debit=...``. Raises ValueError."""
    pairs = tuple(tuple(part.split("=", 1)) for part in text.split(","))
    given = [pair[0] for pair in pairs]
    if any(len(pair) != 2 or not pair[1] for pair in pairs) or len(set(given)) != len(given):
        raise ValueError("must be a list of ours=theirs")
    if not _COLUMNS - {"debit"} <= set(given) <= _COLUMNS:
        raise ValueError(f"must name {', '.join(sorted(_COLUMNS))}; debit may be left out")
    return Columns(tuple((ours, theirs) for ours, theirs in pairs))


#: Columns of an account's statement as one open accounting system reads them; every bank has its own.
COLUMNS: Final = Columns(
    (
        ("booked_at", "transactiondate"),
        ("transaction_id", "flowcode"),
        ("reference", "narrative"),
        ("credit", "credit"),
        ("debit", "debit"),
    )
)


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """What the settings of every such bank hold; each says what its statement looks like by default."""

    account_bank: str = setting(parse_bin, "BIN of the bank where the account is")
    account_number: str = setting(text_matching("[0-9A-Za-z]{1,19}"), "the account, or the card")
    account_name: str = setting(text_matching("[ -~]{1,70}"), "whose it is, as the payer's bank shows it")
    account_kind: str = setting(text_matching("account|card"), "account or card", default="account")
    statements: Path = setting(
        parse_folder, "the folder into which the account's daily statements are dropped"
    )
    statement_columns: Columns = setting(
        declared_columns, "our names for the columns of the statement", default=COLUMNS
    )
    statement_time: str = setting(
        text_matching("[ -~]{2,40}"), "how the statement writes moments", default="%d/%m/%Y %H:%M:%S"
    )


def instructions(
    account: AccountSettings,
    request: PaymentRequest,
    *,
    open_amount: bool = False,
    **additional: str,
) -> Instructions:
    """How to transfer to ``account``; ``additional`` data of the code by name. With ``open_amount`` the code says only
    where to pay, and the payer types the rest. Raises Malformed."""
    require_payable(LIMITS, request)
    purpose = fitting(request.order_reference, PURPOSE)
    return Instructions(
        qr_text=write_vietqr(
            bank_bin=account.account_bank,
            number=account.account_number,
            service=_SERVICES[account.account_kind],
            amount=None if open_amount else request.amount,
            **(additional if open_amount else {"purpose": purpose, **additional}),
        ),
        account_number=account.account_number,
        account_name=account.account_name,
        account_bank=account.account_bank,
        purpose=purpose,
    )


def free_text(fields: Fields, name: str) -> str:
    """What the payer typed, as banks passed it on: on one line, and no longer than any bank's. Nothing where nobody
    typed anything: that is money all the same. Raises Malformed for what is neither text nor digits."""
    value = fields.get(name)
    if value is None:
        return ""
    if type(value) is int:
        return str(value)
    if not isinstance(value, str):
        raise Malformed(f"{name} is not a text")
    return _CONTROLS.sub(" ", value)[:_LONGEST_TEXT]


def moment_or_none(fields: Fields, name: str, *others: str) -> datetime | None:
    """The bank's moment on Vietnam's clock, as WALL_CLOCK or one of ``others`` writes it. None when it is written
    otherwise: then the arrival decides, for money is not turned away because of its time."""
    for pattern in (WALL_CLOCK, *others):
        with suppress(Malformed):
            return read_vietnam_time(str(fields.get(name)), pattern)
    return None


def payer_of(fields: Fields) -> PayerAccount | None:
    """The account from which the money came, from the ``counterAccount*`` fields that two banks share. None where it is
    not given as documented: money is not turned away because of its payer."""
    number, name, bank, bank_name = (_text_or_none(fields, f"counterAccount{part}") for part in _PAYER)
    return PayerAccount(number, bank or bank_name, name) if number else None


def _text_or_none(fields: Fields, name: str) -> str | None:
    try:
        return free_text(fields, name) or None
    except Malformed:
        return None


def no_money(bank: str, event_id: str, reference: str, code: str, key: int | None) -> Confirmation:
    """A genuine message that tells of no money for us: kept and acknowledged, and nothing follows from it."""
    return Confirmation(bank, event_id, reference, Outcome.PENDING, code=code, key=key)


def read_account_statement(account: AccountSettings, day: date, bank: str) -> Statement:
    """The account's statement, dropped as ``<folder>/<yyyy-mm-dd>.csv``, with what goes out.

    Raises BankUnavailable while the file is not there, and Malformed with line and column.
    """
    try:
        raw = (account.statements / f"{day.isoformat()}.csv").read_bytes()
    except OSError as error:
        raise BankUnavailable(f"{bank} has no statement of {day.isoformat()} yet") from error
    form = CsvFormat(dict(account.statement_columns.pairs))
    with refused_whole(raw):
        rows = read_rows(raw, form)
        return Statement(day, raw, tuple(_line(row, account.statement_time) for row in rows))


def _line(row: Row, time_pattern: str) -> StatementLine:
    received = row.read("credit", _signed_dong)
    if "debit" in row.cells:
        received -= row.read("debit", _signed_dong)
    if received == dong(0):
        raise Malformed(f"line {row.line}, column {row.places['credit']}: nothing moved")
    came = received > dong(0)
    return StatementLine(
        line=row.line,
        bank_transaction_id=row.text("transaction_id"),
        reference=row.text("reference", empty=True),
        amount=received if came else dong(0) - received,
        movement=Movement.CREDIT if came else Movement.DEBIT,
        booked_at=row.read("booked_at", lambda cell: read_vietnam_time(cell, time_pattern)),
    )


def _signed_dong(cell: str) -> Money:
    """Whole dong, below zero for what goes out; an empty cell is nothing. Raises Malformed."""
    match = _AMOUNT.fullmatch(cell or "0")
    if match is None:
        raise Malformed(f"{cell[:40]!a} is not an amount of whole dong")
    return Money.parse(match[2]) if not match[1] else dong(0) - Money.parse(match[2])
