"""What the payment platform sends, made with Python's own hashlib, for the tests of the adapter."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from bank_adapters import load_adapters
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from tests.banks.examples import ATTEMPT, NOON, TRANSACTION

INIT, QUERY, RECEIPT = (f"https://platform.test/{name}" for name in ("init", "query", "receipt"))
PARTNER, SECRET = "000.00.01.H29", "hub-dvcqg-test-secret"
PAGE = "https://thanhtoan.platform.test/pay?lang=vi&id=" + "42" * 400
STATES = {Outcome.PAID: 1, Outcome.PENDING: 3, Outcome.DECLINED: 4}
SIGNED = (
    "LoaiBanTin",
    "MaLoi",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "MaTienTe",
    "MaGiaoDich",
    "MaNganHang",
    "ThoiGianGD",
    "ThongTinGiaoDich",
)


def digest(*fields: object, secret: str = SECRET) -> str:
    return hashlib.sha256("|".join([*map(str, fields), secret]).encode()).hexdigest()


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a partner whose files are dropped into ``folder``."""
    return {
        "INIT_URL": INIT,
        "QUERY_URL": QUERY,
        "RECEIPT_URL": RECEIPT,
        "PARTNER": PARTNER,
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
    }


def built(section: dict[str, str]) -> Any:
    """The adapter from a section of settings."""
    return load_adapters(["paymentplatform"], {"paymentplatform": section})["paymentplatform"]


def a_result(**changes: Any) -> dict[str, Any]:
    """A payment of 150,000 dong as the platform tells it, hashed."""
    fields = {
        "LoaiBanTin": "CONFIRM",
        "MaLoi": "00",
        "MaDoiTac": PARTNER,
        "MaThamChieu": ATTEMPT,
        "SoTien": 150_000,
        "MaTienTe": "VND",
        "MaGiaoDich": TRANSACTION,
        "MaNganHang": "VCB",
        "ThoiGianGD": "20261122120000",
        "ThongTinGiaoDich": "Thanh toán lệ phí",
    } | changes
    return {**fields, "MaXacThuc": digest(*("" if fields[name] is None else fields[name] for name in SIGNED))}


def told(fields: object) -> CallbackRequest:
    body = json.dumps(fields, ensure_ascii=False).encode()
    return CallbackRequest("POST", "/callbacks/paymentplatform", b"", {}, body, NOON)


def an_answer(**changes: Any) -> dict[str, Any]:
    plain = {
        "MaLoi": "00",
        "MaThamChieu": ATTEMPT,
        "TrangThaiGD": 1,
        "SoTien": 150_000,
        "MaGiaoDich": TRANSACTION,
    }
    return {"json": {name: value for name, value in (plain | changes).items() if value is not None}}
