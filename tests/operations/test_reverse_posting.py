"""A posting is reversed once, by its mirror image, and nothing is ever changed."""

from __future__ import annotations

from functools import partial

import pytest

from payment_hub.domain.errors import AlreadyReversed, PostingNotFound
from payment_hub.hub import Hub
from payment_hub.operations.ledger import reverse_posting
from tests.races.crowd import CROWD, all_at_once, answers, refusals
from tests.worlds.database import balances, rows
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive


@pytest.fixture
def posting(hub: Hub) -> int:
    receive(hub, confirmation(an_order(hub, an_agency(hub), a_portal(hub))["reference"]))
    return int(rows(hub, "SELECT id FROM posting")[0]["id"])


def reverse(hub: Hub, posting: int) -> int:
    return reverse_posting(hub, caller=an_operator(), posting_id=posting, reason="wrong agency")


def test_the_reversal_is_the_mirror_image_and_says_who_and_why(hub: Hub, posting: int) -> None:
    made = reverse(hub, posting)
    both = rows(
        hub, "SELECT id, debit, credit, amount, bank, agency_id, order_id, reason FROM posting ORDER BY id"
    )
    assert both[0] | {"id": made, "debit": "AGENCY_PAYABLE", "credit": "BANK_CLEARING"} == both[1] | {
        "reason": None
    }
    assert both[1]["reason"] == "operator:op: wrong agency"
    assert balances(hub) == {}


def test_a_posting_is_reversed_once(hub: Hub, posting: int) -> None:
    reverse(hub, posting)
    with pytest.raises(AlreadyReversed):
        reverse(hub, posting)
    assert balances(hub) == {}


def test_of_twenty_reversals_at_once_one_is_made(hub: Hub, posting: int) -> None:
    results = all_at_once([partial(reverse, hub, posting)] * CROWD)
    assert len(answers(results)) == 1
    assert refusals(results) == ["AlreadyReversed"] * 19


def test_what_was_never_posted_is_not_found(hub: Hub, posting: int) -> None:
    with pytest.raises(PostingNotFound):
        reverse(hub, 999)
