"""Tuition (học phí). The pupil code is believed to have 10 or 12 digits; schools' own codes occur too."""

from __future__ import annotations

from typing import Final

from payment_hub.domain.obligation import Identifier, Kind, KindRules

TUITION: Final = KindRules(
    kind=Kind.TUITION,
    title_vi="Học phí",
    title_en="Tuition",
    identifiers=(
        Identifier("pupil_code", r"[0-9A-Z.-]{4,20}", "Mã học sinh, sinh viên", "Pupil or student code"),
        Identifier("school_year", r"20[0-9]{2}-20[0-9]{2}", "Năm học", "School year"),
        Identifier("term", r"[0-9A-Z]{1,10}", "Kỳ thu", "Term", False),
    ),
)
