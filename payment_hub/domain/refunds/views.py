"""What callers are shown of refunds. The payer's account and the officers' names are shown to officers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.calendar import wire_moment
from payment_hub.domain.money import Money, wire_money
from payment_hub.domain.refunds.lifecycle import THE_HUB


@dataclass(frozen=True, slots=True)
class RefundHistory:
    """One thing that happened to a refund."""

    event: str
    state: str
    actor: str | None
    code: str
    note: str
    evidence: Mapping[str, Any] | None
    at: datetime

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "event": self.event,
            "state": self.state,
            "actor": self.actor,
            "code": self.code,
            "note": self.note,
            "evidence": self.evidence and dict(self.evidence),
            "at": wire_moment(self.at),
        }


@dataclass(frozen=True, slots=True)
class RefundView:
    """A refund as its order's portal and the officers see it."""

    reference: str
    refund_id: str
    order_reference: str
    agency: str
    state: str
    route: str
    amount: Money
    reason: str
    note: str
    bank: str
    bank_transaction_id: str
    bank_refund_id: str | None
    proposed_by: str | None
    approved_by: str | None
    waits_for_statement: bool
    """The hub proposed it, and the money has not been seen in the bank's statement yet."""
    contradicted: bool
    payee: Mapping[str, Any] | None
    proposed_at: datetime
    changed_at: datetime
    escalated_at: datetime | None
    """Since when an officer must see to it: its bank did not answer in time."""
    history: Sequence[RefundHistory] = ()

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire. ``history`` is empty in lists."""
        return {
            "reference": self.reference,
            "refund_id": self.refund_id,
            "order": self.order_reference,
            "agency": self.agency,
            "state": self.state,
            "route": self.route,
            "amount": wire_money(self.amount),
            "reason": self.reason,
            "note": self.note,
            "collection": {"bank": self.bank, "bank_transaction_id": self.bank_transaction_id},
            "bank_refund_id": self.bank_refund_id,
            "proposed_by": self.proposed_by,
            "approved_by": self.approved_by,
            "waits_for_statement": self.waits_for_statement,
            "contradicted": self.contradicted,
            "payee": self.payee and dict(self.payee),
            "proposed_at": wire_moment(self.proposed_at),
            "changed_at": wire_moment(self.changed_at),
            "escalated_at": self.escalated_at and wire_moment(self.escalated_at),
            "history": [happened.as_wire() for happened in self.history],
        }

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
    """What can still be given back of one bank transaction."""

    bank: str
    bank_transaction_id: str
    amount: Money
    refundable: Money
    blocked: str | None
    """Why nothing of it can be given back now."""
    seen_in_statement: bool
    collected_at: datetime

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "bank": self.bank,
            "bank_transaction_id": self.bank_transaction_id,
            "amount": wire_money(self.amount),
            "refundable": wire_money(self.refundable),
            "blocked": self.blocked,
            "seen_in_statement": self.seen_in_statement,
            "collected_at": wire_moment(self.collected_at),
        }


@dataclass(frozen=True, slots=True)
class OrderRefundsView:
    """All refunds of an order, and what can still be given back."""

    refundable: Money
    collections: Sequence[RefundableView]
    items: Sequence[RefundView]

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "refundable": wire_money(self.refundable),
            "collections": [money.as_wire() for money in self.collections],
            "items": [refund.as_wire() for refund in self.items],
        }
