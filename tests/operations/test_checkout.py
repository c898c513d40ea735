"""The checkout page and the payer's return."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from payment_hub.domain.banks.values import Confirmation, Outcome
from payment_hub.domain.checkout import CheckoutView
from payment_hub.domain.errors import (
    BankNotFound,
    BankUnavailable,
    CallbackRejected,
    Malformed,
    OrderNotFound,
)
from payment_hub.domain.money import Money
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.checkout import handle_return, show_checkout
from payment_hub.operations.orders import cancel_order, expire_orders
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import INSTRUCTIONS, StandInBank, answers_in_turn, with_banks
from tests.worlds.database import scalar
from tests.worlds.orders import (
    a_portal,
    an_agency,
    an_obligation,
    an_operator,
    an_order,
    confirmation,
    receive,
)


@pytest.fixture
def bank() -> StandInBank:
    return StandInBank()


@pytest.fixture
def hub(hub: Hub, bank: StandInBank) -> Hub:
    return with_banks(hub, standin=bank, other=StandInBank())


def page(hub: Hub, reference: str) -> CheckoutView:
    return show_checkout(hub, token=hub.signer.checkout_token(reference))


def start(hub: Hub, reference: str, bank: str = "standin") -> None:
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")


def test_it_begins_with_what_is_owed_and_the_banks_to_choose_from(hub: Hub, reference: str) -> None:
    view = page(hub, reference)
    assert (view.state, view.banks, view.attempt, view.receipt) == (
        "CHOOSE_BANK",
        ("standin", "other"),
        None,
        None,
    )
    assert view.obligation.payer_name == "Nguyễn Thị Hường"
    assert hub.checkout_url(reference).endswith(f"/checkout/{hub.signer.checkout_token(reference)}")


def test_it_goes_on_with_the_instructions_and_ends_with_the_receipt(hub: Hub, reference: str) -> None:
    start(hub, reference)
    view = page(hub, reference)
    assert view.state == "AWAITING_PAYMENT"
    assert view.instructions is not None
    assert view.instructions.instructions.page_url == INSTRUCTIONS.page_url
    receive(hub, confirmation(f"{reference}-1", bank="standin"))
    view = page(hub, reference)
    assert (view.state, view.instructions) == ("PAID", None)
    assert view.receipt is not None
    assert (view.receipt.number, view.receipt.bank) == ("01BLP AA26E 0000001", "standin")
    assert view.receipt.amount_in_words == "Một trăm năm mươi nghìn đồng"


def test_a_silent_bank_is_not_called_a_failure(hub: Hub, reference: str, bank: StandInBank) -> None:
    bank.on_open = answers_in_turn(BankUnavailable("no answer"))
    with pytest.raises(BankUnavailable):
        start(hub, reference)
    assert page(hub, reference).state == "OUTCOME_UNKNOWN"


def test_a_declined_try_and_one_that_was_left_are_told_apart(
    hub: Hub, reference: str, bank: StandInBank
) -> None:
    start(hub, reference)
    receive(
        hub,
        confirmation(
            f"{reference}-1", None, bank="standin", outcome=Outcome.DECLINED, bank_transaction_id=None
        ),
    )
    assert page(hub, reference).state == "TRY_DECLINED"
    start(hub, reference, "other")
    assert page(hub, reference).state == "AWAITING_PAYMENT"


def test_part_of_the_money_leaves_the_rest_to_pay(hub: Hub, reference: str) -> None:
    start(hub, reference)
    receive(hub, confirmation(f"{reference}-1", 40_000, bank="standin"))
    view = page(hub, reference)
    assert (view.state, view.remaining.minor, view.instructions) == ("UNDERPAID", 110_000, None)


def test_money_that_a_person_must_look_at_is_said_to_be_here(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference, Money(100, "USD")))
    assert page(hub, reference).state == "HELD"


@pytest.mark.parametrize(
    ("policy", "state"), [(LatePolicy.ACCEPT, "PAID_LATE"), (LatePolicy.REFUND, "HELD_LATE")]
)
def test_late_money_is_said_to_be_late(hub: Hub, clock: StoppedClock, policy: LatePolicy, state: str) -> None:
    reference = an_order(hub, an_agency(hub, late_policy=policy), a_portal(hub))["reference"]
    clock.advance(days=1)
    assert page(hub, reference).state == "EXPIRED"
    clock.advance(minutes=1)
    receive(hub, confirmation(reference))
    assert page(hub, reference).state == state


def test_what_another_order_settled_is_not_offered_again(hub: Hub, clock: StoppedClock) -> None:
    agency, portal = an_agency(hub), a_portal(hub)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)["reference"]
    clock.advance(days=1)
    expire_orders(hub)
    new = an_order(hub, agency, portal, obligation=obligation)["reference"]
    receive(hub, confirmation(old))
    assert (page(hub, old).state, page(hub, new).state) == ("PAID", "PAID_ELSEWHERE")


def test_a_withdrawn_order_says_so(hub: Hub, reference: str) -> None:
    cancel_order(hub, caller=an_operator(), reference=reference, reason="wrong", version=1)
    assert page(hub, reference).state == "CANCELLED"


def test_nothing_to_pay_has_its_receipt_at_once(hub: Hub) -> None:
    view = page(hub, an_order(hub, an_agency(hub), a_portal(hub), amount=0)["reference"])
    assert (view.state, view.receipt is not None) == ("NOTHING_TO_PAY", True)


FORGED = [
    "{reference}",
    "{reference}.",
    "{reference}.{cut}",
    "{lower}.{mac}",
    "{other}.{mac}",
    ".{mac}",
    "",
    "é.{mac}",
]


@pytest.mark.parametrize(
    "form", [*FORGED, "{reference}.{mac}A", "{reference}.{mac}" + "A" * 100, "{reference}..{mac}"]
)
def test_without_the_token_there_is_no_page(hub: Hub, reference: str, form: str) -> None:
    _, _, mac = hub.signer.checkout_token(reference).partition(".")
    other = an_order(hub, an_agency(hub, "H55"), a_portal(hub, "other"))["reference"]
    token = form.format(reference=reference, mac=mac, cut=mac[:-1], lower=reference.lower(), other=other)
    with pytest.raises(OrderNotFound):
        show_checkout(hub, token=token)


@dataclass
class ReturningBank(StandInBank):
    """Signs what the browser brings with one word."""

    code: str = "returning"

    def read_return(self, query: bytes) -> Confirmation:
        """``genuine=<reference>``."""
        word, _, reference = query.decode().partition("=")
        if word == "odd":
            raise Malformed("no sense in it")
        if word != "genuine":
            raise CallbackRejected
        return Confirmation(self.code, "return", reference, Outcome.PAID)


@pytest.fixture
def returning_bank() -> ReturningBank:
    return ReturningBank()


@pytest.fixture
def returning_hub(hub: Hub, returning_bank: ReturningBank) -> Hub:
    return with_banks(hub, returning=returning_bank, standin=StandInBank())


@pytest.fixture
def returning_order(returning_hub: Hub, clock: StoppedClock) -> str:
    found = str(an_order(returning_hub, an_agency(returning_hub), a_portal(returning_hub))["reference"])
    start_payment(returning_hub, reference=found, bank="returning", payer_ip="203.0.113.9", language="vi")
    clock.advance(minutes=2)
    return found


def test_the_bank_is_asked_and_only_its_answer_counts(
    returning_hub: Hub, returning_bank: ReturningBank, returning_order: str, clock: StoppedClock
) -> None:
    query = f"genuine={returning_order}-1".encode()
    assert handle_return(returning_hub, bank="returning", query=query) == returning_order
    assert [asked.attempt_reference for asked in returning_bank.queried] == [f"{returning_order}-1"]
    assert scalar(returning_hub, "SELECT status FROM payment_order") == "OPEN"
    returning_bank.on_query = answers_in_turn(confirmation(f"{returning_order}-1", bank="returning"))
    clock.advance(minutes=2)
    assert handle_return(returning_hub, bank="returning", query=query) == returning_order
    assert scalar(returning_hub, "SELECT status FROM payment_order") == "PAID"


def test_a_page_that_is_loaded_again_and_again_asks_once(
    returning_hub: Hub, returning_bank: ReturningBank, returning_order: str
) -> None:
    for _ in range(5):
        handle_return(returning_hub, bank="returning", query=f"genuine={returning_order}-1".encode())
    assert len(returning_bank.queried) == 1


@pytest.mark.parametrize(
    "query", [b"", b"forged=DV", b"odd=1", b"genuine=", b"genuine=DV0000000000000A", b"genuine=hello"]
)
def test_what_is_not_signed_or_not_ours_is_nothing(
    returning_hub: Hub, returning_bank: ReturningBank, returning_order: str, query: bytes
) -> None:
    assert handle_return(returning_hub, bank="returning", query=query) is None
    assert returning_bank.queried == []


def test_a_bank_whose_browsers_bring_nothing_says_nothing(returning_hub: Hub, returning_order: str) -> None:
    assert handle_return(returning_hub, bank="standin", query=f"genuine={returning_order}-1".encode()) is None
    with pytest.raises(BankNotFound):
        handle_return(returning_hub, bank="nobody", query=b"")
