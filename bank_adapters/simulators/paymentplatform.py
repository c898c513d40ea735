"""The public-service portal's payment platform: INIT, results, questions and receipts under plain SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from bank_adapters.simulators.simulator import VIETNAM, Payment, Simulator, WireReply, WireRequest

PARTNER = "000.00.01.H29"
SECRET = "trial-secret-of-the-platform"  # noqa: S105
STATES = {"PAID": 1, "PENDING": 3, "DECLINED": 4}
INIT = (
    "LoaiBanTin PhienBan MaDoiTac MaThamChieu SoTien LoaiHinhThanhToan MaKenhThanhToan MaThietBi NgonNgu MaTienTe"
    " MaNganHang ThongTinGiaoDich ThoiGianGD Ip"
)
RESULT = (
    "LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich"
)
QUESTION = "LoaiBanTin PhienBan MaDoiTac MaThamChieu ThoiGianGD"


class PaymentPlatformSimulator(Simulator):
    """The platform."""

    name = "paymentplatform"
    retries: ClassVar[tuple[float, ...]] = (60.0, 60.0, 60.0)

    @classmethod
    def settings(cls, url: str, folder: Path) -> dict[str, str]:
        """The hub's section for this bank, with the secrets of the trial."""
        return {
            "INIT_URL": f"{url}/init",
            "QUERY_URL": f"{url}/query",
            "RECEIPT_URL": f"{url}/receipt",
            "PARTNER": PARTNER,
            "SECRET": SECRET,
            "STATEMENTS": str(folder),
            "READ_SECONDS": "2",
        }

    def receive(self, request: WireRequest) -> WireReply:
        """INIT, questions and receipts; a wrong hash is refused."""
        if request.method != "POST" or request.path not in {"/init", "/query", "/receipt"}:
            return WireReply(404)
        params = json.loads(request.body)
        names = INIT if request.path == "/init" else QUESTION
        if params.get("MaDoiTac") != PARTNER or params.get("MaXacThuc") != hashed(params, names):
            return self._answered({"return_code": -1, "return_msg": "check_sum invalid"})
        if len(params["MaThamChieu"]) > 20:
            return self._answered({"MaLoi": "99", "MoTaLoi": "MaThamChieu"})
        if request.path == "/init":
            return self._init(params)
        payment = self.book.find(params["MaThamChieu"])
        if payment is None or payment.opened["ThoiGianGD"] != params["ThoiGianGD"]:
            return self._answered({"MaLoi": "99", "MoTaLoi": "Không tìm thấy giao dịch"})
        return self._state(payment) if request.path == "/query" else self._receipt(payment)

    def callbacks(self, payment: Payment) -> list[WireRequest]:
        """One result; nothing while it is open."""
        if payment.outcome == "PENDING":
            return []
        opened = payment.opened
        fields = {
            "LoaiBanTin": "CONFIRM",
            "MaLoi": "00" if payment.outcome == "PAID" else "99",
            "MaDoiTac": PARTNER,
            "MaThamChieu": payment.reference,
            "SoTien": payment.amount,
            "MaTienTe": "VND",
            "MaGiaoDich": payment.transaction_id,
            "MaNganHang": "VCB",
            "ThoiGianGD": opened.get("ThoiGianGD", "20260101000000"),
            "ThongTinGiaoDich": opened.get("ThongTinGiaoDich", ""),
        }
        fields = self.overridden(fields)
        message = {
            **fields,
            "MaXacThuc": hashed(fields, RESULT),
            "ThongTinBienLai": opened.get("ThongTinBienLai", {}),
        }
        body = json.dumps(message, ensure_ascii=False).encode()
        return [WireRequest("POST", self.callback_url, b"", {"content-type": "application/json"}, body)]

    def accepts(self, reply: WireReply) -> bool:
        """MaLoi 00 ends it."""
        return reply.status == 200 and json.loads(reply.body or b"{}").get("MaLoi") == "00"

    def statement(self, day: date, payments: list[Payment]) -> str | None:
        """The collector's file."""
        rows = ["booked_at,transaction_id,reference,amount,status"]
        for payment in payments:
            if payment.paid_at:
                booked = (payment.paid_at + VIETNAM).strftime("%Y-%m-%d %H:%M:%S")
                rows.append(f"{booked},{payment.transaction_id},{payment.reference},{payment.amount},1")
        return "\n".join(rows) + "\n"

    def _init(self, params: Mapping[str, Any]) -> WireReply:
        payment = self.book.remember(Payment(params["MaThamChieu"], int(params["SoTien"]), dict(params)))
        if payment.opened["SoTien"] != params["SoTien"]:
            return self._answered({"error_code": -1, "message": "MaThamChieu"})
        opened = {"MaLoi": "00", "MaThamChieu": payment.reference, "UrlThanhToan": self.page_of(payment)}
        return self._answered({"error_code": "0", "message": json.dumps(opened)})

    def _state(self, payment: Payment) -> WireReply:
        return self._answered(
            {
                "MaLoi": "00",
                "MaDoiTac": PARTNER,
                "MaThamChieu": payment.reference,
                "TrangThaiGD": STATES[payment.outcome],
                "SoTien": payment.amount,
                "MaTienTe": "VND",
                "MaGiaoDich": payment.transaction_id,
            }
        )

    def _receipt(self, payment: Payment) -> WireReply:
        """Of a payment that was made, the smallest PDF that says so."""
        if payment.outcome != "PAID":
            return self._answered({"MaLoi": "99", "MoTaLoi": "Chưa thanh toán"})
        text = f"Bien lai {payment.reference}: {payment.amount} VND"
        return WireReply(200, f"%PDF-1.4\n% {text}\n%%EOF\n".encode(), content_type="application/pdf")

    def _answered(self, fields: Mapping[str, Any]) -> WireReply:
        return WireReply(200, json.dumps(self.overridden(fields), ensure_ascii=False).encode())


SIMULATOR = PaymentPlatformSimulator


def hashed(fields: Mapping[str, Any], names: str) -> str:
    """MaXacThuc: the fields, the secret last, ``|`` between them."""
    values = (fields.get(name) for name in names.split())
    return digest(*("" if value is None else value for value in values))


def digest(*values: object, secret: str | None = None) -> str:
    """SHA-256 over the values and the secret, ``|`` between them."""
    return hashlib.sha256(
        "|".join([*map(str, values), SECRET if secret is None else secret]).encode()
    ).hexdigest()
