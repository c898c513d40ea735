"""A part was paid in time; may the rest come late?"""

from __future__ import annotations

import pytest

from payment_hub.domain.errors import OrderClosed
from payment_hub.domain.money import dong
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import start_payment
from tests.builders import a_portal, an_agency, an_order, confirmation, hear
from tests.conftest import StoppedClock
from tests.stand_in_banks import StandInBank, with_banks


@pytest.mark.parametrize(("policy", "may"), [(LatePolicy.ACCEPT, True), (LatePolicy.REFUND, False)])
def test_the_rest_may_be_paid_past_the_deadline_where_late_money_is_accepted(
    hub: Hub, clock: StoppedClock, policy: LatePolicy, may: bool
) -> None:
    bank = StandInBank()
    hub = with_banks(hub, standin=bank)
    order = an_order(hub, an_agency(hub, late_policy=policy), a_portal(hub))["reference"]
    hear(hub, confirmation(order, 100_000))
    clock.advance(days=2)
    if may:
        assert start_payment(
            hub, reference=order, bank="standin", payer_ip="203.0.113.9", language="vi"
        ).amount == dong(50_000)
        assert bank.opened[0].expires_at > clock.moment, "no bank opens a payment whose deadline has passed"
        return
    with pytest.raises(OrderClosed):
        start_payment(hub, reference=order, bank="standin", payer_ip="203.0.113.9", language="vi")
