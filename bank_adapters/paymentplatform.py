"""PaymentPlatform, the payment platform of the National Public Service Portal (dichvucong.gov.vn).

No specification is public. The messages are read from two implementations that agree: OpenCPS (Java) and a provincial
portal (C#). MaXacThuc is a plain SHA-256 over fields with ``|`` between them and the secret last; a value that holds
a ``|`` is therefore refused in both directions, because the same text could be cut in two ways. MaThamChieu is our
attempt reference. ThongTinBienLai is under no hash, so whatever comes back in it is never read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar, Final

from bank_adapters.toolkit.bank_time import write_vietnam_time
from bank_adapters.toolkit.http_client import HttpClient, parse_page, reading_answer
from bank_adapters.toolkit.json_fields import Fields, read_object, read_unverified, text, written
from bank_adapters.toolkit.limits import fitting, require_payable
from bank_adapters.toolkit.settings import (
    RotatingSecret,
    number_between,
    parse_folder,
    parse_key,
    parse_url,
    read_section,
    setting,
    text_matching,
)
from bank_adapters.toolkit.signatures import require_digest
from bank_adapters.toolkit.signed_fields import as_signed, joined
from bank_adapters.toolkit.statements import OTHERWISE, CollectorFile
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, PaymentMethod
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Instructions,
    Outcome,
    PaymentQuery,
    PaymentRequest,
    Statement,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong

#: MaLoi of a result. 99 is "other errors": nobody has written that it is final, so the question decides.
OUTCOMES: Final = {"00": Outcome.PAID, "99": Outcome.PENDING}

#: TrangThaiGD of an answer. 3 is pending or unknown.
STATES: Final = {"1": Outcome.PAID, "3": Outcome.PENDING, "4": Outcome.DECLINED}

#: MaLoi and text of our answer, and the status.
ANSWERS: Final = {
    Answer.RECORDED: (200, "00", "Thành công"),
    Answer.ALREADY_RECORDED: (200, "00", "Thành công"),
    Answer.NO_SUCH_ORDER: (200, "99", "Không tìm thấy giao dịch"),
    Answer.WRONG_AMOUNT: (200, "99", "Số tiền không khớp"),
    Answer.NOT_RECORDED: (503, "99", "Các lỗi khác"),
}

#: What each message hashes, in this order; the secret follows. The last two of INIT and of a result are crossed.
INIT_HASHES: Final = (
    "LoaiBanTin PhienBan MaDoiTac MaThamChieu SoTien LoaiHinhThanhToan MaKenhThanhToan MaThietBi NgonNgu MaTienTe"
    " MaNganHang ThongTinGiaoDich ThoiGianGD Ip"
)
RESULT_HASHES: Final = (
    "LoaiBanTin MaLoi MaDoiTac MaThamChieu SoTien MaTienTe MaGiaoDich MaNganHang ThoiGianGD ThongTinGiaoDich"
)
QUESTION_HASHES: Final = "LoaiBanTin PhienBan MaDoiTac MaThamChieu ThoiGianGD"
REPLY_HASHES: Final = "MaLoi MoTaLoi MaDoiTac MaThamChieu ThoiGianGD"

#: A receipt is a page or two.
LARGEST_RECEIPT: Final = 5 << 20

#: No file of the platform's is known: these are our own names, to which a collector's export is brought.
COLLECTOR_FILE: Final = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern="%Y-%m-%d %H:%M:%S",
    moved={"1": True, "4": False},
)

_REFERENCE: Final = r"[A-Za-z0-9_-]{1,20}"
_TRANSACTION: Final = r"(?!0+$)[!-~]{1,64}"
_CODE: Final = r"[!-~]{1,40}"
_PLAIN: Final = r"[^|\x00-\x1f\x7f]{1,255}"
#: A whole number, which some writers of JSON end with .0.
_AMOUNT: Final = re.compile(r"([1-9][0-9]{0,11})(?:\.0{1,2})?", re.ASCII)

PROFILE: Final = BankProfile(
    title="National public service portal, PaymentPlatform 1.0.6",
    methods=(PaymentMethod.PAGE,),
    facts=(
        Fact(
            "the hash of INIT, result and question", "OpenCPS and TD.DichVuCongApi agree", Certainty.OFFICIAL
        ),
        Fact(
            "MaLoi 00 is paid; TrangThaiGD 1, 3 and 4",
            "OpenCPS and TD.DichVuCongApi agree",
            Certainty.OFFICIAL,
        ),
        Fact(
            "ThoiGianGD is the time of the order, so arrival decides when it was paid",
            "OpenCPS",
            Certainty.ONE_SOURCE,
        ),
        Fact(
            "the answer to a question is under no hash; it names MaThamChieu, SoTien and MaGiaoDich",
            "our reading",
            Certainty.HEARSAY,
        ),
        Fact("a reply repeats the received MaXacThuc", "OpenCPS", Certainty.ONE_SOURCE),
        Fact(
            "LoaiBanTin of a result, of a question and of a receipt", "our own, after INIT", Certainty.HEARSAY
        ),
        Fact("a receipt is answered as a PDF", "TD.DichVuCongApi", Certainty.ONE_SOURCE),
        Fact("columns of the daily file", "our own", Certainty.HEARSAY),
    ),
    codes={
        "00": "paid",
        "99": "other errors; the question decides",
        "1": "paid (answer)",
        "3": "pending or unknown (answer)",
        "4": "failed (answer)",
    },
)


def receipt_fields(written: str) -> Mapping[str, object]:
    """A JSON object: what of ThongTinBienLai is the same in every payment."""
    try:
        return read_object(written.encode())
    except Malformed as error:
        raise ValueError(f"must be a JSON object: {error.detail}") from error


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_PAYMENTPLATFORM_*``."""

    init_url: str = setting(parse_url, "where a payment is begun")
    query_url: str = setting(parse_url, "where a payment is queried")
    receipt_url: str = setting(parse_url, "where a receipt is fetched")
    partner: str = setting(text_matching("[A-Za-z0-9._-]{1,50}"), "MaDoiTac, such as 000.00.01.H29")
    secret: bytes = setting(parse_key, "the secret at the end of every hash", secret=True)
    secret_previous: bytes | None = setting(
        parse_key, "the one before, still valid", default=None, secret=True
    )
    statements: Path = setting(parse_folder, "the folder into which daily files are dropped")
    statement_format: CollectorFile = setting(COLLECTOR_FILE.otherwise, OTHERWISE, default=COLLECTOR_FILE)
    version: str = setting(text_matching("[0-9.]{1,10}"), "PhienBan", default="1.0.6")
    bank_code: str = setting(text_matching("[A-Z0-9]{1,20}"), "MaNganHang of INIT", default="PAYMENT")
    pay_kind: str = setting(text_matching("[A-Z_]{1,20}"), "LoaiHinhThanhToan", default="PAY")
    pay_channel: str = setting(text_matching("[0-9]{1,4}"), "MaKenhThanhToan", default="1")
    device: str = setting(text_matching("[0-9A-Za-z]{1,20}"), "MaThietBi", default="1")
    push_kind: str | None = setting(
        text_matching("[A-Za-z_]{1,50}"),
        "LoaiBanTin of a result; without it any that is hashed is read",
        default=None,
    )
    receipt_kind: str = setting(
        text_matching("[A-Za-z_]{1,50}"), "LoaiBanTin that asks for a receipt", default="RECEIPT"
    )
    reply_hash: str = setting(
        text_matching("echo|computed"),
        "MaXacThuc of a reply: the received one, or our own over the reply",
        default="echo",
    )
    receipt_info: Mapping[str, object] | None = setting(
        receipt_fields, "ThongTinBienLai that is the same in every payment, as a JSON object", default=None
    )
    read_seconds: int = setting(number_between(1, 60), "how long the platform may be silent", default=20)


def build(bank: str, section: Mapping[str, str]) -> PaymentPlatform:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return PaymentPlatform(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class PaymentPlatform:
    """One partner of the platform."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """INIT; its answer is the page on which the citizen chooses a bank."""
        require_payable(PROFILE.limits, request)
        body = {
            "LoaiBanTin": "INIT",
            "PhienBan": self.settings.version,
            "MaDoiTac": self.settings.partner,
            "MaThamChieu": fitting(request.attempt_reference, _REFERENCE),
            "SoTien": str(request.amount),
            "LoaiHinhThanhToan": self.settings.pay_kind,
            "MaKenhThanhToan": self.settings.pay_channel,
            "MaThietBi": self.settings.device,
            "NgonNgu": "en-US" if request.language == "en" else "vi-VN",
            "MaTienTe": request.amount.currency,
            "MaNganHang": self.settings.bank_code,
            "ThongTinGiaoDich": fitting(request.description, _PLAIN),
            "ThoiGianGD": write_vietnam_time(request.started_at),
            "Ip": fitting(request.payer_ip, "[0-9A-Fa-f.:]{3,45}"),
        }
        signed = {**body, "MaXacThuc": self._hash(body, INIT_HASHES)}
        message = {**signed, "ThongTinBienLai": self._receipt_info(request)}
        with reading_answer(self.code):
            opened = _unwrapped(_read(self.http.post_json(self.settings.init_url, message).body))
            if opened.get("MaThamChieu") not in (None, request.attempt_reference):
                raise Malformed("the answer is about another payment")
            return Instructions(page_url=parse_page(str(opened.get("UrlThanhToan"))))

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """Verify the hash over the result's fields, then read them. MaLoi 00 alone is paid."""
        if request.method != "POST" or request.query:
            raise CallbackRejected
        fields = read_unverified(request.body)
        hashed = joined(fields, RESULT_HASHES.split()).encode("utf-8", "replace")
        given = fields.get("MaXacThuc")
        messages = [hashed + b"|" + secret for secret in self.settings.secrets]
        key = require_digest("sha256", messages, given if isinstance(given, str) else None)
        kind, partner = as_signed(fields.get("LoaiBanTin")), as_signed(fields.get("MaDoiTac"))
        if partner != self.settings.partner or kind != (self.settings.push_kind or kind):
            raise CallbackRejected
        code = written(fields, "MaLoi", _CODE)
        return self._confirmation(fields, OUTCOMES.get(code, Outcome.PENDING), "", code, key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """MaLoi 00 or 99 about the payment of ``request``."""
        status, code, message = ANSWERS[answer]
        received = _read_or_nothing(request.body)
        named = {name: str(received.get(name) or "") for name in ("MaThamChieu", "ThoiGianGD")}
        reply = {"MaLoi": code, "MoTaLoi": message, "MaDoiTac": self.settings.partner, **named}
        echoed = self.settings.reply_hash == "echo"
        reply["MaXacThuc"] = str(received.get("MaXacThuc", "")) if echoed else self._hash(reply, REPLY_HASHES)
        return CallbackReply(status, json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace"))

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """The platform's form for a message that leads nowhere."""
        return CallbackReply(401, json.dumps({"return_code": -1, "return_msg": "check_sum invalid"}).encode())

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """QUERY. The answer is under no hash: it is trusted because we called this address for this payment."""
        question = self._question("QUERY", query.attempt_reference, query.started_at)
        with reading_answer(self.code):
            parsed = _unwrapped(_read(self.http.post_json(self.settings.query_url, question).body))
            if text(parsed, "MaThamChieu") != query.attempt_reference:
                raise Malformed("the answer is about another payment")
            if parsed.get("MaDoiTac") not in (None, self.settings.partner):
                raise Malformed("the answer is about another partner")
            state = as_signed(parsed.get("TrangThaiGD"))
            return self._confirmation(parsed, STATES.get(state, Outcome.PENDING), "query:", state, None)

    def fetch_receipt(self, query: PaymentQuery) -> bytes:
        """The platform's own receipt of a payment, a PDF. Raises BankUnavailable for anything else."""
        question = self._question(self.settings.receipt_kind, query.attempt_reference, query.started_at)
        json_headers = {"Content-Type": "application/json"}
        answer = self.http.post(
            self.settings.receipt_url,
            json.dumps(question).encode(),
            headers=json_headers,
            largest=LARGEST_RECEIPT,
        )
        if not answer.body.startswith(b"%PDF-") or b"%%EOF" not in answer.body[-1024:]:
            raise BankUnavailable(f"{self.code} gave no whole PDF")
        return answer.body

    def fetch_statement(self, day: date) -> Statement:
        """The file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return self.settings.statement_format.of_day(self.settings.statements, day, self.code)

    def _question(self, kind: str, reference: str, ordered_at: datetime) -> dict[str, str]:
        """What asks for a payment or its receipt; ThoiGianGD is that of the order, in 24 hours."""
        body = {
            "LoaiBanTin": kind,
            "PhienBan": self.settings.version,
            "MaDoiTac": self.settings.partner,
            "MaThamChieu": fitting(reference, _REFERENCE),
            "ThoiGianGD": write_vietnam_time(ordered_at),
        }
        return {**body, "MaXacThuc": self._hash(body, QUESTION_HASHES)}

    def _hash(self, fields: Mapping[str, object], names: str) -> str:
        hashed = joined(fields, names.split()).encode() + b"|" + self.settings.secret
        return hashlib.sha256(hashed).hexdigest()

    def _receipt_info(self, request: PaymentRequest) -> dict[str, object]:
        paid_for = [{"NoiDung": request.description, "SoTien": str(request.amount)}]
        return {
            "MaDichVu": "2",
            **(self.settings.receipt_info or {}),
            "MaHoSo": request.order_reference,
            "NoiDungThanhToan": request.description,
            "DSKhoanNop": paid_for,
        }

    def _confirmation(
        self, fields: Fields, outcome: Outcome, prefix: str, code: str, key: int | None
    ) -> Confirmation:
        reference = text(fields, "MaThamChieu")
        paid = outcome is Outcome.PAID
        number = written(fields, "MaGiaoDich", _TRANSACTION) if paid else None
        return Confirmation(
            bank=self.code,
            event_id=f"{prefix}{reference}:{as_signed(fields.get('MaGiaoDich')) or 0}:{code}",
            reference=reference,
            outcome=outcome,
            amount=_amount(fields) if paid else None,
            bank_transaction_id=number,
            code=code,
            key=key,
        )


def _amount(fields: Fields) -> Money:
    """SoTien, a number or its digits, in dong."""
    match = _AMOUNT.fullmatch(as_signed(fields.get("SoTien")))
    if match is None or fields.get("MaTienTe") not in (None, "", "VND"):
        raise Malformed("SoTien is not whole dong")
    return dong(int(match[1]))


def _unwrapped(answer: Fields) -> Fields:
    """The answer itself, or the one inside ``message`` (JSON as text) of a wrapper whose error_code is 0.

    Raises Malformed for a refusal in either form.
    """
    if "error_code" in answer:
        if as_signed(answer["error_code"]) != "0":
            raise Malformed("refused by error_code")
        message = answer.get("message")
        return _read(message.encode("utf-8", "replace")) if isinstance(message, str) else {}
    if answer.get("MaLoi", "00") != "00":
        raise Malformed(f"refused with MaLoi {text(answer, 'MaLoi')[:10]!a}")
    return answer


def _read(body: bytes) -> Fields:
    """An answer; decimals in what we do not read must not spoil it. Raises Malformed."""
    return read_object(body, decimals_as_text=True)


def _read_or_nothing(body: bytes) -> Fields:
    try:
        return _read(body)
    except Malformed:
        return {}
