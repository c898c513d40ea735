"""A bank that refunds as a test sets it, and the officers who propose, approve and prove refunds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from payment_hub.domain.access import USUAL_SCOPES, Caller, Role
from payment_hub.domain.banks.profile import BankProfile, Limits, PaymentMethod
from payment_hub.domain.banks.values import RefundAnswer, RefundOutcome, RefundQuery, RefundRequest
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.lifecycle import RefundReason
from payment_hub.domain.refunds.views import RefundView
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.refunds.decide import approve_refund, decline_refund, propose_refund
from payment_hub.operations.refunds.send import prove_refund
from tests.worlds.banks import StandInBank
from tests.worlds.database import execute, rows, scalar
from tests.worlds.orders import an_order, confirmation, receive

RETURNED = RefundAnswer(RefundOutcome.SUCCEEDED, "00", "BR1")
REFUSED = RefundAnswer(RefundOutcome.FAILED, "94")
ACCEPTED = RefundAnswer(RefundOutcome.PENDING, "05", "BR1")

PROFILE = BankProfile(title="Refunding", methods=(PaymentMethod.PAGE,), facts=(), limits=Limits())


def _refund_at_once(_: Any) -> RefundAnswer:
    return RETURNED


@dataclass
class RefundingBank(StandInBank):
    """Gives back at once, unless the test says otherwise; remembers what it was asked."""

    on_refund: Callable[[RefundRequest], RefundAnswer] = _refund_at_once
    on_refund_query: Callable[[RefundQuery], RefundAnswer] = _refund_at_once
    refund_requests: list[RefundRequest] = field(default_factory=list)
    queries: list[RefundQuery] = field(default_factory=list)
    profile: BankProfile = PROFILE  # type: ignore[misc] # a test may give it other limits
    code: str = "refunding"

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """As the test says."""
        self.refund_requests.append(request)
        return self.on_refund(request)

    def query_refund(self, query: RefundQuery) -> RefundAnswer:
        """As the test says."""
        self.queries.append(query)
        return self.on_refund_query(query)


@dataclass
class BankWithoutRefundQuery(StandInBank):
    """Takes refunds and cannot be asked about them."""

    code: str = "unasked"
    answer: Callable[[RefundRequest], RefundAnswer] = _refund_at_once

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """As the test says."""
        return self.answer(request)


def an_officer(holder: str = "Nguyễn Văn Đức", agency: Caller | None = None) -> Caller:
    """One who proposes, decides and proves; of one agency, or of all."""
    bound: dict[str, Any] = (
        {} if agency is None else {"agency_id": agency.agency_id, "agency_code": agency.agency_code}
    )
    return Caller(0, Role.OFFICER, holder, frozenset(USUAL_SCOPES[Role.OFFICER]), **bound)


LAN, DUC = an_officer("Trần Thị Lan"), an_officer()


def propose(hub: Hub, caller: Caller, reference: str, amount: int = 150_000, **more: Any) -> RefundView:
    """A proposal by one who has seen the present balance."""
    asked: dict[str, Any] = {
        "refund_id": "R1",
        "refundable": dong(refundable(hub, reference)),
        "reason": RefundReason.DOSSIER_REFUSED,
        "note": "Hồ sơ bị từ chối",
    }
    return propose_refund(hub, caller=caller, reference=reference, amount=dong(amount), **(asked | more))


def approve(hub: Hub, reference: str, refund_id: str = "R1", by: Caller = DUC) -> RefundView:
    """The second pair of eyes."""
    return approve_refund(hub, caller=by, reference=reference, refund_id=refund_id)


def decline(hub: Hub, reference: str, refund_id: str = "R1", by: Caller = DUC) -> RefundView:
    """The same, against it."""
    return decline_refund(hub, caller=by, reference=reference, refund_id=refund_id, reason="not so")


def prove(hub: Hub, reference: str, event: Any, refund_id: str = "R1", **more: Any) -> RefundView:
    """Evidence that somebody brings."""
    asked: dict[str, Any] = {"document": "C1-04 so 17", "dated_on": date(2026, 3, 4), "note": ""} | more
    return prove_refund(hub, caller=LAN, reference=reference, refund_id=refund_id, event=event, **asked)


def a_paid_order(hub: Hub, agency: Caller, portal: Caller, bank: str = "refunding", **more: Any) -> str:
    """An order that was paid through this bank."""
    reference = str(an_order(hub, agency, portal)["reference"])
    start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")
    receive(hub, confirmation(f"{reference}-1", bank=bank, **more))
    return reference


def refundable(hub: Hub, reference: str) -> int:
    """What can still be given back."""
    sql = "SELECT received - refunded - held_refund FROM payment_order WHERE reference = :r"
    return int(scalar(hub, sql, r=reference))


def order_of(hub: Hub, reference: str) -> dict[str, Any]:
    """The order's row."""
    return rows(hub, "SELECT * FROM payment_order WHERE reference = :r", r=reference)[0]


def refund_states(hub: Hub) -> list[tuple[str, str]]:
    """Where every refund stands, by its id, oldest first."""
    return [(row["refund_id"], row["state"]) for row in rows(hub, "SELECT * FROM refund ORDER BY id")]


def add_statement_line(hub: Hub, bank: str, transaction: str, amount: int = 150_000) -> None:
    """Let the money stand in a statement of its bank."""
    execute(
        hub,
        """WITH file AS (
            INSERT INTO statement_file (bank, day, sha256, raw, state, lines, received_at)
            VALUES (:bank, '2026-03-02', sha256(:name), '', 'ACCEPTED', 1, :now) RETURNING id
        )
        INSERT INTO statement_line (file_id, line, bank, bank_transaction_id, day, amount, currency, movement,
            reference, occurrence, booked_at, repeated)
        SELECT id, 1, :bank, :transaction, '2026-03-02', :amount, 'VND', 'CREDIT', '', 1, :now, false FROM file""",
        bank=bank,
        transaction=transaction,
        amount=amount,
        now=hub.now(),
        name=f"{bank} {transaction} {amount}".encode(),
    )
