"""Why money is left open: the first reason that holds, in the order in which they are asked."""

from __future__ import annotations

import pytest

from payment_hub.domain.errors import Conflict, Malformed
from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.errors import LeaseLost, RunUnderWay
from reconciliation.domain.left_open import LeftOpen, why_left_open
from reconciliation.domain.runs import MONEY, Scope, Side, agency_scope, bank_scope


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (LeftOpen(), None),
        (LeftOpen(suspense=5, has_order=False, conflict=True), Kind.UNIDENTIFIED_PAYMENT),
        (LeftOpen(suspense=5, foreign_money=True, conflict=True), Kind.WRONG_CURRENCY),
        (LeftOpen(overpayment=5, foreign_money=True), Kind.WRONG_CURRENCY),
        (LeftOpen(foreign_money=True), None),
        (LeftOpen(conflict=True), Kind.CONFLICTING_CONFIRMATIONS),
        (LeftOpen(suspense=5, settled_elsewhere=True), Kind.PAID_TWICE),
        (LeftOpen(overpayment=5, settled_here=True, collections=2), Kind.PAID_TWICE),
        (LeftOpen(overpayment=5, settled_here=True, collections=1), Kind.OVERPAID),
        (LeftOpen(suspense=5, received=5, required=10), Kind.UNDERPAID),
        (LeftOpen(suspense=10, received=10, required=10), Kind.HELD),
    ],
)
def test_the_first_reason_that_holds_names_it(case: LeftOpen, kind: Kind | None) -> None:
    assert why_left_open(case) is kind


@pytest.mark.parametrize("scope", [bank_scope("vnpay"), agency_scope("G22.99"), MONEY])
def test_a_scope_is_read_as_it_is_written(scope: Scope) -> None:
    assert Scope.parse(str(scope)) == scope


@pytest.mark.parametrize("text", ["", "bank", "bank:", ":vnpay", "portal:dvc", "money:all", "BANK:vnpay"])
def test_any_other_scope_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Scope.parse(text)


def test_a_run_that_may_not_go_on_is_a_conflict() -> None:
    assert {RunUnderWay.__base__, LeaseLost.__base__} == {Conflict}
    assert agency_scope("x").side is Side.AGENCY
