"""Explain why the attempts at an order went through their banks, by what decided then: rules may have changed since."""

from __future__ import annotations

from payment_hub.domain.choice_words import LANGUAGES, explained
from payment_hub.domain.keys import Caller
from payment_hub.domain.references import parse_reference
from payment_hub.hub import Hub
from payment_hub.store import attempts, orders


def explain_choices(hub: Hub, *, caller: Caller, reference: str) -> dict[str, dict[str, str]]:
    """For each attempt's reference one sentence in each language. Raises MalformedReference, OrderNotFound."""
    with hub.transaction() as session:
        row = orders.find_row(session, parse_reference(reference), caller)
        chosen = attempts.choices_of(session, row["order_id"])
    return {
        attempt: {language: explained(choice, language) for language in LANGUAGES}
        for attempt, choice in chosen
    }
