"""Figures for Prometheus: what the doors did, and what work waits. Closed unless the settings open it.

With several web processes PROMETHEUS_MULTIPROC_DIR must name an empty folder: the client library then sums over them.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from typing import Final

from flask import Blueprint, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from payment_hub.current import current_hub
from payment_hub.domain.errors import HubUnavailable, PageNotFound
from payment_hub.hub import Hub
from payment_hub.operations.count_work import count_work
from payment_hub.operations.measure_outcomes import measure_outcomes
from payment_hub.operations.show_bank_health import show_bank_health
from payment_hub.web.bank_metrics import health_gauge, outcome_gauges

door: Final = Blueprint("metrics", __name__)

#: Under which name the token hangs on the app.
TOKEN: Final = "payment_hub.metrics_token"  # noqa: S105

REQUESTS: Final = Counter("hub_requests", "Requests answered", ("route", "method", "status"))
SECONDS: Final = Histogram(
    "hub_request_seconds",
    "Time to answer a request",
    ("route",),
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def count_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request. ``route`` is the rule, never the address: references are no labels."""
    count, times = _figures(route, method, status)
    count.inc()
    times.observe(seconds)


@cache
def _figures(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: rules, methods and statuses are few."""
    return REQUESTS.labels(route, method, str(status)), SECONDS.labels(route)


@door.get("/metrics")
def show() -> Response:
    """Everything in Prometheus' text form. Raises PageNotFound without the token."""
    token = current_app.extensions.get(TOKEN)
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    if token is None or not hmac.compare_digest(given, f"Bearer {token}".encode()):
        raise PageNotFound
    registry = CollectorRegistry()
    registry.register(_Waiting(current_hub()))
    text = generate_latest(_counted()) + generate_latest(registry)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _counted() -> CollectorRegistry:
    """What this process counted, or all processes together where they share a folder."""
    registry = CollectorRegistry()
    try:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    except ValueError:
        return REGISTRY
    return registry


class _Waiting(Collector):
    """What the database says, asked at the moment of reading. Without a database only ``hub_database_up 0``."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """One gauge a figure."""
        try:
            figures, outcomes = asdict(count_work(self._hub)), measure_outcomes(self._hub)
            health = show_bank_health(self._hub)
        except HubUnavailable:
            figures, outcomes, health = {}, [], []
        yield GaugeMetricFamily("hub_database_up", "The database answers", int(bool(figures)))
        for name, value in figures.items():
            yield GaugeMetricFamily(f"hub_{name}", name.replace("_", " "), value)
        yield health_gauge(health)
        yield from outcome_gauges(outcomes)
