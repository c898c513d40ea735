"""Twenty at the same moment, many times: one posting for each payment, and only documented refusals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import HubError
from payment_hub.domain.judgement import Judgement
from payment_hub.domain.settlement import Disposition, Verdict
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import receive_callback
from payment_hub.operations.obligations import amend_obligation
from payment_hub.operations.orders import cancel_order, expire_orders, issue_payment_order
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.races.crowd import CROWD, all_at_once, answers, refusals
from tests.worlds.banks import StandInBank, a_callback, sandbox_adapter, with_banks
from tests.worlds.database import balances, rows, scalar
from tests.worlds.orders import (
    a_claim,
    a_portal,
    an_agency,
    an_obligation,
    an_order,
    confirmation,
    fine_terms,
    receive,
)

AMOUNT = 150_000


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, sandbox=sandbox_adapter())


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def portal(hub: Hub) -> Caller:
    return a_portal(hub, webhook_url="https://portal.test/webhooks")


@pytest.fixture
def references(hub: Hub, agency: Caller, portal: Caller, rounds: int) -> list[str]:
    """An open order for each round."""
    return [an_order(hub, agency, portal)["reference"] for _ in range(rounds)]


def verdicts(results: list[Judgement | HubError]) -> list[Verdict]:
    return sorted(judgement.verdict for judgement in answers(results))


def payable(hub: Hub) -> int:
    return balances(hub).get("AGENCY_PAYABLE", 0)


def test_the_same_callback_twenty_times_is_one_payment(hub: Hub, references: list[str], rounds: int) -> None:
    for done, reference in enumerate(references, start=1):
        request = a_callback(reference, hub.now())
        results = all_at_once([partial(receive_callback, hub, bank="sandbox", request=request)] * CROWD)
        words = sorted(reply.body for reply in answers(results))
        assert words == [b'{"result": "ALREADY_RECORDED"}'] * (CROWD - 1) + [b'{"result": "RECORDED"}']
        assert payable(hub) == done * AMOUNT
    assert balances(hub) == {"BANK_CLEARING": -rounds * AMOUNT, "AGENCY_PAYABLE": rounds * AMOUNT}


def test_one_bank_transaction_under_twenty_event_ids_is_one_payment(
    hub: Hub, references: list[str], rounds: int
) -> None:
    for reference in references:
        said = [confirmation(reference, bank_transaction_id=f"T{reference}") for _ in range(CROWD)]
        found = verdicts(all_at_once([partial(receive, hub, word) for word in said]))
        assert found == [Verdict.DUPLICATE] * (CROWD - 1) + [Verdict.SETTLES]
    assert payable(hub) == rounds * AMOUNT


def test_money_without_an_order_told_twenty_times_is_kept_once(hub: Hub, rounds: int) -> None:
    for number in range(rounds):
        said = confirmation(f"typed by hand {number}")
        found = verdicts(all_at_once([partial(receive, hub, said)] * CROWD))
        assert found == [Verdict.DUPLICATE] * (CROWD - 1) + [Verdict.NO_SUCH_ORDER]
    assert balances(hub) == {"BANK_CLEARING": -rounds * AMOUNT, "SUSPENSE": rounds * AMOUNT}


def test_one_event_that_tells_of_twenty_different_payments_is_applied_once(
    hub: Hub, agency: Caller, portal: Caller
) -> None:
    """Not even when every payment is of another order, so that no lock of an order puts them in a line."""
    orders = [an_order(hub, agency, portal)["reference"] for _ in range(CROWD)]
    for number in range(10):
        said = [confirmation(reference, 1_000, event_id=f"E{number}") for reference in orders]
        results = answers(all_at_once([partial(receive, hub, word) for word in said]))
        found = sorted(judgement.disposition for judgement in results)
        assert found == [Disposition.APPLIED] + [Disposition.CONFLICT] * (CROWD - 1)


def test_one_key_used_twenty_times_issues_one_order(
    hub: Hub, agency: Caller, portal: Caller, rounds: int
) -> None:
    for number in range(rounds):
        obligation = an_obligation(hub, agency, amount=0 if number % 5 == 0 else AMOUNT)
        claim = a_claim(portal)
        issue = partial(
            issue_payment_order, hub, caller=portal, agency="G22.99", minutes=None, return_url=None
        )
        results = all_at_once([partial(issue, obligation_reference=obligation, claim=claim)] * CROWD)
        assert len({answer.body for answer in answers(results)}) == 1
        assert sorted(answer.replayed for answer in answers(results)) == [False] + [True] * (CROWD - 1)
    assert scalar(hub, "SELECT count(*) FROM payment_order") == rounds


def test_twenty_keys_for_one_obligation_issue_one_order(
    hub: Hub, agency: Caller, portal: Caller, rounds: int
) -> None:
    for _ in range(rounds):
        obligation = an_obligation(hub, agency)
        results = all_at_once([partial(an_order, hub, agency, portal, obligation=obligation)] * CROWD)
        assert len(answers(results)) == 1
        assert refusals(results) == ["OpenOrderExists"] * (CROWD - 1)


def test_two_banks_paying_one_order_settle_it_once_and_the_other_is_given_back(
    hub: Hub, references: list[str], rounds: int
) -> None:
    for reference in references:
        said = [
            confirmation(
                reference, bank=f"bank{place % 2}", event_id=reference, bank_transaction_id="T" + reference
            )
            for place in range(CROWD)
        ]
        found = verdicts(all_at_once([partial(receive, hub, word) for word in said]))
        assert found == [Verdict.DUPLICATE] * (CROWD - 2) + [Verdict.PAID_TWICE, Verdict.SETTLES]
    standing = {
        "BANK_CLEARING": -2 * rounds * AMOUNT,
        "AGENCY_PAYABLE": rounds * AMOUNT,
        "OVERPAYMENT": rounds * AMOUNT,
    }
    assert balances(hub) == standing


def test_expiry_against_payment_keeps_the_money_whoever_is_first(
    hub: Hub, references: list[str], clock: StoppedClock, rounds: int
) -> None:
    clock.advance(days=1)
    paid_at = clock() - timedelta(seconds=1)
    for reference in references:
        said = confirmation(reference, paid_at=paid_at)
        acts: list[Callable[[], object]] = [partial(receive, hub, said), partial(expire_orders, hub)] * 4
        results = all_at_once(acts)
        assert refusals(results) == []
        assert scalar(hub, "SELECT status FROM payment_order WHERE reference = :r", r=reference) == "PAID"
    assert payable(hub) == rounds * AMOUNT


def test_withdrawal_against_payment_keeps_the_money_whoever_is_first(
    hub: Hub, references: list[str], portal: Caller, rounds: int
) -> None:
    for reference in references:
        said = confirmation(reference)
        withdraw = partial(cancel_order, hub, caller=portal, reference=reference, reason="wrong", version=1)
        acts: list[Callable[[], object]] = [partial(receive, hub, said), withdraw] * (CROWD // 2)
        results = all_at_once(acts)
        assert set(refusals(results)) <= {"StaleVersion", "OrderClosed"}
        assert scalar(hub, "SELECT status FROM payment_order WHERE reference = :r", r=reference) == "PAID"
    assert balances(hub)["BANK_CLEARING"] == -rounds * AMOUNT


def test_amendment_against_payment_either_refuses_the_one_or_holds_the_other(
    hub: Hub, agency: Caller, portal: Caller, rounds: int
) -> None:
    outcomes = set()
    for _ in range(rounds):
        obligation = an_obligation(hub, agency)
        said = confirmation(an_order(hub, agency, portal, obligation=obligation)["reference"])
        amend = partial(
            amend_obligation,
            hub,
            caller=agency,
            agency="G22.99",
            terms=fine_terms(200_000),
            reason="new",
            version=1,
        )
        acts: list[Callable[[], object]] = [
            partial(receive, hub, said),
            partial(amend, reference=obligation),
        ] * 4
        results = all_at_once(acts)
        assert set(refusals(results)) <= {"StaleVersion", "ObligationClosed"}
        found = {answer.verdict for answer in answers(results) if isinstance(answer, Judgement)}
        outcomes |= found - {Verdict.DUPLICATE}
        amended = scalar(hub, "SELECT version = 2 FROM obligation WHERE reference = :r", r=obligation)
        assert (Verdict.TOO_LATE in found) is amended
    assert outcomes <= {Verdict.TOO_LATE, Verdict.SETTLES}


def test_twenty_payments_of_one_agency_get_twenty_receipts_without_a_gap(
    hub: Hub, agency: Caller, portal: Caller, rounds: int
) -> None:
    for _ in range(rounds // 5):
        orders = [an_order(hub, agency, portal)["reference"] for _ in range(CROWD)]
        said = [confirmation(reference) for reference in orders]
        found = verdicts(all_at_once([partial(receive, hub, word) for word in said]))
        assert found == [Verdict.SETTLES] * CROWD
    numbers = [row["number"] for row in rows(hub, "SELECT number FROM receipt ORDER BY number")]
    assert numbers == list(range(1, rounds // 5 * CROWD + 1))


def test_two_orders_of_one_obligation_paid_at_once_settle_it_once(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock, rounds: int
) -> None:
    for done in range(1, rounds + 1):
        obligation = an_obligation(hub, agency)
        old = an_order(hub, agency, portal, obligation=obligation, minutes=1)
        clock.advance(minutes=2)
        expire_orders(hub)
        new = an_order(hub, agency, portal, obligation=obligation)
        said = [confirmation(order["reference"]) for order in (old, new)]
        found = verdicts(all_at_once([partial(receive, hub, word) for word in said * 4]))
        assert found == [Verdict.DUPLICATE] * 6 + [Verdict.PAID_TWICE, Verdict.SETTLES]
        assert payable(hub) == done * AMOUNT


def test_twenty_who_start_to_pay_one_order_share_one_attempt(hub: Hub, references: list[str]) -> None:
    bank = StandInBank()
    hub = with_banks(hub, standin=bank)
    for reference in references[:20]:
        bank.opened.clear()
        start = partial(start_payment, hub, bank="standin", payer_ip="203.0.113.9", language="vi")
        results = all_at_once([partial(start, reference=reference)] * CROWD)
        assert set(refusals(results)) <= {"PaymentUnderWay"}
        assert {answer.reference for answer in answers(results)} == {f"{reference}-1"}
        assert len(bank.opened) == 1
