"""A payer's options, paying without naming a bank, and the officers' list of unresolved attempts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from payment_hub.domain.access import Role, Scope
from payment_hub.domain.banks.health import BreakerPolicy
from payment_hub.domain.banks.profile import BankTerms, Bearer
from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.payments import AttemptView, UnresolvedView
from payment_hub.domain.routing import OptionsView
from payment_hub.hub import Hub
from payment_hub.operations.payments.query import query_pending
from payment_hub.web.api.schemas import schema_of
from tests.conftest import StoppedClock
from tests.web.conftest import FINE, Asker, an_app
from tests.worlds.banks import StandInBank, answers_in_turn, with_banks
from tests.worlds.orders import confirmation, receive

ORDER = {"agency": "G22.99", "obligation": "XP/2026/0042"}


@pytest.fixture
def bank() -> StandInBank:
    return StandInBank()


@pytest.fixture
def hub(hub: Hub, bank: StandInBank) -> Hub:
    terms = {
        "standin": BankTerms(breaker=BreakerPolicy(failures=1)),
        "other": BankTerms(fee_fixed=1_100, borne_by=Bearer.PAYER),
        "closed": BankTerms(kinds=("tuition",)),
    }
    banks = {"standin": bank, "other": StandInBank(code="other"), "closed": StandInBank(code="closed")}
    return replace(with_banks(hub, **banks), terms=terms)


@pytest.fixture
def path(agency: Asker, portal: Asker) -> str:
    """The address of an open order."""
    agency.post("/v1/obligations", FINE)
    issued = portal.post("/v1/payment-orders", ORDER).json
    assert issued is not None
    return f"/v1/payment-orders/{issued['reference']}"


def told(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json, dict)
    return answer.json


def test_every_bank_is_listed_with_its_reason(path: str, portal: Asker) -> None:
    shown = told(portal.get(f"{path}/payment-options"))
    assert schema_of(OptionsView)().validate(shown) == {}
    assert [(item["bank"], item["offered"], item["reason"]) for item in shown["items"]] == [
        ("standin", True, None),
        ("other", True, None),
        ("closed", False, "KIND"),
    ]
    assert (shown["chosen"], shown["rule"]) == ("standin", "CHEAPEST_FOR_PAYER")
    assert shown["items"][1]["fee"] == {"amount": "1100", "currency": "VND"}
    assert shown["items"][2]["why"] == {
        "vi": "Ngân hàng không nhận loại khoản thu này.",
        "en": "The bank does not take this kind of payment.",
    }


def test_options_are_for_those_who_may_see_the_order(
    path: str, portal: Asker, asker: Callable[..., Asker], client: FlaskClient
) -> None:
    assert client.get(f"{path}/payment-options").status_code == 401
    assert asker(Role.OPERATOR, scopes=[Scope.LEDGER_READ]).get(f"{path}/payment-options").status_code == 403
    assert portal.get("/v1/payment-orders/DV00000000000000/payment-options").status_code in (404, 422)
    assert portal.get(f"{path}/payment-options?bank=standin").status_code == 422


def test_paying_without_a_bank_takes_the_one_that_is_chosen(path: str, portal: Asker) -> None:
    started = told(portal.post(f"{path}/attempts", {}), 201)
    assert (started["bank"], started["state"], started["expected_by"]) == ("standin", "PENDING", None)
    assert schema_of(AttemptView)().validate(started) == {}


def test_a_bank_that_is_not_offered_is_a_conflict_with_the_reason(path: str, portal: Asker) -> None:
    refused = told(portal.post(f"{path}/attempts", {"bank": "closed"}), 409)
    assert refused["type"] == "/problems/bank-not-offered"
    assert refused["detail"] == "closed: The bank does not take this kind of payment."
    vietnamese = portal.post(f"{path}/attempts", {"bank": "closed"}, headers={"Accept-Language": "vi"})
    assert told(vietnamese, 409)["title"].startswith("Lúc này không có ngân hàng")


def test_while_an_outcome_is_unknown_everybody_is_told_until_when(
    path: str, portal: Asker, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_open = answers_in_turn(BankUnavailable("no answer"))
    assert portal.post(f"{path}/attempts", {"bank": "standin"}).status_code == 503
    until = "2026-03-02T03:15:00.000Z"
    [attempt] = told(portal.get(f"{path}/attempts"))["items"]
    assert (attempt["state"], attempt["expected_by"]) == ("UNKNOWN", until)
    refused = told(portal.post(f"{path}/attempts", {"bank": "other"}), 409)
    assert refused["type"] == "/problems/payment-under-way"
    assert "2026-03-02T03:15:00Z" in refused["detail"]
    other = told(portal.get(f"{path}/payment-options"))["items"][1]
    assert (other["reason"], other["until"]) == ("UNDER_WAY", until)


def test_a_resting_bank_is_named_and_a_later_try_advised(
    path: str, portal: Asker, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_open = answers_in_turn(BankUnavailable("no answer"))
    portal.post(f"{path}/attempts", {"bank": "standin"})
    answer = portal.post(f"{path}/attempts", {"bank": "standin"})
    assert told(answer, 503)["type"] == "/problems/circuit-open"
    assert answer.headers["Retry-After"] == "30"


def test_officers_see_what_is_unknown_and_what_is_theirs(
    path: str,
    portal: Asker,
    asker: Callable[..., Asker],
    hub: Hub,
    bank: StandInBank,
    clock: StoppedClock,
) -> None:
    officer = asker(Role.OFFICER, agency_code="G22.99")
    bank.on_open = answers_in_turn(BankUnavailable("no answer"))
    portal.post(f"{path}/attempts", {"bank": "standin"})
    shown = told(officer.get("/v1/unresolved-attempts"))
    [unknown] = shown["items"]
    assert schema_of(UnresolvedView)().validate(unknown) == {}
    assert (unknown["bank"], unknown["state"], unknown["escalated_at"]) == ("standin", "UNKNOWN", None)
    assert told(officer.get("/v1/unresolved-attempts?which=overdue"))["items"] == []
    clock.advance(hours=26)
    query_pending(hub)
    [overdue] = told(officer.get("/v1/unresolved-attempts?which=overdue&limit=1"))["items"]
    assert overdue["escalated_at"] == "2026-03-03T05:00:00.000Z"
    assert officer.get("/v1/unresolved-attempts?which=mine").status_code == 422
    ending = f"/v1/unresolved-attempts/{overdue['reference']}/resolve"
    assert portal.post(ending, {"reason": "the bank's letter"}).status_code == 403
    assert told(officer.post(ending, {"reason": "the bank's letter"}))["state"] == "FAILED"
    assert told(officer.post(ending, {"reason": "again"}), 409)["type"] == "/problems/illegal-transition"
    assert portal.get("/v1/unresolved-attempts").status_code == 403


def test_the_figures_tell_health_waits_and_promises(
    path: str, portal: Asker, hub: Hub, bank: StandInBank, clock: StoppedClock
) -> None:
    bank.on_open = answers_in_turn(BankUnavailable("no answer"))
    portal.post(f"{path}/attempts", {"bank": "standin"})
    text = _metrics(an_app(hub))
    assert 'hub_bank_up{bank="standin",operation="open"} 0.0' in text
    assert 'hub_bank_up{bank="standin",operation="query"} 1.0' in text
    assert 'hub_outcomes_unknown{bank="standin",whose="clock"} 1.0' in text
    assert "hub_attempts_overdue 0.0" in text
    clock.moment += timedelta(minutes=2)
    receive(hub, confirmation(f"{path.rpartition('/')[2]}-1", bank="standin"))
    text = _metrics(an_app(hub))
    assert 'hub_outcome_unknown_seconds_bucket{bank="standin",le="30"} 0.0' in text
    assert 'hub_outcome_unknown_seconds_bucket{bank="standin",le="120"} 1.0' in text
    assert 'hub_outcomes_known_as_promised{bank="standin"} 1.0' in text


def _metrics(app: Flask) -> str:
    return app.test_client().get("/metrics", headers={"Authorization": "Bearer watch"}).text
