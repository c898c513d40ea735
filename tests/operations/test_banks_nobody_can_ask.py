"""Banks that cannot be asked, or not any more: nobody spins, nobody is left without a word, and an officer sees it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.profile import BankProfile, PaymentMethod
from payment_hub.domain.banks.values import Instructions, PaymentRequest
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.checkout import show_checkout
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.payments.unresolved import list_unresolved, resolve_attempt
from payment_hub.operations.routing import show_payment_options
from tests.conftest import StoppedClock
from tests.worlds.banks import INSTRUCTIONS, StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive


class OnlyOpens:
    """A QR text and nothing else."""

    code, profile = "paper", BankProfile("Paper", (PaymentMethod.QR,), ())

    def open_payment(self, request: PaymentRequest) -> Instructions:
        return INSTRUCTIONS


@pytest.fixture
def paper() -> Any:
    return OnlyOpens()


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def start(hub: Hub, reference: str, bank: str | None) -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def through_the_night(hub: Hub, clock: StoppedClock, days: int) -> int:
    """Let the clock's task run whenever something is due; how often it had anything to do."""
    ends, seen = clock() + timedelta(days=days), 0
    while clock() < ends:
        seen += query_pending(hub)
        expire_orders(hub)
        due = scalar(hub, "SELECT min(query_at) FROM payment_attempt WHERE state <> 'ABANDONED'")
        clock.moment = max(due, clock()) if due is not None else ends
    return seen


def test_a_bank_that_was_disabled_comes_before_an_officer_and_does_not_spin(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    before = with_banks(
        hub, gone=StandInBank(code="gone", on_open=answers_in_turn(BankUnavailable("no answer")))
    )
    with pytest.raises(BankUnavailable):
        start(before, reference, "gone")
    after = with_banks(hub, other=StandInBank(code="other"))
    shown = show_payment_options(after, caller=an_operator(), reference=reference)
    assert [(option.bank, option.reason) for option in shown.items] == [("other", "UNDER_WAY")]
    assert shown.items[0].until is not None
    assert through_the_night(after, clock, 3) < 50
    [listed] = list_unresolved(after, caller=an_operator(), overdue=True).items
    assert (listed.bank, listed.expected_by > clock()) == ("gone", True)  # type: ignore[operator]
    ended = resolve_attempt(after, caller=an_operator(), reference=f"{reference}-1", reason="their letter")
    assert ended.state == "FAILED"


def test_instructions_of_a_bank_that_cannot_be_asked_end_with_the_order_and_warn_nobody(
    hub: Hub, reference: str, paper: Any, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    hub = with_banks(hub, paper=paper)
    start(hub, reference, "paper")
    with caplog.at_level(logging.WARNING):
        assert 0 < through_the_night(hub, clock, 2) < 50
    assert caplog.records == []
    assert attempts(hub) == [("paper", "ABANDONED", 150_000)]
    view = show_checkout(hub, token=hub.signer.checkout_token(reference))
    assert view.state == "EXPIRED"
    receive(hub, confirmation(reference, bank="paper"))
    assert show_checkout(hub, token=hub.signer.checkout_token(reference)).state in {"PAID_LATE", "HELD_LATE"}


def test_instructions_that_were_lost_with_a_process_are_given_again(
    hub: Hub, reference: str, paper: Any, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = with_banks(hub, paper=paper, other=StandInBank(code="other"))
    monkeypatch.setattr(paper, "open_payment", answers_in_turn(KeyboardInterrupt()), raising=False)
    with pytest.raises(KeyboardInterrupt):
        start(hub, reference, "paper")
    monkeypatch.undo()
    clock.advance(seconds=30)
    query_pending(hub)
    assert attempts(hub) == [("paper", "UNKNOWN", 150_000)]
    [listed] = list_unresolved(hub, caller=an_operator()).items
    assert listed.expected_by is not None
    assert listed.expected_by.isoformat() == "2026-03-03T05:00:00+00:00"
    start(hub, reference, "paper")
    assert attempts(hub) == [("paper", "PENDING", 150_000)]
