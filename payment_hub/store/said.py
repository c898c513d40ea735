"""What a verified callback said, kept beside its bytes: to judge it later needs neither the bank's keys nor words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from payment_hub.domain.bank_values import Confirmation, Outcome, PayerAccount
from payment_hub.domain.money import Money


def write_said(confirmation: Confirmation) -> str:
    """The confirmation as JSON text; ``read_said`` gives back the very same."""
    amount, payer, paid_at = confirmation.amount, confirmation.payer, confirmation.paid_at
    return json.dumps(
        {
            "bank": confirmation.bank,
            "event_id": confirmation.event_id,
            "reference": confirmation.reference,
            "outcome": confirmation.outcome,
            "amount": None if amount is None else [amount.minor, amount.currency],
            "bank_transaction_id": confirmation.bank_transaction_id,
            "paid_at": None if paid_at is None else paid_at.isoformat(),
            "code": confirmation.code,
            "number": confirmation.number,
            "authorised": confirmation.authorised,
            "payer": None if payer is None else [payer.number, payer.bank, payer.name],
            "key": confirmation.key,
        }
    )


def read_said(said: Mapping[str, Any]) -> Confirmation:
    """The confirmation that was written."""
    amount, payer, paid_at = said["amount"], said["payer"], said["paid_at"]
    return Confirmation(
        bank=said["bank"],
        event_id=said["event_id"],
        reference=said["reference"],
        outcome=Outcome(said["outcome"]),
        amount=None if amount is None else Money(*amount),
        bank_transaction_id=said["bank_transaction_id"],
        paid_at=None if paid_at is None else datetime.fromisoformat(paid_at),
        code=said["code"],
        number=said["number"],
        authorised=said["authorised"],
        payer=None if payer is None else PayerAccount(*payer),
        key=said["key"],
    )
