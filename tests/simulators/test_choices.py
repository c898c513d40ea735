"""What becomes of a payment at the simulator, and what the hub is told of it."""

from __future__ import annotations

import pytest

from bank_adapters.simulators.callbacks import send_request
from bank_adapters.simulators.simulator import Payment, WireRequest
from tests.simulators.conftest import REFERENCE, Stage
from tests.simulators.mekong import MekongSimulator


@pytest.mark.parametrize(
    ("choice", "outcome", "said"),
    [
        ("pay", "PAID", ["PAID"]),
        ("decline", "DECLINED", ["DECLINED"]),
        ("silent", "PAID", []),
        ("late", "PAID", ["PAID"]),
        ("twice", "PAID", ["PAID", "PAID"]),
        ("undecided", "PENDING", []),
        ("altered", "PENDING", ["PAID"]),
        ("stale", "PENDING", ["PAID"]),
        ("unknown_order", "PENDING", ["PAID"]),
    ],
)
def test_a_choice_has_its_outcome_and_its_messages(
    stage: Stage, choice: str, outcome: str, said: list[str]
) -> None:
    now = stage.chosen(stage.opened(), choice)
    assert (now["outcome"], [body["status"] for body in stage.bodies()]) == (outcome, said)
    assert (now["pending"], len(now["deliveries"])) == (0, len(said))


def test_the_same_message_twice_has_the_same_bytes(stage: Stage) -> None:
    stage.chosen(stage.opened(), "twice")
    first, second = stage.hub.received
    assert first[1:] == second[1:]


def test_an_altered_message_differs_in_its_amount_and_a_stranger_in_its_reference(stage: Stage) -> None:
    page = stage.opened()
    stage.chosen(page, "altered")
    stage.chosen(page, "unknown_order")
    changed, stranger = stage.bodies()
    assert (changed["amount"], changed["reference"]) == ("250000", REFERENCE)
    assert (stranger["amount"], stranger["reference"] != REFERENCE) == ("150000", True)


def test_a_wrong_amount_is_what_really_arrives(stage: Stage) -> None:
    assert stage.chosen(stage.opened(), "wrong_amount")["amount"] == 149_000
    assert stage.bodies()[0]["amount"] == "149000"


def test_a_settled_payment_is_not_paid_again(stage: Stage) -> None:
    page = stage.opened()
    stage.chosen(page, "pay")
    assert "already" in stage.chosen(page, "pay", status=409)["not_offered"]
    assert len(stage.hub.received) == 1


def test_an_unknown_choice_is_refused(stage: Stage) -> None:
    assert "choice is one of" in stage.chosen(stage.opened(), "rob", status=409)["not_offered"]


def test_a_message_is_sent_again_until_it_is_heard(stage: Stage) -> None:
    stage.hub.answers = [500, 503, 200]
    deliveries = stage.chosen(stage.opened(), "pay")["deliveries"]
    assert [(one["status"], one["accepted"]) for one in deliveries] == [
        (500, False),
        (503, False),
        (200, True),
    ]
    times = [at for at, _, _, _ in stage.hub.received]
    assert times[1] - times[0] >= 0.06  # a minute of the bank's schedule, a thousand times faster


def test_a_message_that_is_never_heard_is_given_up_when_the_schedule_ends(stage: Stage) -> None:
    stage.hub.answers = [500]
    deliveries = stage.chosen(stage.opened(), "pay")["deliveries"]
    assert [one["accepted"] for one in deliveries] == [False] * (1 + len(MekongSimulator.retries))


def test_a_hub_that_does_not_answer_or_not_in_the_rails_words_has_not_heard(stage: Stage) -> None:
    book = stage.simulator("patient")
    book.settle(book.remember(Payment("P1", 1000)), "PAID")
    stage.server.wait_until_delivered()
    assert [one.accepted for one in book.delivered("P1")] == [False] * 4
    assert send_request(WireRequest("GET", "/"), "http://127.0.0.1:1").status == 0


def test_messages_go_out_byte_for_byte(stage: Stage) -> None:
    reply = send_request(WireRequest("GET", "/a?x=1", b"y=%7e&z=+%2B", {}), stage.hub.url)
    assert reply.status == 200
    assert stage.hub.received[0][2] == "/a?x=1&y=%7e&z=+%2B"
