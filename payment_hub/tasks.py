"""What runs by the clock. The database holds what is to be done, the broker only when."""

from __future__ import annotations

from typing import Any, Final

from celery import shared_task

from payment_hub.current import current_hub
from payment_hub.operations.callbacks import RECENT
from payment_hub.operations.callbacks import rejudge_callbacks as rejudge
from payment_hub.operations.health import check_invariants as check
from payment_hub.operations.idempotency import delete_expired_answers as delete
from payment_hub.operations.orders import expire_orders as expire
from payment_hub.operations.payments.query import query_pending as query
from payment_hub.operations.refunds.decide import RECENT as RECENT_EXCESS
from payment_hub.operations.refunds.decide import propose_excess_refunds as propose
from payment_hub.operations.refunds.send import query_refunds as query_due_refunds
from payment_hub.operations.refunds.send import send_refunds as send
from payment_hub.operations.webhooks import deliver_webhooks as deliver


@shared_task(name="hub.deliver_webhooks")
def deliver_webhooks() -> int:
    """Send a batch of the webhooks that are due."""
    return deliver(current_hub())


@shared_task(name="hub.query_pending")
def query_pending() -> int:
    """Query banks about attempts whose outcome is not known."""
    return query(current_hub())


@shared_task(name="hub.expire_orders")
def expire_orders() -> int:
    """Expire orders whose deadline has passed."""
    return expire(current_hub())


@shared_task(name="hub.rejudge_callbacks")
def rejudge_callbacks() -> int:
    """Judge callbacks of the last hour that were stored but never judged."""
    return rejudge(current_hub(), looked_back=RECENT)


@shared_task(name="hub.rejudge_old_callbacks")
def rejudge_old_callbacks() -> int:
    """The same for the last week, after a time without workers."""
    return rejudge(current_hub())


@shared_task(name="hub.delete_expired_answers")
def delete_expired_answers() -> int:
    """Delete idempotency keys whose time is over."""
    return delete(current_hub())


@shared_task(name="hub.propose_excess")
def propose_excess() -> int:
    """Propose refunds of excess that came in the last minutes."""
    return propose(current_hub(), looked_back=RECENT_EXCESS)


@shared_task(name="hub.propose_old_excess")
def propose_old_excess() -> int:
    """The same for the last week, for what has become excess since."""
    return propose(current_hub())


@shared_task(name="hub.send_refunds")
def send_refunds() -> int:
    """Send approved refunds to their banks."""
    return send(current_hub())


@shared_task(name="hub.query_refunds")
def query_refunds() -> int:
    """Query banks about refunds whose outcome is not known."""
    return query_due_refunds(current_hub())


@shared_task(name="hub.check_invariants")
def check_invariants() -> int:
    """Check the invariants; the operation logs each violation as an error."""
    return len(check(current_hub()))


#: Every entry scans the database again, so nothing is lost with the broker. ``expires`` keeps a queue without a worker
#: from filling up with the same task.
SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    name: {"task": f"hub.{name}", "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in {
        "deliver_webhooks": 1.0,
        "query_pending": 5.0,
        "expire_orders": 10.0,
        "rejudge_callbacks": 30.0,
        "rejudge_old_callbacks": 3600.0,
        "propose_excess": 10.0,
        "propose_old_excess": 3600.0,
        "send_refunds": 5.0,
        "query_refunds": 5.0,
        "delete_expired_answers": 3600.0,
        "check_invariants": 86400.0,
    }.items()
}
