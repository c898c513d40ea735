"""The test cases of payOS's own kits, through the adapter's verbs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import load_adapters
from payment_hub.domain.banks.values import CallbackRequest, Outcome, PayerAccount, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import NOON, a_query, a_refund, a_refund_query, a_request
from tests.banks.payos_messages import LINKS, PAYOUTS, a_section

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/payos/signatures.json").read_text("utf-8")
)


def of_kind(kind: str, *names: str) -> list[dict[str, Any]]:
    """The vectors of a kind whose inputs have all these names."""
    found = [one for one in VECTORS if one["kind"] == kind and set(names) <= set(one["inputs"])]
    assert found
    return found


BATCHES = of_kind("header-signature", "payouts")
PAYOUTS_ANSWERED = of_kind("header-signature", "transactions")
SINGLE_PAYOUTS = of_kind("header-signature", "toBin")


def test_every_vector_has_its_test() -> None:
    others = [
        *of_kind("create-payment-link-signature"),
        *of_kind("body-signature"),
        *of_kind("webhook-signature"),
    ]
    tested = [*others, *BATCHES, *PAYOUTS_ANSWERED, *SINGLE_PAYOUTS]
    assert sorted(one["expected"] for one in tested) == sorted(one["expected"] for one in VECTORS)


@pytest.mark.parametrize("vector", of_kind("create-payment-link-signature"))
def test_an_opening_is_signed_as_published(vector: dict[str, Any], tmp_path: Path) -> None:
    inputs = vector["inputs"]
    request = a_request(
        number=inputs["orderCode"],
        amount=dong(inputs["amount"]),
        description=inputs["description"],
        return_url=inputs["returnUrl"],
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", LINKS, status=500)
        with pytest.raises(BankUnavailable):
            payos(vector, tmp_path).open_payment(request)
        sent = json.loads(wire.calls[0].request.body or b"")
    assert sent["signature"] == vector["expected"]
    assert {name: sent[name] for name in ("orderCode", "amount", "description", "cancelUrl")} == {
        name: inputs[name] for name in ("orderCode", "amount", "description", "cancelUrl")
    }


@pytest.mark.parametrize("vector", of_kind("webhook-signature"))
def test_the_published_callback_is_believed_and_makes_no_money(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    said = payos(vector, tmp_path).read_callback(_callback(vector, vector["inputs"]))
    assert (said.outcome, said.code, said.reference) == (Outcome.PENDING, "TEST", "VQRIO123")
    for name, value in vector["inputs"].items():
        other = value + 1 if isinstance(value, int) else f"{value}x"
        with pytest.raises(CallbackRejected):
            payos(vector, tmp_path).read_callback(_callback(vector, {**vector["inputs"], name: other}))


@pytest.mark.parametrize("vector", of_kind("body-signature"))
def test_a_published_link_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    """Asked for, and as the answer to a cancellation."""
    link = vector["inputs"]
    asked, cancelled = _asked(vector, tmp_path, link), _cancelled(vector, tmp_path, link)
    assert asked.outcome is cancelled.outcome
    assert asked.event_id != cancelled.event_id
    words = {"PENDING": Outcome.PENDING, "EXPIRED": Outcome.DECLINED, "CANCELLED": Outcome.DECLINED}
    if len(link["transactions"]) == 1:
        assert (asked.outcome, asked.amount) == (Outcome.PAID, dong(2000))
        assert asked.bank_transaction_id == "FT-REFERENCE"
        assert asked.paid_at == datetime(2025, 12, 12, 2, 0, tzinfo=UTC)
        assert asked.payer == PayerAccount("9876543210", "01202001", "NGUYEN VAN A")
    else:
        assert (asked.outcome, asked.amount) == (words.get(link["status"], Outcome.PENDING), None)


@pytest.mark.parametrize("vector", of_kind("body-signature"))
def test_every_field_of_a_link_is_signed(vector: dict[str, Any], tmp_path: Path) -> None:
    for name in vector["inputs"]:
        with pytest.raises(BankUnavailable):
            _asked(vector, tmp_path, {**vector["inputs"], name: 7})


@pytest.mark.parametrize("vector", SINGLE_PAYOUTS)
def test_a_refund_is_signed_as_published(vector: dict[str, Any], tmp_path: Path) -> None:
    inputs = vector["inputs"]
    refund = a_refund(
        refund_reference=inputs["referenceId"],
        amount=dong(inputs["amount"]),
        paid=dong(inputs["amount"]),
        description=inputs["description"],
        payer=PayerAccount(inputs["toAccountNumber"], inputs["toBin"]),
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", PAYOUTS, status=500)
        with pytest.raises(BankUnavailable):
            payos(vector, tmp_path, PAYOUT_CATEGORY=",".join(inputs["category"])).refund_payment(refund)
        asked = wire.calls[0].request
    assert json.loads(asked.body or b"") == inputs
    assert asked.headers["x-signature"] == vector["expected"]


@pytest.mark.parametrize("vector", PAYOUTS_ANSWERED)
def test_a_published_payout_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    said = _payout(vector, tmp_path, vector["inputs"])
    assert (said.outcome, said.code, said.bank_refund_id) == (RefundOutcome.SUCCEEDED, "SUCCEEDED", "batchId")
    for name in vector["inputs"]:
        with pytest.raises(BankUnavailable):
            _payout(vector, tmp_path, {**vector["inputs"], name: "x"})


@pytest.mark.parametrize("vector", BATCHES)
def test_a_published_batch_is_believed_and_is_no_answer_about_a_refund(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    """We never ask for batches; their signature is made alike, so it gets as far as what it says."""
    with pytest.raises(BankUnavailable, match="transactions is missing"):
        _payout(vector, tmp_path, vector["inputs"])
    with pytest.raises(BankUnavailable, match=r"trusted: $"):
        _payout(vector, tmp_path, {**vector["inputs"], "validateDestination": False})


def payos(vector: dict[str, Any], folder: Path, **changes: str) -> Any:
    """The adapter with the vector's secret in both channels."""
    secrets = {"SECRET": vector["secret"], "PAYOUT_SECRET": vector["secret"]}
    return load_adapters(["payos"], {"payos": a_section(folder, **secrets, **changes)})["payos"]


def _callback(vector: dict[str, Any], data: dict[str, Any]) -> CallbackRequest:
    body = json.dumps({"code": "00", "success": True, "data": data, "signature": vector["expected"]})
    return CallbackRequest("POST", "/callbacks/payos", b"", {}, body.encode(), NOON)


def _asked(vector: dict[str, Any], folder: Path, link: dict[str, Any]) -> Any:
    with responses.RequestsMock() as wire:
        wire.add("GET", f"{LINKS}/0", json=_signed(vector, link))
        return payos(vector, folder).query_payment(a_query(number=0))


def _cancelled(vector: dict[str, Any], folder: Path, link: dict[str, Any]) -> Any:
    with responses.RequestsMock() as wire:
        wire.add("POST", f"{LINKS}/0/cancel", json=_signed(vector, link))
        return payos(vector, folder).cancel_payment(a_query(number=0))


def _signed(vector: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    return {"code": "00", "desc": "success", "data": data, "signature": vector["expected"]}


def _payout(vector: dict[str, Any], folder: Path, data: dict[str, Any]) -> Any:
    asked = a_refund_query(refund_reference="referenceId", amount=dong(2000), bank_refund_id="batchId")
    with responses.RequestsMock() as wire:
        answer = {"code": "00", "desc": "success", "data": data}
        wire.add("GET", f"{PAYOUTS}/batchId", json=answer, headers={"x-signature": vector["expected"]})
        return payos(vector, folder).query_refund(asked)
