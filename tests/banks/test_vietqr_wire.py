"""Every QR text of NAPAS and of strangers: what we would write ourselves is written by opening a payment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.toolkit.emv_qr import read_qr
from payment_hub.domain.errors import Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import a_request
from tests.banks.test_vietqr import a_section

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/vietqr/texts.json").read_text("utf-8")
)


def is_ours(vector: dict[str, Any]) -> bool:
    """A transfer that a good writer wrote: good, in ASCII, and not only accepted for lenience."""
    return bool(
        vector["rail"] == "vietqr"
        and vector["must_accept"]
        and vector["expected"].isascii()
        and vector["crc"].isupper() | vector["crc"].isdigit()
    )


OURS = [vector for vector in VECTORS if is_ours(vector)]
ACCENTED = [vector for vector in VECTORS if vector["must_accept"] and not vector["expected"].isascii()]


def test_there_are_all_of_them() -> None:
    assert (len(VECTORS), len(OURS), len(ACCENTED)) == (22, 14, 1)


@pytest.mark.parametrize("vector", OURS, ids=lambda vector: vector["crc"])
def test_an_opened_payment_has_the_very_text(vector: dict[str, Any], tmp_path: Path) -> None:
    assert _opened(vector, tmp_path) == vector["expected"]


@pytest.mark.parametrize("vector", ACCENTED, ids=lambda vector: vector["crc"])
def test_accents_are_read_and_never_written(vector: dict[str, Any], tmp_path: Path) -> None:
    assert read_qr(vector["expected"]).additional["purpose"] == vector["inputs"]["purpose"]
    with pytest.raises(Malformed):
        _opened(vector, tmp_path)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["crc"])
def test_each_is_read_or_refused_as_it_must_be(vector: dict[str, Any]) -> None:
    if not vector["must_accept"]:
        with pytest.raises(Malformed):
            read_qr(vector["expected"])
        return
    code, inputs = read_qr(vector["expected"]), vector["inputs"]
    assert code.bank_bin == inputs.get("bin")
    assert code.number == inputs.get("number", inputs.get("account"))
    assert code.amount == (dong(inputs["amount"]) if "amount" in inputs else None)


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if not vector["must_accept"]], ids=lambda vector: vector["crc"]
)
def test_what_must_be_refused_is_never_what_we_write(vector: dict[str, Any], tmp_path: Path) -> None:
    account = vector["inputs"].get("account", "257678859")
    inputs = {"bin": vector["inputs"].get("bin", "970416"), "account": account}
    assert _opened({**vector, "inputs": inputs}, tmp_path) != vector["expected"]


def _opened(vector: dict[str, Any], folder: Path) -> str | None:
    inputs = vector["inputs"]
    card = "QRIBFTTC" in vector["expected"]
    section = a_section(
        folder,
        ACCOUNT_BANK=inputs["bin"],
        ACCOUNT_NUMBER=inputs.get("number", inputs.get("account", "")),
        ACCOUNT_KIND="card" if card else "account",
        CODE_KIND="dynamic" if "amount" in inputs else "static",
        BILL_NUMBER="attempt" if "bill" in inputs else "none",
        REFERENCE_LABEL=inputs.get("ref", ""),
    )
    request = a_request(
        amount=dong(inputs.get("amount", 150_000)),
        order_reference=inputs.get("purpose", "none"),
        attempt_reference=inputs.get("bill", "none"),
    )
    return load_adapters(["vietqr"], {"vietqr": section})["vietqr"].open_payment(request).qr_text
