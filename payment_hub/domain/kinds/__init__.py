"""The kinds of obligations, one module each; a new kind is a new module and a line here."""

from __future__ import annotations

from typing import Final

from payment_hub.domain.kinds.fee import FEE
from payment_hub.domain.kinds.hospital_bill import HOSPITAL_BILL
from payment_hub.domain.kinds.traffic_fine import TRAFFIC_FINE
from payment_hub.domain.kinds.tuition import TUITION
from payment_hub.domain.obligation import Kind, KindRules

RULES: Final[dict[Kind, KindRules]] = {
    rules.kind: rules for rules in (FEE, HOSPITAL_BILL, TUITION, TRAFFIC_FINE)
}
