"""Reversals of postings and the trial balance."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import AlreadyReversed, Forbidden, PostingNotFound
from payment_hub.domain.ledger import BalanceLine
from payment_hub.domain.money import Money
from payment_hub.hub import Hub
from payment_hub.operations.ledger import reverse_posting, trial_balance
from tests.conftest import StoppedClock
from tests.races.crowd import CROWD, all_at_once, answers, refusals
from tests.worlds.database import balances, rows, scalar
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


MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def other(hub: Hub) -> Caller:
    return an_agency(hub, "H55")


@pytest.fixture
def two_days(hub: Hub, agency: Caller, other: Caller, clock: StoppedClock) -> None:
    """Monday: the police, 1,000 too much; Tuesday, past midnight in Vietnam: the hospital, by another bank."""
    portal = a_portal(hub)
    receive(hub, confirmation(an_order(hub, agency, portal)["reference"], 151_000))
    clock.advance(hours=13, minutes=59, seconds=59)
    receive(hub, confirmation("typed by hand", 5_000))
    clock.advance(seconds=1)
    receive(hub, confirmation(an_order(hub, other, portal, amount=70_000)["reference"], 70_000, bank="vnpay"))


def balance(hub: Hub, caller: Caller | None = None, **asked: Any) -> list[BalanceLine]:
    days = {"day_from": MONDAY, "day_to": TUESDAY}
    return trial_balance(hub, caller=caller or an_operator(), **(days | asked))


def short(lines: list[BalanceLine]) -> list[tuple[int, str | None, str | None, str, int]]:
    return [
        (line.day.day, line.agency, line.bank, line.account, line.debit.minor - line.credit.minor)
        for line in lines
    ]


@pytest.mark.usefixtures("two_days")
def test_every_account_of_every_agency_bank_and_day_has_its_line(hub: Hub) -> None:
    assert short(balance(hub)) == [
        (2, "G22.99", "sandbox", "BANK_CLEARING", 151_000),
        (2, "G22.99", None, "AGENCY_PAYABLE", -150_000),
        (2, "G22.99", None, "OVERPAYMENT", -1_000),
        (2, None, "sandbox", "BANK_CLEARING", 5_000),
        (2, None, None, "SUSPENSE", -5_000),
        (3, "H55", "vnpay", "BANK_CLEARING", 70_000),
        (3, "H55", None, "AGENCY_PAYABLE", -70_000),
    ]


@pytest.mark.usefixtures("two_days")
def test_debits_and_credits_are_the_same_sum_on_every_day_and_in_every_currency(
    hub: Hub, agency: Caller
) -> None:
    order = an_order(hub, agency, a_portal(hub, "other"))
    receive(hub, confirmation(order["reference"], Money(100, "USD")))
    for currency in ("VND", "USD"):
        for day in (MONDAY, TUESDAY):
            lines = [
                line for line in balance(hub, day_from=day, day_to=day) if line.debit.currency == currency
            ]
            assert sum(line.debit.minor for line in lines) == sum(line.credit.minor for line in lines)


@pytest.mark.usefixtures("two_days")
def test_an_agency_sees_its_own_lines_only_whatever_it_asks_for(hub: Hub, agency: Caller) -> None:
    assert {line.agency for line in balance(hub, agency)} == {"G22.99"}
    assert balance(hub, agency, agency="H55") == []


@pytest.mark.usefixtures("two_days")
@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        ({"agency": "H55"}, 2),
        ({"bank": "vnpay"}, 1),
        ({"day_to": MONDAY}, 5),
        ({"day_from": TUESDAY}, 2),
        ({"bank": "x"}, 0),
    ],
)
def test_it_can_be_asked_for_one_agency_bank_or_day(hub: Hub, asked: dict[str, Any], lines: int) -> None:
    assert len(balance(hub, **asked)) == lines


@pytest.mark.usefixtures("two_days")
def test_a_reversal_shows_on_both_sides_and_leaves_nothing_standing(hub: Hub) -> None:
    reverse_posting(hub, caller=an_operator(), posting_id=4, reason="not ours")
    assert short(balance(hub, agency="H55")) == [
        (3, "H55", "vnpay", "BANK_CLEARING", 0),
        (3, "H55", None, "AGENCY_PAYABLE", 0),
    ]


@pytest.mark.usefixtures("two_days")
def test_a_portal_has_no_part_in_the_ledger_whatever_its_key_says(hub: Hub) -> None:
    with pytest.raises(Forbidden):
        balance(hub, a_portal(hub, "curious"))


@pytest.mark.usefixtures("two_days")
def test_money_of_the_small_hours_is_of_the_day_in_vietnam(
    hub: Hub, agency: Caller, clock: StoppedClock
) -> None:
    """At two in the morning of Tuesday it is still Monday in Greenwich."""
    clock.advance(hours=2)
    assert clock().isoformat() == "2026-03-02T19:00:00+00:00"
    receive(hub, confirmation("typed at two", 9_000, bank="napas", paid_at=clock()))
    assert short(balance(hub, day_from=TUESDAY, bank="napas")) == [(3, None, "napas", "BANK_CLEARING", 9_000)]
    assert balance(hub, day_to=MONDAY, bank="napas") == []
    assert scalar(hub, "SELECT day FROM collection WHERE bank = 'napas'") == TUESDAY
