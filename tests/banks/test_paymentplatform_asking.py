"""PaymentPlatform: what leaves for it, and the receipt that it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import BankSettingsError
from bank_adapters.paymentplatform import LARGEST_RECEIPT, PaymentPlatform
from payment_hub.domain.banks.port import CanFetchReceipt
from payment_hub.domain.errors import BankUnavailable, Malformed
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, ORDER, a_query, a_request
from tests.banks.faults import FAILURES
from tests.banks.paymentplatform_messages import (
    INIT,
    PAGE,
    PARTNER,
    QUERY,
    RECEIPT,
    a_section,
    an_answer,
    built,
    digest,
)

PDF = b"%PDF-1.7\n1 0 obj\nendobj\ntrailer\n%%EOF\n"


class TestAskingThePlatform:
    @pytest.fixture
    def adapter(self, tmp_path: Path) -> Any:
        return built(a_section(tmp_path))

    # Opening and asking -----------------------------------------------------------------------------

    def test_a_wrapped_answer_is_the_answer_inside(self, adapter: PaymentPlatform) -> None:
        for code in (0, "0"):
            with responses.RequestsMock() as wire:
                inside = json.dumps({"MaLoi": "00", "UrlThanhToan": PAGE})
                wire.add("POST", INIT, json={"error_code": code, "message": inside})
                assert adapter.open_payment(a_request()).page_url == PAGE

    def test_what_is_the_same_in_every_receipt_comes_from_the_settings(self, tmp_path: Path) -> None:
        info = {"MaDichVu": "1", "TKThuHuong": "7111", "MaHoSo": "not this", "KhoBac": "KBNN Hà Nội"}
        adapter = built({**a_section(tmp_path), "RECEIPT_INFO": json.dumps(info)})
        with responses.RequestsMock() as wire:
            wire.add("POST", INIT, json={"MaLoi": "00", "UrlThanhToan": PAGE})
            adapter.open_payment(a_request())
            sent = json.loads(wire.calls[0].request.body or b"")["ThongTinBienLai"]
        assert sent == {
            **info,
            "MaHoSo": ORDER,
            "NoiDungThanhToan": f"Le phi {ORDER}",
            "DSKhoanNop": [{"NoiDung": f"Le phi {ORDER}", "SoTien": "150000"}],
        }
        for wrong in ("[]", "{", '{"a": 1.5}'):
            with pytest.raises(BankSettingsError, match="RECEIPT_INFO"):
                built({**a_section(tmp_path), "RECEIPT_INFO": wrong})

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": "D" * 21},
            {"attempt_reference": "DV|1"},
            {"description": "a|b"},
            {"description": "a\nb"},
            {"description": "D" * 256},
            {"description": ""},
            {"payer_ip": "10.0.0.5|"},
        ],
    )
    def test_what_would_not_fit_never_leaves(self, adapter: PaymentPlatform, changes: dict[str, Any]) -> None:
        with responses.RequestsMock(), pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))

    def test_the_hour_of_the_order_has_24_hours_and_stays_the_orders(self, adapter: PaymentPlatform) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", QUERY, **an_answer())
            asked = adapter.query_payment(a_query(started_at=NOON.replace(hour=16, minute=59)))
            sent = json.loads(wire.calls[0].request.body or b"")
        assert sent["ThoiGianGD"] == "20261122235900"
        assert (asked.amount, asked.key, asked.paid_at) == (AMOUNT, None, None)
        assert asked.event_id.startswith("query:")

    # The receipt ------------------------------------------------------------------------------------

    def test_a_receipt_is_a_whole_pdf(self, adapter: PaymentPlatform) -> None:
        assert isinstance(adapter, CanFetchReceipt)
        with responses.RequestsMock() as wire:
            wire.add("POST", RECEIPT, body=PDF)
            assert adapter.fetch_receipt(a_query()) == PDF
            sent = json.loads(wire.calls[0].request.body or b"")
        hashed = digest("RECEIPT", "1.0.6", PARTNER, ATTEMPT, "20261122120000")
        assert (sent["MaXacThuc"], sent["LoaiBanTin"]) == (hashed, "RECEIPT")

    @pytest.mark.parametrize(
        "body",
        [
            b'{"MaLoi":"99"}',
            b"",
            b"<html>%PDF-1.7 %%EOF",
            PDF[:-7],
            PDF[1:],
            b"%PDF-1.7" + b"x" * LARGEST_RECEIPT + b"%%EOF",
        ],
    )
    def test_anything_else_is_no_receipt(self, adapter: PaymentPlatform, body: bytes) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", RECEIPT, body=body)
            with pytest.raises(BankUnavailable):
                adapter.fetch_receipt(a_query())

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_fetch_is_no_receipt(self, adapter: PaymentPlatform, failure: str) -> None:
        given = FAILURES[failure]
        with responses.RequestsMock() as wire:
            wire.add("POST", RECEIPT, **given if isinstance(given, dict) else {"body": given})
            with pytest.raises(BankUnavailable):
                adapter.fetch_receipt(a_query())
