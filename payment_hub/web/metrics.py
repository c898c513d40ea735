"""Figures for Prometheus: what was answered, and what work waits. Closed unless the settings open it.

With several web processes PROMETHEUS_MULTIPROC_DIR must name an empty folder: the client library then sums over them.

Figures of banks for Prometheus: whether they answer, and how long they leave outcomes unknown.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from typing import Final

from flask import Blueprint, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from payment_hub.current import current_hub
from payment_hub.domain.banks.health import HealthState, HealthView
from payment_hub.domain.errors import HubUnavailable, PageNotFound
from payment_hub.domain.payments import OutcomeFigures
from payment_hub.hub import Hub
from payment_hub.operations.banks import show_bank_health
from payment_hub.operations.health import count_work, measure_outcomes

blueprint: Final = Blueprint("metrics", __name__)

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


@blueprint.get("/metrics")
def show() -> Response:
    """Everything in Prometheus' text form. Raises PageNotFound without the token."""
    token = current_app.extensions.get(TOKEN)
    given = request.headers.get("Authorization", "").encode("utf-8", "replace")
    if token is None or not hmac.compare_digest(given, f"Bearer {token}".encode()):
        raise PageNotFound
    registry = CollectorRegistry()
    registry.register(_Backlog(current_hub()))
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


class _Backlog(Collector):
    """What the database says, read at the moment of the request. Without a database only ``hub_database_up 0``."""

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


def health_gauge(health: Sequence[HealthView]) -> GaugeMetricFamily:
    """1 while questions go out to a bank, 0 while it is left alone."""
    gauge = GaugeMetricFamily("hub_bank_up", "The bank is asked", labels=["bank", "operation"])
    for view in health:
        up = view.health.state is HealthState.CLOSED and view.downtime_until is None
        gauge.add_metric([view.bank, view.operation.lower()], int(up))
    return gauge


def outcome_gauges(outcomes: Sequence[OutcomeFigures]) -> Iterator[Metric]:
    """What is unknown now, and the times from unknown to known of the last day with the promises kept."""
    now = GaugeMetricFamily("hub_outcomes_unknown", "Outcomes that nobody knows", labels=["bank", "whose"])
    kept = GaugeMetricFamily(
        "hub_outcomes_known_as_promised", "Outcomes of the last day that came in time", labels=["bank"]
    )
    waits = GaugeHistogramMetricFamily(
        "hub_outcome_unknown_seconds", "From unknown to known, over the last day", labels=["bank"]
    )
    for figures in outcomes:
        now.add_metric([figures.bank, "clock"], figures.open - figures.overdue)
        now.add_metric([figures.bank, "officer"], figures.overdue)
        kept.add_metric([figures.bank], figures.kept)
        buckets: list[tuple[str, float]] = [(str(limit), count) for limit, count in figures.within]
        buckets.append(("+Inf", len(figures.waits)))
        waits.add_metric([figures.bank], buckets, sum(figures.waits))
    yield from (now, kept, waits)
