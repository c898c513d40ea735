"""Play one check of the acceptance kit in which we speak: what the adapter makes of the bank's answers, and of none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from payment_hub.domain.attempt_views import AttemptView
from payment_hub.domain.bank_kit import FarEnd, NotApplicable, NotAsExpected
from payment_hub.domain.bank_port import CanQuery
from payment_hub.domain.bank_values import Outcome, PaymentQuery, PaymentRequest
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.open_kit_payment import PAYER_IP, open_kit_payment
from payment_hub.operations.read_attempt_requests import read_attempt_requests

NORMAL: Final = "normal"


def play_outbound_check(hub: Hub, *, bank: str, far_end: FarEnd | None, check: str) -> str:
    """What was seen, when it is what ``check`` expects. A check that is none of our own questions names the mode in
    which the bank's interface goes wrong.

    Raises NotAsExpected, NotApplicable, and what opening a payment raises.
    """
    if check == "open":
        return _open(open_kit_payment(hub, bank=bank))
    if check == "query":
        return _query(hub, bank, far_end)
    if far_end is None:
        raise NotApplicable("nothing can be provoked at it from here: no address of a far side was named")
    return _broken(hub, bank, far_end, check)


def _open(attempt: AttemptView) -> str:
    told = {
        "a page": attempt.page_url,
        "a QR text": attempt.qr_text,
        "a bill code": attempt.bill_code,
        "an app link": attempt.app_link,
    }
    given = [name for name, value in told.items() if value]
    if not given:
        raise NotAsExpected("no instructions")
    return f"the payer is given {', '.join(given)}"


def _query(hub: Hub, bank: str, far_end: FarEnd | None) -> str:
    adapter = hub.adapter(bank)
    if not isinstance(adapter, CanQuery):
        raise NotApplicable("it cannot be asked about a payment")
    attempt = open_kit_payment(hub, bank=bank)
    before = adapter.query_payment(_requests(hub, attempt)[1])
    if before.outcome is Outcome.PAID:
        raise NotAsExpected(f"nobody has paid, but it says PAID ({before.code})")
    if far_end is None:
        return f"{before.outcome} ({before.code}) while nobody has paid; paying could not be tried"
    far_end.pay(attempt, "silent")
    after = adapter.query_payment(_requests(hub, attempt)[1])
    if after.outcome is not Outcome.PAID or after.amount not in (None, attempt.amount):
        raise NotAsExpected(
            f"after {attempt.amount} were paid it says {after.outcome} ({after.code}), {after.amount}"
        )
    return f"{before.outcome} ({before.code}), then PAID ({after.code})"


def _broken(hub: Hub, bank: str, far_end: FarEnd, mode: str) -> str:
    attempt = open_kit_payment(hub, bank=bank)
    before = far_end.set_mode(mode)
    try:
        seen = _calls(hub, attempt, bank, lambda: far_end.set_mode(mode) - before)
    finally:
        far_end.set_mode(NORMAL)
    if not seen:
        raise NotApplicable("neither opening a payment nor asking about one sends anything to it")
    text = "; ".join(f"{name}: {said}" for name, said in seen.items())
    if "no refusal" in seen.values():
        raise NotAsExpected(text)
    return text


def _calls(hub: Hub, attempt: AttemptView, bank: str, asked: Callable[[], int]) -> dict[str, str]:
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
            said = "no refusal"
        except BankUnavailable as error:
            said = f"BankUnavailable, {error.detail}"
        if asked() > before:
            seen[name] = said
        before = asked()
    return seen


def _requests(hub: Hub, attempt: AttemptView) -> tuple[PaymentRequest, PaymentQuery]:
    return read_attempt_requests(hub, attempt=attempt, payer_ip=PAYER_IP, language="vi")
