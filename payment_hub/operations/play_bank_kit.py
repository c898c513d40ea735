"""Play the acceptance kit with a bank: on a trial hub, with orders that owe nobody anything."""

from __future__ import annotations

import time
from collections.abc import Callable

from payment_hub import VERSION
from payment_hub.domain.bank_kit import (
    CHECKS,
    Check,
    CheckResult,
    FarEnd,
    KitReport,
    Mark,
    NotApplicable,
    NotAsExpected,
)
from payment_hub.domain.errors import HubError
from payment_hub.hub import Hub
from payment_hub.operations.play_callback_check import play_callback_check
from payment_hub.operations.play_outbound_check import play_outbound_check


def play_bank_kit(
    hub: Hub, *, bank: str, far_end: FarEnd | None, done: Callable[[CheckResult], None]
) -> KitReport:
    """The report; ``done`` hears of every check as it ends. Without a ``far_end`` nothing can be provoked at the bank,
    and only what we ask by ourselves is tried.

    Raises BankNotFound.
    """
    protocol, started_at, results = hub.adapter(bank).profile.title, hub.now(), []
    for check in CHECKS:
        result = _played(hub, bank, far_end, check)
        done(result)
        results.append(result)
    return KitReport(bank, protocol, started_at, VERSION, results)


def _played(hub: Hub, bank: str, far_end: FarEnd | None, check: Check) -> CheckResult:
    play = play_outbound_check if check.outbound else play_callback_check
    began = time.monotonic()
    try:
        mark, seen = Mark.PASSED, play(hub, bank=bank, far_end=far_end, check=check.name)
    except NotApplicable as reason:
        mark, seen = Mark.NOT_APPLICABLE, str(reason)
    except NotAsExpected as wrong:
        mark, seen = Mark.FAILED, str(wrong)
    except HubError as refused:
        mark, seen = Mark.FAILED, f"{type(refused).__name__}: {refused.detail}"
    return CheckResult(check, mark, seen, round((time.monotonic() - began) * 1000))
