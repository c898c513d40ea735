"""A bank's inquiry about an order, before the payer pays."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from payment_hub.domain.banks.values import CallbackReply, Instructions, PaymentRequest
from payment_hub.domain.errors import (
    BankCannot,
    BankNotFound,
    BankUnavailable,
    CallbackRejected,
    HubUnavailable,
)
from payment_hub.domain.money import Money
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import answer_inquiry
from payment_hub.operations.obligations import amend_obligation
from payment_hub.operations.orders import cancel_order, expire_orders
from payment_hub.store import payments
from tests.conftest import StoppedClock
from tests.operations.asking_bank import AskingBank, answer, asked, asking, start
from tests.worlds.banks import StandInBank, answers_in_turn
from tests.worlds.database import count, execute, rows
from tests.worlds.orders import (
    a_portal,
    an_agency,
    an_obligation,
    an_operator,
    an_order,
    confirmation,
    fine_terms,
    receive,
)


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return asking(hub)


@pytest.fixture
def bank(hub: Hub) -> AskingBank:
    found = hub.adapter("asking")
    assert isinstance(found, AskingBank)
    return found


# Inquiries that are not believed -------------------------------------------------------------------------------------


def test_a_forged_inquiry_learns_nothing_of_the_order(hub: Hub, reference: str) -> None:
    with pytest.raises(CallbackRejected) as rejected:
        answer_inquiry(hub, bank="asking", request=asked(hub, reference=reference, genuine=False))
    assert rejected.value.detail == ""
    assert count(hub, "callback") == 0


def test_a_forged_inquiry_is_refused_in_the_banks_own_words(
    hub: Hub, reference: str, bank: AskingBank
) -> None:
    bank.refusal = CallbackReply(400, b'{"result_code":"004"}')
    forged = asked(hub, reference=reference, genuine=False)
    assert answer_inquiry(hub, bank="asking", request=forged) == bank.refusal


def test_a_genuine_inquiry_that_makes_no_sense_is_refused_alike(hub: Hub, bank: AskingBank) -> None:
    bank.refusal = CallbackReply(400, b'{"result_code":"001"}')
    assert answer_inquiry(hub, bank="asking", request=asked(hub)) == bank.refusal


def test_a_bank_that_takes_no_callbacks_has_no_words_for_a_refusal(hub: Hub, reference: str) -> None:
    with pytest.raises(CallbackRejected):
        answer_inquiry(hub, bank="silent", request=asked(hub, reference=reference, genuine=False))
    believed = answer_inquiry(hub, bank="silent", request=asked(hub, reference=reference))
    assert json.loads(believed.body)["due"] == "PAYABLE"


def test_only_a_bank_that_asks_has_this_door(hub: Hub, reference: str) -> None:
    with pytest.raises(BankCannot):
        answer_inquiry(hub, bank="other", request=asked(hub, reference=reference))
    with pytest.raises(BankNotFound):
        answer_inquiry(hub, bank="nobody", request=asked(hub, reference=reference))


def test_without_a_database_nothing_is_said_to_be_payable(
    hub: Hub, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = asked(hub, reference=reference)

    def away(*_: object) -> None:
        raise HubUnavailable

    monkeypatch.setattr("payment_hub.store.orders.find_row", away)
    with pytest.raises(HubUnavailable):
        answer_inquiry(hub, bank="asking", request=request)


# What must not be paid -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nonsense",
    ["", "DV", "hoc phi ky 2", "DV00000000000001", "x" * 4000, "\u0110V0D2F5H8K1M3N5P", "' OR 1=1 --"],
)
def test_what_names_no_order_is_unknown(hub: Hub, reference: str, nonsense: str) -> None:
    assert answer(hub, nonsense)["due"] == "NO_SUCH_ORDER"


def test_an_order_that_was_never_issued_is_unknown(hub: Hub) -> None:
    assert answer(hub, "DV5N71C6W000000N")["due"] == "NO_SUCH_ORDER"


def test_two_orders_in_one_text_are_none(hub: Hub, reference: str) -> None:
    assert answer(hub, f"{reference} DV5N71C6W000000N")["due"] == "NO_SUCH_ORDER"


def pass_the_deadline(hub: Hub, reference: str, clock: StoppedClock) -> None:
    clock.advance(days=1)


def withdraw(hub: Hub, reference: str, clock: StoppedClock) -> None:
    cancel_order(hub, caller=an_operator(), reference=reference, reason="wrong", version=1)


def pay_in_dollars(hub: Hub, reference: str, clock: StoppedClock) -> None:
    receive(hub, confirmation(reference, Money(100, "USD")))


def contradict(hub: Hub, reference: str, clock: StoppedClock) -> None:
    receive(hub, confirmation(reference, 40_000, bank_transaction_id="T"))
    receive(hub, confirmation(reference, 50_000, bank_transaction_id="T"))


def amend(hub: Hub, reference: str, clock: StoppedClock) -> None:
    known = rows(hub, "SELECT reference FROM obligation")[0]["reference"]
    amend_obligation(
        hub,
        caller=an_operator(),
        agency="G22.99",
        reference=known,
        terms=fine_terms(160_000),
        reason="more",
        version=1,
    )


@pytest.mark.parametrize("close", [pass_the_deadline, withdraw, amend, pay_in_dollars, contradict])
def test_a_closed_or_held_order_must_not_be_paid(
    hub: Hub, reference: str, clock: StoppedClock, close: Callable[[Hub, str, StoppedClock], None]
) -> None:
    close(hub, reference, clock)
    assert answer(hub, reference)["due"] == "CLOSED"


def test_a_paid_order_is_paid(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference))
    assert answer(hub, reference)["due"] == "PAID"


def test_what_another_order_has_settled_must_not_be_paid(hub: Hub, clock: StoppedClock) -> None:
    agency, portal = an_agency(hub, late_policy=LatePolicy.ACCEPT), a_portal(hub)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(days=1)
    expire_orders(hub)
    new = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(minutes=1)
    receive(hub, confirmation(old["reference"]))
    assert answer(hub, new["reference"])["due"] == "CLOSED"


@pytest.mark.parametrize("amount", [149_999, 150_001, 0, 15_000_000])
def test_another_amount_than_is_lacking_is_not_to_be_paid(hub: Hub, reference: str, amount: int) -> None:
    assert answer(hub, reference, amount=amount)["due"] == "AMOUNT_DIFFERS"


def test_nobody_pays_here_while_nobody_knows_what_another_bank_did(hub: Hub, reference: str) -> None:
    other = hub.adapter("other")
    assert isinstance(other, StandInBank)
    other.on_open = answers_in_turn(BankUnavailable("no answer"))
    with pytest.raises(BankUnavailable):
        start(hub, reference, "other")
    assert answer(hub, reference)["due"] == "CLOSED"


def test_nobody_pays_here_while_another_bank_is_being_asked(hub: Hub, reference: str) -> None:
    other = hub.adapter("other")
    assert isinstance(other, StandInBank)
    heard: list[str] = []

    def asks_meanwhile(_: PaymentRequest) -> Instructions:
        heard.append(answer(hub, reference)["due"])
        return Instructions(page_url="https://other.test/pay")

    other.on_open = asks_meanwhile
    start(hub, reference, "other")
    assert heard == ["CLOSED"]


@pytest.mark.parametrize("which", ["other", "asking"])
def test_nobody_pays_while_a_payment_is_told_and_not_proven(hub: Hub, reference: str, which: str) -> None:
    start(hub, reference, which)
    execute(hub, "UPDATE payment_attempt SET awaiting = 'CONFIRMATION', query_at = started_at")
    assert answer(hub, reference)["due"] == "CLOSED"


def test_an_attempt_that_the_payer_left_for_another_bank_is_not_taken_up_again(
    hub: Hub, reference: str
) -> None:
    left = start(hub, reference, "asking")
    start(hub, reference, "other")
    assert answer(hub, left)["due"] == "CLOSED"


def test_the_asking_banks_own_unanswered_attempt_keeps_nobody_from_paying(
    hub: Hub, reference: str, bank: AskingBank
) -> None:
    bank.on_open = answers_in_turn(BankUnavailable("no answer"))
    with pytest.raises(BankUnavailable):
        start(hub, reference, "asking")
    assert answer(hub, f"{reference}-1")["due"] == "PAYABLE"


def test_an_open_order_is_payable_though_nobody_chose_this_bank(hub: Hub, reference: str) -> None:
    bill = answer(hub, reference, echo="7")
    assert bill == {
        "due": "PAYABLE",
        "order": reference,
        "attempt": "",
        "amount": "150000",
        "payer": "Nguyễn Thị Hường",
        "echo": "7",
    }


def test_an_attempt_of_this_bank_is_named(hub: Hub, reference: str) -> None:
    attempt = start(hub, reference, "asking")
    assert (answer(hub, attempt)["due"], answer(hub, attempt)["attempt"]) == ("PAYABLE", attempt)
    assert answer(hub, reference, amount=150_000)["attempt"] == attempt


def test_another_banks_attempt_is_not_told(hub: Hub, reference: str) -> None:
    theirs = start(hub, reference, "other")
    bill = answer(hub, theirs)
    assert (bill["due"], bill["attempt"], bill["order"]) == ("PAYABLE", "", reference)


def test_a_reference_may_be_said_as_people_say_it(hub: Hub, reference: str) -> None:
    spoken = (
        " ".join(reference[i : i + 4] for i in range(0, 16, 4)).lower().replace("0", "o").replace("1", "l")
    )
    for said in (spoken, f"nop phat {reference} nguyen thi huong", reference.lower()):
        assert answer(hub, said)["due"] == "PAYABLE"


def test_of_an_underpaid_order_the_rest_is_due(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference, 100_000))
    assert (answer(hub, reference)["due"], answer(hub, reference)["amount"]) == ("PAYABLE", "50000")
    assert answer(hub, reference, amount=50_000)["due"] == "PAYABLE"
    assert answer(hub, reference, amount=150_000)["due"] == "AMOUNT_DIFFERS"


@pytest.mark.parametrize(("policy", "due"), [(LatePolicy.ACCEPT, "PAYABLE"), (LatePolicy.REFUND, "CLOSED")])
def test_the_rest_may_come_late_only_where_the_agency_takes_it(
    hub: Hub, clock: StoppedClock, policy: LatePolicy, due: str
) -> None:
    order = an_order(hub, an_agency(hub, late_policy=policy), a_portal(hub))["reference"]
    receive(hub, confirmation(order, 100_000))
    clock.advance(days=1)
    assert answer(hub, order)["due"] == due


def test_what_was_told_is_logged_without_a_name(
    hub: Hub, reference: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer(hub, reference)
        with pytest.raises(CallbackRejected):
            answer_inquiry(hub, bank="asking", request=asked(hub, genuine=False))
    told, refused = (record for record in caplog.records if record.msg.startswith("inquiry"))
    assert (told.msg, vars(told)["order"], vars(told)["verdict"]) == (
        "inquiry_answered",
        reference,
        "PAYABLE",
    )
    assert (refused.msg, vars(refused)["why"]) == ("inquiry_refused", "CallbackRejected")
    assert "Nguy" not in str([vars(told), vars(refused)])


def test_asking_leaves_the_gate_as_it_was(hub: Hub, reference: str) -> None:
    before = rows(hub, "SELECT row_version, version FROM obligation")
    answer(hub, reference)
    assert rows(hub, "SELECT row_version, version FROM obligation") == before


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
