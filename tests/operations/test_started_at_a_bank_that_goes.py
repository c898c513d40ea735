"""A payment was started at a bank, and then the bank is not enabled any more, or its answer comes too late."""

from __future__ import annotations

import pytest

from payment_hub.domain.errors import BankUnavailable, PaymentUnderWay
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_order


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def start(hub: Hub, reference: str, bank: str | None = None) -> str:
    """The bank of the attempt."""
    return start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi").bank


def test_an_unknown_outcome_there_is_still_unknown(hub: Hub, reference: str) -> None:
    both = with_banks(
        hub, gone=StandInBank(on_open=answers_in_turn(BankUnavailable("gone"))), other=StandInBank()
    )
    with pytest.raises(BankUnavailable):
        start(both, reference, "gone")
    with pytest.raises(PaymentUnderWay, match="is expected by"):
        start(with_banks(hub, other=StandInBank()), reference)


def test_instructions_of_a_bank_that_is_gone_are_left_for_another(hub: Hub, reference: str) -> None:
    start(with_banks(hub, gone=StandInBank(), other=StandInBank()), reference, "gone")
    assert start(with_banks(hub, other=StandInBank()), reference) == "other"
    assert [row["state"] for row in rows(hub, "SELECT state FROM payment_attempt ORDER BY id")] == [
        "ABANDONED",
        "PENDING",
    ]


def test_a_silent_bank_is_asked_soon(hub: Hub, reference: str, clock: StoppedClock) -> None:
    silent = with_banks(hub, standin=StandInBank(on_open=answers_in_turn(BankUnavailable("gone"))))
    with pytest.raises(BankUnavailable):
        start(silent, reference, "standin")
    wait = scalar(hub, "SELECT extract(epoch FROM query_at - changed_at)::int FROM payment_attempt")
    assert wait == 5, "a citizen waits at a counter"
