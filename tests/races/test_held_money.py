"""Many who learn at the same moment that a bank holds money: one of them takes it."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from payment_hub.domain.banks.values import Confirmation, PaymentQuery
from payment_hub.hub import Hub, Memory
from payment_hub.operations.payments.query import NOWHERE, query_order, query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from tests.conftest import StoppedClock
from tests.operations.confirmations.test_awaiting import HoldingBank, taken
from tests.races.crowd import CROWD, all_at_once, refusals
from tests.worlds.banks import with_banks
from tests.worlds.database import attempts, scalar
from tests.worlds.orders import a_portal, an_agency, an_order


def test_of_all_who_ask_one_takes_it(hub: Hub, clock: StoppedClock, rounds: int) -> None:
    def slowly(query: PaymentQuery) -> Confirmation:
        time.sleep(0.2)
        name = query.order_reference
        return replace(taken(query), event_id=f"taken-{name}", bank_transaction_id=name)

    agency, portal = an_agency(hub), a_portal(hub)
    for number in range(rounds):
        bank = HoldingBank(on_capture=slowly)
        house = with_banks(hub, standin=bank)
        reference = str(an_order(house, agency, portal)["reference"])
        start_payment(house, reference=reference, bank="standin", payer_ip="203.0.113.9", language="vi")
        clock.moment += FIRST_QUERY_AFTER
        processes = [replace(house, memory=Memory()) for _ in range(CROWD)]
        asking = [partial(query_order, each, reference=reference, leaving_for=NOWHERE) for each in processes]
        results = all_at_once([partial(query_pending, processes[0]), *asking[1:]])
        assert refusals(results) == []
        assert bank.done == ["capture 1"]
        assert attempts(house)[number] == ("standin", "SUCCEEDED", 150_000)
    assert scalar(hub, "SELECT count(*) FROM collection") == rounds
