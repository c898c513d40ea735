"""EMV merchant-presented QR text: VietQR transfers (NAPAS) and VNPAY-QR merchants.

A text is a row of fields, each two digits of tag, two digits of length and the value, closed by a CRC.
Rules from NAPAS "QR Format T&C" 1.0 (09/2021). Written strictly: ASCII and within the limits. Read
leniently: any order of fields, lower-case CRC, lengths that count characters, long names; but never with a
wrong CRC, a broken or a repeated field.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import Money, dong

VIETQR_GUID: Final = "A000000727"
VNPAY_GUID: Final = "A000000775"
TO_ACCOUNT: Final = "QRIBFTTA"
TO_CARD: Final = "QRIBFTTC"

#: What a field may hold when we write it: tag -> pattern.
FIELDS: Final = {
    "00": r"01",
    "01": r"1[12]",
    "26": r"[ -~]{1,99}",
    "38": r"[ -~]{1,99}",
    "52": r"[0-9]{4}",
    "53": r"704",
    "54": r"[1-9][0-9]{0,12}",
    "58": r"VN",
    "59": r"[ -~]{1,25}",
    "60": r"[ -~]{1,15}",
    "61": r"[ -~]{1,10}",
    "62": r"[ -~]{1,99}",
}
TRANSFER_FIELDS: Final = {"00": VIETQR_GUID, "01": r"[ -~]{1,99}", "02": rf"{TO_ACCOUNT}|{TO_CARD}"}
BENEFICIARY_FIELDS: Final = {"00": r"[0-9]{6}", "01": r"[0-9A-Za-z]{1,19}"}
MERCHANT_FIELDS: Final = {"00": VNPAY_GUID, "01": r"[0-9A-Za-z]{1,25}"}
ADDITIONAL_FIELDS: Final = {f"0{number}": r"[ -~]{1,25}" for number in range(1, 9)} | {"09": r"[AME]{1,3}"}

#: The additional data of tag 62 by name.
ADDITIONAL: Final = {
    "bill": "01",
    "mobile": "02",
    "store": "03",
    "loyalty": "04",
    "reference": "05",
    "customer": "06",
    "terminal": "07",
    "purpose": "08",
    "ask_payer": "09",
}

_FIELD: Final = re.compile(r"([0-9]{2})([0-9]{2})", re.ASCII)
_CRC: Final = re.compile(r"[0-9A-Fa-f]{4}", re.ASCII)
_READ_AMOUNT: Final = re.compile(r"([0-9]{1,13})(?:\.0*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class QrCode:
    """What a QR text says. ``fields`` has every top-level field as it stands, tag -> value."""

    fields: Mapping[str, str]
    additional: Mapping[str, str]
    """Tag 62 by name: ``purpose``, ``bill``, ``reference`` ..."""
    one_time: bool
    amount: Money | None
    bank_bin: str | None = None
    number: str | None = None
    service: str | None = None
    merchant_id: str | None = None


def write_vietqr(
    *, bank_bin: str, number: str, amount: Money | None = None, service: str = TO_ACCOUNT, **additional: str
) -> str:
    """A transfer to the account (or card) ``number`` at a bank; ``additional`` by name (``purpose=``).

    With an amount the code is for one time. Raises Malformed for whatever is beyond the limits of the rules.
    """
    beneficiary = _write({"00": bank_bin, "01": number}, BENEFICIARY_FIELDS)
    transfer = _write({"00": VIETQR_GUID, "01": beneficiary, "02": service}, TRANSFER_FIELDS)
    return _write_code({"38": transfer}, amount, additional)


def write_vnpay_qr(
    *,
    merchant_id: str,
    amount: Money | None = None,
    category: str | None = None,
    name: str | None = None,
    city: str | None = None,
    **additional: str,
) -> str:
    """A payment to a merchant of VNPAY-QR; ``category`` is the four digits of ISO 18245. Raises Malformed."""
    merchant = _write({"00": VNPAY_GUID, "01": merchant_id}, MERCHANT_FIELDS)
    optional = {"52": category, "59": name, "60": city}
    given = {tag: value for tag, value in optional.items() if value is not None}
    return _write_code({"26": merchant, **given}, amount, additional)


def read_qr(text: str) -> QrCode:
    """Read a QR text.

    Raises Malformed for a wrong CRC, a field that does not fit, a repeated field or another currency.
    """
    fields = _read(text)
    tags = list(fields)
    if tags[0] != "00" or fields["00"] != "01" or tags[-1] != "63":
        raise Malformed("the QR text does not begin with 000201 and end with a CRC")
    if not _CRC.fullmatch(fields["63"]) or fields["63"].upper() != crc(text[:-4]):
        raise Malformed("the CRC of the QR text is wrong")
    transfer = _read_template(fields, "38", VIETQR_GUID)
    beneficiary = _read(transfer["01"]) if "01" in transfer else {}
    names = {tag: name for name, tag in ADDITIONAL.items()}
    additional = _read(fields["62"]) if "62" in fields else {}
    return QrCode(
        fields=fields,
        additional={names.get(tag, tag): value for tag, value in additional.items()},
        one_time=fields.get("01") == "12",
        amount=_read_amount(fields),
        bank_bin=beneficiary.get("00"),
        number=beneficiary.get("01"),
        service=transfer.get("02"),
        merchant_id=_read_template(fields, "26", VNPAY_GUID).get("01"),
    )


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE of the UTF-8 bytes: four upper-case hex digits. ``text`` ends with ``6304``."""
    return f"{binascii.crc_hqx(_bytes(text), 0xFFFF):04X}"


def _write_code(payee: Mapping[str, str], amount: Money | None, additional: Mapping[str, str]) -> str:
    fields = {"00": "01", "01": "11" if amount is None else "12", "53": "704", "58": "VN", **payee}
    if amount is not None:
        if amount <= dong(0):
            raise Malformed("a QR code asks for a positive amount or for none")
        fields["54"] = str(amount)
    unknown = additional.keys() - ADDITIONAL.keys()
    if unknown:
        raise Malformed(f"a QR code has no additional data named {', '.join(sorted(unknown))}")
    if additional:
        fields["62"] = _write(
            {ADDITIONAL[name]: value for name, value in additional.items()}, ADDITIONAL_FIELDS
        )
    text = _write(fields, FIELDS) + "6304"
    return text + crc(text)


def _write(values: Mapping[str, str], patterns: Mapping[str, str]) -> str:
    return "".join(_write_field(tag, value, patterns[tag]) for tag, value in sorted(values.items()))


def _write_field(tag: str, value: str, pattern: str) -> str:
    if not re.fullmatch(pattern, value, re.ASCII):
        raise Malformed(f"QR field {tag} cannot hold {value[:40]!a}")
    return f"{tag}{len(value):02d}{value}"


def _read(text: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for tag, value in _split(text):
        if tag in fields:
            raise Malformed(f"QR field {tag} stands twice")
        fields[tag] = value
    if not fields:
        raise Malformed("the QR text is empty")
    return fields


def _split(text: str) -> Iterable[tuple[str, str]]:
    place = 0
    while place < len(text):
        head = _FIELD.match(text, place)
        end = head.end() + int(head[2]) if head else 0
        if head is None or end > len(text):
            raise Malformed(f"the QR text has no whole field at character {place}")
        yield head[1], text[head.end() : end]
        place = end


def _read_template(fields: Mapping[str, str], tag: str, guid: str) -> dict[str, str]:
    """The fields inside ``tag`` when it is ours by its GUID; other schemes use the same tags for other
    things.
    """
    if tag not in fields or not fields[tag].startswith(f"0010{guid}"):
        return {}
    return _read(fields[tag])


def _read_amount(fields: Mapping[str, str]) -> Money | None:
    if fields.get("53") != "704":
        raise Malformed("the QR code is not in dong (704)")
    if "54" not in fields:
        return None
    match = _READ_AMOUNT.fullmatch(fields["54"])
    if match is None or len(fields["54"]) > 13:
        raise Malformed("the amount in the QR code is not whole dong")
    return dong(int(match[1]))


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Malformed("the QR text holds half a character") from error


# fmt: off
BINS: Final = frozenset((
    "422589", "458761", "546034", "546035", "668888", "796500", "801011", "963369", "963388", "970400", "970403",
    "970405", "970406", "970407", "970408", "970409", "970410", "970412", "970414", "970415", "970416", "970418",
    "970419", "970421", "970422", "970423", "970424", "970425", "970426", "970427", "970428", "970429", "970430",
    "970431", "970432", "970433", "970434", "970436", "970437", "970438", "970439", "970440", "970441", "970442",
    "970443", "970444", "970446", "970448", "970449", "970452", "970454", "970455", "970456", "970457", "970458",
    "970459", "970460", "970462", "970463", "970464", "970465", "970466", "970467", "970468", "970470", "971025",
))
# fmt: on


def parse_bin(text: str) -> str:
    """Read a setting: the BIN of a bank that can be paid to. Raises ValueError."""
    if text not in BINS:
        raise ValueError("must be the six-digit BIN of a Vietnamese bank")
    return text
