"""What simulated banks with transfers share: the account, reading a QR text as a banking app does, and writing one."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator

BANK, ACCOUNT = "970415", "113366668888"
PAYERS_BANK, PAYERS_NAME = "970436", "NGUYEN VAN A"


class TransferSimulator(Simulator):
    """Nothing is opened at such a bank: it sees an account, and what comes in on it."""

    by_transfer: ClassVar[bool] = True

    @classmethod
    def account(cls, folder: Path) -> dict[str, str]:
        """The settings that every hub with an account has."""
        return {
            "ACCOUNT_BANK": BANK,
            "ACCOUNT_NUMBER": ACCOUNT,
            "ACCOUNT_NAME": "KHO BAC NHA NUOC",
            "STATEMENTS": str(folder),
        }

    def take_transfer(self, purpose: str, amount: int, qr_text: str) -> Payment:
        """Each transfer is one of its own, even with the same purpose: banks put their numbers beside it."""
        with self.book.lock:
            existing = self.book.find(purpose)
            if existing is not None and existing.outcome != "PENDING":
                purpose = f"{purpose} GD {self.book.next_number()}"
            return self.book.remember(Payment(purpose, amount))


def wall_clock(moment: datetime | None, pattern: str = "%Y-%m-%d %H:%M:%S") -> str:
    """As clocks in Vietnam show it."""
    return (moment + VIETNAM).strftime(pattern) if moment else ""


def compact(value: Any, *, sort: bool = True) -> str:
    """JSON without a space in it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort)


def transfer_code(account: str, amount: int, purpose: str) -> str:
    """The QR text of a transfer to an account at BANK."""
    payee = _field("00", BANK) + _field("01", account)
    inside = _field("00", "A000000727") + _field("01", payee) + _field("02", "QRIBFTTA")
    parts: Mapping[str, str] = {
        "00": "01",
        "01": "12",
        "38": inside,
        "53": "704",
        "54": str(amount),
        "58": "VN",
        "62": _field("08", purpose),
    }
    text = "".join(_field(name, value) for name, value in parts.items()) + "6304"
    return f"{text}{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def _field(name: str, value: str) -> str:
    return f"{name}{len(value):02}{value}"


def scan(qr_text: str) -> tuple[str, int]:
    """The purpose and the amount in dong (0 when the code leaves it open). Raises ValueError."""
    fields = _fields(qr_text)
    if "63" not in fields or int(fields["63"], 16) != _checksum(qr_text[:-4].encode()):
        raise ValueError("the code's checksum is wrong")
    more = _fields(fields.get("62", ""))
    purpose = more.get("08") or more.get("05") or more.get("01") or ""
    amount = re.fullmatch(r"([0-9]+)(\.0*)?", fields.get("54", "0"))
    if amount is None:
        raise ValueError("the code's amount is no whole number of dong")
    return purpose, int(amount[1])


def _fields(text: str) -> dict[str, str]:
    """Two digits of name, two of length in characters, then the value; again and again."""
    fields, place = {}, 0
    while place < len(text):
        name, length = text[place : place + 2], int(text[place + 2 : place + 4])
        fields[name] = text[place + 4 : place + 4 + length]
        place += 4 + length
    return fields


def _checksum(raw: bytes) -> int:
    """CRC-16 with the polynomial 1021, begun with FFFF."""
    crc = 0xFFFF
    for byte in raw:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
