"""Conformance: run the fixed checks against a bank's adapter, on a trial hub, with orders that no payer owes."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from payment_hub import VERSION
from payment_hub.domain.access import Caller, Role, Scope
from payment_hub.domain.banks.conformance import (
    CHECKS,
    Check,
    CheckResult,
    ConformanceReport,
    Mark,
    NotApplicable,
    NotAsExpected,
    SimulatorClient,
    SimulatorMessage,
)
from payment_hub.domain.banks.port import CanAnswerInquiry, CanQuery, TakesCallbacks
from payment_hub.domain.banks.values import Outcome, PaymentQuery, PaymentRequest
from payment_hub.domain.calendar import business_day
from payment_hub.domain.errors import BankUnavailable, Conflict, HubError
from payment_hub.domain.idempotency import Claim
from payment_hub.domain.money import dong
from payment_hub.domain.obligations import Beneficiary, Kind, Terms
from payment_hub.domain.orders import OrderStatus, OrderView
from payment_hub.domain.payments import AttemptView
from payment_hub.domain.settlement import Source
from payment_hub.hub import Hub
from payment_hub.operations.access import add_agency, add_portal
from payment_hub.operations.confirmations import receive_confirmation
from payment_hub.operations.obligations import register_obligation
from payment_hub.operations.orders import cancel_order, issue_payment_order, show_order
from payment_hub.operations.payments.start import read_attempt_requests, start_payment
from payment_hub.store.access import find_portal

#: The agency and the portal of the checks. Their receipts have a series of their own, so no other series gets a gap.
AGENCY: Final = "BANKKIT"
PORTAL: Final = "bank-kit"
NAME: Final = "Bank acceptance kit"
SERIES: Final = "KT26E"
AMOUNT: Final = dong(150_000)
PAYER_IP: Final = "203.0.113.7"

_ACCOUNT: Final = Beneficiary("9000000000000", "970499", "BANK ACCEPTANCE KIT")
_OPERATOR: Final = Caller(0, Role.OPERATOR, "bank kit", frozenset(Scope))


def open_conformance_payment(hub: Hub, *, bank: str) -> AttemptView:
    """The attempt at paying a new order of 150,000 dong. The agency and portal of the checks are added when missing.

    Raises BankNotFound, BankUnavailable, Malformed.
    """
    portal = _portal(hub)
    dossier = f"{AGENCY}-{business_day(hub.now()):%y%m%d}-{secrets.randbelow(10**6):06d}"
    terms = Terms(
        amount=AMOUNT,
        payer_name=NAME,
        identifiers={"dossier_code": dossier},
        description=f"{NAME}, {bank}",
        due_on=None,
        beneficiary=_ACCOUNT,
    )
    reference = f"{dossier}-{secrets.token_hex(6)}"
    register_obligation(hub, caller=_OPERATOR, agency=AGENCY, reference=reference, kind=Kind.FEE, terms=terms)
    answered = issue_payment_order(
        hub,
        caller=Caller(0, Role.PORTAL, "bank kit", frozenset(Scope), portal_id=portal, portal_code=PORTAL),
        agency=AGENCY,
        obligation_reference=reference,
        minutes=None,
        return_url=None,
        claim=Claim(f"portal:{PORTAL}", reference, b"kit"),
    )
    order: str = json.loads(answered.body)["reference"]
    return start_payment(hub, reference=order, bank=bank, payer_ip=PAYER_IP, language="vi")


def _portal(hub: Hub) -> int:
    """The key of the portal of the checks. Its agency is added before it."""
    while True:
        with hub.transaction() as session:
            portal = find_portal(session, PORTAL)
            if portal is not None:
                return portal.id
        with suppress(Conflict):
            add_agency(
                hub,
                code=AGENCY,
                name=NAME,
                account_number=_ACCOUNT.account_number,
                account_bank=_ACCOUNT.bank,
                account_name=_ACCOUNT.account_name,
                receipt_series=SERIES,
            )
        with suppress(Conflict):
            add_portal(hub, code=PORTAL, name=NAME)


def run_callback_check(hub: Hub, *, bank: str, simulator: SimulatorClient | None, check: str) -> str:
    """What was seen, when it is what ``check`` expects. Raises NotAsExpected, NotApplicable."""
    if not isinstance(hub.adapter(bank), TakesCallbacks):
        raise NotApplicable("it sends no callbacks")
    if simulator is None:
        raise NotApplicable("nothing can be provoked at it from here: no address of a simulator was given")
    return _CALLBACK_CHECKS[check](_CallbackCheck(hub, simulator, open_conformance_payment(hub, bank=bank)))


@dataclass(frozen=True)
class _CallbackCheck:
    """An opened payment, and the bank's side of it."""

    hub: Hub
    simulator: SimulatorClient
    attempt: AttemptView

    def order(self) -> OrderView:
        """The order as it stands now."""
        return show_order(self.hub, caller=_OPERATOR, reference=self.attempt.order_reference)

    def pay(self, choice: str) -> list[SimulatorMessage]:
        """The callbacks that the bank sends when the citizen makes this choice. Where they do not carry the outcome,
        the bank is queried, as the task would."""
        messages = self.simulator.pay(self.attempt, choice)
        adapter = self.hub.adapter(self.attempt.bank)
        if isinstance(adapter, CanQuery) and not adapter.profile.signed:
            _, query = read_attempt_requests(self.hub, attempt=self.attempt, payer_ip=PAYER_IP, language="vi")
            confirmation = adapter.query_payment(query)
            if confirmation.outcome is not Outcome.PENDING:
                receive_confirmation(
                    self.hub, confirmation=confirmation, source=Source.QUERY, received_at=query.queried_at
                )
        return messages

    def require(self, status: OrderStatus, messages: Sequence[SimulatorMessage]) -> str:
        """The order is in this status now."""
        now = self.order().status
        if now != status:
            raise NotAsExpected(f"the order is {now}; {_replies(messages)}")
        return f"the order is {now}; {_replies(messages)}"

    def require_received_once(self, messages: Sequence[SimulatorMessage]) -> str:
        """The whole amount is here, once."""
        order = self.order()
        seen = f"{order.received} were received, the order is {order.status}; {_replies(messages)}"
        if order.received != self.attempt.amount:
            raise NotAsExpected(seen)
        return seen


def _good(check: _CallbackCheck) -> str:
    return check.require(OrderStatus.PAID, _taken(check.pay("pay")))


def _decline(check: _CallbackCheck) -> str:
    messages = check.pay("decline")
    if messages:
        return check.require(OrderStatus.OPEN, _taken(messages))
    check.require(OrderStatus.OPEN, messages)
    raise NotApplicable("it does not tell of a payment that was declined")


def _late(check: _CallbackCheck) -> str:
    order = check.order()
    cancel_order(
        check.hub,
        caller=_OPERATOR,
        reference=order.reference,
        reason="the bank's acceptance kit",
        version=order.version,
    )
    try:
        messages = check.pay("late")
    except (NotApplicable, NotAsExpected) as refused:
        if isinstance(check.hub.adapter(check.attempt.bank), CanAnswerInquiry):
            raise NotApplicable(
                "it asks us first, and takes no money for an order that is closed"
            ) from refused
        raise
    return check.require_received_once(_taken(messages))


def _duplicate(check: _CallbackCheck) -> str:
    messages = _taken(check.pay("twice"))
    if len(messages) < 2:
        raise NotAsExpected(f"only one message came; {_replies(messages)}")
    return check.require_received_once(messages)


def _rejected(choice: str) -> Callable[[_CallbackCheck], str]:
    def run(check: _CallbackCheck) -> str:
        # A bank may stop its tries at our refusal too, so an acknowledgement proves nothing: the order must stay open.
        return check.require(OrderStatus.OPEN, _answered(check.pay(choice)))

    return run


def _wrong_amount(check: _CallbackCheck) -> str:
    messages = _answered(check.pay("wrong_amount"))
    order = check.order()
    seen = f"{order.received} were received, the order is {order.status}; {_replies(messages)}"
    if order.status == OrderStatus.PAID:
        raise NotAsExpected(seen)
    return seen


def _unknown_order(check: _CallbackCheck) -> str:
    return check.require(OrderStatus.OPEN, _answered(check.pay("unknown_order")))


_CALLBACK_CHECKS: Final[Mapping[str, Callable[[_CallbackCheck], str]]] = {
    "good": _good,
    "decline": _decline,
    "late": _late,
    "duplicate": _duplicate,
    "altered": _rejected("altered"),
    "stale": _rejected("stale"),
    "wrong_amount": _wrong_amount,
    "unknown_order": _unknown_order,
}


def _taken(messages: Sequence[SimulatorMessage]) -> Sequence[SimulatorMessage]:
    """At least one message came, and our answers end the bank's tries."""
    if not messages or not all(message.acknowledged for message in messages):
        raise NotAsExpected(f"it was not taken: {_replies(messages)}" if messages else "no message came")
    return messages


def _answered(messages: Sequence[SimulatorMessage]) -> Sequence[SimulatorMessage]:
    """At least one message came and was answered, if only by a refusal."""
    if not messages or not all(200 <= message.status < 500 for message in messages):
        raise NotAsExpected(f"it was not answered: {_replies(messages)}" if messages else "no message came")
    return messages


def _replies(messages: Sequence[SimulatorMessage]) -> str:
    if not messages:
        return "no message came"
    return "answered " + ", ".join(f"{message.status} {message.body[:200]}".strip() for message in messages)


NORMAL: Final = "normal"


def run_outbound_check(hub: Hub, *, bank: str, simulator: SimulatorClient | None, check: str) -> str:
    """What was seen, when it is what ``check`` expects. A check that is none of our own questions names the mode in
    which the bank's interface goes wrong.

    Raises NotAsExpected, NotApplicable, and what opening a payment raises.
    """
    if check == "open":
        return _open(open_conformance_payment(hub, bank=bank))
    if check == "query":
        return _query(hub, bank, simulator)
    if simulator is None:
        raise NotApplicable("nothing can be provoked at it from here: no address of a simulator was given")
    return _broken(hub, bank, simulator, check)


def _open(attempt: AttemptView) -> str:
    instructions = {
        "a page": attempt.instructions.page_url,
        "a QR text": attempt.instructions.qr_text,
        "a bill code": attempt.instructions.bill_code,
        "an app link": attempt.instructions.app_link,
    }
    given = [name for name, value in instructions.items() if value]
    if not given:
        raise NotAsExpected("no instructions")
    return f"the payer is given {', '.join(given)}"


def _query(hub: Hub, bank: str, simulator: SimulatorClient | None) -> str:
    adapter = hub.adapter(bank)
    if not isinstance(adapter, CanQuery):
        raise NotApplicable("it cannot be asked about a payment")
    attempt = open_conformance_payment(hub, bank=bank)
    before = adapter.query_payment(_requests(hub, attempt)[1])
    if before.outcome is Outcome.PAID:
        raise NotAsExpected(f"nobody has paid, but it says PAID ({before.code})")
    if simulator is None:
        return f"{before.outcome} ({before.code}) while nobody has paid; paying could not be tried"
    simulator.pay(attempt, "silent")
    after = adapter.query_payment(_requests(hub, attempt)[1])
    if after.outcome is not Outcome.PAID or after.amount not in (None, attempt.amount):
        raise NotAsExpected(
            f"after {attempt.amount} were paid it says {after.outcome} ({after.code}), {after.amount}"
        )
    return f"{before.outcome} ({before.code}), then PAID ({after.code})"


def _broken(hub: Hub, bank: str, simulator: SimulatorClient, mode: str) -> str:
    attempt = open_conformance_payment(hub, bank=bank)
    before = simulator.set_mode(mode)
    try:
        seen = _calls(hub, attempt, bank, lambda: simulator.set_mode(mode) - before)
    finally:
        simulator.set_mode(NORMAL)
    if not seen:
        raise NotApplicable("neither opening a payment nor asking about one sends anything to it")
    text = "; ".join(f"{name}: {result}" for name, result in seen.items())
    if "no refusal" in seen.values():
        raise NotAsExpected(text)
    return text


def _calls(hub: Hub, attempt: AttemptView, bank: str, requests_sent: Callable[[], int]) -> dict[str, str]:
    """What the adapter makes of an opening and of a question, of those that really asked the bank."""
    adapter = hub.adapter(bank)
    request, query = _requests(hub, attempt)
    calls: dict[str, Callable[[], object]] = {"opening": lambda: adapter.open_payment(request)}
    if isinstance(adapter, CanQuery):
        able: CanQuery = adapter
        calls["asking"] = lambda: able.query_payment(query)
    seen, before = {}, 0
    for name, call in calls.items():
        try:
            call()
            result = "no refusal"
        except BankUnavailable as error:
            result = f"BankUnavailable, {error.detail}"
        if requests_sent() > before:
            seen[name] = result
        before = requests_sent()
    return seen


def _requests(hub: Hub, attempt: AttemptView) -> tuple[PaymentRequest, PaymentQuery]:
    return read_attempt_requests(hub, attempt=attempt, payer_ip=PAYER_IP, language="vi")


def run_conformance(
    hub: Hub, *, bank: str, simulator: SimulatorClient | None, done: Callable[[CheckResult], None]
) -> ConformanceReport:
    """The report; ``done`` is called with each result. Without a ``simulator`` nothing can be provoked at the bank,
    and only what we ask by ourselves is tried.

    Raises BankNotFound.
    """
    protocol, started_at, results = hub.adapter(bank).profile.title, hub.now(), []
    for check in CHECKS:
        result = _run_check(hub, bank, simulator, check)
        done(result)
        results.append(result)
    return ConformanceReport(bank, protocol, started_at, VERSION, results)


def _run_check(hub: Hub, bank: str, simulator: SimulatorClient | None, check: Check) -> CheckResult:
    run = run_outbound_check if check.outbound else run_callback_check
    began = time.monotonic()
    try:
        mark, seen = Mark.PASSED, run(hub, bank=bank, simulator=simulator, check=check.name)
    except NotApplicable as reason:
        mark, seen = Mark.NOT_APPLICABLE, str(reason)
    except NotAsExpected as wrong:
        mark, seen = Mark.FAILED, str(wrong)
    except HubError as refused:
        mark, seen = Mark.FAILED, f"{type(refused).__name__}: {refused.detail}"
    return CheckResult(check, mark, seen, round((time.monotonic() - began) * 1000))
