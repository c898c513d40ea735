"""A bank whose word alone is not enough: its callback is kept and answered, and money counts when it is said twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.profile import BankTerms, Trust
from payment_hub.domain.banks.values import CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import BankUnavailable, PaymentUnderWay
from payment_hub.domain.money import Money, dong
from payment_hub.domain.settlement import Source, Verdict
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import receive_callback
from payment_hub.operations.checkout import show_checkout
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.payments.unresolved import list_unresolved
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, balances, count, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive

GONE = BankUnavailable("no answer")
WANTS = BankTerms(trust=Trust.INQUIRY)


class CallingBank(StandInBank):
    """Its callback is whatever the test has put there."""

    said: Confirmation

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        return self.said


@pytest.fixture
def bank() -> CallingBank:
    return CallingBank()


@pytest.fixture
def hub(hub: Hub, bank: CallingBank) -> Hub:
    return replace(with_banks(hub, standin=bank, other=StandInBank(code="other")), terms={"standin": WANTS})


@pytest.fixture
def reference(hub: Hub) -> str:
    order = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    start_payment(hub, reference=order, bank="standin", payer_ip="203.0.113.9", language="vi")
    return order


def paid(reference: str, event: str = "callback", amount: int = 150_000, **more: Any) -> Confirmation:
    said: dict[str, Any] = {
        "bank": "standin",
        "event_id": event,
        "reference": f"{reference}-1",
        "outcome": Outcome.PAID,
        "amount": dong(amount),
        "bank_transaction_id": "T1",
    }
    return Confirmation(**(said | more))


def declined(reference: str) -> Confirmation:
    said = paid(reference, "q-declined", outcome=Outcome.DECLINED, bank_transaction_id=None)
    return replace(said, amount=None)


def call_back(hub: Hub, bank: CallingBank, said: Confirmation) -> bytes:
    bank.said = said
    request = CallbackRequest("POST", "/callbacks/standin", b"", {}, b"x", hub.now(), "203.0.113.9")
    return receive_callback(hub, bank="standin", request=request).body


def status(hub: Hub) -> str:
    return str(scalar(hub, "SELECT status FROM payment_order"))


def verdicts(hub: Hub) -> list[tuple[str, str, str]]:
    found = rows(hub, "SELECT source, verdict, disposition FROM confirmation ORDER BY id")
    return [(row["source"], row["verdict"], row["disposition"]) for row in found]


def test_a_quick_answer_settles_before_the_callback_is_answered(
    hub: Hub, reference: str, bank: CallingBank
) -> None:
    bank.on_query = answers_in_turn(paid(reference, "q-1"))
    assert call_back(hub, bank, paid(reference)) == b"RECORDED"
    assert verdicts(hub) == [("CALLBACK", "NEEDS_INQUIRY", "APPLIED"), ("QUERY", "SETTLES", "APPLIED")]
    assert (status(hub), attempts(hub)) == ("PAID", [("standin", "SUCCEEDED", 150_000)])
    assert balances(hub) == {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}


@pytest.mark.parametrize("answer", [GONE, Confirmation("standin", "q", "x", Outcome.PENDING)])
def test_without_an_answer_it_is_kept_answered_and_asked_again(
    hub: Hub, reference: str, bank: CallingBank, clock: StoppedClock, answer: object
) -> None:
    bank.on_query = answers_in_turn(answer)
    assert call_back(hub, bank, paid(reference)) == b"RECORDED"
    assert (status(hub), balances(hub)) == ("OPEN", {})
    assert query_pending(hub) == 1
    bank.on_query = answers_in_turn(paid(reference, "q-1"))
    clock.advance(minutes=2)
    query_pending(hub)
    assert status(hub) == "PAID"
    clock.advance(days=1)
    assert query_pending(hub) == 0


def test_meanwhile_it_is_unknown_to_everybody_with_a_time_and_nothing_else_starts(
    hub: Hub, reference: str, bank: CallingBank, clock: StoppedClock
) -> None:
    bank.on_query = answers_in_turn(GONE)
    call_back(hub, bank, paid(reference))
    view = show_checkout(hub, token=hub.signer.checkout_token(reference))
    assert (view.state, view.instructions) == ("OUTCOME_UNKNOWN", None)
    assert view.attempt is not None
    assert (view.attempt.state, view.attempt.expected_by) == ("UNKNOWN", clock() + timedelta(minutes=15))
    [listed] = list_unresolved(hub, caller=an_operator()).items
    assert (listed.reference, listed.awaiting, listed.escalated_at) == (
        f"{reference}-1",
        "CONFIRMATION",
        None,
    )
    for name in ("standin", "other", None):
        with pytest.raises(PaymentUnderWay, match=r"known; it is expected by 2026-03-02T03:15:00Z"):
            start_payment(hub, reference=reference, bank=name, payer_ip="203.0.113.9", language="vi")


@pytest.mark.parametrize("contradicting", ["declined", "less"])
def test_a_bank_that_contradicts_itself_is_not_believed_either_way(
    hub: Hub, reference: str, bank: CallingBank, clock: StoppedClock, contradicting: str
) -> None:
    other = declined(reference) if contradicting == "declined" else paid(reference, "q-less", 100_000)
    bank.on_query = answers_in_turn(other)
    call_back(hub, bank, paid(reference))
    for _ in range(3):
        clock.advance(hours=1)
        assert query_pending(hub) == 1
    assert (status(hub), balances(hub), attempts(hub)) == ("OPEN", {}, [("standin", "PENDING", 150_000)])
    assert verdicts(hub)[:2] == [
        ("CALLBACK", "NEEDS_INQUIRY", "APPLIED"),
        ("QUERY", "CONTRADICTS", "CONFLICT"),
    ]
    assert {row[2] for row in verdicts(hub)[2:]} == {"DUPLICATE"}
    bank.on_query = answers_in_turn(paid(reference, "q-2"))
    clock.advance(hours=1)
    query_pending(hub)
    assert status(hub) == "PAID"


def test_what_nobody_proves_lies_before_an_officer_after_the_statement_and_is_asked_on(
    hub: Hub, reference: str, bank: CallingBank, clock: StoppedClock
) -> None:
    bank.on_query = answers_in_turn(declined(reference))
    call_back(hub, bank, paid(reference))
    clock.advance(hours=25)
    expire_orders(hub)
    assert attempts(hub) == [("standin", "ABANDONED", 150_000)]
    query_pending(hub)
    assert list_unresolved(hub, caller=an_operator(), overdue=True).items == ()
    clock.advance(hours=2)
    query_pending(hub)
    [listed] = list_unresolved(hub, caller=an_operator(), overdue=True).items
    assert (listed.state, listed.awaiting, listed.escalated_at) == ("ABANDONED", "CONFIRMATION", clock())
    clock.advance(days=8)
    assert query_pending(hub) == 1


def test_the_statement_is_a_second_word_too(hub: Hub, reference: str, bank: CallingBank) -> None:
    bank.on_query = answers_in_turn(GONE)
    call_back(hub, bank, paid(reference))
    said = paid(reference, "statement-1")
    judged = receive_confirmation(
        hub, confirmation=said, source=Source.STATEMENT, received_at=hub.now(), request=None
    )
    assert (judged.verdict, status(hub)) == (Verdict.SETTLES, "PAID")
    assert list_unresolved(hub, caller=an_operator()).items == ()


def test_a_bank_that_cannot_be_asked_waits_for_its_statement(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    class Deaf:
        code, profile = "standin", StandInBank.profile

    deaf = replace(hub, adapters={"standin": Deaf()})  # type: ignore[dict-item]
    assert receive(deaf, paid(reference)).verdict is Verdict.NEEDS_INQUIRY
    assert query_pending(deaf) == 1
    view = show_checkout(deaf, token=deaf.signer.checkout_token(reference))
    assert view.attempt is not None
    assert view.attempt.expected_by is not None
    assert view.attempt.expected_by.isoformat() == "2026-03-03T05:00:00+00:00"


def test_the_same_callback_again_is_answered_and_changes_nothing(
    hub: Hub, reference: str, bank: CallingBank, clock: StoppedClock
) -> None:
    bank.on_query = answers_in_turn(GONE)
    assert [call_back(hub, bank, paid(reference)) for _ in range(3)] == [b"RECORDED"] * 3
    clock.advance(seconds=2)
    bank.on_query = answers_in_turn(paid(reference, "q-1"))
    query_pending(hub)
    assert call_back(hub, bank, paid(reference)) == b"RECORDED"
    assert balances(hub)["AGENCY_PAYABLE"] == 150_000
    assert [row[1] for row in verdicts(hub)].count("SETTLES") == 1


def test_a_callback_after_the_answer_is_heard_before(hub: Hub, reference: str, bank: CallingBank) -> None:
    receive_confirmation(hub, confirmation=paid(reference, "q-1"), source=Source.QUERY, received_at=hub.now())
    assert call_back(hub, bank, paid(reference)) == b"ALREADY_RECORDED"
    assert list_unresolved(hub, caller=an_operator()).items == ()


def test_below_the_amount_the_callback_alone_settles(hub: Hub, reference: str, bank: CallingBank) -> None:
    trusting = replace(hub, terms={"standin": BankTerms(inquiry_above=150_000)})
    assert call_back(trusting, bank, paid(reference)) == b"RECORDED"
    assert (status(hub), len(bank.queried)) == ("PAID", 0)


@pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.PENDING])
def test_what_is_not_money_needs_no_second_word(
    hub: Hub, reference: str, bank: CallingBank, outcome: Outcome
) -> None:
    call_back(hub, bank, replace(paid(reference), outcome=outcome, amount=None, bank_transaction_id=None))
    assert verdicts(hub)[0][1] in {"DECLINED", "STILL_PENDING"}
    assert scalar(hub, "SELECT awaiting FROM payment_attempt") is None


def test_money_of_no_order_waits_for_the_statement(hub: Hub, bank: CallingBank) -> None:
    assert receive(hub, paid("ve sinh")).verdict is Verdict.NEEDS_INQUIRY
    assert (count(hub, "collection"), verdicts(hub)) == (0, [("CALLBACK", "NEEDS_INQUIRY", "ORPHAN")])


def test_a_payment_in_another_currency_is_proven_by_the_same(hub: Hub, reference: str) -> None:
    foreign = Money(1_000, "USD")
    receive(hub, replace(paid(reference), amount=foreign))
    said = replace(paid(reference, "q-1"), amount=foreign)
    receive_confirmation(hub, confirmation=said, source=Source.QUERY, received_at=hub.now())
    assert scalar(hub, "SELECT held FROM payment_order")


def test_another_banks_money_needs_no_proof_of_this_one(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference, bank="other"))
    assert status(hub) == "PAID"
