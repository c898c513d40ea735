"""The benchmark of the night, on few rows: that it finds what it planted."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Engine

from benchmarks.night import measure


@pytest.mark.breaks_invariants
def test_the_benchmark_finds_what_it_planted(engine: Engine) -> None:
    """Of 2,000 rows on each side two are of each kind; DuckDB finds the same cases."""
    lines = list(measure(engine.url.render_as_string(hide_password=False), 2000, 1))
    found = [re.search(r"([\d,]+) items +(\d+) found", line) for line in lines]
    assert [match.groups() for match in found if match] == [("4,000", "10"), ("3,998", "4"), ("4,000", "10")]
    assert "MiB" in lines[2]
