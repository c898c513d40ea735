"""An officer ends what no bank tells: with evidence, not before the statement, and money that is proved counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_hub.domain.banks.profile import BankTerms, Trust
from payment_hub.domain.errors import BankUnavailable, IllegalTransition, OrderNotFound, PaymentUnderWay
from payment_hub.hub import Hub
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.payments.unresolved import list_unresolved, resolve_attempt
from tests.conftest import StoppedClock
from tests.worlds.banks import INSTRUCTIONS, StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive


@pytest.fixture
def bank() -> StandInBank:
    return StandInBank(on_open=answers_in_turn(BankUnavailable("no answer")))


@pytest.fixture
def hub(hub: Hub, bank: StandInBank) -> Hub:
    return with_banks(hub, standin=bank, other=StandInBank(code="other"))


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub), minutes=60 * 24 * 9)["reference"])


def start(hub: Hub, reference: str, bank: str = "standin") -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def end(hub: Hub, reference: str, number: int = 1) -> str:
    return resolve_attempt(
        hub, caller=an_operator(), reference=f"{reference}-{number}", reason="the bank's letter of today"
    ).state


def wait_for_the_officer(hub: Hub, clock: StoppedClock) -> None:
    clock.advance(hours=26)
    query_pending(hub)
    clock.advance(minutes=1)


def test_after_the_statement_an_officer_frees_the_way(hub: Hub, reference: str, clock: StoppedClock) -> None:
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    with pytest.raises(IllegalTransition):
        end(hub, reference)
    wait_for_the_officer(hub, clock)
    assert end(hub, reference) == "FAILED"
    assert rows(hub, "SELECT attempt_id, ended_by, reason FROM attempt_ending") == [
        {"attempt_id": 1, "ended_by": "op", "reason": "the bank's letter of today"}
    ]
    start(hub, reference, "other")
    assert [state for _, state, _ in attempts(hub)] == ["FAILED", "PENDING"]
    receive(hub, confirmation(f"{reference}-1", bank="standin"))
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"
    assert scalar(hub, "SELECT contradicted FROM payment_attempt WHERE number = 1")


def test_the_bank_is_asked_once_more_and_its_word_counts(
    hub: Hub, reference: str, bank: StandInBank, clock: StoppedClock
) -> None:
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    wait_for_the_officer(hub, clock)
    bank.on_query = answers_in_turn(confirmation(f"{reference}-1", bank="standin"))
    with pytest.raises(IllegalTransition):
        end(hub, reference)
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_a_payment_that_is_told_and_never_proven_can_be_ended_too(
    hub: Hub, reference: str, bank: StandInBank, clock: StoppedClock
) -> None:
    hub = replace(hub, terms={"standin": BankTerms(trust=Trust.INQUIRY)})
    bank.on_open = answers_in_turn(INSTRUCTIONS)
    start(hub, reference)
    receive(hub, confirmation(f"{reference}-1", bank="standin"))
    wait_for_the_officer(hub, clock)
    with pytest.raises(PaymentUnderWay):
        start(hub, reference, "other")
    assert end(hub, reference) == "FAILED"
    assert list_unresolved(hub, caller=an_operator()).items == ()
    start(hub, reference, "other")
    clock.advance(days=1)
    query_pending(hub)
    assert attempts(hub)[0] == ("standin", "FAILED", 150_000)


def test_what_is_known_or_not_theirs_cannot_be_ended(hub: Hub, reference: str, clock: StoppedClock) -> None:
    start(hub, reference, "other")
    with pytest.raises(IllegalTransition):
        end(hub, reference)
    with pytest.raises(OrderNotFound):
        end(hub, reference, 2)
    stranger = an_agency(hub, "H55")
    with pytest.raises(OrderNotFound):
        resolve_attempt(hub, caller=stranger, reference=f"{reference}-1", reason="mine")
