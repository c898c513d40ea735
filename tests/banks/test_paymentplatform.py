"""PaymentPlatform: the contract, the hash over fields, the reply, and the receipt."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.paymentplatform import LARGEST_RECEIPT, PaymentPlatform
from bank_adapters.simulators.paymentplatform import PARTNER, RESULT, SECRET, PaymentPlatformSimulator, digest
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Payment
from bank_adapters.toolkit.bank_time import read_vietnam_time
from payment_hub.domain.banks.port import CanFetchReceipt
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.contract import BankContract, CallbackContract, QueryContract, StatementContract
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, ORDER, PUBLIC_URL, TRANSACTION, a_query, a_request
from tests.banks.faults import FAILURES

# Messages
# ------------------------------------------------------------------------------------------------

INIT, QUERY, RECEIPT = (f"https://platform.test/{name}" for name in ("init", "query", "receipt"))
SIMULATOR = PaymentPlatformSimulator("https://platform.test", PUBLIC_URL)
OPENED = {"ThoiGianGD": "20261122120000", "ThongTinGiaoDich": "Thanh toán lệ phí"}
PAID = Payment(ATTEMPT, 150_000, OPENED, transaction_id=TRANSACTION, paid_at=NOON)
PAGE = "https://thanhtoan.platform.test/pay?lang=vi&id=" + "42" * 400
STATES = {Outcome.PAID: 1, Outcome.PENDING: 3, Outcome.DECLINED: 4}
SIGNED = RESULT.split()


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
    """The message about a payment of 150,000 dong, hashed."""
    message: dict[str, Any] = json.loads(SIMULATOR.callback(PAID, at=NOON, **changes).body)
    if "ThongTinBienLai" not in changes:
        del message["ThongTinBienLai"]
    return message


def callback_request(fields: object) -> CallbackRequest:
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


# The contract
# ------------------------------------------------------------------------------------------------


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
        return callback_request(a_result(MaLoi="00" if outcome is Outcome.PAID else "42", **changes))

    def is_sent_again(self, reply: CallbackReply) -> bool:
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
        assert adapter.read_callback(callback_request(a_result(MaLoi=code))).outcome is Outcome.PENDING

    @pytest.mark.parametrize("name", SIGNED)
    def test_a_value_that_could_be_cut_in_two_ways_is_rejected(
        self, adapter: PaymentPlatform, name: str
    ) -> None:
        """The hash is right: the same text, with the cut in another place."""
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback_request(a_result(**{name: f"{a_result()[name]}|x"})))

    def test_a_moved_cut_is_rejected(self, adapter: PaymentPlatform) -> None:
        genuine = a_result()
        moved = {**genuine, "MaGiaoDich": f"{TRANSACTION}|VCB", "MaNganHang": "20261122120000"}
        moved |= {"ThoiGianGD": genuine["ThongTinGiaoDich"], "ThongTinGiaoDich": ""}
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback_request(moved))

    def test_fields_in_the_order_of_init_are_rejected(self, adapter: PaymentPlatform) -> None:
        fields = a_result()
        crossed = [*SIGNED[:-2], "ThongTinGiaoDich", "ThoiGianGD"]
        with pytest.raises(CallbackRejected):
            adapter.read_callback(
                callback_request({**fields, "MaXacThuc": digest(*(fields[name] for name in crossed))})
            )

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
                adapter.read_callback(callback_request({**fields, "MaXacThuc": given}))

    def test_another_partners_result_is_rejected(self, adapter: PaymentPlatform) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback_request(a_result(MaDoiTac="000.00.01.H30")))

    def test_the_kind_of_a_result_can_be_fixed(self, tmp_path: Path) -> None:
        strict = self.built({**self.section(tmp_path), "PUSH_KIND": "CONFIRM"})
        assert strict.read_callback(callback_request(a_result())).outcome is Outcome.PAID
        with pytest.raises(CallbackRejected):
            strict.read_callback(callback_request(a_result(LoaiBanTin="RESULT")))

    def test_what_is_under_no_hash_changes_nothing(self, adapter: PaymentPlatform) -> None:
        other = {"TKThuHuong": "999", "DSKhoanNop": [{"NoiDung": "x", "SoTien": "1"}], "MaThamChieu": "DV0-1"}
        believed = adapter.read_callback(callback_request(a_result()))
        assert (
            adapter.read_callback(callback_request({**a_result(), "ThongTinBienLai": other, "MaHoSo": "x"}))
            == believed
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
            adapter.read_callback(callback_request(a_result(**changes)))

    # Replying ---------------------------------------------------------------------------------------

    def test_a_reply_repeats_what_was_received(self, adapter: PaymentPlatform) -> None:
        result = a_result()
        assert json.loads(adapter.acknowledge(Answer.RECORDED, callback_request(result)).body) == {
            "MaLoi": "00",
            "MoTaLoi": "Thành công",
            "MaDoiTac": PARTNER,
            "MaThamChieu": ATTEMPT,
            "ThoiGianGD": "20261122120000",
            "MaXacThuc": result["MaXacThuc"],
        }

    def test_a_reply_may_have_a_hash_of_its_own(self, tmp_path: Path) -> None:
        adapter = self.built({**self.section(tmp_path), "REPLY_HASH": "computed"})
        reply = json.loads(adapter.acknowledge(Answer.NOT_RECORDED, callback_request(a_result())).body)
        assert reply["MaXacThuc"] == digest("99", "Các lỗi khác", PARTNER, ATTEMPT, "20261122120000")

    def test_a_message_that_is_not_believed_is_told_so(self, adapter: PaymentPlatform) -> None:
        reply = adapter.refuse(callback_request({}))
        assert reply is not None
        assert (reply.status, json.loads(reply.body)["return_code"]) == (401, -1)


# PaymentPlatform: what leaves for it, and the receipt that it writes.
# ------------------------------------------------------------------------------------------------

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


# Recorded vectors, and a payment with the simulator
# ------------------------------------------------------------------------------------------------

VECTORS = {
    vector["kind"]: vector
    for vector in json.loads(
        (Path(__file__).parent / "vectors/paymentplatform/signatures.json").read_text("utf-8")
    )
}


def bank_of(vector: dict[str, Any], folder: Path) -> Any:
    """The adapter with the partner and the secret of a vector."""
    section = {
        "INIT_URL": INIT,
        "QUERY_URL": QUERY,
        "RECEIPT_URL": "https://platform.test/receipt",
        "PARTNER": vector["inputs"]["MaDoiTac"],
        "SECRET": vector["secret"],
        "STATEMENTS": str(folder),
    }
    return load_adapters(["paymentplatform"], {"paymentplatform": section})["paymentplatform"]


def test_init_leaves_as_the_vector_says(tmp_path: Path) -> None:
    vector = VECTORS["INIT-MaXacThuc"]
    fields = vector["inputs"]
    request = a_request(
        attempt_reference=fields["MaThamChieu"],
        amount=dong(int(fields["SoTien"])),
        description=fields["ThongTinGiaoDich"],
        payer_ip=fields["Ip"],
        started_at=read_vietnam_time(fields["ThoiGianGD"]),
        expires_at=NOON,
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", INIT, status=500)
        with pytest.raises(BankUnavailable):
            bank_of(vector, tmp_path).open_payment(request)
        sent = json.loads(wire.calls[0].request.body or b"")
    assert isinstance(sent.pop("ThongTinBienLai"), dict)
    assert sent.pop("MaXacThuc") == vector["expected"]
    assert sent == {name: value for name, value in fields.items() if name != "ThongTinBienLai"}


def test_a_question_leaves_as_the_vector_says(tmp_path: Path) -> None:
    vector = VECTORS["QUERY-MaXacThuc"]
    fields = vector["inputs"]
    asked = a_query(
        attempt_reference=fields["MaThamChieu"], started_at=read_vietnam_time(fields["ThoiGianGD"])
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERY, status=500)
        with pytest.raises(BankUnavailable):
            bank_of(vector, tmp_path).query_payment(asked)
        sent = json.loads(wire.calls[0].request.body or b"")
    assert sent == {**fields, "MaXacThuc": vector["expected"]}


def test_a_result_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["result-push-MaXacThuc"]
    adapter = bank_of(vector, tmp_path)
    confirmation = adapter.read_callback(
        callback_request({**vector["inputs"], "MaXacThuc": vector["expected"]})
    )
    assert (confirmation.outcome, confirmation.amount) == (Outcome.PAID, dong(150_000))
    assert (confirmation.reference, confirmation.bank_transaction_id) == (
        "HUB240501000123",
        "240501000000001",
    )
    for name in vector["inputs"]:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(
                callback_request({**vector["inputs"], name: "7", "MaXacThuc": vector["expected"]})
            )


def test_both_sides_understand_each_other(tmp_path: Path) -> None:
    with serve("http://127.0.0.1:9", simulators=[PaymentPlatformSimulator], statements=tmp_path) as server:
        section = settings_of([PaymentPlatformSimulator], server.url, tmp_path)["paymentplatform"]
        adapter: Any = load_adapters(["paymentplatform"], {"paymentplatform": section})["paymentplatform"]
        simulator = server.banks["paymentplatform"]
        assert adapter.open_payment(a_request()).page_url == f"{server.url}/paymentplatform/pay/{ATTEMPT}"
        assert adapter.query_payment(a_query()).outcome is Outcome.PENDING
        with pytest.raises(BankUnavailable):
            adapter.fetch_receipt(a_query())
        payment = simulator.book.find(ATTEMPT)
        assert payment is not None
        simulator.book.settle(payment, "PAID", notify=False)
        asked = adapter.query_payment(a_query())
        (callback,) = simulator.callbacks(payment)
        message = CallbackRequest("POST", "/", b"", callback.headers, callback.body, NOON)
        accepted = adapter.read_callback(message)
        assert (
            (asked.outcome, asked.amount)
            == (accepted.outcome, accepted.amount)
            == (Outcome.PAID, dong(150_000))
        )
        assert asked.bank_transaction_id == accepted.bank_transaction_id == payment.transaction_id
        assert json.loads(adapter.acknowledge(Answer.RECORDED, message).body)["MaLoi"] == "00"
        assert ATTEMPT.encode() in adapter.fetch_receipt(a_query())


# As other systems write the same messages
# ------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_says_nothing(tmp_path: Path) -> None:
    adapter = built(a_section(tmp_path))
    plain = callback_request(a_result())
    marked = dataclasses.replace(plain, body=b"\xef\xbb\xbf" + plain.body)
    assert adapter.read_callback(marked) == adapter.read_callback(plain)
    answers = [adapter.acknowledge(Answer.RECORDED, message) for message in (marked, plain)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "changes",
    [
        {"SoTien": "150000"},
        {"SoTien": 150_000.0},
        {"MaGiaoDich": 240501000000001},
        {"MaGiaoDich": "VCB/26326:1"},
        {"MaTienTe": None},
        {"ThongTinGiaoDich": "Lệ phí & thuế + 5% = '~*'"},
        {"ThongTinBienLai": {"PhiLePhi": [{"SoTien": 150_000.5}]}},
        {"ThoiGianGD": None},
    ],
)
def test_the_platform_may_write_a_value_otherwise(tmp_path: Path, changes: dict[str, Any]) -> None:
    adapter = built(a_section(tmp_path))
    result = a_result(**changes)
    message = callback_request(result)
    confirmation = adapter.read_callback(message)
    assert (confirmation.outcome, confirmation.amount, confirmation.reference) == (
        Outcome.PAID,
        AMOUNT,
        ATTEMPT,
    )
    reply = json.loads(adapter.acknowledge(Answer.RECORDED, message).body)
    assert (reply["MaThamChieu"], reply["MaXacThuc"]) == (ATTEMPT, result["MaXacThuc"])
    assert reply["ThoiGianGD"] == (result["ThoiGianGD"] or "")
    with responses.RequestsMock() as wire:
        answer = an_answer(**changes)
        wire.add("POST", QUERY, **answer)
        state = adapter.query_payment(a_query())
    assert (state.outcome, state.amount) == (Outcome.PAID, AMOUNT)


@pytest.mark.parametrize("changes", [{"MaLoi": "ERR_01"}, {"MaLoi": 0}, {"MaLoi": "99", "MaGiaoDich": "a b"}])
def test_a_result_that_is_no_success_is_pending_however_written(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    adapter = built(a_section(tmp_path))
    result = callback_request(a_result(**changes))
    assert adapter.read_callback(result).outcome is Outcome.PENDING
