"""Officers: two pairs of eyes, and nobody sees what is not theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import (
    AlreadyResolved,
    DiscrepancyNotFound,
    HubError,
    IllegalTransition,
    Malformed,
    RunNotFound,
    SamePerson,
    StaleVersion,
)
from reconciliation.books import Books
from reconciliation.domain.discrepancies import Decision, DiscrepancyKind, DiscrepancyState
from reconciliation.domain.runs import RunState
from reconciliation.operations.discrepancies import list_discrepancies, show_discrepancy
from reconciliation.operations.resolutions import approve_resolution, decline_resolution, propose_resolution
from reconciliation.operations.runs import export_report, list_runs, plan_night, show_run
from tests.reconciliation.nights import AGENCY, BANK, a_night, an_officer, found, live, paid, rows
from tests.reconciliation.stubs import DAY, StubBank, a_line, a_statement
from tests.worlds.orders import an_agency

LAN, MINH = an_officer("lan"), an_officer("minh")


@pytest.fixture
def number(books: Books, bank: StubBank, agency: Caller, portal: Caller) -> int:
    """An open discrepancy: one dong is lacking at the bank."""
    paid(books, agency, portal, "T1")
    bank.statements[DAY] = a_statement(a_line("T1", 149_999))
    a_night(books)
    (one,) = list_discrepancies(books, caller=LAN, kind=DiscrepancyKind.AMOUNT_MISMATCH).items
    return one.number


def propose(books: Books, number: int, caller: Caller = LAN) -> None:
    """Propose that the bank corrects it."""
    propose_resolution(
        books, caller=caller, number=number, decision=Decision.BANK_CORRECTS, reason="letter 12/NH"
    )


def test_two_people_resolve_it_and_the_history_says_so(books: Books, number: int) -> None:
    """Proposed by one, approved by the other."""
    propose(books, number)
    view = approve_resolution(books, caller=MINH, number=number)
    assert (view.state, view.decision, view.reason) == ("RESOLVED", "BANK_CORRECTS", "letter 12/NH")
    assert [(line.event, line.actor) for line in view.history] == [
        ("DETECTED", "run"),
        ("RESOLUTION_PROPOSED", "lan"),
        ("APPROVED", "minh"),
    ]
    assert "T1" not in live(books)


def test_what_is_still_so_stays_the_same_case_with_its_proposal(
    books: Books, bank: StubBank, number: int
) -> None:
    """Another run of the day, with other things in it, is no reason to begin the officers' work anew."""
    propose(books, number)
    bank.statements[DAY] = a_statement(a_line("T1", 149_999), a_line("X1", 10))
    assert found(books, a_night(books)[str(BANK)]) == {"T1": "AMOUNT_MISMATCH"}
    view = show_discrepancy(books, caller=LAN, number=number)
    assert (view.state, [line.event for line in view.history]) == (
        "PROPOSED",
        ["DETECTED", "RESOLUTION_PROPOSED"],
    )
    sql = "SELECT count(*) FROM discrepancy WHERE case_key = 'T1'"
    assert rows(books, sql) == [(1,)]


def test_what_is_resolved_stays_resolved_while_the_figures_are_the_same(
    books: Books, bank: StubBank, number: int
) -> None:
    """The next night finds it again, and leaves the officers in peace; other figures are another matter."""
    propose(books, number)
    approve_resolution(books, caller=MINH, number=number)
    bank.statements[DAY] = a_statement(a_line("T1", 149_999), a_line("X1", 10))
    assert found(books, a_night(books)[str(BANK)]) == {"T1": "AMOUNT_MISMATCH"}
    assert "T1" not in live(books)
    bank.statements[DAY] = a_statement(a_line("T1", 149_999), a_line("T1", 1))
    a_night(books)
    assert live(books)["T1"] == "DUPLICATE_AT_BANK"


def test_the_proposer_cannot_approve(books: Books, number: int) -> None:
    """Not even with another key."""
    propose(books, number)
    with pytest.raises(SamePerson):
        approve_resolution(books, caller=an_officer("lan", agency_id=1), number=number)


def test_the_database_itself_wants_two_people(books: Books, number: int) -> None:
    """Whatever the code says."""
    with pytest.raises(Exception, match="four_eyes"):
        rows(
            books,
            "UPDATE discrepancy SET state = 'RESOLVED', proposed_by = 'lan', approved_by = 'lan' RETURNING id",
        )


def test_what_is_declined_is_open_again(books: Books, number: int) -> None:
    """With the reason in its history."""
    propose(books, number)
    view = decline_resolution(books, caller=MINH, number=number, reason="no letter attached")
    assert (view.state, view.decision, view.proposed_by) == ("OPEN", None, None)
    assert (view.history[-1].event, view.history[-1].reason) == ("DECLINED", "no letter attached")
    propose(books, number, MINH)


def test_moves_that_make_no_sense_are_refused(books: Books, number: int) -> None:
    """Each in its own words."""
    with pytest.raises(IllegalTransition):
        approve_resolution(books, caller=MINH, number=number)
    with pytest.raises(IllegalTransition):
        decline_resolution(books, caller=MINH, number=number, reason="why not")
    with pytest.raises(Malformed):
        propose_resolution(books, caller=LAN, number=number, decision=Decision.REFUND_PAYER, reason=" ")
    with pytest.raises(StaleVersion):
        approve_resolution(books, caller=MINH, number=number, version=7)
    with pytest.raises(DiscrepancyNotFound):
        show_discrepancy(books, caller=LAN, number=number + 1000)
    propose(books, number)
    with pytest.raises(Malformed):
        decline_resolution(books, caller=MINH, number=number, reason="")
    with pytest.raises(IllegalTransition):
        propose(books, number, MINH)
    approve_resolution(books, caller=MINH, number=number)
    for again in (approve_resolution, lambda *_, **known: propose(books, number)):
        with pytest.raises(AlreadyResolved):
            again(books, caller=MINH, number=number)
    with pytest.raises(AlreadyResolved):
        decline_resolution(books, caller=MINH, number=number, reason="too late")


def test_of_two_approvals_at_once_one_wins(books: Books, number: int) -> None:
    """The other is told that it is resolved already."""
    propose(books, number)
    officers = [an_officer(f"officer {n}") for n in range(8)]

    def approve(officer: Caller) -> str:
        try:
            return approve_resolution(books, caller=officer, number=number).state
        except HubError as error:
            return type(error).__name__

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(approve, officers))
    assert outcomes == ["AlreadyResolved"] * 7 + ["RESOLVED"]
    assert rows(books, "SELECT count(*) FROM discrepancy_event WHERE event = 'APPROVED'") == [(1,)]


def test_an_agency_sees_only_its_own(books: Books, number: int, agency: Caller) -> None:
    """Its discrepancies with banks too, but no run over all agencies' money."""
    other = an_agency(books.hub, "H01.1", receipt_series="BB26E")
    officer_elsewhere = an_officer("hoa", agency_id=other.agency_id)
    assert [
        one.number for one in list_discrepancies(books, caller=agency).items if one.finding.case == "T1"
    ] == [number]
    assert [run.scope for run in list_runs(books, caller=agency).items] == [str(AGENCY)]
    for stranger in (other, officer_elsewhere):
        assert list_discrepancies(books, caller=stranger).items == []
        assert list_runs(books, caller=stranger).items == []
        with pytest.raises(DiscrepancyNotFound):
            show_discrepancy(books, caller=stranger, number=number)
        with pytest.raises(DiscrepancyNotFound):
            propose(books, number, stranger)
        for run in list_runs(books, caller=LAN).items:
            with pytest.raises(RunNotFound):
                show_run(books, caller=stranger, run=run.number)
            with pytest.raises(RunNotFound):
                export_report(books, caller=stranger, run=run.number)


def test_lists_are_paged_and_filtered(books: Books, bank: StubBank, number: int) -> None:
    """By cursor, newest first."""
    bank.statements[DAY] = a_statement(*(a_line(f"X{n}", 10) for n in range(5)))
    a_night(books)
    seen, after = [], None
    while True:
        page = list_discrepancies(books, caller=LAN, state=DiscrepancyState.OPEN, after=after, limit=2)
        seen += [one.number for one in page.items]
        after = page.next_cursor
        if after is None:
            break
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(live(books))
    assert list_discrepancies(books, caller=LAN, scope="bank:other").items == []
    assert list_runs(books, caller=LAN, scope=str(BANK), limit=1).next_cursor is not None


def test_a_run_without_a_result_has_no_report(books: Books) -> None:
    """It is planned, running or failed."""
    ((scope, day),) = [one for one in plan_night(books, day=DAY) if one[0] == str(BANK)]
    assert (scope, day) == ("bank:sandbox", "2026-03-02")
    (planned,) = list_runs(books, caller=LAN, state=RunState.PLANNED, scope=scope).items
    with pytest.raises(RunNotFound):
        export_report(books, caller=LAN, run=planned.number)
