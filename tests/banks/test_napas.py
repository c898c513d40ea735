"""Napas e-commerce: the contract, the envelope of a result, and the two calls of an opening."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bank_adapters.napas import OUTCOMES, Napas
from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.values import CallbackRequest, Instructions, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract import BankContract, CallbackContract, StatementContract
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, TRANSACTION
from tests.banks.napas_messages import (
    RESULTS,
    SECRET,
    TOKEN,
    a_result,
    a_section,
    envelope,
    opened,
    told,
)


class TestNapas(CallbackContract, StatementContract, BankContract):
    bank = "napas"
    required = frozenset(
        f"BANK_NAPAS_{name}"
        for name in ["URL", "CLIENT_ID", "SECRET", "LOGIN", "PASSWORD_SECRET", "PAGE_URL", "STATEMENTS"]
    )
    tells_paid_at = False
    opens_at = (("POST", TOKEN),)

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opened(self, adapter: BankAdapter) -> Instructions:
        return opened(adapter)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        word = RESULTS.get(outcome, "UNHEARD_OF") if isinstance(outcome, Outcome) else "UNHEARD_OF"
        return told(envelope(a_result(result=word, **changes)))

    def statement_text(self) -> str:
        return (
            "booked_at,transaction_id,reference,amount,status\n"
            f"2026-11-22 12:00:00,{TRANSACTION},{ATTEMPT},150000,SUCCESS\n"
            "2026-11-22 12:01:00,FT2,DV0-1,70000,FAILURE\n"
            "2026-11-22 23:59:59,FT3,typed by hand,5000,SUCCESS\n"
        )

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "spoil",
        [
            {"checksum": None},
            {"checksum": 7},
            {"checksum": ""},
            {"data": None},
            {"data": ["x"]},
            {"data": "not base64"},
            {"data": base64.b64encode(b'{"paymentResult": {"result": "SUCCESS"}}').decode()},
        ],
    )
    def test_an_envelope_that_is_not_sealed_is_rejected(self, adapter: Napas, spoil: dict[str, Any]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told(envelope(a_result()) | spoil))

    def test_the_secret_alone_or_before_the_data_is_no_checksum(self, adapter: Napas) -> None:
        data = envelope(a_result())["data"]
        for hashed in (data, SECRET, SECRET + data, data + SECRET + data):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(
                    told({"data": data, "checksum": hashlib.sha256(hashed.encode()).hexdigest()})
                )

    @pytest.mark.parametrize("digest", ["md5", "sha1", "sha512"])
    def test_no_other_digest_is_accepted(self, adapter: Napas, digest: str) -> None:
        data = envelope(a_result())["data"]
        with pytest.raises(CallbackRejected):
            adapter.read_callback(
                told({"data": data, "checksum": hashlib.new(digest, (data + SECRET).encode()).hexdigest()})
            )

    def test_hex_of_either_case_is_the_same_checksum(self, adapter: Napas) -> None:
        sealed = envelope(a_result())
        lower = told(sealed | {"checksum": sealed["checksum"].lower()})
        assert adapter.read_callback(lower) == adapter.read_callback(told(sealed))

    def test_a_form_field_holds_the_same_result(self, adapter: Napas) -> None:
        body = urlencode({"napasResult": json.dumps(envelope(a_result()))}).encode()
        in_a_form = CallbackRequest("POST", "/callbacks/napas", b"", {}, body, NOON)
        assert adapter.read_callback(in_a_form) == adapter.read_callback(told(envelope(a_result())))
        for spoilt in (
            body[:-3],
            body + b"&napasResult=%7B%7D",
            body.replace(b"napasResult", b"result"),
            b"a=%ff",
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(CallbackRequest("POST", "/callbacks/napas", b"", {}, spoilt, NOON))

    def test_another_clients_result_is_rejected(self, adapter: Napas) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told(envelope(a_result(merchantId="OTHER"))))

    @pytest.mark.parametrize(
        "operation", ["REFUND", "REFUND_DOMESTIC", "PURCHASE_OTP", "CREATE_TOKEN", "PAY"]
    )
    @pytest.mark.parametrize("result", [*OUTCOMES, "UNKNOWN"])
    def test_only_a_payments_success_is_paid(self, adapter: Napas, operation: str, result: str) -> None:
        said = adapter.read_callback(told(envelope(a_result(apiOperation=operation, result=result))))
        expected = (
            OUTCOMES.get(result, Outcome.PENDING) if operation in {"PAY", "PURCHASE_OTP"} else Outcome.PENDING
        )
        assert said.outcome is expected
        assert said.code == f"{result}/SUCCESS"

    @pytest.mark.parametrize("written", ["150000", "150000.0", "150000.00", 150000])
    def test_whole_dong_are_read_however_they_are_written(self, adapter: Napas, written: object) -> None:
        order = {"id": ATTEMPT, "amount": written, "currency": "VND"}
        assert adapter.read_callback(told(envelope(a_result(order=order)))).amount == AMOUNT

    @pytest.mark.parametrize(
        "changes",
        [
            {"order": {"id": ATTEMPT, "amount": "150000.50", "currency": "VND"}},
            {"order": {"id": ATTEMPT, "amount": "-150000", "currency": "VND"}},
            {"order": {"id": ATTEMPT, "amount": "0", "currency": "VND"}},
            {"order": {"id": ATTEMPT, "amount": "150,000", "currency": "VND"}},
            {"order": {"id": ATTEMPT, "amount": "150000", "currency": "USD"}},
            {"order": {"id": ATTEMPT, "amount": "150000"}},
            {"order": {"id": ATTEMPT, "currency": "VND"}},
            {"order": {"amount": "150000", "currency": "VND"}},
            {"order": None},
            {"result": None},
            {"transaction": None},
            {"transaction": {"acquirer": {"transactionId": ""}}},
            {"transaction": {"acquirer": {"transactionId": "0"}}},
            {"transaction": {"acquirer": {"transactionId": "1"}, "amount": "149999"}},
            {"transaction": {"acquirer": {"transactionId": "1"}, "amount": "15000000"}},
            {"transaction": {"acquirer": {"transactionId": "1"}, "amount": "150000", "currency": "JPY"}},
            {"apiOperation": ["PAY"]},
        ],
    )
    def test_a_genuine_result_that_makes_no_sense_is_malformed(
        self, adapter: Napas, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(told(envelope(a_result(**changes))))

    def test_a_sealed_text_that_is_no_result_is_malformed(self, adapter: Napas) -> None:
        nothing: list[object] = [{}, [], "x", {"tokenResult": {}}, {"paymentResult": []}]
        for said in nothing:
            with pytest.raises(Malformed):
                adapter.read_callback(told(envelope(said)))
        data = "not base64"
        checksum = hashlib.sha256((data + SECRET).encode()).hexdigest()
        with pytest.raises(Malformed):
            adapter.read_callback(told({"data": data, "checksum": checksum}))
