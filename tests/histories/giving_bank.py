"""A bank of random histories that gives money back, refuses, waits or falls silent, and knows what it has done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from payment_hub.domain.banks.values import RefundAnswer, RefundOutcome, RefundQuery, RefundRequest
from payment_hub.domain.errors import BankUnavailable, Malformed

#: What it may do, and whether it says so.
DOES: Final = ("gives", "gives", "refuses", "waits", "gives, silent", "refuses, silent", "cannot")


@dataclass
class GivingBank:
    """Its memory: every reference that it was asked for, those that it gave, and those that it still has in hand."""

    does: str = "gives"
    refund_references: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    waits: set[str] = field(default_factory=set)

    def refund(self, request: RefundRequest) -> RefundAnswer:
        """It is asked to give back."""
        if self.does == "cannot":
            raise Malformed("too little for this protocol")
        self.refund_references.append(request.refund_reference)
        if self.does.startswith("gives"):
            self.given.add(request.refund_reference)
        if self.does == "waits":
            self.waits.add(request.refund_reference)
        return self._answer(request.refund_reference)

    def query(self, query: RefundQuery) -> RefundAnswer:
        """It is asked what became of it: what it has in hand it gives one day."""
        if self.does.startswith("gives") and query.refund_reference in self.waits:
            self.waits.discard(query.refund_reference)
            self.given.add(query.refund_reference)
        return self._answer(query.refund_reference)

    def _answer(self, reference: str) -> RefundAnswer:
        if self.does.endswith("silent"):
            raise BankUnavailable("no answer")
        if reference in self.given:
            return RefundAnswer(RefundOutcome.SUCCEEDED, "00", f"B-{reference}")
        in_hand = reference in self.waits
        return RefundAnswer(RefundOutcome.PENDING if in_hand else RefundOutcome.FAILED, "05")
