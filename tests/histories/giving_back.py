"""What officers, banks and the clock may do in a random history with money that goes back."""

from __future__ import annotations

import itertools
from contextlib import suppress
from datetime import date
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import Confirmation
from payment_hub.domain.errors import CollectionNotFound, Conflict, Malformed, RefundableChanged
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import ENDED, RefundEvent, RefundReason, RefundState, Route
from payment_hub.hub import Hub
from payment_hub.operations.refunds import send as sending
from payment_hub.operations.refunds.chargebacks import record_chargeback
from payment_hub.operations.refunds.decide import propose_excess_refunds, propose_refund, set_refund_rules
from payment_hub.operations.refunds.send import PROVABLE, prove_refund, record_refund_result
from tests.histories.giving_bank import DOES, GivingBank
from tests.worlds.database import rows, scalar
from tests.worlds.orders import an_order, confirmation, receive
from tests.worlds.refunds import DUC, LAN, add_statement_line, an_officer, approve, decline, refundable

_PLACES: Final = st.integers(0, 10**6)
_PEOPLE: Final = st.sampled_from([LAN, DUC, an_officer("Lê Thị Mai")])

_REFUNDS: Final = """SELECT r.*, o.reference AS of_order FROM refund r JOIN payment_order o ON o.id = r.order_id
ORDER BY r.id"""

#: What a bank has given back of its money by our messages, and what came.
_GIVEN: Final = """SELECT c.id, c.amount, r.reference, r.amount AS asked FROM collection c
JOIN refund r ON r.collection_id = c.id WHERE r.route = 'BANK'"""


class GivingBack(RuleBasedStateMachine):
    """The steps of money that goes back; the orders are those of the history that it is mixed into.

    The banks remember what they carried out. As long as none of them lied, no payer has been paid twice.
    """

    house: Hub
    numbers: Any
    orders: list[str]
    said: list[Confirmation]
    received: dict[str, int]
    agency: Caller | None
    portal: Caller | None

    def __init__(self) -> None:
        super().__init__()
        self.giving = GivingBank()
        self.honest = True
        self.refunds: list[dict[str, Any]] = []
        self.evidence = itertools.count(1)

    def _refund(self, place: int, *states: RefundState) -> dict[str, Any]:
        """One in these states, if there is one; else any."""
        known = [refund for refund in self.refunds if refund["state"] in states] or self.refunds
        return known[place % len(known)]

    @rule(amounts=st.sampled_from([(150_000,), (150_000, 150_000), (200_000,), (40_000, 110_000)]))
    @precondition(lambda self: self.agency)
    def collect(self, amounts: tuple[int, ...]) -> None:
        assert self.agency is not None
        assert self.portal is not None
        self.orders.append(an_order(self.house, self.agency, self.portal)["reference"])
        for amount in amounts:
            self.said.append(confirmation(self.orders[-1], amount, bank="one"))
            receive(self.house, self.said[-1])

    @rule(place=_PLACES, amount=st.sampled_from([None, 40_000]), reason=st.sampled_from(RefundReason))
    @precondition(lambda self: any(self.received.values()))
    def send_back(self, place: int, amount: int | None, reason: RefundReason) -> None:
        """Two officers agree."""
        self.propose(place, amount, reason, LAN, 0)
        self.refunds = rows(self.house, _REFUNDS)
        if self.refunds:
            self.decide(len(self.refunds) - 1, DUC, True)

    @rule(
        place=_PLACES,
        amount=st.sampled_from([None, None, 1, 40_000, 150_000]),
        reason=st.sampled_from([RefundReason.NOT_OWED, RefundReason.OTHER, RefundReason.PAID_TWICE]),
        by=_PEOPLE,
        stale=st.sampled_from([0, 0, 0, 1]),
    )
    @precondition(lambda self: any(self.received.values()))
    def propose(self, place: int, amount: int | None, reason: RefundReason, by: Any, stale: int) -> None:
        paid = [reference for reference, received in self.received.items() if received]
        reference = paid[place % len(paid)]
        balance = refundable(self.house, reference)
        with suppress(Conflict, CollectionNotFound, Malformed):
            try:
                propose_refund(
                    self.house,
                    caller=by,
                    reference=reference,
                    refund_id=f"R{next(self.numbers)}",
                    refundable=dong(balance + stale),
                    amount=dong(amount or balance),
                    reason=reason,
                    note="so",
                )
            except RefundableChanged:
                assert stale
            else:
                assert not stale

    @rule(place=_PLACES, by=_PEOPLE, agreed=st.sampled_from([True, True, True, False]))
    @precondition(lambda self: self.refunds)
    def decide(self, place: int, by: Any, agreed: bool) -> None:
        refund = self._refund(place, RefundState.PROPOSED)
        with suppress(Conflict):
            (approve if agreed else decline)(self.house, refund["of_order"], refund["refund_id"], by)
            assert refund["state"] == RefundState.PROPOSED
            assert not agreed or refund["proposed_by"] != by.holder

    @rule(does=st.sampled_from(DOES), dies=st.sampled_from([False, False, False, True]))
    @precondition(lambda self: any(refund["state"] == RefundState.APPROVED for refund in self.refunds))
    def send(self, does: str, dies: bool) -> None:
        self.giving.does = does
        if dies:
            sending._claim(self.house)
        else:
            sending.send_refunds(self.house)

    @rule(
        place=_PLACES, word=st.sampled_from([RefundEvent.RETURNED, RefundEvent.FAILED, RefundEvent.ACCEPTED])
    )
    @precondition(lambda self: any(refund["submitted_at"] for refund in self.refunds))
    def lie(self, place: int, word: RefundEvent) -> None:
        """A bank's word comes at any time, twice, and against what is so."""
        refund = self._refund(place, RefundState.PENDING, RefundState.UNKNOWN, RefundState.FAILED)
        if refund["submitted_at"] is not None:
            known = refund["reference"] in self.giving.given
            self.honest &= word is not (RefundEvent.FAILED if known else RefundEvent.RETURNED)
            self.honest &= refund["reference"] not in self.giving.waits
            record_refund_result(self.house, key=refund["id"], event=word, code="99")

    @rule(place=_PLACES, event=st.sampled_from(PROVABLE), by=_PEOPLE)
    @precondition(lambda self: self.refunds)
    def prove(self, place: int, event: RefundEvent, by: Any) -> None:
        refund = self._refund(place, RefundState.APPROVED, RefundState.UNKNOWN, RefundState.HANDED_IN)
        if refund["route"] == Route.BANK and refund["submitted_at"] is not None:
            event = RefundEvent.RETURNED if refund["reference"] in self.giving.given else RefundEvent.FAILED
            if refund["reference"] in self.giving.waits:
                return
        with suppress(Conflict):
            prove_refund(
                self.house,
                caller=by,
                reference=refund["of_order"],
                refund_id=refund["refund_id"],
                event=event,
                document="paper 7",
                dated_on=date(2026, 3, 4),
                note="",
            )

    @rule(
        place=_PLACES, amount=st.sampled_from([None, 1, 40_000, 150_000]), times=st.sampled_from([0, 0, 1, 2])
    )
    @precondition(lambda self: self.said)
    def take_back(self, place: int, amount: int | None, times: int) -> None:
        told = self.said[place % len(self.said)]
        minor = amount or (1 if told.amount is None else told.amount.minor)
        with suppress(Conflict, CollectionNotFound):
            for _ in range(times):
                record_chargeback(
                    self.house,
                    bank=told.bank,
                    bank_transaction_id=told.bank_transaction_id or "",
                    amount=dong(minor),
                    evidence=f"letter {next(self.evidence) // 2}",
                    by="op",
                )

    @rule()
    @precondition(lambda self: any(self.received.values()))
    def look_for_excess(self) -> None:
        propose_excess_refunds(self.house)

    @rule(place=_PLACES)
    @precondition(lambda self: self.said)
    def see(self, place: int) -> None:
        told = self.said[place % len(self.said)]
        if told.amount is not None and told.bank_transaction_id is not None:
            with suppress(Exception):
                add_statement_line(self.house, told.bank, told.bank_transaction_id, told.amount.minor)

    @rule(unseen=st.booleans(), days=st.sampled_from([None, 0, 1, 3]), limit=st.sampled_from([None, 100_000]))
    @precondition(lambda self: self.orders)
    def change_rules(self, unseen: bool, days: int | None, limit: int | None) -> None:
        set_refund_rules(
            self.house,
            agency="G22.99",
            refund_limit=limit,
            refund_unseen=unseen,
            credited_after_days=days,
            voucher_form="C1-04/NS",
        )

    @invariant()
    def nothing_is_sent_twice_and_nobody_is_paid_twice(self) -> None:
        assert len(self.giving.refund_references) == len(set(self.giving.refund_references))
        if self.honest:
            given: dict[int, int] = {}
            for row in rows(self.house, _GIVEN):
                given[row["id"]] = given.get(row["id"], 0) + row["asked"] * (
                    row["reference"] in self.giving.given
                )
                assert given[row["id"]] <= row["amount"]

    @invariant()
    def what_has_ended_stays_so(self) -> None:
        before, self.refunds = self.refunds, rows(self.house, _REFUNDS)
        now = {refund["reference"]: refund["state"] for refund in self.refunds}
        assert all(now[one["reference"]] == one["state"] for one in before if one["state"] in ENDED)

    @invariant()
    def all_money_is_somewhere(self) -> None:
        """What came is here, went back or is on its way: nothing is lost between the accounts."""
        owing = """SELECT coalesce(sum(CASE WHEN credit = 'BANK_CLEARING' THEN -amount ELSE 0 END
            + CASE WHEN debit = 'BANK_CLEARING' THEN amount ELSE 0 END), 0)::bigint FROM posting"""
        came = "SELECT coalesce(sum(amount), 0)::bigint FROM collection"
        went = """SELECT coalesce(sum(amount), 0)::bigint FROM (
            SELECT amount FROM refund WHERE state = 'SUCCEEDED' AND route IN ('BANK', 'TRANSFER')
            UNION ALL SELECT amount - excess FROM chargeback) w"""
        assert scalar(self.house, owing) == scalar(self.house, came) - scalar(self.house, went)
