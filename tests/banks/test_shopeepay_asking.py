"""ShopeePay: the scale of amounts, and what leaves for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import BankSettingsError
from bank_adapters.shopeepay import CHECK, CREATE, REFUND, ShopeePay
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.money import dong
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, a_query, a_refund, a_refund_query, a_request
from tests.banks.examples import REFUND as REFUND_REFERENCE
from tests.banks.shopeepay_messages import (
    PAGE,
    SECRET,
    URL,
    a_section,
    a_transaction,
    answered,
    built,
    signature,
    told,
)


class TestAskingShopeePay:
    @pytest.fixture
    def adapter(self, tmp_path: Path) -> Any:
        return built(a_section(tmp_path))

    # The scale --------------------------------------------------------------------------------------

    @pytest.mark.parametrize("scale", ["10", "0", "1000", "100.0", "x"])
    def test_only_the_two_scales_are_known(self, tmp_path: Path, scale: str) -> None:
        with pytest.raises(BankSettingsError, match="AMOUNT_SCALE"):
            built({**a_section(tmp_path), "AMOUNT_SCALE": scale})

    @pytest.mark.parametrize(("scale", "units"), [("1", 150_000), ("100", 15_000_000)])
    def test_every_amount_has_the_stated_scale(self, tmp_path: Path, scale: str, units: int) -> None:
        adapter = built({**a_section(tmp_path), "AMOUNT_SCALE": scale})
        assert adapter.read_callback(told(a_transaction(amount=units))).amount == AMOUNT
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CREATE, **answered({"redirect_url_http": PAGE}))
            wire.add("POST", URL + CHECK, **answered({"transaction": a_transaction(amount=units)}))
            wire.add("POST", URL + REFUND, **answered({}))
            adapter.open_payment(a_request())
            assert adapter.query_payment(a_query()).amount == AMOUNT
            adapter.refund_payment(a_refund())
            assert [json.loads(call.request.body or b"")["amount"] for call in wire.calls] == [units] * 3

    # Asking -----------------------------------------------------------------------------------------

    def test_an_order_says_what_is_published(self, adapter: ShopeePay) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CREATE, **answered({"redirect_url_http": PAGE}))
            assert adapter.open_payment(a_request()).page_url == PAGE
            request = wire.calls[0].request
        sent = json.loads(request.body or b"")
        assert sent == {
            "request_id": ATTEMPT,
            "payment_reference_id": ATTEMPT,
            "merchant_ext_id": "HUB",
            "store_ext_id": "HUB01",
            "amount": 15_000_000,
            "currency": "VND",
            "return_url": "https://hub.test/checkout/abc",
            "platform_type": "pc",
            "validity_period": 1800,
        }
        assert isinstance(request.body, bytes)
        assert request.headers["X-Airpay-Req-H"] == signature(request.body)
        assert request.headers["X-Airpay-ClientId"] == "11000067"

    def test_the_same_order_is_asked_for_in_the_same_bytes(self, adapter: ShopeePay) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CREATE, **answered({"redirect_url_http": PAGE}))
            adapter.open_payment(a_request())
            adapter.open_payment(a_request())
            first, second = (call.request.body for call in wire.calls)
        assert first == second

    def test_a_deadline_far_away_is_given_as_the_furthest(self, adapter: ShopeePay) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CREATE, **answered({"redirect_url_http": PAGE}))
            adapter.open_payment(a_request(expires_at=NOON.replace(year=2027)))
            assert json.loads(wire.calls[0].request.body or b"")["validity_period"] == 432_000

    def test_where_answers_must_be_signed_an_unsigned_one_is_none(self, tmp_path: Path) -> None:
        strict = built({**a_section(tmp_path), "SIGNED_ANSWERS": "1"})
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CHECK, **answered({"transaction": a_transaction()}))
            with pytest.raises(BankUnavailable):
                strict.query_payment(a_query())
            wire.replace("POST", URL + CHECK, **answered({"transaction": a_transaction()}, SECRET))
            assert strict.query_payment(a_query()).outcome is Outcome.PAID

    def test_the_same_refund_is_asked_for_in_the_same_bytes(self, adapter: ShopeePay) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + REFUND, **answered({}))
            adapter.refund_payment(a_refund())
            adapter.refund_payment(a_refund(queried_at=NOON))
            first, second = (call.request.body for call in wire.calls)
        assert first == second
        assert json.loads(first or b"")["refund_reference_id"] == REFUND_REFERENCE

    def test_a_refund_of_another_amount_is_no_answer(self, adapter: ShopeePay) -> None:
        gone = a_transaction(reference_id=REFUND_REFERENCE, transaction_type=15)
        with responses.RequestsMock() as wire:
            wire.add("POST", URL + CHECK, **answered({"transaction": gone}))
            with pytest.raises(BankUnavailable):
                adapter.query_refund(a_refund_query(amount=dong(50_000)))
            sent = json.loads(wire.calls[0].request.body or b"")
        assert (sent["transaction_type"], sent["reference_id"], sent["amount"]) == (
            15,
            REFUND_REFERENCE,
            5_000_000,
        )
