"""Refunds are proposed, approved and refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from payment_hub.domain.access import Caller, Role
from payment_hub.domain.banks.values import PayerAccount
from payment_hub.domain.errors import (
    Forbidden,
    IdempotencyConflict,
    IllegalTransition,
    Malformed,
    RefundableChanged,
    RefundAboveLimit,
    RefundBlocked,
    RefundExceeds,
    RefundNotFound,
    SamePerson,
)
from payment_hub.domain.money import dong
from payment_hub.domain.obligations import Beneficiary, Kind
from payment_hub.domain.refunds.lifecycle import RefundEvent, RefundReason
from payment_hub.domain.refunds.views import Payee
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.operations.access import identify_caller, make_key
from payment_hub.operations.health import check_invariants
from payment_hub.operations.obligations import register_obligation
from payment_hub.operations.orders import show_order
from payment_hub.operations.refunds.decide import decline_refund, propose_excess_refunds, set_refund_rules
from payment_hub.operations.refunds.read import list_order_refunds, show_refund, show_voucher
from payment_hub.operations.refunds.send import record_refund_result, send_refunds
from tests.conftest import StoppedClock
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.database import balances, count, execute, scalar
from tests.worlds.orders import TREASURY, an_agency, an_operator, an_order, confirmation, fine_terms, receive
from tests.worlds.refunds import (
    DUC,
    LAN,
    REFUSED,
    RefundingBank,
    a_paid_order,
    add_statement_line,
    an_officer,
    approve,
    decline,
    order_of,
    propose,
    prove,
    refund_states,
    refundable,
)

AMOUNT = 150_000
PAID = {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}


def test_the_receipt_stands_and_the_obligation_stays_settled(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    approve(hub, paid)
    send_refunds(hub)
    assert show_order(hub, caller=portal, reference=paid).receipt is not None
    assert scalar(hub, "SELECT settled_by FROM obligation") == 1


def test_a_part_is_a_part(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid, 50_000)
    approve(hub, paid)
    send_refunds(hub)
    assert order_of(hub, paid)["status"] == "PARTLY_REFUNDED"
    assert balances(hub) == {"BANK_CLEARING": -100_000, "AGENCY_PAYABLE": 100_000}
    with pytest.raises(RefundExceeds):
        propose(hub, portal, paid, 100_001, refund_id="R2")
    propose(hub, portal, paid, 100_000, refund_id="R2")
    assert refundable(hub, paid) == 0


def test_the_same_request_is_the_same_refund_however_far_it_has_come(
    hub: Hub, portal: Caller, paid: str
) -> None:
    asked: dict[str, Any] = {"refundable": dong(AMOUNT)}
    first = propose(hub, portal, paid, **asked)
    assert propose(hub, portal, paid, **asked) == first
    approve(hub, paid)
    assert propose(hub, portal, paid, **asked).state == "APPROVED"
    for other in (
        {"note": "other"},
        {"reason": RefundReason.OTHER},
        {"refundable": dong(1)},
        {"payee": {"number": "1"}},
    ):
        with pytest.raises(IdempotencyConflict):
            propose(hub, portal, paid, **(asked | other))
    with pytest.raises(IdempotencyConflict):
        propose(hub, LAN, paid, **asked)
    assert count(hub, "refund") == 1


@pytest.mark.parametrize("seen", [0, AMOUNT - 1, AMOUNT + 1])
def test_who_saw_another_balance_must_look_again(hub: Hub, portal: Caller, paid: str, seen: int) -> None:
    with pytest.raises(RefundableChanged, match="150000 VND now"):
        propose(hub, portal, paid, refundable=dong(seen))
    assert count(hub, "refund") == 0


def test_one_reason_for_one_payment_at_a_time(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid, 10_000)
    with pytest.raises(RefundBlocked):
        propose(hub, portal, paid, 10_000, refund_id="R2")
    propose(hub, portal, paid, 10_000, refund_id="R3", reason=RefundReason.NOT_OWED)
    decline(hub, paid)
    propose(hub, portal, paid, 10_000, refund_id="R4")
    assert refundable(hub, paid) == AMOUNT - 20_000


def test_the_proposer_does_not_approve_whichever_key_they_use(hub: Hub, agency: Caller, paid: str) -> None:
    propose(hub, LAN, paid)
    with pytest.raises(SamePerson):
        approve(hub, paid, by=an_officer(LAN.holder, agency))
    assert refund_states(hub) == [("R1", "PROPOSED")]


def test_declining_needs_a_reason_and_frees_the_sum(hub: Hub, portal: Caller, paid: str) -> None:
    propose(hub, portal, paid)
    with pytest.raises(Malformed):
        decline_refund(hub, caller=DUC, reference=paid, refund_id="R1", reason=" ")
    assert decline(hub, paid).history[-1].note == "not so"
    assert (refundable(hub, paid), balances(hub)) == (AMOUNT, PAID)
    assert propose(hub, portal, paid, refund_id="R2").state == "PROPOSED"
    for again in (approve, decline):
        with pytest.raises(IllegalTransition):
            again(hub, paid)


def test_above_the_agencys_limit_only_an_operator_approves(hub: Hub, portal: Caller, paid: str) -> None:
    set_refund_rules(
        hub,
        agency="G22.99",
        refund_limit=AMOUNT - 1,
        refund_unseen=False,
        credited_after_days=1,
        voucher_form="C1-04/NS",
    )
    propose(hub, portal, paid)
    with pytest.raises(RefundAboveLimit):
        approve(hub, paid)
    assert approve(hub, paid, by=an_operator()).state == "APPROVED"


def test_a_refund_is_of_one_payment(hub: Hub, portal: Caller, paid: str) -> None:
    receive(hub, confirmation(paid, 60_000, bank="refunding", bank_transaction_id="T2"))
    with pytest.raises(RefundExceeds, match="at most 150000 of one"):
        propose(hub, portal, paid, 210_000)
    assert propose(hub, portal, paid, 50_000).collection.bank_transaction_id == "T2"
    with pytest.raises(RefundExceeds):
        propose(
            hub,
            portal,
            paid,
            60_000,
            refund_id="R2",
            collection=("refunding", "T2"),
            reason=RefundReason.OTHER,
        )


@pytest.mark.parametrize("amount", [0, -1])
def test_nothing_is_no_refund(hub: Hub, portal: Caller, paid: str, amount: int) -> None:
    with pytest.raises(Malformed):
        propose(hub, portal, paid, amount)


@pytest.mark.parametrize(
    "change_of",
    [
        "amount = 1",
        "collection_id = 2",
        "reason = 'OTHER'",
        "proposed_by = 'x'",
        "order_id = 2",
        "note = ''",
    ],
)
def test_what_was_asked_for_never_changes(hub: Hub, portal: Caller, paid: str, change_of: str) -> None:
    propose(hub, portal, paid)
    with pytest.raises(IntegrityError, match="append-only"):
        execute(hub, f"UPDATE refund SET {change_of}")
    with pytest.raises(IntegrityError, match="append-only"):
        execute(hub, "DELETE FROM refund")


@pytest.mark.parametrize(
    "trespass",
    [
        "UPDATE payment_order SET held_refund = received + 1",
        "UPDATE payment_order SET refunded = 1, held_refund = received, paid_back = 1",
        "UPDATE payment_order SET paid_back = 1",
        "UPDATE refund SET state = 'APPROVED'",
        "UPDATE refund SET state = 'APPROVED', approved_by = proposed_by",
    ],
)
def test_the_database_itself_keeps_the_limits(hub: Hub, portal: Caller, paid: str, trespass: str) -> None:
    propose(hub, portal, paid, 50_000)
    if "paid_back = 1" in trespass and "refunded" not in trespass:
        decline(hub, paid)
    with pytest.raises(IntegrityError):
        execute(hub, trespass)


@pytest.fixture
def hub_of_two_banks(hub: Hub) -> Hub:
    return with_banks(hub, refunding=RefundingBank(), standin=StandInBank())


@pytest.fixture
def agency_with_tax_code(hub_of_two_banks: Hub) -> Caller:
    return an_agency(hub_of_two_banks, tax_code="0100109106")


def an_order_paid_at(hub: Hub, agency: Caller, portal: Caller, bank: str, **more: Any) -> str:
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
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller, payer: PayerAccount | None
) -> None:
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "standin", payer=payer)
    assert propose(hub_of_two_banks, portal, reference).route == "TRANSFER"
    with pytest.raises(RefundNotFound):
        show_voucher(hub_of_two_banks, caller=LAN, reference=reference, refund_id="R1")
    view = approve(hub_of_two_banks, reference)
    told = None
    if payer is not None:
        account = {"number": payer.number, "bank": payer.bank, "name": payer.name}
        told = account | {"stated_by": "bank:standin"}
    assert (view.payee and to_wire(view.payee)) == told
    paper = show_voucher(hub_of_two_banks, caller=LAN, reference=reference, refund_id="R1")
    assert (paper["form"], paper["payee"], paper["uncertain"], paper["treasury"]) == (
        "TRANSFER",
        told,
        [],
        None,
    )
    assert paper["payment"]["bank"] == "standin"
    assert send_refunds(hub_of_two_banks) == 0
    with pytest.raises(Forbidden):
        show_voucher(hub_of_two_banks, caller=portal, reference=reference, refund_id="R1")


def test_a_transfer_is_done_only_by_evidence(
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller
) -> None:
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "standin")
    propose(hub_of_two_banks, portal, reference)
    for too_early in (RefundEvent.HANDED_IN, RefundEvent.RETURNED):
        with pytest.raises(IllegalTransition):
            prove(hub_of_two_banks, reference, too_early)
    approve(hub_of_two_banks, reference)
    with pytest.raises(IllegalTransition):
        prove(hub_of_two_banks, reference, RefundEvent.RETURNED)
    prove(hub_of_two_banks, reference, RefundEvent.HANDED_IN)
    assert balances(hub_of_two_banks) == {"BANK_CLEARING": -AMOUNT, "REFUND_CLEARING": AMOUNT}
    prove(hub_of_two_banks, reference, RefundEvent.RETURNED)
    assert (balances(hub_of_two_banks), order_of(hub_of_two_banks, reference)["status"]) == ({}, "REFUNDED")
    with pytest.raises(IllegalTransition):
        prove(hub_of_two_banks, reference, RefundEvent.FAILED)


def test_a_payee_whose_account_is_closed_is_tried_again_with_another(
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller
) -> None:
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "standin")
    propose(hub_of_two_banks, portal, reference, payee={"number": "0011"})
    approve(hub_of_two_banks, reference)
    prove(hub_of_two_banks, reference, RefundEvent.HANDED_IN)
    prove(hub_of_two_banks, reference, RefundEvent.FAILED, note="account closed")
    assert balances(hub_of_two_banks) == PAID
    propose(hub_of_two_banks, portal, reference, refund_id="R2", payee={"number": "0022"})
    assert approve(hub_of_two_banks, reference, "R2").payee == Payee("0022", stated_by=portal.name)
    assert refund_states(hub_of_two_banks) == [("R1", "FAILED"), ("R2", "APPROVED")]


def test_money_that_is_with_the_treasury_goes_back_by_its_voucher(
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller, clock: StoppedClock
) -> None:
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "refunding")
    clock.advance(days=1)
    assert propose(hub_of_two_banks, portal, reference).route == "TREASURY"
    approve(hub_of_two_banks, reference)
    assert send_refunds(hub_of_two_banks) == 0
    paper = show_voucher(hub_of_two_banks, caller=LAN, reference=reference, refund_id="R1")
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
    prove(hub_of_two_banks, reference, RefundEvent.HANDED_IN)
    prove(hub_of_two_banks, reference, RefundEvent.RETURNED)
    # The bank keeps for us what it collected, and has handed it over: it is the Treasury's cash that went back.
    assert balances(hub_of_two_banks) == {"BANK_CLEARING": -AMOUNT, "SETTLEMENT_CASH": AMOUNT}


def test_the_way_is_that_of_the_day_of_approval(
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller, clock: StoppedClock
) -> None:
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "refunding")
    assert propose(hub_of_two_banks, portal, reference).route == "BANK"
    clock.advance(days=1)
    assert approve(hub_of_two_banks, reference).route == "TREASURY"


@pytest.mark.parametrize(("days", "route"), [(None, "BANK"), (0, "TREASURY"), (3, "BANK"), (2, "TREASURY")])
def test_when_the_money_is_with_the_treasury_is_the_agencys_rule(
    hub_of_two_banks: Hub,
    agency_with_tax_code: Caller,
    portal: Caller,
    clock: StoppedClock,
    days: int | None,
    route: str,
) -> None:
    rules(hub_of_two_banks, credited_after_days=days)
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "refunding")
    clock.advance(days=2)
    assert propose(hub_of_two_banks, portal, reference).route == route


def test_the_form_of_the_voucher_is_the_agencys(
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller, clock: StoppedClock
) -> None:
    rules(hub_of_two_banks, voucher_form="C1-05/NS")
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "refunding")
    clock.advance(days=1)
    propose(hub_of_two_banks, portal, reference)
    approve(hub_of_two_banks, reference)
    assert (
        show_voucher(hub_of_two_banks, caller=LAN, reference=reference, refund_id="R1")["form"] == "C1-05/NS"
    )


def test_what_an_agency_outside_the_treasury_has_had_it_gives_back_itself(
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller, clock: StoppedClock
) -> None:
    account = Beneficiary("0011001234567", "970436", "BENH VIEN BACH MAI")
    register_obligation(
        hub_of_two_banks,
        caller=agency_with_tax_code,
        agency="G22.99",
        reference="VP-1",
        kind=Kind.HOSPITAL_BILL,
        terms=fine_terms(
            identifiers={"patient_code": "BN000001", "treatment_code": "DT0001"},
            beneficiary=account,
        ),
    )
    reference = an_order_paid_at(
        hub_of_two_banks, agency_with_tax_code, portal, "refunding", obligation="VP-1"
    )
    clock.advance(days=1)
    propose(hub_of_two_banks, portal, reference)
    assert approve(hub_of_two_banks, reference).route == "AGENCY"
    prove(hub_of_two_banks, reference, RefundEvent.HANDED_IN)
    prove(hub_of_two_banks, reference, RefundEvent.RETURNED)
    assert balances(hub_of_two_banks) == {"BANK_CLEARING": -AMOUNT, "SETTLEMENT_CASH": AMOUNT}


def test_what_is_too_much_never_went_to_the_agency_and_goes_back_through_the_bank(
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller, clock: StoppedClock
) -> None:
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "refunding", amount=180_000)
    clock.advance(days=1)
    with pytest.raises(RefundExceeds, match="first refund 30000"):
        propose(hub_of_two_banks, portal, reference, 180_000)
    assert propose(hub_of_two_banks, portal, reference, 30_000).route == "BANK"
    approve(hub_of_two_banks, reference)
    send_refunds(hub_of_two_banks)
    assert propose(hub_of_two_banks, portal, reference, refund_id="R2").route == "TREASURY"
    decline(hub_of_two_banks, reference, "R2")
    assert balances(hub_of_two_banks) == PAID


def test_before_it_is_with_the_agency_one_refund_takes_both_parts(
    hub_of_two_banks: Hub, agency_with_tax_code: Caller, portal: Caller
) -> None:
    reference = an_order_paid_at(hub_of_two_banks, agency_with_tax_code, portal, "refunding", amount=180_000)
    assert propose(hub_of_two_banks, portal, reference, 180_000).route == "BANK"
    approve(hub_of_two_banks, reference)
    assert balances(hub_of_two_banks) == {"BANK_CLEARING": -180_000, "REFUND_CLEARING": 180_000}
    send_refunds(hub_of_two_banks)
    assert balances(hub_of_two_banks) == {}


@pytest.fixture
def paid_by_t1(hub: Hub, agency: Caller, portal: Caller) -> str:
    return a_paid_order(hub, agency, portal, bank_transaction_id="T1")


def test_what_the_hub_proposed_is_not_approved_when_it_is_too_much_no_more(
    hub: Hub, portal: Caller, paid_by_t1: str
) -> None:
    receive(hub, confirmation(paid_by_t1, bank="refunding", bank_transaction_id="T2"))
    propose_excess_refunds(hub)
    add_statement_line(hub, "refunding", "T2")
    propose(hub, portal, paid_by_t1, reason=RefundReason.WRONG_PAYMENT, collection=("refunding", "T1"))
    approve(hub, paid_by_t1)
    with pytest.raises(RefundBlocked, match="too much"):
        approve(hub, paid_by_t1, "hub:2")
    send_refunds(hub)
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}


def test_one_that_waits_for_a_bank_switched_off_for_good_is_ended_by_evidence_and_transferred(
    hub: Hub, portal: Caller, paid_by_t1: str
) -> None:
    propose(hub, portal, paid_by_t1)
    approve(hub, paid_by_t1)
    off = with_banks(hub)
    assert send_refunds(off) == 0
    assert prove(off, paid_by_t1, RefundEvent.FAILED).state == "FAILED"
    assert propose(off, portal, paid_by_t1, refund_id="R2").route == "TRANSFER"
    assert send_refunds(hub) == 0
    assert check_invariants(hub) == []


def test_what_the_protocol_cannot_carry_goes_by_transfer_the_next_time(
    hub: Hub, bank: RefundingBank, portal: Caller, paid_by_t1: str
) -> None:
    bank.on_refund = answers_in_turn(Malformed("no payout channel"))
    propose(hub, portal, paid_by_t1)
    approve(hub, paid_by_t1)
    send_refunds(hub)
    assert refund_states(hub) == [("R1", "FAILED")]
    assert balances(hub) == {"BANK_CLEARING": -AMOUNT, "AGENCY_PAYABLE": AMOUNT}
    assert propose(hub, portal, paid_by_t1, refund_id="R2").route == "TRANSFER"


def test_what_the_bank_has_refused_twice_goes_by_transfer(
    hub: Hub, bank: RefundingBank, portal: Caller, paid_by_t1: str
) -> None:
    bank.on_refund = answers_in_turn(REFUSED)
    routes = []
    for name in ("R1", "R2", "R3"):
        routes.append(propose(hub, portal, paid_by_t1, refund_id=name).route)
        approve(hub, paid_by_t1, name)
        send_refunds(hub)
    assert routes == ["BANK", "BANK", "TRANSFER"]


def _rules(hub: Hub, **more: Any) -> None:
    usual: dict[str, Any] = {"refund_limit": None, "refund_unseen": False, "credited_after_days": 1}
    set_refund_rules(hub, agency="G22.99", voucher_form="C1-04/NS", **(usual | more))


def test_a_limit_is_not_passed_in_small_parts(hub: Hub, portal: Caller, paid_by_t1: str) -> None:
    _rules(hub, refund_limit=60_000)
    for number in range(2):
        propose(hub, portal, paid_by_t1, 40_000, refund_id=f"R{number}", reason=list(RefundReason)[number])
    approve(hub, paid_by_t1, "R0")
    with pytest.raises(RefundAboveLimit):
        approve(hub, paid_by_t1, "R1")


@pytest.mark.parametrize("rules", [{"credited_after_days": 2**31 - 1}, {"refund_limit": 2**63}])
def test_rules_beyond_all_sense_are_refused(hub: Hub, agency: Caller, rules: dict[str, int]) -> None:
    with pytest.raises(Malformed):
        _rules(hub, **rules)


@pytest.mark.parametrize("spelled", ["trần  thị lan", " Trần Thị Lan ", "Tra\u0302\u0300n Thi\u0323 Lan"])
def test_one_person_is_one_however_a_key_spells_the_name(hub: Hub, paid_by_t1: str, spelled: str) -> None:
    propose(hub, LAN, paid_by_t1)
    with pytest.raises(SamePerson):
        approve(hub, paid_by_t1, by=an_officer(spelled))


@pytest.mark.parametrize("holder", ["hub", " HUB ", "bank:refunding", " ", ""])
def test_nobody_holds_a_key_under_the_hubs_name_or_a_banks(hub: Hub, holder: str) -> None:
    with pytest.raises(Malformed):
        make_key(hub, role=Role.OFFICER, holder=holder)


def test_a_holder_is_written_in_one_way(hub: Hub) -> None:
    key = make_key(hub, role=Role.OFFICER, holder=" Tra\u0302\u0300n  Thi\u0323 Lan ")
    assert identify_caller(hub, token=key).holder == "Trần Thị Lan"


@pytest.mark.parametrize("event", [RefundEvent.RETURNED, RefundEvent.FAILED])
def test_who_approved_it_does_not_also_say_that_it_came_to_its_end(
    hub: Hub, agency: Caller, portal: Caller, paid_by_t1: str, event: RefundEvent
) -> None:
    off = with_banks(hub)
    propose(off, portal, paid_by_t1)
    approve(off, paid_by_t1, by=LAN)
    prove(off, paid_by_t1, RefundEvent.HANDED_IN)
    with pytest.raises(SamePerson):
        prove(off, paid_by_t1, event)
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
    hub: Hub, bank: RefundingBank, portal: Caller, paid_by_t1: str
) -> None:
    bank.on_refund = answers_in_turn(REFUSED)
    propose(hub, portal, paid_by_t1)
    approve(hub, paid_by_t1)
    send_refunds(hub)
    record_refund_result(hub, key=1, event=RefundEvent.RETURNED, code="00")
    blocked = list_order_refunds(hub, caller=DUC, reference=paid_by_t1).collections[0].blocked or ""
    assert "record it as taken back" in blocked
