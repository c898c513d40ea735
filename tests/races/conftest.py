"""How often a race is run."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[15, pytest.param(50, marks=pytest.mark.deep)])
def rounds(request: pytest.FixtureRequest) -> int:
    """Fifteen times when there is little time, fifty otherwise."""
    return int(request.param)
