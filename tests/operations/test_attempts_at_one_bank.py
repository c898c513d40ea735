"""Two attempts at one bank: what the bank says of the first is said of the first, however late it comes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from payment_hub.domain.banks.values import Confirmation, Outcome
from payment_hub.domain.settlement import Source, Verdict
from payment_hub.hub import Hub
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.payments.start import start_payment
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, standin=StandInBank(), other=StandInBank(code="other"))


@pytest.fixture
def reference(hub: Hub) -> str:
    """An order tried at the stand-in, at the other bank, and at the stand-in once more."""
    order = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    for bank in ("standin", "other", "standin"):
        start_payment(hub, reference=order, bank=bank, payer_ip="203.0.113.9", language="vi")
    return order


def states(hub: Hub) -> list[tuple[str, str]]:
    found = rows(hub, "SELECT bank, state FROM payment_attempt ORDER BY number")
    return [(row["bank"], row["state"]) for row in found]


def spoken_of(hub: Hub) -> str:
    """The attempt of which the last confirmation speaks."""
    sql = """SELECT p.reference FROM confirmation c JOIN payment_attempt p ON p.id = c.attempt_id
        ORDER BY c.id DESC LIMIT 1"""
    return str(scalar(hub, sql))


def test_a_late_paid_is_the_first_attempts(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(f"{reference}-1", bank="standin")).verdict is Verdict.SETTLES
    assert states(hub) == [("standin", "SUCCEEDED"), ("other", "ABANDONED"), ("standin", "PENDING")]
    assert spoken_of(hub) == f"{reference}-1"
    assert receive(hub, confirmation(f"{reference}-3", bank="standin")).verdict is Verdict.PAID_TWICE
    assert states(hub) == [("standin", "SUCCEEDED"), ("other", "ABANDONED"), ("standin", "SUCCEEDED")]


def test_a_late_paid_under_our_number_is_the_first_attempts(hub: Hub, reference: str) -> None:
    """A bank that has room for digits alone knows the attempt by its number."""
    number = int(scalar(hub, "SELECT id FROM payment_attempt WHERE number = 1"))
    said = confirmation(str(number), bank="standin", number=number)
    assert receive(hub, said).verdict is Verdict.SETTLES
    assert states(hub) == [("standin", "SUCCEEDED"), ("other", "ABANDONED"), ("standin", "PENDING")]
    assert spoken_of(hub) == f"{reference}-1"


def test_a_late_decline_of_the_first_leaves_the_second_to_be_paid(hub: Hub, reference: str) -> None:
    said = confirmation(
        f"{reference}-1", None, bank="standin", outcome=Outcome.DECLINED, bank_transaction_id=None
    )
    receive(hub, said)
    assert states(hub) == [("standin", "FAILED"), ("other", "ABANDONED"), ("standin", "PENDING")]
    assert receive(hub, confirmation(f"{reference}-3", bank="standin")).verdict is Verdict.SETTLES
    assert states(hub) == [("standin", "FAILED"), ("other", "ABANDONED"), ("standin", "SUCCEEDED")]


def test_money_that_names_the_order_alone_is_the_latest_attempts(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference, bank="standin"))
    assert states(hub) == [("standin", "ABANDONED"), ("other", "ABANDONED"), ("standin", "SUCCEEDED")]


def paid_then(hub: Hub, reference: str, source: Source) -> Confirmation:
    """Proved, then declined."""
    receive(hub, confirmation(f"{reference}-3", bank="standin"))
    declined = confirmation(
        f"{reference}-3", None, bank="standin", outcome=Outcome.DECLINED, bank_transaction_id=None
    )
    receive_confirmation(hub, confirmation=declined, source=source, received_at=hub.now())
    return declined


@pytest.mark.parametrize("source", [Source.CALLBACK, Source.QUERY])
def test_a_decline_after_the_proof_moves_nothing_and_is_shown_as_a_contradiction(
    hub: Hub, reference: str, source: Source
) -> None:
    declined = paid_then(hub, reference, source)
    shown = rows(hub, "SELECT number, state, contradicted FROM payment_attempt ORDER BY number")
    assert [(row["number"], row["state"], row["contradicted"]) for row in shown] == [
        (1, "ABANDONED", False),
        (2, "ABANDONED", False),
        (3, "SUCCEEDED", True),
    ]
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"
    receive_confirmation(
        hub, confirmation=replace(declined, event_id="again"), source=source, received_at=hub.now()
    )
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"
