"""QR texts beside strangers: three implementations write and read the same, a scanner reads the picture."""

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

from bank_adapters.toolkit.emv_qr import read_qr, write_vietqr
from payment_hub.domain.money import dong

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


@given(bins, numbers, amounts, ascii_text)
def test_three_strangers_write_the_same_transfer(
    bank_bin: str, number: str, amount: int, purpose: str
) -> None:
    ours = write_vietqr(bank_bin=bank_bin, number=number, amount=dong(amount), purpose=purpose)
    assert VietnamQr.init_viet_qr(bank_bin, number, str(amount), purpose).build() == ours
    assert NapasQr(bank_bin, number, amount, purpose).code == ours
    theirs = VietQRGenerator(bank_bin, number).generate(amount, purpose.strip() or None)
    told = read_qr(theirs)  # it adds a category and a name of its own, and strips the purpose
    assert (told.bank_bin, told.number, told.amount) == (bank_bin, number, dong(amount))
    assert told.additional.get("purpose", "") == purpose.strip()


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
