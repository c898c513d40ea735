"""``hub("banks")`` runs one command on a hub with real banks."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import Result
from flask.testing import FlaskCliRunner

from tests.journeys.conftest import World, world

__all__ = ["world"]


@pytest.fixture
def run(world: World) -> Any:
    def run(*words: str, charset: str = "utf-8") -> Result:
        return FlaskCliRunner(world.app, charset=charset).invoke(args=["hub", *words])

    return run
