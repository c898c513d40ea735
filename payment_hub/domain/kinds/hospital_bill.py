"""Hospital bills (viện phí). Forms of patient codes differ between hospitals, so only their alphabet is checked."""

from __future__ import annotations

from typing import Final

from payment_hub.domain.obligation import Identifier, Kind, KindRules

HOSPITAL_BILL: Final = KindRules(
    kind=Kind.HOSPITAL_BILL,
    title_vi="Viện phí",
    title_en="Hospital bill",
    identifiers=(
        Identifier("patient_code", r"[0-9A-Z.-]{4,20}", "Mã bệnh nhân", "Patient code"),
        Identifier("treatment_code", r"[0-9A-Z.-]{4,30}", "Mã đợt điều trị", "Treatment code"),
    ),
)
