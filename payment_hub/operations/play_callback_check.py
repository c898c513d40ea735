"""Play one check of the acceptance kit in which the bank speaks: what our callback door makes of its messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from payment_hub.domain.attempt_views import AttemptView
from payment_hub.domain.bank_kit import FarEnd, NotApplicable, NotAsExpected, ToldMessage
from payment_hub.domain.bank_port import CanAnswerInquiry, CanQuery, TakesCallbacks
from payment_hub.domain.bank_values import Outcome
from payment_hub.domain.keys import Caller, Role, Scope
from payment_hub.domain.payment_order import OrderStatus
from payment_hub.domain.standing import Source
from payment_hub.domain.views import OrderView
from payment_hub.hub import Hub
from payment_hub.operations.open_kit_payment import PAYER_IP, open_kit_payment
from payment_hub.operations.read_attempt_requests import read_attempt_requests
from payment_hub.operations.receive_confirmation import receive_confirmation
from payment_hub.operations.show_order import show_order
from payment_hub.operations.withdraw_order import withdraw_order

_OPERATOR: Final = Caller(0, Role.OPERATOR, "bank kit", frozenset(Scope))


def play_callback_check(hub: Hub, *, bank: str, far_end: FarEnd | None, check: str) -> str:
    """What was seen, when it is what ``check`` expects. Raises NotAsExpected, NotApplicable."""
    if not isinstance(hub.adapter(bank), TakesCallbacks):
        raise NotApplicable("it sends no callbacks")
    if far_end is None:
        raise NotApplicable("nothing can be provoked at it from here: no address of a far side was named")
    return _PLAYS[check](_Scene(hub, far_end, open_kit_payment(hub, bank=bank)))


@dataclass(frozen=True)
class _Scene:
    """An opened payment, and the bank's side of it."""

    hub: Hub
    far_end: FarEnd
    attempt: AttemptView

    def order(self) -> OrderView:
        """The order as it stands now."""
        return show_order(self.hub, caller=_OPERATOR, reference=self.attempt.order_reference)

    def told(self, choice: str) -> list[ToldMessage]:
        """What the bank tells our door when the citizen makes this choice. Where its callbacks say only that something
        has happened, it is asked what, as the clock would."""
        told = self.far_end.pay(self.attempt, choice)
        adapter = self.hub.adapter(self.attempt.bank)
        if isinstance(adapter, CanQuery) and not adapter.profile.signed:
            _, query = read_attempt_requests(self.hub, attempt=self.attempt, payer_ip=PAYER_IP, language="vi")
            said = adapter.query_payment(query)
            if said.outcome is not Outcome.PENDING:
                receive_confirmation(
                    self.hub, confirmation=said, source=Source.QUERY, received_at=query.asked_at
                )
        return told

    def require(self, status: OrderStatus, told: Sequence[ToldMessage]) -> str:
        """The order is in this status now."""
        now = self.order().status
        if now != status:
            raise NotAsExpected(f"the order is {now}; {_said(told)}")
        return f"the order is {now}; {_said(told)}"

    def require_received_once(self, told: Sequence[ToldMessage]) -> str:
        """The whole amount is here, once."""
        order = self.order()
        seen = f"{order.received} were received, the order is {order.status}; {_said(told)}"
        if order.received != self.attempt.amount:
            raise NotAsExpected(seen)
        return seen


def _good(scene: _Scene) -> str:
    return scene.require(OrderStatus.PAID, _taken(scene.told("pay")))


def _decline(scene: _Scene) -> str:
    told = scene.told("decline")
    if told:
        return scene.require(OrderStatus.OPEN, _taken(told))
    scene.require(OrderStatus.OPEN, told)
    raise NotApplicable("it does not tell of a payment that was declined")


def _late(scene: _Scene) -> str:
    order = scene.order()
    withdraw_order(
        scene.hub,
        caller=_OPERATOR,
        reference=order.reference,
        reason="the bank's acceptance kit",
        version=order.version,
    )
    try:
        told = scene.told("late")
    except (NotApplicable, NotAsExpected) as refused:
        if isinstance(scene.hub.adapter(scene.attempt.bank), CanAnswerInquiry):
            raise NotApplicable(
                "it asks us first, and takes no money for an order that is closed"
            ) from refused
        raise
    return scene.require_received_once(_taken(told))


def _duplicate(scene: _Scene) -> str:
    told = _taken(scene.told("twice"))
    if len(told) < 2:
        raise NotAsExpected(f"only one message came; {_said(told)}")
    return scene.require_received_once(told)


def _disbelieved(choice: str) -> Callable[[_Scene], str]:
    def play(scene: _Scene) -> str:
        # A bank may stop its tries at our refusal too, so being heard is no sign; but who is believed pays the order.
        return scene.require(OrderStatus.OPEN, _answered(scene.told(choice)))

    return play


def _wrong_amount(scene: _Scene) -> str:
    told = _answered(scene.told("wrong_amount"))
    order = scene.order()
    seen = f"{order.received} were received, the order is {order.status}; {_said(told)}"
    if order.status == OrderStatus.PAID:
        raise NotAsExpected(seen)
    return seen


def _unknown_order(scene: _Scene) -> str:
    return scene.require(OrderStatus.OPEN, _answered(scene.told("unknown_order")))


_PLAYS: Final[Mapping[str, Callable[[_Scene], str]]] = {
    "good": _good,
    "decline": _decline,
    "late": _late,
    "duplicate": _duplicate,
    "altered": _disbelieved("altered"),
    "stale": _disbelieved("stale"),
    "wrong_amount": _wrong_amount,
    "unknown_order": _unknown_order,
}


def _taken(told: Sequence[ToldMessage]) -> Sequence[ToldMessage]:
    """At least one message came, and our answers end the bank's tries."""
    if not told or not all(one.heard for one in told):
        raise NotAsExpected(f"it was not taken: {_said(told)}" if told else "no message came")
    return told


def _answered(told: Sequence[ToldMessage]) -> Sequence[ToldMessage]:
    """At least one message came and was answered, if only by a refusal."""
    if not told or not all(200 <= one.status < 500 for one in told):
        raise NotAsExpected(f"it was not answered: {_said(told)}" if told else "no message came")
    return told


def _said(told: Sequence[ToldMessage]) -> str:
    if not told:
        return "no message came"
    return "answered " + ", ".join(f"{one.status} {one.body[:200]}".strip() for one in told)
