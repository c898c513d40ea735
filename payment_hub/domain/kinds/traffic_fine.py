"""Road traffic fines: found by the decision's number; money goes to the Treasury, sub-item 4252.

Sub-item 4252 of item 4250 is road traffic fines (Circular 324/2016/TT-BTC, annex III). Chapter and sub-item need not be
printed on a fine's receipt, but the Treasury books by them.
"""

from __future__ import annotations

from typing import Final

from payment_hub.domain.obligation import Identifier, Kind, KindRules

TRAFFIC_FINE: Final = KindRules(
    kind=Kind.TRAFFIC_FINE,
    title_vi="Xử phạt vi phạm hành chính giao thông đường bộ",
    title_en="Road traffic fine",
    identifiers=(
        Identifier("decision_number", r"[0-9A-Za-z./-]{3,40}", "Số quyết định", "Decision number"),
        Identifier("decided_on", r"20[0-9]{2}-[01][0-9]-[0-3][0-9]", "Ngày quyết định", "Date of decision"),
        Identifier("plate", r"[0-9A-Z.-]{4,12}", "Biển số xe", "Number plate", False),
    ),
    needs_treasury=True,
)
