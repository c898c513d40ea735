"""Figures of banks for Prometheus: whether they answer, and how long they leave outcomes unknown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric

from payment_hub.domain.bank_health import HealthState
from payment_hub.domain.outcome_views import HealthView, OutcomeFigures


def health_gauge(health: Sequence[HealthView]) -> GaugeMetricFamily:
    """1 while questions go out to a bank, 0 while it is left alone."""
    gauge = GaugeMetricFamily("hub_bank_up", "The bank is asked", labels=["bank", "operation"])
    for view in health:
        asked = view.health.state is HealthState.CLOSED and view.away_until is None
        gauge.add_metric([view.bank, view.operation.lower()], int(asked))
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
