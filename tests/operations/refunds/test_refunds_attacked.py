"""Ways of being paid back twice, and of waiting for ever: none of them works."""

from __future__ import annotations

from typing import Any

import pytest

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.banks.values import PayerAccount
from payment_hub.domain.errors import Malformed, RefundAboveLimit, RefundBlocked, SamePerson
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason
from payment_hub.hub import Hub
from payment_hub.operations.access import identify_caller, make_key
from payment_hub.operations.health import check_invariants
from payment_hub.operations.refunds.decide import propose_excess_refunds, set_refund_rules
from payment_hub.operations.refunds.read import list_order_refunds, show_refund
from payment_hub.operations.refunds.send import record_refund_result, send_refunds
from tests.worlds.banks import answers_in_turn, with_banks
from tests.worlds.database import balances
from tests.worlds.orders import confirmation, receive
from tests.worlds.refunds import (
    DUC,
    LAN,
    REFUSED,
    RefundingBank,
    a_paid_order,
    add_statement_line,
    an_officer,
    approve,
    propose,
    prove,
    refund_states,
)

AMOUNT = 150_000


@pytest.fixture
def hub(hub: Hub, bank: RefundingBank) -> Hub:
    return with_banks(hub, refunding=bank)


@pytest.fixture
def paid(hub: Hub, agency: Caller, portal: Caller) -> str:
    return a_paid_order(hub, agency, portal, bank_transaction_id="T1")


def test_what_the_hub_proposed_is_not_approved_when_it_is_too_much_no_more(
    hub: Hub, portal: Caller, paid: str
) -> None:
    receive(hub, confirmation(paid, bank="refunding", bank_transaction_id="T2"))
    propose_excess_refunds(hub)
    add_statement_line(hub, "refunding", "T2")
    propose(hub, portal, paid, reason=RefundReason.WRONG_PAYMENT, collection=("refunding", "T1"))
    approve(hub, paid)
    with pytest.raises(RefundBlocked, match="too much"):
        approve(hub, paid, "hub:2")
    send_refunds(hub)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}


def test_one_that_waits_for_a_bank_switched_off_for_good_is_ended_by_evidence_and_transferred(
    hub: Hub, portal: Caller, paid: str
) -> None:
    propose(hub, portal, paid)
    approve(hub, paid)
    off = with_banks(hub)
    assert send_refunds(off) == 0
    assert prove(off, paid, RefundEvent.FAILED).state == "FAILED"
    assert propose(off, portal, paid, refund_id="R2").route == "TRANSFER"
    assert send_refunds(hub) == 0
    assert check_invariants(hub) == []


def test_what_the_protocol_cannot_carry_goes_by_transfer_the_next_time(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    bank.on_refund = answers_in_turn(Malformed("no payout channel"))
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert refund_states(hub) == [("R1", "FAILED")]
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert propose(hub, portal, paid, refund_id="R2").route == "TRANSFER"


def test_what_the_bank_has_refused_twice_goes_by_transfer(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    bank.on_refund = answers_in_turn(REFUSED)
    routes = []
    for name in ("R1", "R2", "R3"):
        routes.append(propose(hub, portal, paid, refund_id=name).route)
        approve(hub, paid, name)
        send_refunds(hub)
    assert routes == ["BANK", "BANK", "TRANSFER"]


def _rules(hub: Hub, **more: Any) -> None:
    usual: dict[str, Any] = {"refund_limit": None, "refund_unseen": False, "credited_after_days": 1}
    set_refund_rules(hub, agency="G22.99", voucher_form="C1-04/NS", **(usual | more))


def test_a_limit_is_not_passed_in_small_parts(hub: Hub, portal: Caller, paid: str) -> None:
    _rules(hub, refund_limit=60_000)
    for number in range(2):
        propose(hub, portal, paid, 40_000, refund_id=f"R{number}", reason=list(RefundReason)[number])
    approve(hub, paid, "R0")
    with pytest.raises(RefundAboveLimit):
        approve(hub, paid, "R1")


@pytest.mark.parametrize("rules", [{"credited_after_days": 2**31 - 1}, {"refund_limit": 2**63}])
def test_rules_beyond_all_sense_are_refused(hub: Hub, agency: Caller, rules: dict[str, int]) -> None:
    with pytest.raises(Malformed):
        _rules(hub, **rules)


@pytest.mark.parametrize("spelled", ["trần  thị lan", " Trần Thị Lan ", "Tra\u0302\u0300n Thi\u0323 Lan"])
def test_one_person_is_one_however_a_key_spells_the_name(hub: Hub, paid: str, spelled: str) -> None:
    propose(hub, LAN, paid)
    with pytest.raises(SamePerson):
        approve(hub, paid, by=an_officer(spelled))


@pytest.mark.parametrize("holder", ["hub", " HUB ", "bank:refunding", " ", ""])
def test_nobody_holds_a_key_under_the_hubs_name_or_a_banks(hub: Hub, holder: str) -> None:
    with pytest.raises(Malformed):
        make_key(hub, role=Role.OFFICER, holder=holder)


def test_a_holder_is_written_in_one_way(hub: Hub) -> None:
    key = make_key(hub, role=Role.OFFICER, holder=" Tra\u0302\u0300n  Thi\u0323 Lan ")
    assert identify_caller(hub, token=key).holder == "Trần Thị Lan"


@pytest.mark.parametrize("event", [RefundEvent.RETURNED, RefundEvent.FAILED])
def test_who_approved_it_does_not_also_say_that_it_came_to_its_end(
    hub: Hub, agency: Caller, portal: Caller, paid: str, event: RefundEvent
) -> None:
    off = with_banks(hub)
    propose(off, portal, paid)
    approve(off, paid, by=LAN)
    prove(off, paid, RefundEvent.HANDED_IN)
    with pytest.raises(SamePerson):
        prove(off, paid, event)
    assert refund_states(hub) == [("R1", "HANDED_IN")]


def test_the_approver_sees_who_named_the_account(hub: Hub, agency: Caller, portal: Caller) -> None:
    told = PayerAccount("0011002233", "970436", "NGUYEN THI HUONG")
    paid = a_paid_order(hub, agency, portal, payer=told, bank_transaction_id="T7")
    for name, payee, by in (
        ("R1", None, "bank:refunding"),
        ("R2", {"number": "9999", "bank": "970436", "name": None}, portal.name),
    ):
        propose(
            hub,
            portal,
            paid,
            10_000,
            refund_id=name,
            payee=payee,
            reason=RefundReason.OTHER if payee else RefundReason.NOT_OWED,
        )
        shown = show_refund(hub, caller=DUC, reference=paid, refund_id=name).payee
        assert shown is not None
        assert shown.stated_by == by


def test_a_bank_that_proves_it_after_its_failure_tells_the_officer_what_to_do(
    hub: Hub, bank: RefundingBank, portal: Caller, paid: str
) -> None:
    bank.on_refund = answers_in_turn(REFUSED)
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    record_refund_result(hub, key=1, event=RefundEvent.RETURNED, code="00")
    blocked = list_order_refunds(hub, caller=DUC, reference=paid).collections[0].blocked or ""
    assert "record it as taken back" in blocked
