"""Reads a QR text as a banking app does: what is to be transferred, and with which words."""

from __future__ import annotations

import re


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
    found, place = {}, 0
    while place < len(text):
        name, length = text[place : place + 2], int(text[place + 2 : place + 4])
        found[name] = text[place + 4 : place + 4 + length]
        place += 4 + length
    return found


def _checksum(raw: bytes) -> int:
    """CRC-16 with the polynomial 1021, begun with FFFF."""
    crc = 0xFFFF
    for byte in raw:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
