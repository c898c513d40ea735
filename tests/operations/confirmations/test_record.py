"""What a confirmation of money does to its order, its attempt and the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from payment_hub.domain.banks.values import CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import BankUnavailable, OrderClosed
from payment_hub.domain.money import Money, dong
from payment_hub.domain.settlement import Disposition, LatePolicy, Source, Verdict
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import receive_callback
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.obligations import amend_obligation
from payment_hub.operations.orders import cancel_order, expire_orders, show_order
from payment_hub.operations.payments.start import start_payment
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import balances, count, rows, scalar
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


def order_of(hub: Hub) -> dict[str, Any]:
    wanted = "status, received, accepted, late, conflict, held, sequence"
    return rows(hub, f"SELECT {wanted} FROM payment_order")[0]


def flags(hub: Hub, reference: str) -> tuple[str, ...]:
    return show_order(hub, caller=an_operator(), reference=reference).flags


def test_money_for_an_open_order_settles_it_with_posting_receipt_and_event(hub: Hub, reference: str) -> None:
    judgement = receive(hub, confirmation(reference))
    assert (judgement.verdict, judgement.disposition) == (Verdict.SETTLES, Disposition.APPLIED)
    assert order_of(hub) | {
        "status": "PAID",
        "received": 150000,
        "accepted": 150000,
        "sequence": 2,
    } == order_of(hub)
    assert rows(hub, "SELECT debit, credit, amount FROM posting") == [
        {"debit": "BANK_CLEARING", "credit": "AGENCY_PAYABLE", "amount": 150000}
    ]
    assert rows(hub, "SELECT series, number, amount FROM receipt") == [
        {"series": "AA26E", "number": 1, "amount": 150000}
    ]
    assert rows(
        hub,
        "SELECT type, sequence, data ->> 'status' AS status, data ->> 'receipt' AS receipt FROM event ORDER BY id",
    ) == [
        {"type": "payment_order.issued", "sequence": 1, "status": "OPEN", "receipt": None},
        {"type": "payment_order.paid", "sequence": 2, "status": "PAID", "receipt": "01BLP AA26E 0000001"},
    ]


def test_a_repeated_confirmation_is_answered_as_the_first_time(hub: Hub, reference: str) -> None:
    said = confirmation(reference)
    receive(hub, said)
    again = receive(hub, said)
    assert (again.verdict, again.first_verdict) == (Verdict.DUPLICATE, Verdict.SETTLES)
    assert order_of(hub)["received"] == 150000
    assert len(rows(hub, "SELECT 1 FROM posting")) == 1


def test_the_same_bank_transaction_under_a_new_event_id_counts_once(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference, bank_transaction_id="TA"))
    again = receive(hub, confirmation(reference, bank_transaction_id="TA"))
    assert again.disposition is Disposition.DUPLICATE
    assert order_of(hub)["received"] == 150000


def test_an_event_id_that_first_repeated_known_money_is_known_too(hub: Hub, reference: str) -> None:
    said = confirmation(reference, event_id="e-1", bank_transaction_id="T")
    receive(hub, said)
    again = replace(said, event_id="e-2")
    assert receive(hub, again).disposition is Disposition.DUPLICATE
    assert receive(hub, replace(again, amount=dong(1))).disposition is Disposition.CONFLICT
    assert receive(hub, again).disposition is Disposition.DUPLICATE


@pytest.mark.parametrize("event_id", ["E1", "E2"])
def test_the_same_transaction_with_another_amount_is_kept_and_holds_the_order(
    hub: Hub, reference: str, event_id: str
) -> None:
    receive(hub, confirmation(reference, event_id="E1", bank_transaction_id="TA"))
    contradiction = confirmation(reference, 140_000, event_id=event_id, bank_transaction_id="TA")
    assert receive(hub, contradiction).disposition is Disposition.CONFLICT
    assert receive(hub, contradiction).disposition is Disposition.DUPLICATE
    assert order_of(hub)["received"] == 150000
    assert flags(hub, reference) == ("CONFLICT", "HELD")


def test_too_little_waits_in_suspense_until_the_rest_comes(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(reference, 40_000)).verdict is Verdict.UNDERPAYS
    assert (order_of(hub)["status"], balances(hub)) == (
        "UNDERPAID",
        {"BANK_CLEARING": -40_000, "SUSPENSE": 40_000},
    )
    assert receive(hub, confirmation(reference, 110_000)).verdict is Verdict.SETTLES
    assert order_of(hub)["status"] == "PAID"
    assert balances(hub) == {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}


def test_too_much_settles_and_the_rest_is_a_debt_to_the_payer(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(reference, 151_000)).verdict is Verdict.OVERPAYS
    assert flags(hub, reference) == ("OVERPAID",)
    assert balances(hub) == {"BANK_CLEARING": -151_000, "AGENCY_PAYABLE": 150_000, "OVERPAYMENT": 1_000}


def test_a_second_payment_is_kept_whole_to_be_given_back(hub: Hub, reference: str) -> None:
    receive(hub, confirmation(reference))
    assert receive(hub, confirmation(reference, bank="vnpay")).verdict is Verdict.PAID_TWICE
    assert balances(hub) == {"BANK_CLEARING": -300_000, "AGENCY_PAYABLE": 150_000, "OVERPAYMENT": 150_000}
    assert len(rows(hub, "SELECT 1 FROM receipt")) == 1


def test_money_for_no_order_is_remembered_in_suspense(hub: Hub, reference: str) -> None:
    judgement = receive(hub, confirmation("DV5N71C6W000000N"))
    assert (judgement.verdict, judgement.disposition) == (Verdict.NO_SUCH_ORDER, Disposition.ORPHAN)
    assert balances(hub) == {"BANK_CLEARING": -150_000, "SUSPENSE": 150_000}
    assert order_of(hub)["status"] == "OPEN"


def test_money_in_another_currency_is_never_converted(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(reference, Money(100, "USD"))).verdict is Verdict.WRONG_CURRENCY
    assert (order_of(hub)["status"], flags(hub, reference)) == ("OPEN", ("HELD",))
    assert rows(hub, "SELECT credit, amount, currency FROM posting") == [
        {"credit": "SUSPENSE", "amount": 100, "currency": "USD"}
    ]


def test_late_money_settles_where_the_agency_accepts_it(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    clock.advance(days=1, minutes=1)
    assert expire_orders(hub) == 1
    assert order_of(hub)["status"] == "EXPIRED"
    assert receive(hub, confirmation(reference)).verdict is Verdict.SETTLES
    assert (order_of(hub)["status"], flags(hub, reference)) == ("PAID", ("LATE",))


@pytest.mark.parametrize("policy", [LatePolicy.REFUND, LatePolicy.SUSPENSE])
def test_late_money_is_held_where_the_agency_does_not_accept_it(
    hub: Hub, clock: StoppedClock, policy: LatePolicy
) -> None:
    order = an_order(hub, an_agency(hub, late_policy=policy), a_portal(hub))
    clock.advance(days=1, minutes=1)
    assert receive(hub, confirmation(order["reference"])).verdict is Verdict.TOO_LATE
    assert flags(hub, order["reference"]) == ("LATE", "HELD")
    assert balances(hub) == {"BANK_CLEARING": -150_000, "SUSPENSE": 150_000}
    assert rows(hub, "SELECT 1 FROM receipt") == []


def test_the_banks_own_moment_decides_lateness_if_it_is_credible(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    paid_at = clock() + timedelta(hours=23)
    clock.advance(days=1, hours=2)
    receive(hub, confirmation(reference, paid_at=paid_at))
    assert flags(hub, reference) == ()


def test_an_incredible_moment_of_the_bank_is_not_believed(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    paid_at = clock()
    clock.advance(days=5)
    receive(hub, confirmation(reference, paid_at=paid_at))
    assert flags(hub, reference) == ("LATE",)


def test_the_old_code_of_an_amended_obligation_is_never_called_paid(hub: Hub) -> None:
    agency, portal = an_agency(hub), a_portal(hub)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)
    assert agency.agency_code is not None
    amend_obligation(
        hub,
        caller=agency,
        agency=agency.agency_code,
        reference=obligation,
        terms=fine_terms(200_000),
        reason="recalculated",
        version=1,
    )
    new = an_order(hub, agency, portal, obligation=obligation)
    assert receive(hub, confirmation(old["reference"])).verdict is Verdict.TOO_LATE
    assert "HELD" in flags(hub, old["reference"])
    assert receive(hub, confirmation(new["reference"], 200_000)).verdict is Verdict.SETTLES


def test_two_orders_of_one_obligation_settle_it_once(hub: Hub, clock: StoppedClock) -> None:
    agency, portal = an_agency(hub), a_portal(hub)
    obligation = an_obligation(hub, agency)
    old = an_order(hub, agency, portal, obligation=obligation)
    clock.advance(days=1, minutes=1)
    expire_orders(hub)
    new = an_order(hub, agency, portal, obligation=obligation)
    assert receive(hub, confirmation(new["reference"])).verdict is Verdict.SETTLES
    assert receive(hub, confirmation(old["reference"])).verdict is Verdict.PAID_TWICE
    assert flags(hub, old["reference"]) == ("LATE", "HELD")
    assert balances(hub)["AGENCY_PAYABLE"] == 150_000
    assert len(rows(hub, "SELECT 1 FROM receipt")) == 1


def test_a_refusal_leaves_the_order_open(hub: Hub, reference: str) -> None:
    declined = confirmation(reference, None, outcome=Outcome.DECLINED, bank_transaction_id=None)
    assert receive(hub, declined).verdict is Verdict.DECLINED
    assert order_of(hub)["status"] == "OPEN"
    assert receive(hub, confirmation(reference)).verdict is Verdict.SETTLES


def test_paid_without_a_transaction_is_no_proof(hub: Hub, reference: str) -> None:
    assert receive(hub, confirmation(reference, bank_transaction_id=None)).verdict is Verdict.CONTRADICTS
    assert order_of(hub)["status"] == "OPEN"


def test_withdrawing_closes_the_offer_and_not_the_money(hub: Hub, reference: str) -> None:
    withdrawn = cancel_order(hub, caller=an_operator(), reference=reference, reason="wrong person", version=1)
    assert (withdrawn.status, withdrawn.version) == ("CANCELLED", 2)
    with pytest.raises(OrderClosed):
        cancel_order(hub, caller=an_operator(), reference=reference, reason="again", version=2)
    receive(hub, confirmation(reference))
    assert order_of(hub)["received"] == 150_000


def test_an_order_of_nothing_has_its_receipt_without_a_bank(hub: Hub) -> None:
    order = an_order(hub, an_agency(hub), a_portal(hub), amount=0)
    assert (order["status"], order["receipt"]) == ("PAID", "01BLP AA26E 0000001")


@pytest.fixture
def two_banks_hub(hub: Hub) -> Hub:
    return with_banks(hub, standin=StandInBank(), other=StandInBank(code="other"))


@pytest.fixture
def order_of_three_attempts(two_banks_hub: Hub) -> str:
    """An order tried at the stand-in, at the other bank, and at the stand-in once more."""
    order = str(an_order(two_banks_hub, an_agency(two_banks_hub), a_portal(two_banks_hub))["reference"])
    for bank in ("standin", "other", "standin"):
        start_payment(two_banks_hub, reference=order, bank=bank, payer_ip="203.0.113.9", language="vi")
    return order


def states(hub: Hub) -> list[tuple[str, str]]:
    found = rows(hub, "SELECT bank, state FROM payment_attempt ORDER BY number")
    return [(row["bank"], row["state"]) for row in found]


def spoken_of(hub: Hub) -> str:
    """The attempt of which the last confirmation speaks."""
    sql = """SELECT p.reference FROM confirmation c JOIN payment_attempt p ON p.id = c.attempt_id
        ORDER BY c.id DESC LIMIT 1"""
    return str(scalar(hub, sql))


def test_a_late_paid_is_the_first_attempts(two_banks_hub: Hub, order_of_three_attempts: str) -> None:
    assert (
        receive(two_banks_hub, confirmation(f"{order_of_three_attempts}-1", bank="standin")).verdict
        is Verdict.SETTLES
    )
    assert states(two_banks_hub) == [("standin", "SUCCEEDED"), ("other", "ABANDONED"), ("standin", "PENDING")]
    assert spoken_of(two_banks_hub) == f"{order_of_three_attempts}-1"
    assert (
        receive(two_banks_hub, confirmation(f"{order_of_three_attempts}-3", bank="standin")).verdict
        is Verdict.PAID_TWICE
    )
    assert states(two_banks_hub) == [
        ("standin", "SUCCEEDED"),
        ("other", "ABANDONED"),
        ("standin", "SUCCEEDED"),
    ]


def test_a_late_paid_under_our_number_is_the_first_attempts(
    two_banks_hub: Hub, order_of_three_attempts: str
) -> None:
    """A bank that has room for digits alone knows the attempt by its number."""
    number = int(scalar(two_banks_hub, "SELECT id FROM payment_attempt WHERE number = 1"))
    said = confirmation(str(number), bank="standin", number=number)
    assert receive(two_banks_hub, said).verdict is Verdict.SETTLES
    assert states(two_banks_hub) == [("standin", "SUCCEEDED"), ("other", "ABANDONED"), ("standin", "PENDING")]
    assert spoken_of(two_banks_hub) == f"{order_of_three_attempts}-1"


def test_a_late_decline_of_the_first_leaves_the_second_to_be_paid(
    two_banks_hub: Hub, order_of_three_attempts: str
) -> None:
    said = confirmation(
        f"{order_of_three_attempts}-1",
        None,
        bank="standin",
        outcome=Outcome.DECLINED,
        bank_transaction_id=None,
    )
    receive(two_banks_hub, said)
    assert states(two_banks_hub) == [("standin", "FAILED"), ("other", "ABANDONED"), ("standin", "PENDING")]
    assert (
        receive(two_banks_hub, confirmation(f"{order_of_three_attempts}-3", bank="standin")).verdict
        is Verdict.SETTLES
    )
    assert states(two_banks_hub) == [("standin", "FAILED"), ("other", "ABANDONED"), ("standin", "SUCCEEDED")]


def test_money_that_names_the_order_alone_is_the_latest_attempts(
    two_banks_hub: Hub, order_of_three_attempts: str
) -> None:
    receive(two_banks_hub, confirmation(order_of_three_attempts, bank="standin"))
    assert states(two_banks_hub) == [
        ("standin", "ABANDONED"),
        ("other", "ABANDONED"),
        ("standin", "SUCCEEDED"),
    ]


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
    two_banks_hub: Hub, order_of_three_attempts: str, source: Source
) -> None:
    declined = paid_then(two_banks_hub, order_of_three_attempts, source)
    shown = rows(two_banks_hub, "SELECT number, state, contradicted FROM payment_attempt ORDER BY number")
    assert [(row["number"], row["state"], row["contradicted"]) for row in shown] == [
        (1, "ABANDONED", False),
        (2, "ABANDONED", False),
        (3, "SUCCEEDED", True),
    ]
    assert scalar(two_banks_hub, "SELECT status FROM payment_order") == "PAID"
    receive_confirmation(
        two_banks_hub,
        confirmation=replace(declined, event_id="again"),
        source=source,
        received_at=two_banks_hub.now(),
    )
    assert scalar(two_banks_hub, "SELECT status FROM payment_order") == "PAID"


@pytest.fixture
def orders(two_banks_hub: Hub) -> list[str]:
    """Two orders, the first of which is being paid at the stand-in."""
    agency, portal = an_agency(two_banks_hub), a_portal(two_banks_hub)
    references = [str(an_order(two_banks_hub, agency, portal)["reference"]) for _ in range(2)]
    start_payment(
        two_banks_hub, reference=references[0], bank="standin", payer_ip="203.0.113.9", language="vi"
    )
    return references


def statuses(hub: Hub, orders: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    views = [show_order(hub, caller=an_operator(), reference=reference) for reference in orders]
    return [(view.status, view.flags) for view in views]


def test_the_same_transaction_number_at_two_banks_is_two_payments(
    two_banks_hub: Hub, orders: list[str]
) -> None:
    for reference, bank in zip(orders, ("standin", "other"), strict=True):
        said = confirmation(reference, bank=bank, bank_transaction_id="T1")
        assert receive(two_banks_hub, said).verdict is Verdict.SETTLES
    assert statuses(two_banks_hub, orders) == [("PAID", ()), ("PAID", ())]
    assert count(two_banks_hub, "collection") == 2


def test_the_same_transaction_number_for_one_order_is_paid_twice(
    two_banks_hub: Hub, orders: list[str]
) -> None:
    verdicts = [
        receive(two_banks_hub, confirmation(orders[0], bank=bank, bank_transaction_id="T1")).verdict
        for bank in ("standin", "other")
    ]
    assert verdicts == [Verdict.SETTLES, Verdict.PAID_TWICE]
    assert statuses(two_banks_hub, orders)[0] == ("PAID", ("OVERPAID",))


def test_the_same_event_at_two_banks_is_two_events(two_banks_hub: Hub, orders: list[str]) -> None:
    for reference, bank in zip(orders, ("standin", "other"), strict=True):
        assert (
            receive(two_banks_hub, confirmation(reference, bank=bank, event_id="E1")).verdict
            is Verdict.SETTLES
        )
    found = rows(two_banks_hub, "SELECT bank, disposition FROM confirmation ORDER BY id")
    assert [tuple(row.values()) for row in found] == [("standin", "APPLIED"), ("other", "APPLIED")]


def test_an_attempts_number_is_believed_of_its_own_bank_alone(two_banks_hub: Hub, orders: list[str]) -> None:
    number = int(scalar(two_banks_hub, "SELECT id FROM payment_attempt"))
    said = confirmation(str(number), bank="other", number=number)
    assert receive(two_banks_hub, said).verdict is Verdict.NO_SUCH_ORDER
    assert statuses(two_banks_hub, orders) == [("OPEN", ()), ("OPEN", ())]
    said = confirmation(str(number), bank="standin", number=number)
    assert receive(two_banks_hub, said).verdict is Verdict.SETTLES
    assert statuses(two_banks_hub, orders) == [("PAID", ()), ("OPEN", ())]


class AnnouncingBank(StandInBank):
    """Its callbacks say which payment, and not what became of it."""

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """The body is the reference."""
        reference = request.body.decode()
        return Confirmation(self.code, f"told:{reference}", reference, Outcome.PENDING, code="?")


@pytest.fixture
def bank() -> AnnouncingBank:
    return AnnouncingBank()


@pytest.fixture
def announcing_hub(hub: Hub, bank: AnnouncingBank) -> Hub:
    return with_banks(hub, standin=bank)


@pytest.fixture
def announced(announcing_hub: Hub, clock: StoppedClock) -> str:
    found = str(an_order(announcing_hub, an_agency(announcing_hub), a_portal(announcing_hub))["reference"])
    start_payment(announcing_hub, reference=found, bank="standin", payer_ip="203.0.113.9", language="vi")
    clock.advance(minutes=2)
    return found


def announce(hub: Hub, reference: str) -> bytes:
    """The bank calls back."""
    message = CallbackRequest("POST", "/callbacks/standin", b"", {}, f"{reference}-1".encode(), hub.now())
    return receive_callback(hub, bank="standin", request=message).body


def test_its_answer_settles_before_the_callback_is_answered(
    announcing_hub: Hub, bank: AnnouncingBank, announced: str
) -> None:
    bank.on_query = answers_in_turn(confirmation(f"{announced}-1", bank="standin"))
    assert announce(announcing_hub, announced) == b"RECORDED"
    assert scalar(announcing_hub, "SELECT status FROM payment_order") == "PAID"


def test_the_same_announcement_again_asks_again(
    announcing_hub: Hub, bank: AnnouncingBank, announced: str, clock: StoppedClock
) -> None:
    announce(announcing_hub, announced)
    assert scalar(announcing_hub, "SELECT status FROM payment_order") == "OPEN"
    bank.on_query = answers_in_turn(confirmation(f"{announced}-1", bank="standin"))
    clock.advance(minutes=1)
    announce(announcing_hub, announced)
    assert scalar(announcing_hub, "SELECT status FROM payment_order") == "PAID"


def test_a_silent_bank_is_answered_all_the_same(
    announcing_hub: Hub, bank: AnnouncingBank, announced: str
) -> None:
    bank.on_query = answers_in_turn(BankUnavailable("gone"))
    assert announce(announcing_hub, announced) == b"RECORDED"
    assert scalar(announcing_hub, "SELECT status FROM payment_order") == "OPEN"


def test_an_announcement_about_nothing_of_ours_asks_nobody(
    announcing_hub: Hub, bank: AnnouncingBank, announced: str
) -> None:
    assert announce(announcing_hub, "DV0000000000000A") == b"NO_SUCH_ORDER"
    assert bank.queried == []


def test_a_bank_that_cannot_be_asked_is_not(announcing_hub: Hub, announced: str) -> None:
    class Deaf(AnnouncingBank):
        query_payment = None  # type: ignore[assignment]

    deaf = Deaf()
    assert announce(replace(announcing_hub, adapters={"standin": deaf}), announced) == b"RECORDED"
    assert scalar(announcing_hub, "SELECT status FROM payment_order") == "OPEN"
