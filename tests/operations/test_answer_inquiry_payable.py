"""A bank asks before it takes money: what it hears when nothing speaks against it, and that nothing changes."""

from __future__ import annotations

import logging

import pytest

from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.settlement import LatePolicy
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import answer_inquiry
from tests.conftest import StoppedClock
from tests.operations.asking_bank import AskingBank, answer, asked, asking, start
from tests.worlds.banks import answers_in_turn
from tests.worlds.database import rows
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return asking(hub)


@pytest.fixture
def bank(hub: Hub) -> AskingBank:
    found = hub.adapter("asking")
    assert isinstance(found, AskingBank)
    return found


@pytest.fixture
def reference(hub: Hub) -> str:
    """An open order over 150,000 dong."""
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


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
