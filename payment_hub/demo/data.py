"""The agencies and the obligations of the demonstration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class DemoAgency:
    """An agency of the demonstration, with its account."""

    code: str
    name: str
    series: str
    account: dict[str, str]


@dataclass(frozen=True, slots=True)
class DemoObligation:
    """One obligation, and what happens to it: the last digits of an amount choose what the sandbox bank does."""

    agency: str
    reference: str
    kind: str
    amount: int
    payer: str
    identifiers: dict[str, str]
    description: str
    outcome: str

    def as_wire(self, account: dict[str, str]) -> dict[str, Any]:
        """What the agency sends to register it."""
        return {
            "agency": self.agency,
            "reference": self.reference,
            "kind": self.kind,
            "amount": {"amount": str(self.amount), "currency": "VND"},
            "payer_name": self.payer,
            "identifiers": self.identifiers,
            "description": self.description,
            "due_on": "2027-12-31",
            "beneficiary": account,
        }


def _account(number: str, bank: str, name: str, **more: str) -> dict[str, str]:
    return {"account_number": number, "bank": bank, "account_name": name, **more}


POLICE: Final = DemoAgency(
    "G01.25",
    "Phòng Cảnh sát giao thông",
    "AA26E",
    _account("7111000000001", "970436", "KHO BAC NHA NUOC", treasury_chapter="009", treasury_sub_item="4252"),
)
HOSPITAL: Final = DemoAgency(
    "G12.08",
    "Bệnh viện Đa khoa Trung ương",
    "BV26E",
    _account("113000000001", "970415", "BENH VIEN DA KHOA TW"),
)
UNIVERSITY: Final = DemoAgency(
    "G03.GD10", "Trường Đại học Bách khoa", "BK26E", _account("0011000000009", "970436", "DAI HOC BACH KHOA")
)
DISTRICT: Final = DemoAgency(
    "H26.14", "Bộ phận Một cửa quận", "MC26E", _account("1500200000001", "970405", "UBND QUAN MOT CUA")
)

AGENCIES: Final = {agency.code: agency for agency in (POLICE, HOSPITAL, UNIVERSITY, DISTRICT)}

OBLIGATIONS: Final = (
    DemoObligation(
        POLICE.code,
        "QD-2026-000815",
        "traffic_fine",
        5_000_000,
        "Nguyễn Thị Hường",
        {"decision_number": "0815/QD-XPHC", "decided_on": "2026-11-10", "plate": "30A-123.45"},
        "Không chấp hành hiệu lệnh của đèn tín hiệu giao thông",
        "is paid, and hub, bank and agency agree",
    ),
    DemoObligation(
        HOSPITAL.code,
        "BN-778120",
        "hospital_bill",
        2_345_005,
        "Trần Văn Đức",
        {"patient_code": "BN0778120", "treatment_code": "DT-2026-0311"},
        "Chi phí khám và điều trị nội trú",
        "is paid, but the bank's callback is lost: only a query at the bank shows it",
    ),
    DemoObligation(
        UNIVERSITY.code,
        "HP-20261-20231234",
        "tuition",
        12_500_014,
        "Lê Minh Quân",
        {"pupil_code": "20231234", "school_year": "2026-2027", "term": "1"},
        "Học phí học kỳ 1 năm học 2026-2027",
        "is paid, but the bank's statement shows 1,000 dong less",
    ),
    DemoObligation(
        DISTRICT.code,
        "000.00.14.H26-261122-0007",
        "fee",
        50_006,
        "Phạm Thu Thủy",
        {"dossier_code": "000.00.14.H26-261122-0007", "procedure_code": "1.004873"},
        "Lệ phí cấp giấy xác nhận tình trạng hôn nhân",
        "is paid with 1,000 dong too little: it waits in suspense",
    ),
    DemoObligation(
        DISTRICT.code,
        "000.00.14.H26-261122-0008",
        "fee",
        100_013,
        "Đỗ Quốc Anh",
        {"dossier_code": "000.00.14.H26-261122-0008"},
        "Phí công bố nội dung đăng ký doanh nghiệp",
        "is paid, but the bank's statement does not have it",
    ),
    DemoObligation(
        POLICE.code,
        "QD-2026-000816",
        "traffic_fine",
        750_003,
        "Vũ Hoàng Long",
        {"decision_number": "0816/QD-XPHC", "decided_on": "2026-11-11"},
        "Điều khiển xe chạy quá tốc độ quy định",
        "is paid, the bank sends its callback three times, and the police do not book it",
    ),
    DemoObligation(
        DISTRICT.code,
        "000.00.14.H26-261122-0009",
        "fee",
        0,
        "Hoàng Thị Mai",
        {"dossier_code": "000.00.14.H26-261122-0009"},
        "Lệ phí đăng ký khai sinh trực tuyến (miễn phí)",
        "costs nothing online: it has its receipt without a payment",
    ),
)
