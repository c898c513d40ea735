"""What callers, banks and the clock may do in a random history, and what holds after every step."""

from __future__ import annotations

import itertools
from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import Confirmation, Instructions, Outcome, PaymentQuery, PaymentRequest
from payment_hub.domain.errors import BankUnavailable, Conflict
from payment_hub.domain.money import Money
from payment_hub.domain.settlement import Disposition, LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.health import check_invariants
from payment_hub.operations.obligations import (
    amend_obligation,
    restore_obligation,
    show_obligation,
    withdraw_obligation,
)
from payment_hub.operations.orders import cancel_order, expire_orders, show_order
from payment_hub.operations.payments.query import query_pending
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.refunds.send import query_refunds
from tests.conftest import StoppedClock
from tests.histories.facts import empty
from tests.histories.giving_back import GivingBack
from tests.worlds.banks import INSTRUCTIONS, with_banks
from tests.worlds.database import rows
from tests.worlds.orders import (
    a_portal,
    an_agency,
    an_obligation,
    an_operator,
    an_order,
    confirmation,
    fine_terms,
    receive,
)
from tests.worlds.refunds import RefundingBank

_PLACES = st.integers(0, 10**6)
_AMOUNTS = st.sampled_from([None, None, 1, 40_000, 110_000, 150_001])  # None is what the order requires


class Histories(GivingBack):
    """One agency, one portal, two banks of which either may fall silent at any time."""

    hub: Hub
    clock: StoppedClock
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        empty(self.hub)
        self.silent = False
        self.answer: Outcome = Outcome.PENDING
        self.bank = RefundingBank(
            on_open=self._open,
            on_query=self._query,
            on_refund=self.giving.refund,
            on_refund_query=self.giving.query,
        )
        self.house = with_banks(self.hub, one=self.bank, two=self.bank)
        self.numbers = itertools.count(1)
        self.obligations: list[str] = []
        self.orders: list[str] = []
        self.said: list[Confirmation] = []
        self.heard: list[Confirmation] = []
        self.received: dict[str, int] = {}
        self.agency: Caller | None = None
        self.portal: Caller | None = None

    def _open(self, request: PaymentRequest) -> Instructions:
        if self.silent:
            raise BankUnavailable("no answer")
        return INSTRUCTIONS

    def _query(self, query: PaymentQuery) -> Confirmation:
        if self.silent:
            raise BankUnavailable("no answer")
        paid = self.answer is Outcome.PAID
        return Confirmation(
            bank="one",
            event_id=f"q-{query.attempt_reference}-{self.answer}",
            reference=query.attempt_reference,
            outcome=self.answer,
            amount=query.amount if paid else None,
            bank_transaction_id=f"q-{query.attempt_reference}" if paid else None,
        )

    @initialize(policy=st.sampled_from(LatePolicy), parts=st.booleans())
    def begin(self, policy: LatePolicy, parts: bool) -> None:
        self.agency = an_agency(self.house, late_policy=policy, part_payments=parts)
        self.portal = a_portal(self.house)
        self.register(150_000)

    @rule(amount=st.sampled_from([0, 1_000, 150_000]))
    def register(self, amount: int) -> None:
        assert self.agency is not None
        self.obligations.append(an_obligation(self.house, self.agency, amount, f"QD/{next(self.numbers)}"))

    @rule(place=_PLACES, verb=st.sampled_from(["amend", "withdraw", "restore"]), stale=st.booleans())
    @precondition(lambda self: self.obligations)
    def restate(self, place: int, verb: str, stale: bool) -> None:
        reference = _one_of(self.obligations, place)
        shown = show_obligation(self.house, caller=an_operator(), agency="G22.99", reference=reference)
        asked: dict[str, Any] = {
            "caller": self.agency,
            "agency": "G22.99",
            "reference": reference,
            "reason": "so",
            "version": shown.version - stale,
        }
        try:
            if verb == "amend":
                amend_obligation(self.house, terms=fine_terms(200_000), **asked)
            else:
                (withdraw_obligation if verb == "withdraw" else restore_obligation)(self.house, **asked)
        except Conflict:
            after = show_obligation(self.house, caller=an_operator(), agency="G22.99", reference=reference)
            assert after == shown

    @rule(place=_PLACES)
    @precondition(lambda self: self.obligations)
    def issue(self, place: int) -> None:
        assert self.agency is not None
        assert self.portal is not None
        try:
            order = an_order(
                self.house, self.agency, self.portal, obligation=_one_of(self.obligations, place), minutes=60
            )
        except Conflict:
            return
        self.orders.append(order["reference"])

    @rule(place=_PLACES, bank=st.sampled_from(["one", "two"]), silent=st.booleans())
    @precondition(lambda self: self.orders)
    def start(self, place: int, bank: str, silent: bool) -> None:
        self.silent = silent
        order = _one_of(self.orders, place)
        # What a caller must expect; the invariants tell what it left behind.
        with suppress(Conflict, BankUnavailable):
            start_payment(self.house, reference=order, bank=bank, payer_ip="203.0.113.9", language="vi")
        self.silent = False

    @rule(
        place=_PLACES,
        amount=_AMOUNTS,
        outcome=st.sampled_from(
            [Outcome.PAID, Outcome.PAID, Outcome.PAID, Outcome.DECLINED, Outcome.PENDING]
        ),
        bank=st.sampled_from(["one", "two"]),
        currency=st.sampled_from(["VND", "VND", "VND", "VND", "USD"]),
        known=st.sampled_from(["", "", "", "transaction", "event"]),
        hours=st.sampled_from([None, 0, -0.5, -2, -100]),
        typed=st.sampled_from(["order", "order", "attempt", "nothing", "unknown"]),
    )
    @precondition(lambda self: self.orders)
    def confirm(
        self,
        place: int,
        amount: int | None,
        outcome: Outcome,
        bank: str,
        currency: str,
        known: str,
        hours: float | None,
        typed: str,
    ) -> None:
        order = _one_of(self.orders, place)
        required = show_order(self.house, caller=an_operator(), reference=order).required.minor
        number = next(self.numbers)
        # An id that only repeated money is not kept as heard: it may come with other money.
        of = self.heard if known == "event" else self.said
        earlier = _one_of(of, place) if of and known else None
        paid = outcome is Outcome.PAID
        minor = amount or required
        told = {"order": order, "attempt": f"{order}-1", "nothing": "ve sinh", "unknown": "DV5N71C6W000000N"}
        said = confirmation(
            told[typed],
            Money(minor, currency) if paid else None,
            bank=earlier.bank if earlier else bank,
            event_id=earlier.event_id if earlier and known == "event" else f"e{number}",
            outcome=outcome,
            bank_transaction_id=(
                (earlier.bank_transaction_id if earlier and known == "transaction" else None) or f"t{number}"
            )
            if paid
            else None,
            paid_at=None if hours is None else self.clock() + timedelta(hours=hours),
        )
        if receive(self.house, said).disposition is not Disposition.DUPLICATE:
            self.heard.append(said)
        self.said.append(said)

    @rule(place=_PLACES)
    @precondition(lambda self: self.said)
    def repeat(self, place: int) -> None:
        assert receive(self.house, _one_of(self.said, place)).disposition is Disposition.DUPLICATE

    @rule(place=_PLACES, stale=st.booleans())
    @precondition(lambda self: self.orders)
    def withdraw_order(self, place: int, stale: bool) -> None:
        shown = show_order(self.house, caller=an_operator(), reference=_one_of(self.orders, place))
        try:
            cancel_order(
                self.house,
                caller=an_operator(),
                reference=shown.reference,
                reason="so",
                version=shown.version - stale,
            )
        except Conflict:
            after = show_order(self.house, caller=an_operator(), reference=shown.reference)
            assert after == shown or (not stale and shown.received < after.received)

    @rule(minutes=st.sampled_from([1, 10, 61, 3_000]), answer=st.sampled_from(Outcome), silent=st.booleans())
    def let_time_pass(self, minutes: int, answer: Outcome, silent: bool) -> None:
        self.clock.advance(minutes=minutes)
        self.answer, self.silent = answer, silent
        query_pending(self.house)
        self.giving.does = "gives, silent" if silent else "gives"
        query_refunds(self.house)
        self.silent = False
        expire_orders(self.house)

    @invariant()
    def every_invariant_holds(self) -> None:
        type(self).steps += 1
        assert check_invariants(self.house) == []

    @invariant()
    def received_never_falls(self) -> None:
        now = {
            row["reference"]: row["received"]
            for row in rows(self.house, "SELECT reference, received FROM payment_order")
        }
        assert all(now[reference] >= before for reference, before in self.received.items())
        self.received = now


def _one_of(known: list[Any], place: int) -> Any:
    return known[place % len(known)]
