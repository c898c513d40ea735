"""What is owed: registered once, amended by version, withdrawn, restored; seen by its own agency only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import (
    AgencyNotFound,
    Conflict,
    HubError,
    MalformedObligation,
    ObligationClosed,
    ObligationNotFound,
    StaleVersion,
)
from payment_hub.domain.obligations import Kind, ObligationView
from payment_hub.hub import Hub
from payment_hub.operations.obligations import (
    amend_obligation,
    list_obligations,
    register_obligation,
    restore_obligation,
    show_obligation,
    withdraw_obligation,
)
from payment_hub.operations.orders import show_order
from tests.worlds.database import count, rows
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

CODE = "G22.99"


@pytest.fixture
def agency(hub: Hub) -> Caller:
    return an_agency(hub)


@pytest.fixture
def reference(hub: Hub, agency: Caller) -> str:
    return an_obligation(hub, agency, reference="QD/1")


def register(hub: Hub, caller: Caller, amount: int = 150_000, **more: Any) -> tuple[ObligationView, bool]:
    asked: dict[str, Any] = {
        "agency": CODE,
        "reference": "QD/1",
        "kind": Kind.TRAFFIC_FINE,
        "terms": fine_terms(amount),
    }
    return register_obligation(hub, caller=caller, **(asked | more))


def amend(hub: Hub, caller: Caller, version: int = 1, amount: int = 200_000, **more: Any) -> ObligationView:
    asked: dict[str, Any] = {
        "agency": CODE,
        "reference": "QD/1",
        "terms": fine_terms(amount),
        "reason": "recalculated",
    }
    return amend_obligation(hub, caller=caller, version=version, **(asked | more))


def withdraw(hub: Hub, caller: Caller, version: int = 1, **more: Any) -> ObligationView:
    asked: dict[str, Any] = {"agency": CODE, "reference": "QD/1", "reason": "appealed"}
    return withdraw_obligation(hub, caller=caller, version=version, **(asked | more))


def restore(hub: Hub, caller: Caller, version: int = 2, **more: Any) -> ObligationView:
    asked: dict[str, Any] = {"agency": CODE, "reference": "QD/1", "reason": "appeal lost"}
    return restore_obligation(hub, caller=caller, version=version, **(asked | more))


def versions(hub: Hub) -> list[tuple[int, str, int, str | None]]:
    found = rows(hub, "SELECT version, event, amount, reason FROM obligation_version ORDER BY version")
    return [(row["version"], row["event"], row["amount"], row["reason"]) for row in found]


def test_the_same_statement_twice_is_registered_once(hub: Hub, agency: Caller) -> None:
    (first, new), (second, newer) = register(hub, agency), register(hub, agency)
    assert (new, newer, first) == (True, False, second)
    assert (first.state, first.version, count(hub, "obligation")) == ("OWED", 1, 1)


def test_another_statement_under_the_same_reference_is_refused(
    hub: Hub, agency: Caller, reference: str
) -> None:
    with pytest.raises(Conflict, match="amend"):
        register(hub, agency, 150_001)
    with pytest.raises(Conflict, match="amend"):
        register(hub, agency, terms=fine_terms(payer_name="Trần Văn An"))
    assert versions(hub) == [(1, "REGISTERED", 150_000, None)]


def test_two_agencies_may_use_the_same_reference(hub: Hub, agency: Caller, reference: str) -> None:
    other = an_agency(hub, "H55")
    assert register(hub, other, 99_000, agency="H55")[1]
    assert show_obligation(hub, caller=agency, agency=CODE, reference=reference).amount.minor == 150_000


def test_what_the_kind_needs_must_be_there(hub: Hub, agency: Caller) -> None:
    with pytest.raises(MalformedObligation):
        register(hub, agency, terms=fine_terms(identifiers={}))
    assert count(hub, "obligation") == 0


def test_an_amendment_is_a_new_version_and_closes_the_order_for_the_old_one(
    hub: Hub, agency: Caller, reference: str
) -> None:
    portal = a_portal(hub)
    order = an_order(hub, agency, portal, obligation=reference)
    view = amend(hub, agency)
    assert (view.version, view.amount.minor, view.open_order) == (2, 200_000, None)
    assert versions(hub) == [(1, "REGISTERED", 150_000, None), (2, "AMENDED", 200_000, "recalculated")]
    closed = show_order(hub, caller=portal, reference=order["reference"])
    assert (closed.status, closed.cancel_reason) == ("CANCELLED", "obligation amended")
    assert an_order(hub, agency, portal, obligation=reference)["required"]["amount"] == "200000"


def test_a_withdrawn_obligation_can_be_restored_as_it_stood(hub: Hub, agency: Caller, reference: str) -> None:
    assert withdraw(hub, agency).state == "WITHDRAWN"
    with pytest.raises(Conflict, match="restore"):
        register(hub, agency)
    restored = restore(hub, agency)
    assert (restored.state, restored.version, restored.amount.minor) == ("OWED", 3, 150_000)
    assert [event for _, event, _, _ in versions(hub)] == ["REGISTERED", "WITHDRAWN", "RESTORED"]


def test_nothing_happens_twice(hub: Hub, agency: Caller, reference: str) -> None:
    with pytest.raises(ObligationClosed, match="not withdrawn"):
        restore(hub, agency, 1)
    withdraw(hub, agency)
    with pytest.raises(ObligationClosed, match="is withdrawn"):
        withdraw(hub, agency, 2)
    with pytest.raises(ObligationClosed, match="is withdrawn"):
        amend(hub, agency, 2)


VERBS: list[Callable[..., ObligationView]] = [amend, withdraw, restore]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("paid", [1, 150_000, 151_000])
def test_what_has_been_paid_for_even_in_part_does_not_change(
    hub: Hub, agency: Caller, reference: str, verb: Callable[..., ObligationView], paid: int
) -> None:
    receive(hub, confirmation(an_order(hub, agency, a_portal(hub), obligation=reference)["reference"], paid))
    with pytest.raises(ObligationClosed, match="paid"):
        verb(hub, agency, 1)


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("version", [0, 2, 99])
def test_an_old_version_is_refused(
    hub: Hub, agency: Caller, reference: str, verb: Callable[..., ObligationView], version: int
) -> None:
    with pytest.raises(StaleVersion, match="is 1 now"):
        verb(hub, agency, version)
    assert len(versions(hub)) == 1


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"reference": "nothing"}, ObligationNotFound),
        ({"agency": "H55"}, AgencyNotFound),
        ({"agency": "nowhere"}, AgencyNotFound),
    ],
)
def test_what_is_not_there_or_another_agencys_is_not_found(
    hub: Hub,
    agency: Caller,
    reference: str,
    verb: Callable[..., ObligationView],
    asked: dict[str, str],
    refusal: type[HubError],
) -> None:
    an_agency(hub, "H55")
    with pytest.raises(refusal):
        verb(hub, agency, 1, **asked)


def test_another_agency_sees_and_registers_nothing_here(hub: Hub, agency: Caller, reference: str) -> None:
    other = an_agency(hub, "H55")
    with pytest.raises(ObligationNotFound):
        show_obligation(hub, caller=other, agency=CODE, reference=reference)
    with pytest.raises(AgencyNotFound):
        register(hub, other)
    assert list_obligations(hub, caller=other).items == ()


def test_the_list_is_filtered_and_turns_its_pages_without_repeating_itself(hub: Hub, agency: Caller) -> None:
    made = [an_obligation(hub, agency, reference=f"QD/{number}") for number in range(1, 8)]
    withdraw(hub, agency)
    seen: list[str] = []
    after = None
    while True:
        page = list_obligations(hub, caller=an_operator(), agency=CODE, after=after, limit=3)
        seen += [view.reference for view in page.items]
        after = page.next_cursor
        if after is None:
            break
        made.append(an_obligation(hub, agency))
    assert seen == [f"QD/{number}" for number in range(7, 0, -1)]
    withdrawn = list_obligations(hub, caller=agency, state="WITHDRAWN").items
    assert [view.reference for view in withdrawn] == ["QD/1"]
    assert list_obligations(hub, caller=agency, kind="tuition").items == ()
