"""What callers are shown of an attempt, and of the banks between which it was or can be chosen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from payment_hub.domain.bank_choice import Choice, Option
from payment_hub.domain.choice_facts import Facts
from payment_hub.domain.choice_words import LANGUAGES, explained, not_offered
from payment_hub.domain.money import Money
from payment_hub.domain.views import wire_moment, wire_money


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try at paying, with the instructions for the payer."""

    reference: str
    order_reference: str
    bank: str
    state: str
    """UNKNOWN also while the bank's word that it was paid waits for its proof, or it holds the money for us."""
    amount: Money
    qr_text: str | None
    page_url: str | None
    account_number: str | None
    account_name: str | None
    account_bank: str | None
    purpose: str | None
    started_at: datetime
    app_link: str | None = None
    bill_code: str | None = None
    known_by: datetime | None = None
    """While the outcome is unknown: when it will be known, as we promise."""

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "reference": self.reference,
            "order": self.order_reference,
            "bank": self.bank,
            "state": self.state,
            "amount": wire_money(self.amount),
            "instructions": {
                "qr_text": self.qr_text,
                "page_url": self.page_url,
                "account_number": self.account_number,
                "account_name": self.account_name,
                "account_bank": self.account_bank,
                "purpose": self.purpose,
                "app_link": self.app_link,
                "bill_code": self.bill_code,
            },
            "started_at": wire_moment(self.started_at),
            "known_by": wire_moment(self.known_by),
        }


@dataclass(frozen=True, slots=True)
class OptionsView:
    """Every bank for one order at one moment, and the one that would be chosen."""

    order_reference: str
    facts: Facts
    options: tuple[Option, ...]
    choice: Choice

    def as_wire(self) -> dict[str, Any]:
        """The form on the wire."""
        return {
            "order": self.order_reference,
            "amount": self._money(self.facts.amount),
            "as_of": wire_moment(datetime.fromisoformat(self.facts.now)),
            "chosen": self.choice.bank,
            "rule": self.choice.rule,
            "why": {language: explained(self.choice, language) for language in LANGUAGES},
            "items": [self._option(option) for option in self.options],
        }

    def _option(self, option: Option) -> dict[str, Any]:
        facts, reason, until = option.facts, option.reason, option.until
        return {
            "bank": option.bank,
            "offered": option.offered,
            "reason": reason,
            "until": wire_moment(until),
            "why": reason and {language: not_offered(reason, until, language) for language in LANGUAGES},
            "fee": self._money(facts.fee),
            "fee_borne_by": facts.borne_by,
            "settles_on": facts.settles_on,
            "ways": list(facts.ways),
        }

    def _money(self, minor: int) -> dict[str, str]:
        return wire_money(Money(minor, self.facts.currency))
