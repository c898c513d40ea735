"""Fees and charges (phí, lệ phí) of a filed dossier.

The dossier code has the form of Circular 01/2018/TT-VPCP article 19 (agency code of up to 35 characters, date, number);
the procedure code has the form d.dddddd, often with the agency's code behind it.
"""

from __future__ import annotations

from typing import Final

from payment_hub.domain.obligation import Identifier, Kind, KindRules

FEE: Final = KindRules(
    kind=Kind.FEE,
    title_vi="Phí, lệ phí",
    title_en="Fee or charge",
    identifiers=(
        Identifier("dossier_code", r"[0-9A-Z.]{3,35}-[0-9]{6}-[0-9]{4,6}", "Mã hồ sơ", "Dossier code"),
        Identifier(
            "procedure_code", r"[0-9]\.[0-9]{6}(\.[0-9A-Z.]{1,35})?", "Mã thủ tục", "Procedure code", False
        ),
    ),
)
