"""Money that waits: for a second confirmation, for its order, for an explanation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.profile import BankProfile, BankTerms, PaymentMethod, Trust
from payment_hub.domain.banks.values import (
    CallbackRequest,
    Confirmation,
    Instructions,
    Outcome,
    PaymentQuery,
    PaymentRequest,
)
from payment_hub.domain.errors import BankUnavailable, PaymentUnderWay
from payment_hub.domain.money import Money, dong
from payment_hub.domain.settlement import Source, Verdict
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import receive_callback
from payment_hub.operations.checkout import show_checkout
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.health import measure_outcomes
from payment_hub.operations.orders import expire_orders
from payment_hub.operations.payments.query import MOVING, query_order, query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, start_payment
from payment_hub.operations.payments.unresolved import list_unresolved, resolve_attempt
from payment_hub.operations.routing import show_payment_options
from tests.conftest import StoppedClock
from tests.worlds.banks import INSTRUCTIONS, StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, balances, count, execute, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive

GONE = BankUnavailable("no answer")
WANTS = BankTerms(trust=Trust.INQUIRY)


class CallingBank(StandInBank):
    """Its callback is whatever the test has put there."""

    said: Confirmation

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        return self.said


@pytest.fixture
def calling_bank() -> CallingBank:
    return CallingBank()


@pytest.fixture
def calling_hub(hub: Hub, calling_bank: CallingBank) -> Hub:
    return replace(
        with_banks(hub, standin=calling_bank, other=StandInBank(code="other")), terms={"standin": WANTS}
    )


@pytest.fixture
def started(calling_hub: Hub) -> str:
    order = str(an_order(calling_hub, an_agency(calling_hub), a_portal(calling_hub))["reference"])
    start_payment(calling_hub, reference=order, bank="standin", payer_ip="203.0.113.9", language="vi")
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
    calling_hub: Hub, started: str, calling_bank: CallingBank
) -> None:
    calling_bank.on_query = answers_in_turn(paid(started, "q-1"))
    assert call_back(calling_hub, calling_bank, paid(started)) == b"RECORDED"
    assert verdicts(calling_hub) == [
        ("CALLBACK", "NEEDS_INQUIRY", "APPLIED"),
        ("QUERY", "SETTLES", "APPLIED"),
    ]
    assert (status(calling_hub), attempts(calling_hub)) == ("PAID", [("standin", "SUCCEEDED", 150_000)])
    assert balances(calling_hub) == {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}


@pytest.mark.parametrize("answer", [GONE, Confirmation("standin", "q", "x", Outcome.PENDING)])
def test_without_an_answer_it_is_kept_answered_and_asked_again(
    calling_hub: Hub, started: str, calling_bank: CallingBank, clock: StoppedClock, answer: object
) -> None:
    calling_bank.on_query = answers_in_turn(answer)
    assert call_back(calling_hub, calling_bank, paid(started)) == b"RECORDED"
    assert (status(calling_hub), balances(calling_hub)) == ("OPEN", {})
    assert query_pending(calling_hub) == 1
    calling_bank.on_query = answers_in_turn(paid(started, "q-1"))
    clock.advance(minutes=2)
    query_pending(calling_hub)
    assert status(calling_hub) == "PAID"
    clock.advance(days=1)
    assert query_pending(calling_hub) == 0


def test_meanwhile_it_is_unknown_to_everybody_with_a_time_and_nothing_else_starts(
    calling_hub: Hub, started: str, calling_bank: CallingBank, clock: StoppedClock
) -> None:
    calling_bank.on_query = answers_in_turn(GONE)
    call_back(calling_hub, calling_bank, paid(started))
    view = show_checkout(calling_hub, token=calling_hub.signer.checkout_token(started))
    assert (view.state, view.instructions) == ("OUTCOME_UNKNOWN", None)
    assert view.attempt is not None
    assert (view.attempt.state, view.attempt.expected_by) == ("UNKNOWN", clock() + timedelta(minutes=15))
    [listed] = list_unresolved(calling_hub, caller=an_operator()).items
    assert (listed.reference, listed.awaiting, listed.escalated_at) == (
        f"{started}-1",
        "CONFIRMATION",
        None,
    )
    for name in ("standin", "other", None):
        with pytest.raises(PaymentUnderWay, match=r"known; it is expected by 2026-03-02T03:15:00Z"):
            start_payment(calling_hub, reference=started, bank=name, payer_ip="203.0.113.9", language="vi")


@pytest.mark.parametrize("contradicting", ["declined", "less"])
def test_a_bank_that_contradicts_itself_is_not_believed_either_way(
    calling_hub: Hub, started: str, calling_bank: CallingBank, clock: StoppedClock, contradicting: str
) -> None:
    other = declined(started) if contradicting == "declined" else paid(started, "q-less", 100_000)
    calling_bank.on_query = answers_in_turn(other)
    call_back(calling_hub, calling_bank, paid(started))
    for _ in range(3):
        clock.advance(hours=1)
        assert query_pending(calling_hub) == 1
    assert (status(calling_hub), balances(calling_hub), attempts(calling_hub)) == (
        "OPEN",
        {},
        [("standin", "PENDING", 150_000)],
    )
    assert verdicts(calling_hub)[:2] == [
        ("CALLBACK", "NEEDS_INQUIRY", "APPLIED"),
        ("QUERY", "CONTRADICTS", "CONFLICT"),
    ]
    assert {row[2] for row in verdicts(calling_hub)[2:]} == {"DUPLICATE"}
    calling_bank.on_query = answers_in_turn(paid(started, "q-2"))
    clock.advance(hours=1)
    query_pending(calling_hub)
    assert status(calling_hub) == "PAID"


def test_what_nobody_proves_lies_before_an_officer_after_the_statement_and_is_asked_on(
    calling_hub: Hub, started: str, calling_bank: CallingBank, clock: StoppedClock
) -> None:
    calling_bank.on_query = answers_in_turn(declined(started))
    call_back(calling_hub, calling_bank, paid(started))
    clock.advance(hours=25)
    expire_orders(calling_hub)
    assert attempts(calling_hub) == [("standin", "ABANDONED", 150_000)]
    query_pending(calling_hub)
    assert list_unresolved(calling_hub, caller=an_operator(), overdue=True).items == ()
    clock.advance(hours=2)
    query_pending(calling_hub)
    [listed] = list_unresolved(calling_hub, caller=an_operator(), overdue=True).items
    assert (listed.state, listed.awaiting, listed.escalated_at) == ("ABANDONED", "CONFIRMATION", clock())
    clock.advance(days=8)
    assert query_pending(calling_hub) == 1


def test_the_statement_is_a_second_word_too(
    calling_hub: Hub, started: str, calling_bank: CallingBank
) -> None:
    calling_bank.on_query = answers_in_turn(GONE)
    call_back(calling_hub, calling_bank, paid(started))
    said = paid(started, "statement-1")
    judged = receive_confirmation(
        calling_hub, confirmation=said, source=Source.STATEMENT, received_at=calling_hub.now(), request=None
    )
    assert (judged.verdict, status(calling_hub)) == (Verdict.SETTLES, "PAID")
    assert list_unresolved(calling_hub, caller=an_operator()).items == ()


def test_a_bank_that_cannot_be_asked_waits_for_its_statement(
    calling_hub: Hub, started: str, clock: StoppedClock
) -> None:
    class Deaf:
        code, profile = "standin", StandInBank.profile

    deaf = replace(calling_hub, adapters={"standin": Deaf()})  # type: ignore[dict-item]
    assert receive(deaf, paid(started)).verdict is Verdict.NEEDS_INQUIRY
    assert query_pending(deaf) == 1
    view = show_checkout(deaf, token=deaf.signer.checkout_token(started))
    assert view.attempt is not None
    assert view.attempt.expected_by is not None
    assert view.attempt.expected_by.isoformat() == "2026-03-03T05:00:00+00:00"


def test_the_same_callback_again_is_answered_and_changes_nothing(
    calling_hub: Hub, started: str, calling_bank: CallingBank, clock: StoppedClock
) -> None:
    calling_bank.on_query = answers_in_turn(GONE)
    assert [call_back(calling_hub, calling_bank, paid(started)) for _ in range(3)] == [b"RECORDED"] * 3
    clock.advance(seconds=2)
    calling_bank.on_query = answers_in_turn(paid(started, "q-1"))
    query_pending(calling_hub)
    assert call_back(calling_hub, calling_bank, paid(started)) == b"RECORDED"
    assert balances(calling_hub)["AGENCY_PAYABLE"] == 150_000
    assert [row[1] for row in verdicts(calling_hub)].count("SETTLES") == 1


def test_a_callback_after_the_answer_is_heard_before(
    calling_hub: Hub, started: str, calling_bank: CallingBank
) -> None:
    receive_confirmation(
        calling_hub, confirmation=paid(started, "q-1"), source=Source.QUERY, received_at=calling_hub.now()
    )
    assert call_back(calling_hub, calling_bank, paid(started)) == b"ALREADY_RECORDED"
    assert list_unresolved(calling_hub, caller=an_operator()).items == ()


def test_below_the_amount_the_callback_alone_settles(
    calling_hub: Hub, started: str, calling_bank: CallingBank
) -> None:
    trusting = replace(calling_hub, terms={"standin": BankTerms(inquiry_above=150_000)})
    assert call_back(trusting, calling_bank, paid(started)) == b"RECORDED"
    assert (status(calling_hub), len(calling_bank.queried)) == ("PAID", 0)


@pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.PENDING])
def test_what_is_not_money_needs_no_second_word(
    calling_hub: Hub, started: str, calling_bank: CallingBank, outcome: Outcome
) -> None:
    call_back(
        calling_hub,
        calling_bank,
        replace(paid(started), outcome=outcome, amount=None, bank_transaction_id=None),
    )
    assert verdicts(calling_hub)[0][1] in {"DECLINED", "STILL_PENDING"}
    assert scalar(calling_hub, "SELECT awaiting FROM payment_attempt") is None


def test_money_of_no_order_waits_for_the_statement(calling_hub: Hub, calling_bank: CallingBank) -> None:
    assert receive(calling_hub, paid("ve sinh")).verdict is Verdict.NEEDS_INQUIRY
    assert (count(calling_hub, "collection"), verdicts(calling_hub)) == (
        0,
        [("CALLBACK", "NEEDS_INQUIRY", "ORPHAN")],
    )


def test_a_payment_in_another_currency_is_proven_by_the_same(calling_hub: Hub, started: str) -> None:
    foreign = Money(1_000, "USD")
    receive(calling_hub, replace(paid(started), amount=foreign))
    said = replace(paid(started, "q-1"), amount=foreign)
    receive_confirmation(calling_hub, confirmation=said, source=Source.QUERY, received_at=calling_hub.now())
    assert scalar(calling_hub, "SELECT held FROM payment_order")


def test_another_banks_money_needs_no_proof_of_this_one(calling_hub: Hub, started: str) -> None:
    receive(calling_hub, confirmation(started, bank="other"))
    assert status(calling_hub) == "PAID"


def authorised(query: PaymentQuery) -> Confirmation:
    return Confirmation("standin", "q-held", query.attempt_reference, Outcome.PENDING, authorised=True)


def taken(query: PaymentQuery) -> Confirmation:
    return Confirmation(
        "standin", "q-taken", query.attempt_reference, Outcome.PAID, query.amount, bank_transaction_id="T1"
    )


def left(query: PaymentQuery) -> Confirmation:
    return Confirmation("standin", "q-left", query.attempt_reference, Outcome.DECLINED)


@dataclass
class HoldingBank(StandInBank):
    """It holds what the payer has authorised."""

    on_query: Callable[[PaymentQuery], Confirmation] = authorised
    on_capture: Callable[[PaymentQuery], Confirmation] = taken
    done: list[str] = field(default_factory=list)

    def capture_payment(self, query: PaymentQuery) -> Confirmation:
        self.done.append(f"capture {query.attempt_reference[-1]}")
        return self.on_capture(query)

    def cancel_payment(self, query: PaymentQuery) -> Confirmation:
        self.done.append(f"cancel {query.attempt_reference[-1]}")
        return left(query)


@pytest.fixture
def bank() -> HoldingBank:
    return HoldingBank()


@pytest.fixture
def reference(hub: Hub) -> str:
    order = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    start_payment(hub, reference=order, bank="standin", payer_ip="203.0.113.9", language="vi")
    return order


def told(reference: str, **more: Any) -> Confirmation:
    waits: dict[str, Any] = {"outcome": Outcome.PENDING, "bank_transaction_id": None, "authorised": True}
    return confirmation(f"{reference}-1", None, bank="standin", **(waits | more))


def test_held_money_is_taken_while_the_order_is_open(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert (bank.done, attempts(hub)) == (["capture 1"], [("standin", "SUCCEEDED", 150_000)])
    assert balances(hub)["AGENCY_PAYABLE"] == 150_000
    clock.advance(days=1)
    assert query_pending(hub) == 0


def test_a_callback_that_tells_of_held_money_is_followed_at_once(
    hub: Hub, reference: str, bank: HoldingBank
) -> None:
    assert query_pending(hub) == 0
    receive(hub, told(reference))
    assert scalar(hub, "SELECT awaiting FROM payment_attempt") == "CAPTURE"
    assert query_pending(hub) == 1
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


@pytest.mark.parametrize("closed", ["paid elsewhere", "expired"])
def test_held_money_that_can_settle_nothing_is_let_go(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock, closed: str
) -> None:
    receive(hub, told(reference))
    if closed == "expired":
        clock.advance(days=1)
        expire_orders(hub)
    else:
        receive(hub, confirmation(reference, bank="another"))
    query_pending(hub)
    assert (bank.done, attempts(hub)) == (["cancel 1"], [("standin", "FAILED", 150_000)])
    clock.advance(days=8)
    assert query_pending(hub) == 0


def test_more_than_the_rest_is_not_taken(hub: Hub, reference: str, bank: HoldingBank) -> None:
    receive(hub, told(reference))
    receive(hub, confirmation(reference, 1, bank="another"))
    query_pending(hub)
    assert bank.done == ["cancel 1"]


def test_a_bank_that_does_not_answer_the_taking_is_asked_again(
    hub: Hub, reference: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    bank.on_capture = answers_in_turn(GONE)
    receive(hub, told(reference))
    query_pending(hub)
    assert attempts(hub) == [("standin", "PENDING", 150_000)]
    bank.on_query = taken
    clock.advance(minutes=1)
    query_pending(hub)
    assert (bank.done, attempts(hub)) == (["capture 1"], [("standin", "SUCCEEDED", 150_000)])


def test_a_bank_that_cannot_be_asked_is_taken_at_its_word_that_it_holds_the_money(
    hub: Hub, reference: str
) -> None:
    class Deaf:
        code, profile = "standin", BankProfile("Deaf", (PaymentMethod.PAGE,), ())

        def open_payment(self, request: PaymentRequest) -> Instructions:
            return INSTRUCTIONS

        def capture_payment(self, query: PaymentQuery) -> Confirmation:
            return taken(query)

    deaf = with_banks(hub, standin=Deaf())
    receive(deaf, told(reference))
    query_pending(deaf)
    assert attempts(deaf) == [("standin", "SUCCEEDED", 150_000)]


def test_a_bank_that_cannot_take_what_it_holds_is_only_waited_for(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    hub = with_banks(hub, standin=StandInBank(on_query=authorised))
    receive(hub, told(reference))
    assert query_pending(hub) == 1
    assert attempts(hub) == [("standin", "PENDING", 150_000)]
    assert scalar(hub, "SELECT query_at FROM payment_attempt") > clock()


@pytest.fixture
def hub(hub: Hub, bank: HoldingBank) -> Hub:
    return with_banks(hub, standin=bank, other=StandInBank(code="other"))


@pytest.fixture
def long_order(hub: Hub) -> str:
    order = str(an_order(hub, an_agency(hub), a_portal(hub), minutes=60 * 24 * 5)["reference"])
    start(hub, order)
    return order


def start(hub: Hub, order: str, bank: str = "standin") -> None:
    start_payment(hub, reference=order, bank=bank, payer_ip="203.0.113.9", language="vi")


@pytest.mark.parametrize("by", ["callback", "answer"])
def test_while_a_silent_bank_may_have_taken_the_money_no_other_payment_starts(
    hub: Hub, long_order: str, bank: HoldingBank, clock: StoppedClock, by: str
) -> None:
    bank.on_capture = answers_in_turn(GONE)
    if by == "callback":
        receive(hub, told(long_order))
    else:
        clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert bank.done == ["capture 1"]
    bank.on_query = answers_in_turn(GONE)
    clock.advance(seconds=10)
    for name in ("other", "standin"):
        with pytest.raises(PaymentUnderWay, match="it is expected by"):
            start(hub, long_order, name)
    view = show_checkout(hub, token=hub.signer.checkout_token(long_order))
    assert (view.state, view.banks) == ("OUTCOME_UNKNOWN", ())
    assert view.attempt is not None
    assert view.attempt.expected_by is not None
    shown = show_payment_options(hub, caller=an_operator(), reference=long_order)
    assert {option.reason for option in shown.items} == {"UNDER_WAY"}
    bank.on_query = taken
    clock.advance(minutes=1)
    query_pending(hub)
    assert (attempts(hub), balances(hub)["AGENCY_PAYABLE"]) == ([("standin", "SUCCEEDED", 150_000)], 150_000)


def test_two_who_learn_of_it_at_the_same_moment_take_it_once(
    hub: Hub, long_order: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    def meanwhile(query: PaymentQuery) -> Confirmation:
        clock.advance(seconds=3)
        bank.on_capture = taken
        query_order(hub, reference=long_order, leaving_for="other")
        return taken(query)

    bank.on_capture = meanwhile
    clock.moment += FIRST_QUERY_AFTER
    query_pending(hub)
    assert bank.done == ["capture 1"]
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_who_dies_while_he_takes_it_is_followed_by_another(
    hub: Hub, long_order: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    bank.on_capture = answers_in_turn(
        KeyboardInterrupt(), Confirmation("standin", "q", f"{long_order}-1", Outcome.PENDING)
    )
    receive(hub, told(long_order))
    with pytest.raises(KeyboardInterrupt):
        query_pending(hub)
    bank.on_capture = taken
    clock.advance(minutes=10)
    assert clock() > FIRST_QUERY_AFTER + MOVING + hub.now() - timedelta(minutes=10)
    query_pending(hub)
    assert (bank.done, attempts(hub)) == (["capture 1"] * 2, [("standin", "SUCCEEDED", 150_000)])


def test_what_a_left_bank_holds_is_not_taken_while_another_may_have_been_paid(
    hub: Hub, long_order: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    bank.on_query = answers_in_turn(Confirmation("standin", "q", f"{long_order}-1", Outcome.PENDING))
    start(hub, long_order, "other")
    execute(hub, "UPDATE payment_attempt SET state = 'UNKNOWN', unknown_at = started_at WHERE number = 2")
    bank.on_query = authorised
    receive(hub, told(long_order))
    query_pending(hub)
    assert bank.done == []
    execute(hub, "UPDATE payment_attempt SET state = 'FAILED' WHERE number = 2")
    clock.advance(minutes=1)
    query_pending(hub)
    assert (bank.done, attempts(hub)[0]) == (["capture 1"], ("standin", "SUCCEEDED", 150_000))


def test_held_money_that_nobody_can_move_comes_before_an_officer(
    hub: Hub, long_order: str, clock: StoppedClock
) -> None:
    hub = with_banks(hub, standin=StandInBank(on_query=authorised), other=StandInBank(code="other"))
    receive(hub, told(long_order))
    began = clock()
    query_pending(hub)
    [listed] = list_unresolved(hub, caller=an_operator()).items
    assert (listed.awaiting, listed.unknown_at, listed.escalated_at) == ("CAPTURE", began, None)
    clock.advance(hours=26)
    query_pending(hub)
    [listed] = list_unresolved(hub, caller=an_operator(), overdue=True).items
    assert (listed.awaiting, measure_outcomes(hub)[0].overdue) == ("CAPTURE", 1)
    clock.advance(minutes=1)
    ended = resolve_attempt(hub, caller=an_operator(), reference=f"{long_order}-1", reason="their letter")
    assert ended.state == "FAILED"
    start(hub, long_order, "other")


def test_held_money_of_an_order_that_closed_is_let_go_and_never_taken(
    hub: Hub, long_order: str, bank: HoldingBank, clock: StoppedClock
) -> None:
    bank.on_capture = answers_in_turn(GONE)
    receive(hub, told(long_order))
    query_pending(hub)
    clock.advance(days=5)
    expire_orders(hub)
    query_pending(hub)
    assert bank.done == ["capture 1", "cancel 1"]
    assert attempts(hub) == [("standin", "FAILED", 150_000)]
    assert scalar(hub, "SELECT count(*) FROM collection") == 0


def test_a_bank_that_tells_paid_and_then_held_is_not_asked_to_take_it(
    hub: Hub, long_order: str, bank: HoldingBank
) -> None:
    execute(
        hub,
        "UPDATE payment_attempt SET awaiting = 'CONFIRMATION', unknown_at = started_at, query_at = started_at",
    )
    query_pending(hub)
    assert (bank.done, scalar(hub, "SELECT awaiting FROM payment_attempt")) == ([], "CONFIRMATION")
