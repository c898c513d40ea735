"""VNPAY-QR's published message and texts, byte by byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.toolkit.emv_qr import crc, read_qr
from bank_adapters.vnpayqr import VnpayQr
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, ORDER, a_request

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/vnpayqr/signatures.json").read_text("utf-8")
)
(IPN,) = [vector for vector in VECTORS if vector["kind"] == "ipn-checksum"]
TEXTS = [vector for vector in VECTORS if vector["kind"] == "vnpay-qr-merchant"]


def bank_of(folder: Path, **section: str) -> VnpayQr:
    """The adapter with these settings."""
    whole = {"STATEMENTS": str(folder), "SECRET": IPN["secret"], "MERCHANT_NAME": "HUB", **section}
    adapter = load_adapters(["vnpayqr"], {"vnpayqr": whole})["vnpayqr"]
    assert isinstance(adapter, VnpayQr)
    return adapter


def published(**changes: str) -> CallbackRequest:
    """The published message; its secret is the last value of what is signed."""
    *values, secret = IPN["string_to_sign"].split("|")
    assert secret == IPN["secret"]
    message = dict(zip(IPN["inputs"], values, strict=True)) | {"checksum": IPN["expected"]} | changes
    return CallbackRequest("POST", "/callbacks/vnpayqr", b"", {}, json.dumps(message).encode(), NOON)


def test_the_published_message_is_believed(tmp_path: Path) -> None:
    said = bank_of(tmp_path, MERCHANT_CODE=IPN["inputs"]["merchantCode"]).read_callback(published())
    assert (said.outcome, said.amount, said.code) == (Outcome.PAID, dong(26_000), "00")
    assert (said.reference, said.bank_transaction_id) == ("eyJJZCI6NDksIlR5cGUiOjF9", "000180534")
    assert said.paid_at == datetime(2020, 2, 21, 10, 11, 1, tzinfo=UTC)
    assert (said.payer, said.key) == (None, 0)


@pytest.mark.parametrize("name", IPN["inputs"])
def test_every_signed_field_matters(tmp_path: Path, name: str) -> None:
    with pytest.raises(CallbackRejected):
        bank_of(tmp_path, MERCHANT_CODE=IPN["inputs"]["merchantCode"]).read_callback(published(**{name: "7"}))


@pytest.mark.parametrize("vector", TEXTS)
def test_our_text_is_the_published_one_and_what_this_payment_adds(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    known = read_qr(vector["expected"])
    assert known.merchant_id == vector["inputs"]["merchant_id"]
    section = {
        "MERCHANT_CODE": known.merchant_id or "",
        "MERCHANT_NAME": known.fields["59"],
        "CITY": known.fields.get("60", ""),
        "CATEGORY": known.fields.get("52", ""),
        "STORE": known.additional["store"],
        "TERMINAL": known.additional["terminal"],
    }
    text = bank_of(tmp_path, **section).open_payment(a_request()).qr_text or ""
    assert read_qr(text).amount == AMOUNT
    more = f"01{len(ATTEMPT):02d}{ATTEMPT}", f"05{len(ORDER):02d}{ORDER}"
    labels = known.fields["62"]
    store = 4 + int(labels[2:4])
    added = more[0] + labels[:store] + more[1] + labels[store:]
    plain = text[:-4].replace("010212", "010211", 1).replace("5406150000", "", 1)
    plain = plain.replace(f"62{len(added):02d}{added}", f"62{len(labels):02d}{labels}", 1)
    assert plain == vector["string_to_sign"]
    assert crc(plain) == vector["expected"][-4:]
