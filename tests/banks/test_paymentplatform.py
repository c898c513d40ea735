"""PaymentPlatform: the contract, the hash over fields, the reply, and the receipt."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.paymentplatform import PaymentPlatform
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract import BankContract, CallbackContract, QueryContract, StatementContract
from tests.banks.examples import ATTEMPT, TRANSACTION
from tests.banks.paymentplatform_messages import (
    INIT,
    PAGE,
    PARTNER,
    QUERY,
    SECRET,
    SIGNED,
    STATES,
    a_result,
    a_section,
    an_answer,
    digest,
    told,
)


class TestPaymentPlatform(CallbackContract, QueryContract, StatementContract, BankContract):
    bank = "paymentplatform"
    required = frozenset(
        f"BANK_PAYMENTPLATFORM_{name}"
        for name in ["INIT_URL", "QUERY_URL", "RECEIPT_URL", "PARTNER", "SECRET", "STATEMENTS"]
    )
    tells_paid_at = tells_declined = False
    retried = frozenset({Answer.NOT_RECORDED, Answer.NO_SUCH_ORDER, Answer.WRONG_AMOUNT})
    signs_answers = False
    opens_at = (("POST", INIT),)
    asks_at = (("POST", QUERY),)

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return {"json": {"MaLoi": "00", "UrlThanhToan": PAGE}}

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        return {
            "refused": {"json": {"MaLoi": "99", "UrlThanhToan": PAGE}},
            "refused in a wrapper": {
                "json": {"error_code": -1, "message": json.dumps({"UrlThanhToan": PAGE})}
            },
            "a wrapper in a wrapper": {"json": {"error_code": 0, "message": {"UrlThanhToan": PAGE}}},
            "another payment": {"json": {"MaLoi": "00", "MaThamChieu": "DV0-1", "UrlThanhToan": PAGE}},
            "no page": {"json": {"MaLoi": "00"}},
            "a page of another scheme": {"json": {"MaLoi": "00", "UrlThanhToan": "javascript:alert(1)"}},
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return told(a_result(MaLoi="00" if outcome is Outcome.PAID else "42", **changes))

    def heard_again(self, reply: CallbackReply) -> bool:
        return bool(json.loads(reply.body)["MaLoi"] != "00")

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        return an_answer(TrangThaiGD=STATES[outcome] if isinstance(outcome, Outcome) else 2)

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": an_answer(MaThamChieu="DV0-1"),
            "no payment": an_answer(MaThamChieu=None),
            "another partner": an_answer(MaDoiTac="000.00.01.H30"),
            "refused": an_answer(MaLoi="99"),
            "paid without a number": an_answer(MaGiaoDich=None),
            "paid without an amount": an_answer(SoTien=None),
            "paid in another currency": an_answer(MaTienTe="USD"),
        }

    def statement_text(self) -> str:
        return (
            "booked_at,transaction_id,reference,amount,status\n"
            f"2026-11-22 12:00:00,{TRANSACTION},{ATTEMPT},150000,1\n"
            "2026-11-22 12:01:00,FT2,DV0-1,70000,4\n"
            "2026-11-22 23:59:59,FT3,typed by hand,5000,1\n"
        )

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("code", ["99", "01", "0", "000", "OK"])
    def test_every_other_code_is_pending(self, adapter: PaymentPlatform, code: str) -> None:
        assert adapter.read_callback(told(a_result(MaLoi=code))).outcome is Outcome.PENDING

    @pytest.mark.parametrize("name", SIGNED)
    def test_a_value_that_could_be_cut_in_two_ways_is_rejected(
        self, adapter: PaymentPlatform, name: str
    ) -> None:
        """The hash is right: the same text, with the cut in another place."""
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told(a_result(**{name: f"{a_result()[name]}|x"})))

    def test_a_moved_cut_is_rejected(self, adapter: PaymentPlatform) -> None:
        genuine = a_result()
        moved = {**genuine, "MaGiaoDich": f"{TRANSACTION}|VCB", "MaNganHang": "20261122120000"}
        moved |= {"ThoiGianGD": genuine["ThongTinGiaoDich"], "ThongTinGiaoDich": ""}
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told(moved))

    def test_fields_in_the_order_of_init_are_rejected(self, adapter: PaymentPlatform) -> None:
        fields = a_result()
        crossed = [*SIGNED[:-2], "ThongTinGiaoDich", "ThoiGianGD"]
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told({**fields, "MaXacThuc": digest(*(fields[name] for name in crossed))}))

    def test_an_hmac_or_another_digest_is_rejected(self, adapter: PaymentPlatform) -> None:
        fields = a_result()
        written = "|".join(str(fields[name]) for name in SIGNED)
        others = [
            hashlib.new(kind, f"{written}|{SECRET}".encode()).hexdigest()
            for kind in ("md5", "sha1", "sha512")
        ]
        others += [
            digest(*(fields[name] for name in SIGNED), secret=""),
            hashlib.sha256(written.encode()).hexdigest(),
        ]
        for given in [*others, "", None, 7]:
            with pytest.raises(CallbackRejected):
                adapter.read_callback(told({**fields, "MaXacThuc": given}))

    def test_another_partners_result_is_rejected(self, adapter: PaymentPlatform) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told(a_result(MaDoiTac="000.00.01.H30")))

    def test_the_kind_of_a_result_can_be_fixed(self, tmp_path: Path) -> None:
        strict = self.built({**self.section(tmp_path), "PUSH_KIND": "CONFIRM"})
        assert strict.read_callback(told(a_result())).outcome is Outcome.PAID
        with pytest.raises(CallbackRejected):
            strict.read_callback(told(a_result(LoaiBanTin="RESULT")))

    def test_what_is_under_no_hash_changes_nothing(self, adapter: PaymentPlatform) -> None:
        other = {"TKThuHuong": "999", "DSKhoanNop": [{"NoiDung": "x", "SoTien": "1"}], "MaThamChieu": "DV0-1"}
        believed = adapter.read_callback(told(a_result()))
        assert (
            adapter.read_callback(told({**a_result(), "ThongTinBienLai": other, "MaHoSo": "x"})) == believed
        )

    @pytest.mark.parametrize(
        "changes",
        [
            {"SoTien": 0},
            {"SoTien": -150_000},
            {"SoTien": "150.000"},
            {"SoTien": None},
            {"MaTienTe": "USD"},
            {"MaGiaoDich": ""},
            {"MaGiaoDich": "a b"},
            {"MaGiaoDich": 0},
            {"MaGiaoDich": "000"},
            {"MaThamChieu": ""},
            {"MaLoi": ""},
            {"MaLoi": "0 0"},
        ],
    )
    def test_a_genuine_result_that_makes_no_sense_is_malformed(
        self, adapter: PaymentPlatform, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(told(a_result(**changes)))

    # Replying ---------------------------------------------------------------------------------------

    def test_a_reply_repeats_what_was_received(self, adapter: PaymentPlatform) -> None:
        result = a_result()
        assert json.loads(adapter.acknowledge(Answer.RECORDED, told(result)).body) == {
            "MaLoi": "00",
            "MoTaLoi": "Thành công",
            "MaDoiTac": PARTNER,
            "MaThamChieu": ATTEMPT,
            "ThoiGianGD": "20261122120000",
            "MaXacThuc": result["MaXacThuc"],
        }

    def test_a_reply_may_have_a_hash_of_its_own(self, tmp_path: Path) -> None:
        adapter = self.built({**self.section(tmp_path), "REPLY_HASH": "computed"})
        reply = json.loads(adapter.acknowledge(Answer.NOT_RECORDED, told(a_result())).body)
        assert reply["MaXacThuc"] == digest("99", "Các lỗi khác", PARTNER, ATTEMPT, "20261122120000")

    def test_a_message_that_is_not_believed_is_told_so(self, adapter: PaymentPlatform) -> None:
        reply = adapter.refuse(told({}))
        assert reply is not None
        assert (reply.status, json.loads(reply.body)["return_code"]) == (401, -1)
