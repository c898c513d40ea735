"""Is the process alive, and can it work: for monitoring and for load balancers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final

from flask import Blueprint, Flask, Response, current_app
from kombu.connection import Connection

from payment_hub.domain.errors import HubUnavailable
from payment_hub.web.api.answers import answer_text, as_text

blueprint: Final = Blueprint("health", __name__, url_prefix="/health")

#: A part that does not answer within this time counts as not answering.
SECONDS: Final = 2.0

_KEY: Final = "payment_hub.checks"

#: A check of one part of the hub; it raises when the part cannot work.
Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Checks:
    """Every part that the hub needs, and the threads in which they are checked."""

    parts: Mapping[str, Check]
    threads: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8, "health"))


def register_checks(app: Flask, parts: Mapping[str, Check]) -> None:
    """Let the app know its checks."""
    app.extensions[_KEY] = Checks(parts)


def broker_check(url: str) -> Check:
    """Asks the broker at ``url`` for a connection."""

    def check() -> None:
        limits = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS, "max_retries": 0}
        connection_to_broker = Connection(url, connect_timeout=SECONDS, transport_options=limits)  # type: ignore[no-untyped-call]
        with connection_to_broker as connection:
            # A channel, because Redis is not spoken to before one is wanted.
            connection.ensure_connection(max_retries=1, timeout=SECONDS)
            connection.default_channel  # noqa: B018

    return check


@blueprint.get("/live")
def live() -> Response:
    """The process answers; nothing else is checked."""
    return answer_text(as_text({"status": "live"}))


@blueprint.get("/ready")
def ready() -> Response:
    """Every part answers in time. Raises HubUnavailable naming the parts that do not, and not why."""
    checks: Checks = current_app.extensions[_KEY]
    running = {name: checks.threads.submit(check) for name, check in checks.parts.items()}
    wait(running.values(), SECONDS)
    failed = [name for name, answer in running.items() if not answer.done() or answer.exception() is not None]
    if failed:
        raise HubUnavailable(f"not ready: {', '.join(failed)}")
    return answer_text(as_text({"status": "ready", "checks": dict.fromkeys(running, "ok")}))
