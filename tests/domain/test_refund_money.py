"""However money comes and goes, the book is where the facts say it belongs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import permutations, product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.ledger import Account, Transfer, allocate, transfers
from payment_hub.domain.settlement import (
    OrderSnapshot,
    allocation,
    paying_back,
    reallocating,
    totals_after,
    without,
)
from tests.domain.test_judgement import ORDER

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
