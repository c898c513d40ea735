"""A bank asks while something happens to the order: what it hears was true at one moment, of everything at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import answer_inquiry
from payment_hub.store import payments
from tests.operations.asking_bank import answer, asked, asking, start
from tests.worlds.banks import StandInBank, answers_in_turn
from tests.worlds.database import execute
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return asking(hub)


@pytest.fixture
def reference(hub: Hub) -> str:
    """An open order over 150,000 dong."""
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


def unanswered(hub: Hub, reference: str, bank: str) -> None:
    """An attempt at ``bank`` of which nobody knows what became of it."""
    found = hub.adapter(bank)
    assert isinstance(found, StandInBank)
    found.on_open = answers_in_turn(BankUnavailable("no answer"))
    with pytest.raises(BankUnavailable):
        start(hub, reference, bank)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen once, between the reading of the order and that of its attempts."""

    def arrange(happen: Callable[[], object]) -> None:
        left, read = [happen], payments.attempts_of_order

        def of_order(*given: Any) -> Any:
            if left:
                left.pop()()
            return read(*given)

        monkeypatch.setattr(payments, "attempts_of_order", of_order)

    return arrange


def test_what_another_bank_proves_meanwhile_does_not_make_it_payable(
    hub: Hub, reference: str, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    unanswered(hub, reference, "other")
    meanwhile(lambda: receive(hub, confirmation(f"{reference}-1", bank="other")))
    assert answer_only(hub, reference) == "CLOSED"
    assert answer_only(hub, reference) == "PAID"


def test_what_is_begun_meanwhile_is_not_seen_by_half(
    hub: Hub, reference: str, meanwhile: Callable[[Callable[[], object]], None]
) -> None:
    meanwhile(lambda: unanswered(hub, reference, "other"))
    assert answer_only(hub, reference) == "PAYABLE"
    assert answer_only(hub, reference) == "CLOSED"


def test_a_bank_that_asks_by_the_order_may_still_hold_the_money_of_its_own_attempt(
    hub: Hub, reference: str
) -> None:
    """It knows what it did about the attempt that it names; of another it says nothing."""
    unanswered(hub, reference, "asking")
    assert answer(hub, reference)["due"] == "CLOSED"
    assert answer(hub, f"{reference}-1")["due"] == "PAYABLE"


@pytest.mark.parametrize("state", ["SUBMITTING", "UNKNOWN"])
@pytest.mark.parametrize("bank", ["asking", "other"])
def test_nothing_is_payable_while_another_attempt_is_undecided(
    hub: Hub, reference: str, bank: str, state: str
) -> None:
    start(hub, reference, bank)
    execute(hub, f"UPDATE payment_attempt SET state = '{state}'")
    for said in (
        reference,
        f"{reference}-2",
        f"{reference.lower()}-1",
        f"phi {reference}-1 nguyen thi huong",
    ):
        assert answer(hub, said)["due"] == "CLOSED"


def answer_only(hub: Hub, reference: str) -> str:
    """What the bank hears, while something else may change."""
    reply = answer_inquiry(hub, bank="asking", request=asked(hub, reference=reference))
    return str(json.loads(reply.body)["due"])
