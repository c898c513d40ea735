"""QR texts: every published vector read and written, and arbitrary input."""

from __future__ import annotations

import io
import json
import string
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
import qrcode
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from qr_pay import QRPay as NapasQr
from vietnam_qr_pay.qr_pay import QRPay as VietnamQr
from vietqr_emvco import VietQRGenerator, VietQRParser

from bank_adapters.toolkit.emv_qr import (
    ADDITIONAL,
    TO_ACCOUNT,
    TO_CARD,
    crc,
    read_qr,
    write_vietqr,
    write_vnpay_qr,
)
from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import Money, dong

# The contract
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/emv_qr/texts.json").read_text("utf-8")
)
GOOD = [vector for vector in VECTORS if vector["must_accept"]]
BAD = [vector for vector in VECTORS if not vector["must_accept"]]
GOOD_TEXT = GOOD[0]["expected"]

ascii_text = st.text(string.ascii_letters + string.digits + " .:_-/", min_size=1, max_size=25)
amounts = st.integers(1, 10**13 - 1)
bins = st.from_regex(r"[0-9]{6}", fullmatch=True)
numbers = st.text(string.ascii_letters + string.digits, min_size=1, max_size=19)


def ids(vector: dict[str, Any]) -> str:
    return f"{vector['rail']}-{vector['kind']}-{vector['crc']}"


# Reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", GOOD, ids=ids)
def test_a_good_vector_is_read(vector: dict[str, Any]) -> None:
    qr, inputs = read_qr(vector["expected"]), vector["inputs"]
    assert qr.bank_bin == inputs.get("bin")
    assert qr.number == inputs.get("account", inputs.get("number", qr.number))
    assert qr.merchant_id == inputs.get("merchant_id")
    assert qr.amount == (dong(inputs["amount"]) if "amount" in inputs else None)
    assert qr.one_time is ("amount" in inputs)
    assert qr.service == (inputs.get("service", qr.service) if "bin" in inputs else None)
    for name in ("purpose", "bill", "store", "terminal"):
        if name in inputs:
            assert qr.additional[name] == inputs[name]


@pytest.mark.parametrize("vector", BAD, ids=ids)
def test_a_bad_vector_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_qr(vector["expected"])


def test_there_are_vectors_of_both_kinds() -> None:
    assert len(GOOD) + len(BAD) == len(VECTORS) == 25
    assert len(BAD) == 4


@pytest.mark.parametrize("vector", GOOD, ids=ids)
def test_any_changed_character_is_refused_or_only_the_crcs_case(vector: dict[str, Any]) -> None:
    text = vector["expected"]
    for place in range(len(text)):
        for other in {chr(ord(text[place]) ^ 1), "0", "9", "A", " ", "é", "\ud800"} - {text[place]}:
            altered = text[:place] + other + text[place + 1 :]
            if altered.upper() == text.upper() and place >= len(text) - 4:
                continue
            with pytest.raises(Malformed):
                read_qr(altered)


def with_crc(body: str) -> str:
    return body + "6304" + crc(body + "6304")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("0002016304", "no whole field"),
        (with_crc("010211"), "begin"),
        (with_crc("00020253037045802VN"), "begin"),
        (with_crc("000201" + "5303704" + "5303704"), "twice"),
        (with_crc("000201" + "5303840" + "54041000"), "704"),
        (with_crc("000201" + "54041000"), "704"),
        (with_crc("000201" + "5303704" + "540510.50"), "whole dong"),
        (with_crc("000201" + "5303704" + "5402-5"), "whole dong"),
        (with_crc("000201" + "5303704" + "54031e3"), "whole dong"),
        (with_crc("000201" + "5303704" + "5403\u0661\u0662\u0663"), "whole dong"),
        (with_crc("000201" + "5303704" + "541412345678901234"), "whole dong"),
        (with_crc("000201" + "5303704" + "62050809x"), "no whole field"),
        (with_crc("000201" + "5303704" + "\u0666\u066203abc"), "no whole field"),
        (GOOD_TEXT + "5303704", "twice|begin"),
        (GOOD_TEXT + " ", "no whole field"),
    ],
)
def test_a_broken_text_is_refused_with_its_reason(text: str, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read_qr(text)


@pytest.mark.parametrize(
    ("written", "amount"), [("150000", 150_000), ("150000.", 150_000), ("150000.00", 150_000), ("0", 0)]
)
def test_whole_dong_may_be_written_with_a_point(written: str, amount: int) -> None:
    text = with_crc(f"0002015303704{'54'}{len(written):02d}{written}")
    assert read_qr(text).amount == dong(amount)


def test_another_schemes_field_38_is_left_alone() -> None:
    qr = read_qr(with_crc("000201" + "3809not a tlv" + "5303704"))
    assert (qr.bank_bin, qr.fields["38"]) == (None, "not a tlv")


@given(st.text(max_size=120) | st.text("0123456789ABCDEF", max_size=120))
def test_no_text_raises_anything_but_malformed(text: str) -> None:
    for candidate in (text, GOOD_TEXT[:-8] + text):
        try:
            read_qr(candidate)
        except Malformed:
            continue
        assert candidate.upper() == GOOD_TEXT.upper()


# Writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "vector",
    [
        one
        for one in GOOD
        if one["rail"] == "vietqr" and one["expected"].isascii() and one["kind"] != "lower-case-crc"
    ],
    ids=ids,
)
def test_a_vietqr_vector_is_written_byte_for_byte(vector: dict[str, Any]) -> None:
    inputs = vector["inputs"]
    extra = {
        name: inputs[key]
        for name, key in (("bill", "bill"), ("purpose", "purpose"), ("reference", "ref"))
        if key in inputs
    }
    text = write_vietqr(
        bank_bin=inputs["bin"],
        number=inputs.get("account") or inputs["number"],
        amount=dong(inputs["amount"]) if "amount" in inputs else None,
        service=TO_CARD if "card" in vector["kind"] else TO_ACCOUNT,
        **extra,
    )
    assert text == vector["expected"]


@pytest.mark.parametrize("vector", [one for one in GOOD if one["rail"] == "vnpay-qr"], ids=ids)
def test_a_vnpay_qr_vector_is_written_byte_for_byte(vector: dict[str, Any]) -> None:
    read = read_qr(vector["expected"])
    assert read.merchant_id is not None
    text = write_vnpay_qr(
        merchant_id=read.merchant_id,
        category=read.fields.get("52"),
        name=read.fields.get("59"),
        city=read.fields.get("60"),
        **dict[str, Any](read.additional),
    )
    assert text == vector["expected"]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": dong(0)},
        {"amount": dong(-5)},
        {"amount": dong(10**13)},
        {"amount": Money(150, "USD")},
        {"bank_bin": "97043"},
        {"bank_bin": "97043٦"},
        {"number": ""},
        {"number": "1" * 20},
        {"number": "00 11"},
        {"number": "0011é"},
        {"service": "QRPUSH"},
        {"purpose": ""},
        {"purpose": "x" * 26},
        {"purpose": "Đường"},
        {"purpose": "a\nb"},
        {"bill": "x" * 25, "store": "x" * 25, "customer": "x" * 25, "terminal": "x" * 25},
        {"ask_payer": "X"},
        {"memo": "x"},
    ],
)
def test_what_is_beyond_the_rules_is_not_written(changes: dict[str, Any]) -> None:
    right: dict[str, Any] = {
        "bank_bin": "970436",
        "number": "0011000000001",
        "amount": dong(150_000),
        "purpose": "K7Q2",
    }
    assert read_qr(write_vietqr(**right)).amount == dong(150_000)
    with pytest.raises(Malformed):
        write_vietqr(**right | changes)


@given(bins, numbers, st.none() | amounts, st.sampled_from([TO_ACCOUNT, TO_CARD]), ascii_text)
def test_what_is_written_is_read_back(
    bank_bin: str, number: str, amount: int | None, service: str, purpose: str
) -> None:
    asked = None if amount is None else dong(amount)
    qr = read_qr(
        write_vietqr(bank_bin=bank_bin, number=number, amount=asked, service=service, purpose=purpose)
    )
    assert (qr.bank_bin, qr.number, qr.amount, qr.service) == (bank_bin, number, asked, service)
    assert qr.additional == {"purpose": purpose}


@given(
    numbers,
    st.dictionaries(st.sampled_from(sorted(ADDITIONAL.keys() - {"ask_payer"})), ascii_text, max_size=3),
)
def test_additional_data_is_read_back_by_name(merchant: str, additional: dict[str, str]) -> None:
    qr = read_qr(write_vnpay_qr(merchant_id=merchant, **dict[str, Any](additional)))
    assert (qr.merchant_id, dict(qr.additional)) == (merchant, additional)


# Three other implementations write and read the same; a scanner reads the picture.
# ------------------------------------------------------------------------------------------------


@given(bins, numbers, amounts, ascii_text)
def test_three_strangers_write_the_same_transfer(
    bank_bin: str, number: str, amount: int, purpose: str
) -> None:
    ours = write_vietqr(bank_bin=bank_bin, number=number, amount=dong(amount), purpose=purpose)
    assert VietnamQr.init_viet_qr(bank_bin, number, str(amount), purpose).build() == ours
    assert NapasQr(bank_bin, number, amount, purpose).code == ours
    theirs = VietQRGenerator(bank_bin, number).generate(amount, purpose.strip() or None)
    result = read_qr(theirs)  # it adds a category and a name of its own, and strips the purpose
    assert (result.bank_bin, result.number, result.amount) == (bank_bin, number, dong(amount))
    assert result.additional.get("purpose", "") == purpose.strip()


@given(bins, numbers, amounts, ascii_text)
def test_three_strangers_read_what_we_write(bank_bin: str, number: str, amount: int, purpose: str) -> None:
    ours = write_vietqr(bank_bin=bank_bin, number=number, amount=dong(amount), purpose=purpose)
    one, other, third = VietnamQr(ours), NapasQr.decode(ours), VietQRParser.parse(ours)
    assert (one.is_valid, one.consumer.bank_bin, one.consumer.bank_number) == (True, bank_bin, number)
    assert (one.amount, one.additional_data.purpose) == (str(amount), purpose)
    assert (other.bin_id, other.consumer_id, str(other.transaction_amount)) == (bank_bin, number, str(amount))
    assert VietQRParser.verify_checksum(ours)
    assert (third["bank_bin"], third["account_number"], third["memo"]) == (bank_bin, number, purpose)


@pytest.mark.parametrize("vector", GOOD, ids=ids)
def test_a_scanner_reads_the_picture(vector: dict[str, Any]) -> None:
    _assert_scanned(vector["expected"])


@given(bins, numbers, amounts, ascii_text)
@settings(max_examples=15, deadline=None)
def test_a_scanner_reads_the_picture_of_any_transfer(
    bank_bin: str, number: str, amount: int, purpose: str
) -> None:
    _assert_scanned(write_vietqr(bank_bin=bank_bin, number=number, amount=dong(amount), purpose=purpose))


def _assert_scanned(text: str) -> None:
    paper = io.BytesIO()
    qrcode.make(text).save(paper)
    (found,) = zxingcpp.read_barcodes(PIL.Image.open(paper))
    assert found.text == text
