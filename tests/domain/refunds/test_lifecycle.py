"""A refund: its two lifecycles, its route, and the postings that follow from each event in any order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations, product
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.banks.profile import Limits
from payment_hub.domain.banks.values import RefundOutcome
from payment_hub.domain.effects import Effects
from payment_hub.domain.errors import MalformedReference, RefundExceeds
from payment_hub.domain.ledger import Account, Transfer, allocate, transfers
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.domain.money import dong
from payment_hub.domain.orders import EventType
from payment_hub.domain.references import new_reference, new_refund_reference, parse_reference
from payment_hub.domain.refund_effects import effects_of_chargeback, effects_of_refund
from payment_hub.domain.refunds.eligibility import (
    Collected,
    RefundContext,
    RefundRules,
    is_credited,
    limits_of,
    route_for,
)
from payment_hub.domain.refunds.lifecycle import (
    BANK_REFUND_LIFE,
    CONTRADICTIONS,
    ENDED,
    LIVE,
    PAPER_REFUND_LIFE,
    QUERIED,
    SUMS,
    RefundEvent,
    RefundReason,
    RefundState,
    Route,
    event_of,
    life_of,
    paid_from,
    plain_name,
    route_of,
    storable,
)
from payment_hub.domain.refunds.views import RefundChange
from payment_hub.domain.refunds.vouchers import VoucherFacts
from payment_hub.domain.settlement import (
    OrderSnapshot,
    allocation,
    paying_back,
    reallocating,
    totals_after,
    without,
)
from payment_hub.domain.wire import to_wire
from tests.domain.test_judgement import ORDER, RECORD, SETTLED, booked
from tests.worlds.banks import StandInBank
from tests.worlds.refunds import RefundingBank

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
MONEY = Collected(
    key=1,
    bank="bank",
    bank_transaction_id="T1",
    amount=100,
    accepted=True,
    late=False,
    collected_at=NOW,
    day=date(2026, 3, 2),
    verdict="SETTLES",
    gone=0,
    charged_back=False,
    excess=0,
    not_carried=False,
    contradicted=False,
    seen=True,
    live_reasons=frozenset(),
    hub_reasons=frozenset(),
    payer=None,
    attempt_reference="A-1",
    started_at=NOW,
    bank_reference=None,
)
CONTEXT = RefundContext(
    record=RECORD,
    order=ORDER,
    collections=(MONEY,),
    rules=RefundRules(limit=None, unseen=False, credited_after_days=None),
    withdrawn=False,
    treasury=True,
    voucher=VoucherFacts("C1-04/NS", "CSGT", None, "Hường", {}, "711", "970436", "KBNN", "009", "4252"),
)
LIVES = (BANK_REFUND_LIFE, PAPER_REFUND_LIFE)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_every_refund_is_proposed_then_approved_by_another_or_declined(life: Lifecycle[Any, Any]) -> None:
    moves = {event: state for (before, event), state in life.table.items() if before is RefundState.PROPOSED}
    assert moves == {
        RefundEvent.APPROVED: RefundState.APPROVED,
        RefundEvent.DECLINED: RefundState.DECLINED,
    }


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_what_has_ended_stays_so_and_what_lives_can_end(life: Lifecycle[Any, Any]) -> None:
    reached = {life.first, *life.table.values()}
    assert reached - set(ENDED) <= set(LIVE)
    assert set(ENDED) < reached
    for (state, event), after in life.table.items():
        assert state not in ENDED or (event, after) == (RefundEvent.CONTRADICTED, state)


def test_unknown_never_fails_without_proof_and_is_never_sent_again() -> None:
    events = {event for state, event in BANK_REFUND_LIFE.table if state is RefundState.UNKNOWN}
    assert events == {RefundEvent.ACCEPTED, RefundEvent.RETURNED, RefundEvent.FAILED}
    assert BANK_REFUND_LIFE.sources(RefundEvent.NOT_SENT) == (RefundState.SUBMITTING,)
    assert BANK_REFUND_LIFE.sources(RefundEvent.SUBMITTED) == (RefundState.APPROVED,)
    assert set(QUERIED) == {state for state in LIVE if BANK_REFUND_LIFE.allows(state, RefundEvent.RETURNED)}


def test_accepted_is_not_returned() -> None:
    assert [event_of(outcome) for outcome in RefundOutcome] == [
        RefundEvent.RETURNED,
        RefundEvent.FAILED,
        RefundEvent.ACCEPTED,
    ]
    assert RefundEvent.ACCEPTED not in SUMS


def test_the_sums_of_every_path_end_where_they_must() -> None:
    """Whatever ends: nothing stays reserved, and what has gone is what was refunded."""
    for life in LIVES:
        paths: list[tuple[RefundState, int, int, int, int]] = [(life.first, 1, 0, 0, 0)]
        while paths:
            state, held, refunded, paid_back, steps = paths.pop()
            assert 0 <= refunded <= paid_back <= refunded + held
            if state in ENDED:
                assert (held, paid_back) == (0, refunded)
                assert refunded == (state is RefundState.SUCCEEDED)
            for (before, event), after in life.table.items():
                if before is state and steps < 8:
                    sums = SUMS.get(event)
                    change = (sums.held, sums.refunded, sums.paid_back) if sums else (0, 0, 0)
                    paths.append(
                        (after, held + change[0], refunded + change[1], paid_back + change[2], steps + 1)
                    )


def test_a_declined_refund_frees_what_it_had_reserved_and_nothing_else() -> None:
    proposed, declined = SUMS[RefundEvent.PROPOSED], SUMS[RefundEvent.DECLINED]
    assert (proposed.held, proposed.refunded, proposed.paid_back) == (1, 0, 0)
    assert (declined.held, declined.refunded, declined.paid_back) == (-1, 0, 0)


@pytest.mark.parametrize("state", RefundState)
@pytest.mark.parametrize("event", [RefundEvent.RETURNED, RefundEvent.FAILED, RefundEvent.ACCEPTED])
def test_only_a_result_against_the_end_is_a_contradiction(state: RefundState, event: RefundEvent) -> None:
    against = {
        (RefundState.SUCCEEDED, RefundEvent.FAILED),
        (RefundState.FAILED, RefundEvent.RETURNED),
    }
    assert ((state, event) in CONTRADICTIONS) == ((state, event) in against)
    assert not (state in ENDED and BANK_REFUND_LIFE.allows(state, event))


@pytest.mark.parametrize(
    ("credited", "owed", "treasury", "limits", "expected"),
    [
        (False, True, True, Limits(), Route.BANK),
        (False, True, True, None, Route.TRANSFER),
        (True, True, True, Limits(), Route.TREASURY),
        (True, True, False, Limits(), Route.AGENCY),
        (True, False, True, Limits(), Route.BANK),
        (False, True, True, Limits(part_refunds=False), Route.TRANSFER),
        (False, True, True, Limits(smallest_refund=dong(51)), Route.TRANSFER),
        (False, True, True, Limits(smallest_refund=dong(50), largest_refund=dong(50)), Route.BANK),
        (False, True, True, Limits(largest_refund=dong(49)), Route.TRANSFER),
    ],
)
def test_the_route(
    credited: bool, owed: bool, treasury: bool, limits: Limits | None, expected: Route
) -> None:
    route = route_of(
        credited=credited, owed_to_agency=owed, treasury=treasury, limits=limits, amount=50, paid=100
    )
    assert route is expected


def test_the_whole_goes_back_through_a_bank_that_gives_back_only_the_whole() -> None:
    facts: dict[str, Any] = {"credited": False, "owed_to_agency": True, "treasury": True}
    whole_only = Limits(part_refunds=False)
    assert route_of(**facts, limits=whole_only, amount=100, paid=100) is Route.BANK
    assert route_of(**facts, limits=whole_only, amount=99, paid=100) is Route.TRANSFER


def test_each_route_has_its_lifecycle_and_the_account_that_pays() -> None:
    assert [life_of(route) is BANK_REFUND_LIFE for route in Route] == [True, False, False, False]
    assert [paid_from(route) for route in Route] == [Account.BANK_CLEARING] * 2 + [
        Account.SETTLEMENT_CASH
    ] * 2


def test_a_part_that_the_agency_has_received_is_refunded_alone() -> None:
    order = replace(
        ORDER,
        required=100,
        received=130,
        accepted=130,
        settled_here=True,
        posted={Account.AGENCY_PAYABLE: 100, Account.OVERPAYMENT: 30},
    )
    money = replace(MONEY, amount=130)
    never, already = (
        replace(CONTEXT, order=order, rules=replace(CONTEXT.rules, credited_after_days=days))
        for days in (None, 0)
    )
    assert route_for(already, money, 30, Limits(), money.day) is Route.BANK
    assert route_for(never, money, 130, Limits(), money.day) is Route.BANK
    with pytest.raises(RefundExceeds, match="has received 1 of it: first refund 30"):
        route_for(already, money, 31, Limits(), money.day)


def test_what_its_bank_refuses_to_carry_goes_by_transfer() -> None:
    money = replace(MONEY, not_carried=True)
    paid = replace(CONTEXT, order=SETTLED)
    assert route_for(paid, money, 100, Limits(), money.day) is Route.TRANSFER
    assert route_for(paid, MONEY, 100, Limits(), money.day) is Route.BANK


def test_when_money_is_with_the_agency() -> None:
    day = MONEY.day
    assert not is_credited(MONEY, None, day + timedelta(days=999))
    assert [is_credited(MONEY, 2, day + timedelta(days=n)) for n in range(4)] == [False, False, True, True]


def test_only_a_bank_with_the_message_has_limits_of_it() -> None:
    assert limits_of(RefundingBank()) == Limits()
    assert limits_of(StandInBank()) is None
    assert limits_of(None) is None


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Nguyễn Văn Đức", "Nguyen Van Duc"),
        ("Trần\tThị  Lan", "TranThi Lan"),
        ("đỗ-lan.k", "do-lan.k"),
        ("李", "officer"),
        ("", "officer"),
        ("x" * 99, "x" * 60),
    ],
)
def test_a_name_as_a_banks_message_carries_it(name: str, plain: str) -> None:
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    ("sent", "stored"), [("00", "00"), ("a\0b", "ab"), ("\ud800", "\\ud800"), ("x" * 300, "x" * 200)]
)
def test_whatever_a_bank_sends_can_be_stored(sent: str, stored: str) -> None:
    assert storable(sent) == stored


def test_a_refunds_reference_is_no_orders() -> None:
    made = new_refund_reference(NOW, 7)
    assert made == "RF" + new_reference(NOW, 7)[2:]
    with pytest.raises(MalformedReference):
        parse_reference(made)


CHANGE = RefundChange("R1", "RF1", RefundState.APPROVED, dong(100), RefundReason.OTHER)


def effects(event: RefundEvent, order: OrderSnapshot, amount: int = 100) -> Effects | None:
    """What follows for the order from an event of a refund through its bank."""
    return effects_of_refund(
        event,
        RECORD,
        order,
        amount=amount,
        accepted=True,
        route=Route.BANK,
        refund=CHANGE,
        at=NOW,
    )


APPROVED = replace(
    SETTLED, held_refund=100, paid_back=100, paid_back_accepted=100, posted={Account.AGENCY_PAYABLE: 0}
)
OVERPAID = replace(
    SETTLED, received=130, accepted=130, posted={Account.AGENCY_PAYABLE: 100, Account.OVERPAYMENT: 30}
)


class Case(NamedTuple):
    """An order, an event of a refund of its money, and all that follows."""

    order: OrderSnapshot
    amount: int
    event: RefundEvent
    sums: tuple[int, int, int]
    """Reserved, paid back and refunded afterwards."""
    status: str
    postings: list[str]
    published: EventType


CASES = {
    "proposed": Case(SETTLED, 100, RefundEvent.PROPOSED, (100, 0, 0), "PAID", [], EventType.REFUND_PROPOSED),
    "declined": Case(
        replace(SETTLED, held_refund=100),
        100,
        RefundEvent.DECLINED,
        (0, 0, 0),
        "PAID",
        [],
        EventType.REFUND_DECLINED,
    ),
    "approved": Case(
        replace(SETTLED, held_refund=100),
        100,
        RefundEvent.APPROVED,
        (100, 100, 0),
        "PAID",
        ["AGENCY_PAYABLE to REFUND_CLEARING: 100"],
        EventType.REFUND_APPROVED,
    ),
    "approved, of an overpaid order": Case(
        replace(OVERPAID, held_refund=50),
        50,
        RefundEvent.APPROVED,
        (50, 50, 0),
        "PAID",
        ["AGENCY_PAYABLE to REFUND_CLEARING: 20", "OVERPAYMENT to REFUND_CLEARING: 30"],
        EventType.REFUND_APPROVED,
    ),
    "returned": Case(
        APPROVED,
        100,
        RefundEvent.RETURNED,
        (0, 100, 100),
        "REFUNDED",
        ["REFUND_CLEARING to BANK_CLEARING: 100"],
        EventType.REFUND_SUCCEEDED,
    ),
    "failed": Case(
        replace(APPROVED, posted={Account.AGENCY_PAYABLE: 100}),
        100,
        RefundEvent.FAILED,
        (0, 0, 0),
        "PAID",
        [],
        EventType.REFUND_FAILED,
    ),
    "failed, and the money belongs elsewhere by now": Case(
        replace(
            APPROVED,
            received=200,
            accepted=200,
            posted={Account.AGENCY_PAYABLE: 200},
        ),
        100,
        RefundEvent.FAILED,
        (0, 0, 0),
        "PAID",
        ["AGENCY_PAYABLE to OVERPAYMENT: 100"],
        EventType.REFUND_FAILED,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_follows_from_each_event_of_a_refund(case: Case) -> None:
    found = effects(case.event, case.order, case.amount)
    assert found is not None
    assert found.totals is not None
    totals = found.totals
    assert (totals.held_refund, totals.paid_back, totals.refunded) == case.sums
    assert booked(found) == case.postings
    assert (found.events.types, found.receipt) == ((case.published,), None)
    assert found.events.order is not None
    assert (found.events.order["status"], found.events.order["refund"]) == (case.status, to_wire(CHANGE))


def test_events_without_sums_change_no_order() -> None:
    assert [event for event in RefundEvent if effects(event, SETTLED, 1) is None] == [
        event for event in RefundEvent if event not in SUMS
    ]


def test_money_that_comes_back_may_complete_a_payment() -> None:
    """40 of 100 were here and on their way out, 60 came meanwhile; then the refund failed."""
    order = replace(
        ORDER,
        received=100,
        accepted=100,
        held_refund=40,
        paid_back=40,
        paid_back_accepted=40,
        posted={Account.SUSPENSE: 100},
    )
    found = effects(RefundEvent.FAILED, order, 40)
    assert found is not None
    assert booked(found) == ["SUSPENSE to AGENCY_PAYABLE: 100"]
    assert found.events.types == (EventType.REFUND_FAILED, EventType.PAID)
    assert (found.events.version, found.receipt is not None) == (3, True)


def test_a_chargeback_counts_as_refunded_and_the_order_is_disputed() -> None:
    found = effects_of_chargeback(RECORD, SETTLED, amount=60, accepted=True, at=NOW)
    assert found.totals is not None
    assert (found.totals.refunded, found.totals.paid_back, found.totals.disputed) == (60, 60, True)
    assert booked(found) == ["AGENCY_PAYABLE to BANK_CLEARING: 60"]
    assert found.events.types == (EventType.DISPUTED,)
    assert found.events.order is not None
    assert (found.events.order["status"], found.events.order["flags"]) == ("PARTLY_REFUNDED", ["DISPUTED"])


def test_no_more_leaves_than_the_accounts_hold() -> None:
    empty = replace(SETTLED, posted={Account.AGENCY_PAYABLE: 30})
    with pytest.raises(RefundExceeds, match="accounts hold 30"):
        effects(RefundEvent.APPROVED, empty)
    with pytest.raises(RefundExceeds, match="accounts hold 30"):
        effects_of_chargeback(RECORD, empty, amount=100, accepted=True, at=NOW)


OUT = Account.REFUND_CLEARING


@dataclass
class Book:
    """An order in memory: its facts, its postings, and the refunds on their way."""

    order: OrderSnapshot
    held: bool = False
    way_out: dict[int, tuple[int, bool, tuple[Transfer, ...]]] = field(default_factory=dict)

    def pay(self, amount: int, *, accepted: bool) -> None:
        """Money comes."""
        known = self.order
        after = totals_after(
            known,
            received=known.received + amount,
            accepted=known.accepted + (amount if accepted else 0),
        )
        moved = transfers(known.posted, allocation(known, after), amount)
        self._post(moved)
        self.order = replace(
            self.order,
            received=after.received,
            accepted=after.accepted,
            settled_here=after.settled,
            still_owed=known.still_owed and not after.settled,
        )
        self.held = after.held

    def send_back(self, name: int, amount: int, *, accepted: bool) -> None:
        """A refund is approved."""
        moved = paying_back(self.order, amount, accepted=accepted, to=OUT)
        assert sum(one.amount for one in moved if one.credit is OUT) == amount
        self._post(moved)
        self.order = without(self.order, amount, accepted=accepted)
        self.way_out[name] = (amount, accepted, moved)
        self._follow()

    def returned(self, name: int) -> None:
        """It is done."""
        amount, _, _ = self.way_out.pop(name)
        self.order = replace(self.order, refunded=self.order.refunded + amount)
        self._follow()

    def failed(self, name: int) -> None:
        """It has failed with proof: mirrored, then settled where it belongs now."""
        amount, accepted, moved = self.way_out.pop(name)
        self._post(tuple(Transfer(debit=one.credit, credit=one.debit, amount=one.amount) for one in moved))
        self.order = without(self.order, -amount, accepted=accepted)
        self._post(reallocating(self.order))
        self._follow()

    def _follow(self) -> None:
        after = totals_after(self.order)
        self.held = after.held
        self.order = replace(
            self.order,
            settled_here=after.settled,
            still_owed=self.order.still_owed and not after.settled,
        )

    def _post(self, moved: tuple[Transfer, ...]) -> None:
        posted = Counter(self.order.posted)
        for one in moved:
            for account, amount in ((one.credit, one.amount), (one.debit, -one.amount)):
                if account not in (Account.BANK_CLEARING, OUT):
                    posted[account] += amount
        self.order = replace(self.order, posted=dict(posted))

    def check(self) -> None:
        """The book is a function of the facts."""
        order, after = self.order, totals_after(self.order)
        wanted = allocation(order, after).by_account()
        assert {account: order.posted.get(account, 0) for account in wanted} == wanted
        assert sum(wanted.values()) == order.received - order.paid_back
        assert min(wanted.values()) >= 0
        if order.settled_here:
            here = order.received - order.paid_back
            assert wanted[Account.AGENCY_PAYABLE] == min(order.required, here)

    def end(self) -> tuple[Any, ...]:
        """All that anybody could see afterwards."""
        order = self.order
        posted = sorted((account, amount) for account, amount in order.posted.items() if amount)
        return order.received, order.refunded, order.paid_back, order.settled_here, self.held, posted


def a_book(**more: Any) -> Book:
    return Book(replace(ORDER, required=3, **more))


STEPS = st.lists(
    st.tuples(st.sampled_from(["pay", "send", "returned", "failed"]), st.integers(1, 5), st.booleans()),
    max_size=12,
)


@given(STEPS, st.booleans(), st.booleans())
def test_after_every_step_the_book_is_where_the_facts_say(
    steps: list[tuple[str, int, bool]], part_payments: bool, owed: bool
) -> None:
    book = a_book(part_payments=part_payments, still_owed=owed, settled_elsewhere=not owed)
    here = Counter[bool]()
    for name, (verb, amount, accepted) in enumerate(steps):
        if verb == "pay":
            book.pay(amount, accepted=accepted)
            here[accepted] += amount
        elif verb == "send" and here[accepted] > 0:
            going = min(amount, here[accepted])
            here[accepted] -= going
            book.send_back(name, going, accepted=accepted)
        elif verb in ("returned", "failed") and book.way_out:
            which = sorted(book.way_out)[amount % len(book.way_out)]
            if verb == "failed":
                gone, was_accepted, _ = book.way_out[which]
                here[was_accepted] += gone
                book.failed(which)
            else:
                book.returned(which)
        book.check()


def test_payments_and_refunds_of_a_settled_order_end_alike_in_every_order() -> None:
    """Every amount up to 4, two payments after the first, two refunds of them all: 256 stories, 24 orders each."""
    for first, second, back, again in product(range(1, 5), repeat=4):
        if back + again > 3 + first + second:
            continue
        acts = [("pay", first), ("pay", second), ("back", back), ("back", again)]
        ends = set()
        for order in permutations(range(4)):
            book = a_book()
            book.pay(3, accepted=True)
            possible = True
            for place in order:
                verb, amount = acts[place]
                if verb == "pay":
                    book.pay(amount, accepted=True)
                elif amount > book.order.received - book.order.paid_back:
                    possible = False
                    break
                else:
                    book.send_back(place, amount, accepted=True)
                    book.returned(place)
                book.check()
            if possible:
                ends.add(str(book.end()))
        assert len(ends) == 1, (first, second, back, again)


def test_a_refund_that_is_only_on_its_way_never_makes_an_order_look_paid() -> None:
    book = a_book()
    book.pay(1, accepted=True)
    book.send_back(1, 1, accepted=True)
    book.pay(2, accepted=True)
    assert (book.order.settled_here, book.held) == (False, True)
    book.returned(1)
    assert (book.order.settled_here, book.held) == (False, False)
    book.pay(1, accepted=True)
    assert (book.order.settled_here, book.held) == (True, False)


def test_what_is_here_of_a_settled_order_is_the_agencys_up_to_what_was_required() -> None:
    for here in range(7):
        found = allocate(required=3, received=here, accepted=0, owed=True, part_payments=False, settled=True)
        assert (found.payable, found.overpayment, found.suspense) == (min(3, here), max(here - 3, 0), 0)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 27))
def test_what_leaves_leaves_whole_and_from_where_less_is_wanted(a: int, b: int, c: int, leaves: int) -> None:
    posted = {Account.AGENCY_PAYABLE: a, Account.OVERPAYMENT: b, Account.SUSPENSE: c}
    leaves = min(leaves, a + b + c)
    wanted = allocate(
        required=3, received=a + b + c - leaves, accepted=0, owed=True, part_payments=False, settled=True
    )
    moved = transfers(posted, wanted, 0, leaves, OUT)
    assert sum(one.amount for one in moved if one.credit is OUT) == leaves
    for one in moved:
        posted[one.debit] -= one.amount
        if one.credit is not OUT:
            posted[one.credit] += one.amount
    assert posted == wanted.by_account()
    assert len({one.kind for one in moved}) == len(moved)
