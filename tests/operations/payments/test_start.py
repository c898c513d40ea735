"""A payment starts at a bank, or is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.values import Instructions, Outcome, PaymentRequest
from payment_hub.domain.errors import (
    BankNotFound,
    BankUnavailable,
    Malformed,
    MalformedReference,
    OrderClosed,
    OrderNotFound,
    PaymentUnderWay,
)
from payment_hub.domain.money import Money
from payment_hub.domain.payments import AttemptView
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.orders import cancel_order, expire_orders
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import FIRST_QUERY_AFTER, list_attempts, start_payment
from tests.conftest import StoppedClock
from tests.simulators.sandbox import Sandbox
from tests.worlds.banks import INSTRUCTIONS, StandInBank, a_sandbox_bank, answers_in_turn, with_banks
from tests.worlds.database import attempts, count, rows, scalar
from tests.worlds.orders import (
    a_portal,
    an_agency,
    an_obligation,
    an_operator,
    an_order,
    confirmation,
    receive,
)

GONE = BankUnavailable("no answer")


class Killed(BaseException):
    """The process died here."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Sandbox, BankAdapter]]:
    with a_sandbox_bank() as both:
        yield both


@pytest.fixture
def bank() -> StandInBank:
    return StandInBank()


@pytest.fixture
def other() -> StandInBank:
    return StandInBank()


@pytest.fixture
def hub(hub: Hub, bank: StandInBank, other: StandInBank) -> Hub:
    return with_banks(hub, standin=bank, other=other)


def start(hub: Hub, reference: str, bank: str = "standin", **more: Any) -> AttemptView:
    return start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi", **more)


def test_the_sandbox_bank_gives_a_qr_code_an_account_and_a_page(
    hub: Hub, reference: str, sandbox: tuple[Sandbox, BankAdapter]
) -> None:
    service, adapter = sandbox
    attempt = start(with_banks(hub, sandbox=adapter), reference, "sandbox")
    assert (attempt.state, attempt.amount.minor, attempt.reference) == ("PENDING", 150_000, f"{reference}-1")
    assert reference in (attempt.instructions.qr_text or "")
    assert attempt.instructions.page_url == f"{service.url}/pay/{attempt.reference}"
    assert (attempt.instructions.purpose, attempt.instructions.account_name) == (reference, "KHO BAC SANDBOX")


def test_a_sandbox_bank_that_answers_too_late_leaves_the_outcome_unknown_until_it_is_asked_again(
    hub: Hub, clock: StoppedClock, sandbox: tuple[Sandbox, BankAdapter]
) -> None:
    service, adapter = sandbox
    hub = with_banks(hub, sandbox=adapter)
    slow = an_order(hub, an_agency(hub), a_portal(hub), amount=150_012)["reference"]
    with pytest.raises(BankUnavailable):
        start(hub, slow, "sandbox")
    assert attempts(hub) == [("sandbox", "UNKNOWN", 150_012)]
    service.pay(f"{slow}-1")
    clock.advance(seconds=31)
    assert query_pending(hub) == 1
    assert attempts(hub) == [("sandbox", "SUCCEEDED", 150_012)]
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


def test_the_same_bank_again_gives_the_same_instructions_and_is_not_asked_twice(
    hub: Hub, reference: str, bank: StandInBank
) -> None:
    assert start(hub, reference) == start(hub, reference)
    assert len(bank.opened) == 1


def test_the_intent_is_stored_before_the_bank_is_asked_and_no_transaction_is_open_meanwhile(
    hub: Hub, reference: str, bank: StandInBank
) -> None:
    def look(request: PaymentRequest) -> Instructions:
        assert hub.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        assert attempts(hub) == [("standin", "SUBMITTING", 150_000)]
        return INSTRUCTIONS

    bank.on_open = look
    assert start(hub, reference).state == "PENDING"
    asked = bank.opened[0]
    assert (asked.order_reference, asked.attempt_reference) == (reference, f"{reference}-1")
    assert asked.return_url == hub.checkout_url(reference)


def test_going_on_to_another_bank_gives_up_the_first_and_its_money_still_counts(
    hub: Hub, reference: str
) -> None:
    start(hub, reference)
    assert start(hub, reference, "other").reference == f"{reference}-2"
    assert attempts(hub) == [("standin", "ABANDONED", 150_000), ("other", "PENDING", 150_000)]
    receive(hub, confirmation(f"{reference}-1", bank="standin"))
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000), ("other", "PENDING", 150_000)]
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


def test_while_the_outcome_at_one_bank_is_unknown_no_other_may_start(
    hub: Hub, reference: str, bank: StandInBank, other: StandInBank
) -> None:
    bank.on_open = answers_in_turn(GONE)
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    assert attempts(hub) == [("standin", "UNKNOWN", 150_000)]
    with pytest.raises(PaymentUnderWay):
        start(hub, reference, "other")
    assert other.opened == []


def test_a_bank_that_did_not_answer_is_asked_again_about_the_same_attempt(
    hub: Hub, reference: str, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_open = answers_in_turn(GONE, GONE, INSTRUCTIONS)
    for _ in range(2):
        with pytest.raises(BankUnavailable):
            start(hub, reference)
        clock.advance(seconds=1)
    assert start(hub, reference).state == "PENDING"
    assert bank.opened[0] == bank.opened[1] == bank.opened[2]
    assert len(attempts(hub)) == 1


def test_a_process_that_dies_while_asking_leaves_an_attempt_that_can_be_taken_up_again(
    hub: Hub, reference: str, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_open = answers_in_turn(Killed(), INSTRUCTIONS)
    with pytest.raises(Killed):
        start(hub, reference)
    assert attempts(hub) == [("standin", "SUBMITTING", 150_000)]
    with pytest.raises(PaymentUnderWay):
        start(hub, reference)
    clock.moment += FIRST_QUERY_AFTER
    assert start(hub, reference).state == "PENDING"
    assert len(bank.opened) == 2
    assert len(attempts(hub)) == 1


def test_what_the_bank_cannot_take_fails_and_another_bank_may_be_tried(
    hub: Hub, reference: str, bank: StandInBank
) -> None:
    bank.on_open = answers_in_turn(Malformed("at most 100,000 dong"))
    with pytest.raises(Malformed):
        start(hub, reference)
    assert start(hub, reference, "other").state == "PENDING"
    assert attempts(hub) == [("standin", "FAILED", 150_000), ("other", "PENDING", 150_000)]


def test_a_request_refused_by_our_own_checks_says_nothing_about_an_earlier_one_that_left(
    hub: Hub, reference: str, bank: StandInBank
) -> None:
    bank.on_open = answers_in_turn(GONE, Malformed("an address that cannot be signed"))
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    with pytest.raises(Malformed):
        start(hub, reference, return_url="https://x.test/(")
    assert attempts(hub) == [("standin", "UNKNOWN", 150_000)]


@pytest.mark.parametrize(("outcome", "state"), [(Outcome.PAID, "SUCCEEDED"), (Outcome.DECLINED, "FAILED")])
def test_a_callback_faster_than_the_banks_answer_stands(
    hub: Hub, reference: str, bank: StandInBank, outcome: Outcome, state: str
) -> None:
    def called_back_first(request: PaymentRequest) -> Instructions:
        said = confirmation(request.attempt_reference, bank="standin", outcome=outcome)
        receive(hub, said)
        return INSTRUCTIONS

    bank.on_open = called_back_first
    attempt = start(hub, reference)
    shown = (
        None if outcome is Outcome.DECLINED else INSTRUCTIONS.page_url
    )  # nobody is sent to pay what has failed
    assert (attempt.state, attempt.instructions.page_url) == (state, shown)


def test_a_payment_told_before_the_bank_falls_silent_is_not_made_unknown(
    hub: Hub, reference: str, bank: StandInBank
) -> None:
    def paid_and_gone(request: PaymentRequest) -> Instructions:
        receive(hub, confirmation(request.attempt_reference, bank="standin"))
        raise GONE

    bank.on_open = paid_and_gone
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    assert attempts(hub) == [("standin", "SUCCEEDED", 150_000)]


def test_a_declined_payment_can_be_tried_again_at_the_same_bank(hub: Hub, reference: str) -> None:
    start(hub, reference)
    receive(
        hub,
        confirmation(
            f"{reference}-1", None, bank="standin", outcome=Outcome.DECLINED, bank_transaction_id=None
        ),
    )
    assert start(hub, reference).reference == f"{reference}-2"
    assert [state for _, state, _ in attempts(hub)] == ["FAILED", "PENDING"]


def test_after_a_part_payment_only_the_rest_is_asked_for(hub: Hub, reference: str) -> None:
    start(hub, reference)
    receive(hub, confirmation(reference, 40_000, bank="elsewhere"))
    assert start(hub, reference).amount.minor == 110_000
    assert attempts(hub) == [("standin", "ABANDONED", 150_000), ("standin", "PENDING", 110_000)]
    receive(hub, confirmation(f"{reference}-2", 110_000, bank="standin"))
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"
    listed = list_attempts(hub, caller=an_operator(), reference=reference)
    assert [(view.reference[-2:], view.state) for view in listed] == [
        ("-2", "SUCCEEDED"),
        ("-1", "ABANDONED"),
    ]


def test_a_reference_as_it_is_read_over_the_telephone_is_understood(hub: Hub, reference: str) -> None:
    spoken = "-".join(reference[i : i + 4] for i in range(0, 16, 4)).lower()
    assert start(hub, spoken).order_reference == reference


def pass_the_deadline(hub: Hub, reference: str, clock: StoppedClock) -> None:
    clock.advance(days=1)


def expire(hub: Hub, reference: str, clock: StoppedClock) -> None:
    clock.advance(days=1)
    assert expire_orders(hub) == 1


def withdraw(hub: Hub, reference: str, clock: StoppedClock) -> None:
    cancel_order(hub, caller=an_operator(), reference=reference, reason="wrong", version=1)


def pay(hub: Hub, reference: str, clock: StoppedClock) -> None:
    receive(hub, confirmation(reference))


def pay_in_dollars(hub: Hub, reference: str, clock: StoppedClock) -> None:
    receive(hub, confirmation(reference, Money(100, "USD")))


def contradict(hub: Hub, reference: str, clock: StoppedClock) -> None:
    receive(hub, confirmation(reference, 40_000, bank_transaction_id="T"))
    receive(hub, confirmation(reference, 50_000, bank_transaction_id="T"))


@pytest.mark.parametrize("close", [pass_the_deadline, expire, withdraw, pay, pay_in_dollars, contradict])
def test_an_order_that_is_closed_or_held_is_not_offered_to_any_bank(
    hub: Hub,
    reference: str,
    bank: StandInBank,
    clock: StoppedClock,
    close: Callable[[Hub, str, StoppedClock], None],
) -> None:
    close(hub, reference, clock)
    with pytest.raises(OrderClosed):
        start(hub, reference)
    assert bank.opened == []
    assert count(hub, "payment_attempt") == 0


@pytest.mark.parametrize("policy", LatePolicy)
def test_nobody_is_sent_to_a_bank_for_what_another_order_has_settled(
    hub: Hub, bank: StandInBank, clock: StoppedClock, policy: LatePolicy
) -> None:
    agency, portal = an_agency(hub, late_policy=policy), a_portal(hub)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(days=1)
    expire_orders(hub)
    new = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(minutes=1)
    receive(hub, confirmation(old["reference"]))
    if policy is LatePolicy.ACCEPT:
        with pytest.raises(OrderClosed, match="another order"):
            start(hub, new["reference"])
    else:
        assert start(hub, new["reference"]).state == "PENDING"


def test_what_does_not_exist_is_said_by_name(hub: Hub, reference: str, bank: StandInBank) -> None:
    with pytest.raises(BankNotFound):
        start(hub, reference, "nobody")
    with pytest.raises(MalformedReference):
        start(hub, reference[:-1])
    with pytest.raises(OrderNotFound):
        start(hub, "DV00000000000000")
    assert bank.opened == []


def bank_of_start(hub: Hub, reference: str, bank: str | None = None) -> str:
    """The bank of the attempt."""
    return start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi").bank


def test_an_unknown_outcome_there_is_still_unknown(hub: Hub, reference: str) -> None:
    both = with_banks(
        hub, gone=StandInBank(on_open=answers_in_turn(BankUnavailable("gone"))), other=StandInBank()
    )
    with pytest.raises(BankUnavailable):
        bank_of_start(both, reference, "gone")
    with pytest.raises(PaymentUnderWay, match="is expected by"):
        bank_of_start(with_banks(hub, other=StandInBank()), reference)


def test_instructions_of_a_bank_that_is_gone_are_left_for_another(hub: Hub, reference: str) -> None:
    bank_of_start(with_banks(hub, gone=StandInBank(), other=StandInBank()), reference, "gone")
    assert bank_of_start(with_banks(hub, other=StandInBank()), reference) == "other"
    assert [row["state"] for row in rows(hub, "SELECT state FROM payment_attempt ORDER BY id")] == [
        "ABANDONED",
        "PENDING",
    ]


def test_a_silent_bank_is_asked_soon(hub: Hub, reference: str, clock: StoppedClock) -> None:
    silent = with_banks(hub, standin=StandInBank(on_open=answers_in_turn(BankUnavailable("gone"))))
    with pytest.raises(BankUnavailable):
        bank_of_start(silent, reference, "standin")
    wait = scalar(hub, "SELECT extract(epoch FROM query_at - changed_at)::int FROM payment_attempt")
    assert wait == 5, "a citizen waits at a counter"
