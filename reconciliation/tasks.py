"""The tasks of the night. A task is one statement: the database holds what is to be done, the broker when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from celery import group, shared_task
from celery.schedules import crontab

from payment_hub.domain.errors import BankUnavailable
from reconciliation.current import current_books
from reconciliation.domain.runs import Scope
from reconciliation.operations import runs


@shared_task(name="night.reconcile_night")
def reconcile_night(day: str | None = None) -> None:
    """Plan the night of ``day`` (ISO; yesterday without one), and send one task for each run."""
    _send(runs.plan_night(current_books(), day=date.fromisoformat(day) if day else None))


@shared_task(name="night.catch_up_nights")
def catch_up_nights() -> None:
    """Send a task for every run that the last nights lack."""
    _send(runs.catch_up_nights(current_books()))


@shared_task(
    name="night.reconcile",
    autoretry_for=(BankUnavailable,),
    retry_backoff=60,
    retry_backoff_max=3600,
    retry_jitter=True,
    max_retries=8,
)
def reconcile(scope: str, day: str) -> int:
    """Collect and compare one pair of books for one day."""
    return runs.collect_and_reconcile(current_books(), scope=Scope.parse(scope), day=date.fromisoformat(day))


def _send(planned: Iterable[runs.PlannedRun]) -> None:
    group(reconcile.si(scope, day) for scope, day in planned).apply_async()


#: Hub time. The hourly scan finds what the broker has lost, and files that came late.
SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "reconcile_night": {"task": "night.reconcile_night", "schedule": crontab(hour=1, minute=30)},
    "catch_up_nights": {
        "task": "night.catch_up_nights",
        "schedule": crontab(minute=45),
        "options": {"expires": 3000},
    },
}
