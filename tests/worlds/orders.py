"""Agencies, portals, obligations, orders and confirmations, made through the hub's own operations."""

from __future__ import annotations

import itertools
import json
from datetime import date, datetime
from typing import Any

from payment_hub.domain.access import USUAL_SCOPES, Caller, Role
from payment_hub.domain.banks.values import Confirmation, Outcome
from payment_hub.domain.idempotency import Claim
from payment_hub.domain.judgement import Judgement
from payment_hub.domain.money import Money, dong
from payment_hub.domain.obligations import Beneficiary, Kind, Terms
from payment_hub.domain.settlement import Source
from payment_hub.hub import Hub
from payment_hub.operations.access import add_agency, add_portal
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.obligations import register_obligation
from payment_hub.operations.orders import issue_payment_order

_numbers = itertools.count(1)

TREASURY = Beneficiary("7111000000001", "970436", "KHO BAC NHA NUOC HA NOI", "009", "4252")


def an_agency(hub: Hub, code: str = "G22.99", **more: Any) -> Caller:
    """A new agency, and its own key's holder."""
    more = {"name": "Cuc Canh sat giao thong", "receipt_series": "AA26E"} | more
    key = add_agency(
        hub,
        code=code,
        account_number="7111000000001",
        account_bank="970436",
        account_name="KBNN HA NOI",
        **more,
    )
    return Caller(0, Role.AGENCY, f"system of {code}", _scopes(Role.AGENCY), agency_id=key, agency_code=code)


def a_portal(hub: Hub, code: str = "dvc", webhook_url: str | None = None) -> Caller:
    """A new portal, and its own key's holder."""
    key = add_portal(hub, code=code, name=f"Cong {code}", webhook_url=webhook_url)
    return Caller(0, Role.PORTAL, f"system of {code}", _scopes(Role.PORTAL), portal_id=key, portal_code=code)


def an_operator() -> Caller:
    """Who may see everything."""
    return Caller(0, Role.OPERATOR, "op", _scopes(Role.OPERATOR))


def fine_terms(amount: int = 150_000, **more: Any) -> Terms:
    """A traffic fine of so many dong."""
    stated: dict[str, Any] = {
        "amount": dong(amount),
        "payer_name": "Nguyễn Thị Hường",
        "identifiers": {"decision_number": "1234/QD-XPHC", "decided_on": "2026-02-27"},
        "description": "Không chấp hành hiệu lệnh của đèn tín hiệu giao thông",
        "due_on": date(2026, 3, 12),
        "beneficiary": TREASURY,
    }
    return Terms(**(stated | more))


def an_obligation(hub: Hub, agency: Caller, amount: int = 150_000, reference: str | None = None) -> str:
    """A registered fine; its reference."""
    reference = reference or f"QD-{next(_numbers)}"
    assert agency.agency_code is not None
    register_obligation(
        hub,
        caller=agency,
        agency=agency.agency_code,
        reference=reference,
        kind=Kind.TRAFFIC_FINE,
        terms=fine_terms(amount),
    )
    return reference


def a_claim(portal: Caller, key: str | None = None, body: bytes = b"{}") -> Claim:
    """A claim on an idempotency key."""
    return Claim(portal.name, key or f"key-{next(_numbers)}", body.ljust(32, b" "))


def an_order(
    hub: Hub,
    agency: Caller,
    portal: Caller,
    amount: int = 150_000,
    obligation: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """An issued order, as the portal got it."""
    assert agency.agency_code is not None
    answered = issue_payment_order(
        hub,
        caller=portal,
        agency=agency.agency_code,
        obligation_reference=obligation or an_obligation(hub, agency, amount),
        **{"minutes": None, "return_url": None, "claim": a_claim(portal)} | more,
    )
    order: dict[str, Any] = json.loads(answered.body)
    return order


def confirmation(reference: str, amount: int | Money | None = 150_000, **more: Any) -> Confirmation:
    """A bank's word about an order; PAID by a new transaction unless said otherwise."""
    number = next(_numbers)
    said = {
        "bank": "sandbox",
        "event_id": f"e{number}",
        "reference": reference,
        "outcome": Outcome.PAID,
        "amount": dong(amount) if isinstance(amount, int) else amount,
        "bank_transaction_id": f"t{number}",
        "paid_at": None,
        "code": "00",
    }
    return Confirmation(**(said | more))


def receive(hub: Hub, said: Confirmation, received_at: datetime | None = None) -> Judgement:
    """Let the hub hear a confirmation as if from a callback."""
    return receive_confirmation(
        hub, confirmation=said, source=Source.CALLBACK, received_at=received_at or hub.now()
    )


def _scopes(role: Role) -> frozenset[str]:
    return frozenset(USUAL_SCOPES[role])
