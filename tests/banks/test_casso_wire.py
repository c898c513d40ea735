"""Casso's published callback, byte by byte."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected
from tests.banks.casso_messages import a_section

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/casso/signatures.json").read_text("utf-8")
)


@pytest.fixture(params=VECTORS)
def vector(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_published_callback_is_believed_and_makes_no_money(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    said = _read(vector, tmp_path, vector["inputs"])
    assert (said.outcome, said.code, said.key) == (Outcome.PENDING, "TEST", 0)
    assert said.reference == vector["inputs"]["data"]["description"]


def test_every_field_of_it_is_signed(vector: dict[str, Any], tmp_path: Path) -> None:
    for name, value in vector["inputs"]["data"].items():
        other = value + 1 if isinstance(value, int) else f"{value}x"
        for data in ({**vector["inputs"]["data"], name: other}, _without(vector["inputs"]["data"], name)):
            with pytest.raises(CallbackRejected):
                _read(vector, tmp_path, {**vector["inputs"], "data": data})
    with pytest.raises(CallbackRejected):
        _read(vector, tmp_path, {**vector["inputs"], "error": 1})


def test_it_is_not_believed_years_later(vector: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CallbackRejected):
        _read(vector, tmp_path, vector["inputs"], late=timedelta(days=365))


def _without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in fields.items() if other != name}


def _read(vector: dict[str, Any], folder: Path, message: Any, late: timedelta = timedelta(seconds=2)) -> Any:
    section = a_section(folder, SECRET=vector["secret"])
    sent = vector["string_to_sign"].partition(".")[0]
    received = datetime.fromtimestamp(int(sent) // 1000, UTC) + late
    headers = {"x-casso-signature": f"t={sent},v1={vector['expected']}"}
    request = CallbackRequest(
        "POST", "/callbacks/casso", b"", headers, json.dumps(message).encode(), received
    )
    return load_adapters(["casso"], {"casso": section})["casso"].read_callback(request)  # type: ignore[attr-defined]
