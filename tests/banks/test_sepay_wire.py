"""SePay's documented signature, byte by byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.sepay_messages import a_section

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/sepay/signatures.json").read_text("utf-8")
)


@pytest.fixture(params=VECTORS)
def vector(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_documented_callback_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    said = _read(vector, tmp_path)
    assert (said.outcome, said.amount, said.bank_transaction_id) == (Outcome.PAID, dong(150_000), "92704")
    assert said.reference == "HUB240501000123 nop phi"
    assert said.paid_at == datetime(2024, 5, 1, 1, 32, 11, tzinfo=UTC)


def test_another_account_reads_it_as_no_money_of_its_own(vector: dict[str, Any], tmp_path: Path) -> None:
    assert _read(vector, tmp_path, account="0000000001").outcome is Outcome.PENDING


@pytest.mark.parametrize("seconds", [301, -301, 86_400])
def test_it_is_believed_for_five_minutes(vector: dict[str, Any], tmp_path: Path, seconds: int) -> None:
    with pytest.raises(CallbackRejected):
        _read(vector, tmp_path, late=timedelta(seconds=seconds))


def _read(
    vector: dict[str, Any], folder: Path, account: str = "0000000000", late: timedelta = timedelta(0)
) -> Any:
    inputs = vector["inputs"]
    section = a_section(folder, SECRET=vector["secret"], ACCOUNT_NUMBER=account)
    received = datetime.fromtimestamp(int(inputs["timestamp"]), UTC) + late
    headers = {"x-sepay-timestamp": inputs["timestamp"], "x-sepay-signature": vector["expected"]}
    body = inputs["raw_body"].encode()
    request = CallbackRequest("POST", "/callbacks/sepay", b"", headers, body, received)
    return load_adapters(["sepay"], {"sepay": section})["sepay"].read_callback(request)  # type: ignore[attr-defined]
