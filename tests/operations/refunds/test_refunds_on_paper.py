"""Refunds that go by no bank's message: transfer orders, the Treasury's voucher, the agency's own transfer."""

from __future__ import annotations

from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.banks.values import PayerAccount
from payment_hub.domain.errors import Forbidden, IllegalTransition, RefundExceeds, RefundNotFound
from payment_hub.domain.obligations import Beneficiary, Kind
from payment_hub.domain.refunds.lifecycle import RefundEvent
from payment_hub.domain.refunds.views import Payee
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.operations.obligations import register_obligation
from payment_hub.operations.refunds.decide import set_refund_rules
from payment_hub.operations.refunds.read import show_voucher
from payment_hub.operations.refunds.send import send_refunds
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import balances
from tests.worlds.orders import TREASURY, an_agency, an_order, confirmation, fine_terms, receive
from tests.worlds.refunds import (
    DUC,
    LAN,
    RefundingBank,
    approve,
    decline,
    order_of,
    propose,
    prove,
    refund_states,
)

AMOUNT = 150_000
PAID = {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, refunding=RefundingBank(), standin=StandInBank())


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub, tax_code="0100109106")


def paid(hub: Hub, agency: Caller, portal: Caller, bank: str, **more: Any) -> str:
    reference = str(an_order(hub, agency, portal, obligation=more.pop("obligation", None))["reference"])
    receive(hub, confirmation(reference, more.pop("amount", AMOUNT), bank=bank, **more))
    return reference


def rules(hub: Hub, **more: Any) -> None:
    usual = {
        "refund_limit": None,
        "refund_unseen": False,
        "credited_after_days": 1,
        "voucher_form": "C1-04/NS",
    }
    set_refund_rules(hub, agency="G22.99", **(usual | more))


@pytest.mark.parametrize("payer", [None, PayerAccount("0011002233", "970436", "NGUYEN THI HUONG")])
def test_a_bank_without_refunds_makes_a_transfer_order_with_the_payers_account_where_it_is_known(
    hub: Hub, agency: Caller, portal: Caller, payer: PayerAccount | None
) -> None:
    reference = paid(hub, agency, portal, "standin", payer=payer)
    assert propose(hub, portal, reference).route == "TRANSFER"
    with pytest.raises(RefundNotFound):
        show_voucher(hub, caller=LAN, reference=reference, refund_id="R1")
    view = approve(hub, reference)
    told = None
    if payer is not None:
        account = {"number": payer.number, "bank": payer.bank, "name": payer.name}
        told = account | {"stated_by": "bank:standin"}
    assert (view.payee and to_wire(view.payee)) == told
    paper = show_voucher(hub, caller=LAN, reference=reference, refund_id="R1")
    assert (paper["form"], paper["payee"], paper["uncertain"], paper["treasury"]) == (
        "TRANSFER",
        told,
        [],
        None,
    )
    assert paper["payment"]["bank"] == "standin"
    assert send_refunds(hub) == 0
    with pytest.raises(Forbidden):
        show_voucher(hub, caller=portal, reference=reference, refund_id="R1")


def test_a_transfer_is_done_only_by_evidence(hub: Hub, agency: Caller, portal: Caller) -> None:
    reference = paid(hub, agency, portal, "standin")
    propose(hub, portal, reference)
    for too_early in (RefundEvent.HANDED_IN, RefundEvent.RETURNED):
        with pytest.raises(IllegalTransition):
            prove(hub, reference, too_early)
    approve(hub, reference)
    with pytest.raises(IllegalTransition):
        prove(hub, reference, RefundEvent.RETURNED)
    prove(hub, reference, RefundEvent.HANDED_IN)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "REFUND_CLEARING": AMOUNT}
    prove(hub, reference, RefundEvent.RETURNED)
    assert (balances(hub), order_of(hub, reference)["status"]) == ({}, "REFUNDED")
    with pytest.raises(IllegalTransition):
        prove(hub, reference, RefundEvent.FAILED)


def test_a_payee_whose_account_is_closed_is_tried_again_with_another(
    hub: Hub, agency: Caller, portal: Caller
) -> None:
    reference = paid(hub, agency, portal, "standin")
    propose(hub, portal, reference, payee={"number": "0011"})
    approve(hub, reference)
    prove(hub, reference, RefundEvent.HANDED_IN)
    prove(hub, reference, RefundEvent.FAILED, note="account closed")
    assert balances(hub) == PAID
    propose(hub, portal, reference, refund_id="R2", payee={"number": "0022"})
    assert approve(hub, reference, "R2").payee == Payee("0022", stated_by=portal.name)
    assert refund_states(hub) == [("R1", "FAILED"), ("R2", "APPROVED")]


def test_money_that_is_with_the_treasury_goes_back_by_its_voucher(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    reference = paid(hub, agency, portal, "refunding")
    clock.advance(days=1)
    assert propose(hub, portal, reference).route == "TREASURY"
    approve(hub, reference)
    assert send_refunds(hub) == 0
    paper = show_voucher(hub, caller=LAN, reference=reference, refund_id="R1")
    assert paper["form"] == "C1-04/NS"
    assert "form" in paper["uncertain"]
    assert paper["treasury"] == {
        "account_number": TREASURY.account_number,
        "bank": TREASURY.bank,
        "account_name": TREASURY.account_name,
        "chapter": "009",
        "sub_item": "4252",
    }
    assert (paper["receipt"], paper["order"]) == ("01BLP AA26E 0000001", reference)
    assert paper["agency"]["tax_code"] == "0100109106"
    assert paper["amount_in_words"] == "Một trăm năm mươi nghìn đồng"
    assert (paper["proposed_by"], paper["approved_by"]) == (portal.holder, DUC.holder)
    prove(hub, reference, RefundEvent.HANDED_IN)
    prove(hub, reference, RefundEvent.RETURNED)
    # The bank keeps for us what it collected, and has handed it over: it is the Treasury's cash that went back.
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "SETTLEMENT_CASH": AMOUNT}


def test_the_way_is_that_of_the_day_of_approval(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    reference = paid(hub, agency, portal, "refunding")
    assert propose(hub, portal, reference).route == "BANK"
    clock.advance(days=1)
    assert approve(hub, reference).route == "TREASURY"


@pytest.mark.parametrize(("days", "route"), [(None, "BANK"), (0, "TREASURY"), (3, "BANK"), (2, "TREASURY")])
def test_when_the_money_is_with_the_treasury_is_the_agencys_rule(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock, days: int | None, route: str
) -> None:
    rules(hub, credited_after_days=days)
    reference = paid(hub, agency, portal, "refunding")
    clock.advance(days=2)
    assert propose(hub, portal, reference).route == route


def test_the_form_of_the_voucher_is_the_agencys(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    rules(hub, voucher_form="C1-05/NS")
    reference = paid(hub, agency, portal, "refunding")
    clock.advance(days=1)
    propose(hub, portal, reference)
    approve(hub, reference)
    assert show_voucher(hub, caller=LAN, reference=reference, refund_id="R1")["form"] == "C1-05/NS"


def test_what_an_agency_outside_the_treasury_has_had_it_gives_back_itself(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    account = Beneficiary("0011001234567", "970436", "BENH VIEN BACH MAI")
    register_obligation(
        hub,
        caller=agency,
        agency="G22.99",
        reference="VP-1",
        kind=Kind.HOSPITAL_BILL,
        terms=fine_terms(
            identifiers={"patient_code": "BN000001", "treatment_code": "DT0001"},
            beneficiary=account,
        ),
    )
    reference = paid(hub, agency, portal, "refunding", obligation="VP-1")
    clock.advance(days=1)
    propose(hub, portal, reference)
    assert approve(hub, reference).route == "AGENCY"
    prove(hub, reference, RefundEvent.HANDED_IN)
    prove(hub, reference, RefundEvent.RETURNED)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "SETTLEMENT_CASH": AMOUNT}


def test_what_is_too_much_never_went_to_the_agency_and_goes_back_through_the_bank(
    hub: Hub, agency: Caller, portal: Caller, clock: StoppedClock
) -> None:
    reference = paid(hub, agency, portal, "refunding", amount=180_000)
    clock.advance(days=1)
    with pytest.raises(RefundExceeds, match="first refund 30000"):
        propose(hub, portal, reference, 180_000)
    assert propose(hub, portal, reference, 30_000).route == "BANK"
    approve(hub, reference)
    send_refunds(hub)
    assert propose(hub, portal, reference, refund_id="R2").route == "TREASURY"
    decline(hub, reference, "R2")
    assert balances(hub) == PAID


def test_before_it_is_with_the_agency_one_refund_takes_both_parts(
    hub: Hub, agency: Caller, portal: Caller
) -> None:
    reference = paid(hub, agency, portal, "refunding", amount=180_000)
    assert propose(hub, portal, reference, 180_000).route == "BANK"
    approve(hub, reference)
    assert balances(hub) == {"BANK_CLEARING": -180_000, "REFUND_CLEARING": 180_000}
    send_refunds(hub)
    assert balances(hub) == {}
