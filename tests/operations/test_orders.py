"""Orders: issued once, cancelled, expired, and completed late."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import (
    BankUnavailable,
    Forbidden,
    IdempotencyConflict,
    MalformedReference,
    ObligationClosed,
    ObligationNotFound,
    OpenOrderExists,
    OrderClosed,
    OrderNotFound,
    RequestStillRunning,
    StaleVersion,
)
from payment_hub.domain.idempotency import Answered
from payment_hub.domain.money import Money, dong
from payment_hub.domain.references import parse_reference
from payment_hub.domain.settlement import LatePolicy
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.operations import orders as module
from payment_hub.operations.idempotency import claim_request
from payment_hub.operations.obligations import show_obligation, withdraw_obligation
from payment_hub.operations.orders import (
    cancel_order,
    expire_orders,
    issue_payment_order,
    list_orders,
    show_order,
)
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.receipts import show_receipt
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import attempts, balances, count, rows
from tests.worlds.orders import (
    a_claim,
    a_portal,
    an_agency,
    an_obligation,
    an_operator,
    an_order,
    confirmation,
    receive,
)


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub) -> Caller:
    return a_portal(hub)


@pytest.fixture
def obligation(hub: Hub, agency: Caller) -> str:
    return an_obligation(hub, agency)


def issue(hub: Hub, portal: Caller, obligation: str, key: str | None = None, **more: Any) -> Answered:
    asked: dict[str, Any] = {
        "caller": portal,
        "agency": "G22.99",
        "obligation_reference": obligation,
        "minutes": None,
        "return_url": None,
        "claim": a_claim(portal, key),
    }
    return issue_payment_order(hub, **(asked | more))


def test_the_answer_is_the_order_as_it_will_be_shown_and_as_its_event_tells_it(
    hub: Hub, portal: Caller, obligation: str, clock: StoppedClock
) -> None:
    answer = issue(hub, portal, obligation, minutes=90, return_url="https://dvc.test/back")
    order = json.loads(answer.body)
    assert (answer.status, answer.replayed, order["status"], order["version"]) == (201, False, "OPEN", 1)
    assert order == to_wire(show_order(hub, caller=portal, reference=order["reference"]))
    assert rows(hub, "SELECT data FROM event") == [{"data": order}]
    assert parse_reference(order["reference"]) == order["reference"]
    assert show_order(hub, caller=portal, reference=order["reference"]).expires_at == clock() + timedelta(
        minutes=90
    )
    assert (
        show_obligation(hub, caller=portal, agency="G22.99", reference=obligation).open_order
        == order["reference"]
    )


def test_the_same_key_is_answered_as_the_first_time_even_after_the_order_has_moved_on(
    hub: Hub, portal: Caller, obligation: str
) -> None:
    first = issue(hub, portal, obligation, "K1")
    receive(hub, confirmation(json.loads(first.body)["reference"]))
    again = issue(hub, portal, obligation, "K1")
    assert (again.status, again.body, again.replayed) == (201, first.body, True)
    assert count(hub, "payment_order") == 1


def test_the_same_key_of_another_caller_is_another_key(hub: Hub, portal: Caller, obligation: str) -> None:
    issue(hub, portal, obligation, "K1")
    with pytest.raises(OpenOrderExists):
        issue(hub, a_portal(hub, "other"), obligation, claim=a_claim(a_portal(hub, "third"), "K1"))


def test_the_same_key_for_another_request_is_refused(hub: Hub, portal: Caller, obligation: str) -> None:
    issue(hub, portal, obligation, "K1")
    with pytest.raises(IdempotencyConflict):
        issue(hub, portal, obligation, claim=a_claim(portal, "K1", b"other"))


def test_a_key_whose_first_request_is_still_running_must_wait(
    hub: Hub, portal: Caller, obligation: str
) -> None:
    claim = a_claim(portal, "K1")
    claim_request(hub, caller=claim.caller, key=claim.key, request_sha256=claim.request_sha256)
    with pytest.raises(RequestStillRunning):
        issue(hub, portal, obligation, "K1")
    assert count(hub, "payment_order") == 0


def test_an_obligation_has_one_open_order_and_the_refusal_names_it(
    hub: Hub, portal: Caller, obligation: str
) -> None:
    order = json.loads(issue(hub, portal, obligation).body)
    with pytest.raises(OpenOrderExists) as refused:
        issue(hub, a_portal(hub, "other"), obligation)
    assert refused.value.detail == order["reference"]


def test_a_refused_request_leaves_its_key_free(hub: Hub, portal: Caller, obligation: str) -> None:
    with pytest.raises(ObligationNotFound):
        issue(hub, portal, "nothing", "K1")
    assert issue(hub, portal, obligation, "K1").replayed is False


@pytest.mark.parametrize(("agency_code", "reference"), [("G22.99", "nothing"), ("H55", None), ("", None)])
def test_what_no_agency_has_registered_cannot_be_ordered(
    hub: Hub, portal: Caller, obligation: str, agency_code: str, reference: str | None
) -> None:
    with pytest.raises(ObligationNotFound):
        issue(hub, portal, reference or obligation, agency=agency_code)
    assert (count(hub, "payment_order"), count(hub, "idempotency_record")) == (0, 0)


def test_only_a_portal_issues(hub: Hub, agency: Caller, portal: Caller, obligation: str) -> None:
    for caller in (agency, an_operator()):
        with pytest.raises(Forbidden):
            issue(hub, portal, obligation, caller=caller)


def test_a_withdrawn_obligation_is_closed(hub: Hub, agency: Caller, portal: Caller, obligation: str) -> None:
    withdraw_obligation(
        hub, caller=agency, agency="G22.99", reference=obligation, reason="wrong person", version=1
    )
    with pytest.raises(ObligationClosed, match="withdrawn"):
        issue(hub, portal, obligation)


def test_a_settled_obligation_is_closed(hub: Hub, agency: Caller, portal: Caller, obligation: str) -> None:
    receive(hub, confirmation(an_order(hub, agency, portal, obligation=obligation)["reference"]))
    with pytest.raises(ObligationClosed, match="settled"):
        issue(hub, portal, obligation)


def test_part_of_the_money_keeps_the_order_and_no_second_one_may_ask_for_the_whole(
    hub: Hub, agency: Caller, portal: Caller, obligation: str, clock: StoppedClock
) -> None:
    order = an_order(hub, agency, portal, obligation=obligation)
    receive(hub, confirmation(order["reference"], 1))
    clock.advance(days=2)
    assert expire_orders(hub) == 0
    with pytest.raises(OpenOrderExists, match=order["reference"]):
        issue(hub, portal, obligation)


def test_after_expiry_the_same_obligation_is_ordered_anew(
    hub: Hub, agency: Caller, portal: Caller, obligation: str, clock: StoppedClock
) -> None:
    old = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(days=1)
    with pytest.raises(OpenOrderExists):
        issue(hub, portal, obligation)
    assert expire_orders(hub) == 1
    new = json.loads(issue(hub, portal, obligation).body)
    assert new["reference"] > old["reference"]
    page = list_orders(hub, caller=portal, obligation=obligation)
    assert [(view.reference, view.status) for view in page.items] == [
        (new["reference"], "OPEN"),
        (old["reference"], "EXPIRED"),
    ]


def test_after_a_withdrawal_of_the_order_the_same_obligation_is_ordered_anew(
    hub: Hub, agency: Caller, portal: Caller, obligation: str
) -> None:
    old = an_order(hub, agency, portal, obligation=obligation)
    cancel_order(hub, caller=portal, reference=old["reference"], reason="citizen asked", version=1)
    assert json.loads(issue(hub, portal, obligation).body)["status"] == "OPEN"


def test_late_money_that_may_not_settle_leaves_the_obligation_to_be_ordered_anew(
    hub: Hub, portal: Caller, clock: StoppedClock
) -> None:
    agency = an_agency(hub, "H1", late_policy=LatePolicy.REFUND)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(days=1)
    expire_orders(hub)
    clock.advance(minutes=1)
    receive(hub, confirmation(old["reference"]))
    new = an_order(hub, agency, portal, obligation=obligation)
    receive(hub, confirmation(new["reference"]))
    assert balances(hub)["AGENCY_PAYABLE"] == 150_000


def test_an_order_of_nothing_is_paid_at_once_and_its_answer_its_event_and_its_receipt_agree(
    hub: Hub, agency: Caller, portal: Caller
) -> None:
    obligation = an_obligation(hub, agency, amount=0)
    answer = issue(hub, portal, obligation, "K1")
    order = json.loads(answer.body)
    shown = show_order(hub, caller=portal, reference=order["reference"])
    receipt = show_receipt(hub, caller=portal, reference=order["reference"])
    assert order == to_wire(shown)
    assert (order["status"], order["version"], order["receipt"]) == ("PAID", 2, receipt.number)
    assert (receipt.amount.minor, receipt.bank, receipt.paid_at) == (0, None, None)
    events = rows(hub, "SELECT type, sequence, data ->> 'receipt' AS receipt FROM event ORDER BY id")
    assert [event["type"] for event in events] == ["payment_order.issued", "payment_order.paid"]
    assert issue(hub, portal, obligation, "K1").body == answer.body
    with pytest.raises(ObligationClosed):
        issue(hub, portal, obligation)
    assert balances(hub) == {}


def test_receipt_numbers_begin_again_with_the_year_and_print_its_digits(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    numbers = []
    for _ in range(2):
        order = an_order(hub, agency, portal)
        receive(hub, confirmation(order["reference"]))
        numbers.append(show_receipt(hub, caller=portal, reference=order["reference"]).number)
        clock.advance(days=365)
    assert numbers == ["01BLP AA26E 0000001", "01BLP AA27E 0000001"]


@pytest.fixture
def reference(hub: Hub, agency: Caller, portal: Caller) -> str:
    return str(an_order(hub, agency, portal)["reference"])


def withdraw(hub: Hub, caller: Caller, reference: str, version: int = 1) -> str:
    view = cancel_order(hub, caller=caller, reference=reference, reason="wrong person", version=version)
    assert view == show_order(hub, caller=caller, reference=reference)
    return view.status


def test_the_portal_and_the_agency_may_withdraw_their_order_and_the_reason_is_told(
    hub: Hub, agency: Caller, portal: Caller
) -> None:
    for caller in (agency, portal, an_operator()):
        assert withdraw(hub, caller, an_order(hub, agency, portal)["reference"]) == "CANCELLED"
    told = rows(hub, "SELECT data ->> 'cancel_reason' AS reason FROM event WHERE sequence = 2")
    assert told == [{"reason": "wrong person"}] * 3


def test_others_do_not_even_learn_that_it_exists(hub: Hub, reference: str) -> None:
    for stranger in (a_portal(hub, "other"), an_agency(hub, "H55")):
        with pytest.raises(OrderNotFound):
            withdraw(hub, stranger, reference)
    assert show_order(hub, caller=an_operator(), reference=reference).status == "OPEN"


def test_an_old_version_is_refused_and_changes_nothing(hub: Hub, portal: Caller, reference: str) -> None:
    for version in (0, 2):
        with pytest.raises(StaleVersion):
            withdraw(hub, portal, reference, version)
    assert show_order(hub, caller=portal, reference=reference).version == 1


def test_what_has_money_or_has_ended_stays_as_it_is(
    hub: Hub, agency: Caller, portal: Caller, reference: str, clock: StoppedClock
) -> None:
    receive(hub, confirmation(reference, 1))
    free = an_order(hub, agency, portal, amount=0)["reference"]
    late = an_order(hub, agency, portal)["reference"]
    clock.advance(days=1)
    expire_orders(hub)
    for closed, status in ((reference, "UNDERPAID"), (free, "PAID"), (late, "EXPIRED")):
        with pytest.raises(OrderClosed, match=status):
            withdraw(hub, portal, closed, 2)


def test_an_unknown_or_mistyped_reference_is_said_to_be_so(hub: Hub, portal: Caller, reference: str) -> None:
    with pytest.raises(OrderNotFound):
        withdraw(hub, portal, "DV00000000000000")
    with pytest.raises(MalformedReference):
        withdraw(hub, portal, reference[:-1] + ("0" if reference[-1] != "0" else "1"))


def test_the_payment_under_way_is_given_up_and_its_money_is_late(
    hub: Hub, portal: Caller, reference: str, clock: StoppedClock
) -> None:
    hub = with_banks(hub, standin=StandInBank())
    start_payment(hub, reference=reference, bank="standin", payer_ip="203.0.113.9", language="vi")
    withdraw(hub, portal, reference)
    assert attempts(hub) == [("standin", "ABANDONED", 150_000)]
    clock.advance(seconds=1)
    receive(hub, confirmation(reference, bank="standin"))
    order = show_order(hub, caller=portal, reference=reference)
    assert (order.status, order.flags) == ("PAID", ("LATE",))


def statuses(hub: Hub) -> list[str]:
    return [row["status"] for row in rows(hub, "SELECT status FROM payment_order ORDER BY id")]


def test_an_order_expires_at_its_deadline_and_not_before_and_once(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    an_order(hub, agency, portal, minutes=10)
    clock.advance(minutes=9, seconds=59)
    assert expire_orders(hub) == 0
    clock.advance(seconds=1)
    assert (expire_orders(hub), expire_orders(hub)) == (1, 0)
    events = rows(hub, "SELECT type, data ->> 'status' AS status FROM event ORDER BY id")
    assert events[1:] == [{"type": "payment_order.expired", "status": "EXPIRED"}]


def test_what_has_money_or_is_closed_or_was_for_nothing_never_expires(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    paid, part = (an_order(hub, agency, portal)["reference"] for _ in range(2))
    an_order(hub, agency, portal, amount=0)
    receive(hub, confirmation(paid))
    receive(hub, confirmation(part, 1))
    clock.advance(days=2)
    assert expire_orders(hub) == 0
    assert statuses(hub) == ["PAID", "UNDERPAID", "PAID"]


def test_money_in_another_currency_does_not_keep_the_offer_open(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    order = an_order(hub, agency, portal)
    receive(hub, confirmation(order["reference"], Money(100, "USD")))
    clock.advance(days=2)
    assert expire_orders(hub) == 1
    assert statuses(hub) == ["EXPIRED"]


def test_a_backlog_is_worked_off_in_batches(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BATCH", 3)
    for _ in range(7):
        an_order(hub, agency, portal)
    clock.advance(days=2)
    assert [expire_orders(hub) for _ in range(4)] == [3, 3, 1, 0]


def test_a_payment_under_way_is_given_up_unless_its_outcome_is_unknown(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    silent = StandInBank(on_open=answers_in_turn(BankUnavailable("no answer")))
    hub = with_banks(hub, standin=StandInBank(), silent=silent)
    for bank in hub.adapters:
        order = an_order(hub, agency, portal)
        try:
            start_payment(hub, reference=order["reference"], bank=bank, payer_ip="203.0.113.9", language="vi")
        except BankUnavailable:
            assert bank == "silent"
    clock.advance(days=2)
    assert expire_orders(hub) == 2
    assert attempts(hub) == [("standin", "ABANDONED", 150_000), ("silent", "UNKNOWN", 150_000)]
    assert query_pending(hub) == 1


@pytest.mark.parametrize(("policy", "may"), [(LatePolicy.ACCEPT, True), (LatePolicy.REFUND, False)])
def test_the_rest_may_be_paid_past_the_deadline_where_late_money_is_accepted(
    hub: Hub, clock: StoppedClock, policy: LatePolicy, may: bool
) -> None:
    bank = StandInBank()
    hub = with_banks(hub, standin=bank)
    order = an_order(hub, an_agency(hub, late_policy=policy), a_portal(hub))["reference"]
    receive(hub, confirmation(order, 100_000))
    clock.advance(days=2)
    if may:
        assert start_payment(
            hub, reference=order, bank="standin", payer_ip="203.0.113.9", language="vi"
        ).amount == dong(50_000)
        assert bank.opened[0].expires_at > clock.moment, "no bank opens a payment whose deadline has passed"
        return
    with pytest.raises(OrderClosed):
        start_payment(hub, reference=order, bank="standin", payer_ip="203.0.113.9", language="vi")
