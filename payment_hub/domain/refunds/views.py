"""What callers are shown of refunds. The payer's account and the officers' names are shown to officers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.money import Money
from payment_hub.domain.refunds.lifecycle import THE_HUB, RefundEvent, RefundReason, RefundState, Route
from payment_hub.domain.wire import Shown


@dataclass(frozen=True, slots=True)
class RefundChange:
    """The refund whose change an event reports."""

    refund_id: str
    reference: Annotated[str, Shown(description="The hub's reference, by which the bank knows the refund")]
    state: RefundState
    amount: Money
    reason: RefundReason


@dataclass(frozen=True, slots=True)
class RefundHistory:
    """One thing that happened to a refund."""

    event: RefundEvent
    state: RefundState
    actor: str | None
    code: Annotated[str, Shown(description="The bank's own code word")]
    note: str
    evidence: Mapping[str, Any] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundCollection:
    """The bank transaction whose money is refunded."""

    bank: str
    bank_transaction_id: str


@dataclass(frozen=True, slots=True)
class Payee:
    """The account that the money goes to by transfer."""

    number: str
    bank: str | None = None
    name: str | None = None
    stated_by: Annotated[
        str | None,
        Shown(
            description="Who named the account: the bank; of anybody else's, compare it before you approve"
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund. ``history`` is empty in lists; people and accounts are shown to those they concern."""

    reference: Annotated[str, Shown(description="The hub's reference, by which the bank knows the refund")]
    refund_id: str
    order_reference: Annotated[str, Shown("order")]
    agency: str
    state: RefundState
    route: Route
    amount: Money
    reason: RefundReason
    note: str
    collection: RefundCollection
    bank_refund_id: str | None
    proposed_by: str | None
    approved_by: str | None
    waits_for_statement: Annotated[
        bool, Shown(description="It is approved only when a statement shows the money")
    ]
    """The hub proposed it, and the money has not been seen in the bank's statement yet."""
    contradicted: Annotated[
        bool, Shown(description="The bank contradicts the refund's end; an officer must look into it")
    ]
    payee: Payee | None
    proposed_at: datetime
    changed_at: datetime
    escalated_at: datetime | None
    """Since when an officer must see to it: its bank did not answer in time."""
    history: Sequence[RefundHistory] = ()

    def seen_by(self, caller: Caller) -> RefundView:
        """Without what is not for the caller: names are for those who keep the books, accounts for officers."""
        view = self
        if caller.role not in (Role.OFFICER, Role.OPERATOR):
            hidden = [replace(happened, evidence=None) for happened in view.history]
            view = replace(view, payee=None, history=hidden)
        if caller.role is Role.PORTAL:
            nameless = [replace(happened, actor=None) for happened in view.history]
            proposer = view.proposed_by if view.proposed_by in (THE_HUB, caller.holder) else None
            view = replace(view, proposed_by=proposer, approved_by=None, history=nameless)
        return view


@dataclass(frozen=True, slots=True)
class RefundableView:
    """What can still be refunded of one bank transaction."""

    bank: str
    bank_transaction_id: str
    amount: Money
    refundable: Money
    blocked: Annotated[str | None, Shown(description="Why nothing of it can be refunded now")]
    seen_in_statement: bool
    collected_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRefundsView:
    """All refunds of an order, the latest first, and what can still be refunded."""

    refundable: Money
    collections: Sequence[RefundableView]
    items: Sequence[RefundView]
