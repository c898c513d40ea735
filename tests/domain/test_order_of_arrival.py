"""However the same facts arrive, in whatever order and however often, they come to the same end."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.banks.values import Confirmation, Outcome
from payment_hub.domain.effects import effects_of_confirmation
from payment_hub.domain.judgement import digest_of, judge
from payment_hub.domain.ledger import Account, allocate
from payment_hub.domain.money import Money
from payment_hub.domain.settlement import (
    ConfirmationContext,
    Disposition,
    LatePolicy,
    OrderSnapshot,
    PreviousConfirmation,
    RecordedCollection,
    Source,
)
from tests.domain.test_judgement import NOW, ORDER, RECORD


@dataclass
class Book:
    """A store in memory: it remembers what the judge says, as the tables do."""

    order: OrderSnapshot
    previous: dict[str, list[PreviousConfirmation]] = field(default_factory=dict)
    collections: dict[str | None, RecordedCollection] = field(default_factory=dict)
    receipts: int = 0
    held: bool = False
    foreign: Counter[str] = field(default_factory=Counter)

    def hear(self, said: Confirmation) -> None:
        """Judge one confirmation and remember all that follows."""
        context = ConfirmationContext(
            self.order,
            tuple(self.previous.get(said.event_id, ())),
            self.collections.get(said.bank_transaction_id),
            record=RECORD,
        )
        found = judge(said, context, NOW)
        if found.disposition is not Disposition.DUPLICATE:
            self.previous.setdefault(said.event_id, []).append(
                PreviousConfirmation(digest_of(said), found.verdict)
            )
        if found.collects:
            assert said.amount is not None
            self.collections[said.bank_transaction_id] = RecordedCollection(
                said.amount.minor, said.amount.currency, True
            )
            if said.amount.currency != self.order.currency:
                self.foreign[said.amount.currency] += said.amount.minor
        effects = effects_of_confirmation(said, found, context, Source.CALLBACK, NOW)
        self.receipts += effects.receipt is not None
        if found.totals is None:
            return
        after = {
            name: getattr(found.totals, name)
            for name in found.totals.__slots__
            if name not in {"settled", "held"}
        }
        self.held = found.totals.held
        posted = Counter(self.order.posted)
        if said.amount is not None and said.amount.currency == self.order.currency:
            for transfer in effects.transfers:
                posted[transfer.credit] += transfer.amount
                posted[transfer.debit] -= transfer.amount
        settled = found.totals.settled
        self.order = replace(
            self.order,
            **after,
            posted=dict(posted),
            settled_here=settled,
            still_owed=self.order.still_owed and not settled,
            has_receipt=self.receipts > 0,
        )

    def end(self) -> tuple[Any, ...]:
        """All that anybody could see afterwards."""
        order = self.order
        posted = sorted((account, amount) for account, amount in order.posted.items() if amount)
        flags = (order.late, order.conflict, order.other_currency, self.held, order.settled_here)
        return order.received, order.accepted, flags, posted, self.receipts, sorted(self.foreign.items())


def payment(number: int, amount: int, currency: str, minutes: int, outcome: Outcome) -> Confirmation:
    """One message about one bank transaction of its own."""
    paid = outcome is Outcome.PAID
    return Confirmation(
        bank="vietbank",
        event_id=f"e{number}",
        reference="DV",
        outcome=outcome,
        amount=Money(amount, currency) if paid else None,
        bank_transaction_id=f"t{number}" if paid else None,
        paid_at=NOW - timedelta(minutes=minutes),
    )


messages = st.lists(
    st.tuples(
        st.sampled_from([1, 30, 50, 70, 100, 130]),
        st.sampled_from(["VND", "VND", "VND", "USD"]),
        st.sampled_from([1, 90, 200]),
        st.sampled_from([Outcome.PAID, Outcome.PAID, Outcome.PAID, Outcome.DECLINED, Outcome.PENDING]),
    ),
    min_size=1,
    max_size=4,
).map(lambda drawn: [payment(number, *each) for number, each in enumerate(drawn)])
orders = st.builds(
    replace,
    st.just(ORDER),
    required=st.sampled_from([1, 100, 160]),
    late_policy=st.sampled_from(LatePolicy),
    part_payments=st.booleans(),
    still_owed=st.sampled_from([True, True, True, False]),
    expires_at=st.sampled_from([NOW + timedelta(hours=1), NOW - timedelta(hours=1)]),
    cancelled_at=st.sampled_from([None, NOW - timedelta(hours=2)]),
)


@given(orders, messages, st.data())
def test_every_order_of_arrival_comes_to_the_same_end(
    order: OrderSnapshot, said: list[Confirmation], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(said), max_size=2))
    ends = set()
    for arrival in itertools.permutations(said):
        book = Book(order)
        for each in [*arrival, *again]:
            book.hear(each)
        ends.add(repr(book.end()))
    assert len(ends) == 1, ends


@given(orders, messages)
def test_after_every_step_the_money_stands_where_the_facts_want_it(
    order: OrderSnapshot, said: list[Confirmation]
) -> None:
    book = Book(order)
    for each in said:
        book.hear(each)
        now = book.order
        wanted = allocate(
            required=now.required,
            received=now.received,
            accepted=now.accepted,
            owed=now.settled_here or now.still_owed,
            part_payments=now.part_payments,
        )
        posted = Counter(now.posted)
        assert {account: posted[account] for account in wanted.by_account()} == wanted.by_account()
        assert posted[Account.BANK_CLEARING] == -now.received
        assert book.receipts == int(now.settled_here)


@given(orders, messages)
def test_a_message_repeated_at_once_changes_nothing(order: OrderSnapshot, said: list[Confirmation]) -> None:
    once, twice = Book(order), Book(order)
    for each in said:
        once.hear(each)
        twice.hear(each)
        twice.hear(each)
    assert once.end() == twice.end()
