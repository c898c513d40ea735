"""The logs: what stands in them while nothing happens."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LOGS = """
import logging
from payment_hub.logs import configure_logs
configure_logs()
log = logging.getLogger({name!r})
log.info("nothing happened")
log.warning("something happened")
"""


@pytest.mark.parametrize(
    "name", ["celery.beat", "celery.worker.strategy", "celery.app.trace", "alembic.runtime.migration"]
)
def test_loggers_that_report_nothing_twice_a_second_write_only_warnings(name: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", LOGS.format(name=name)], capture_output=True, text=True, check=True, timeout=60
    )
    [line] = map(json.loads, result.stderr.splitlines())
    assert (line["event"], line["level"], line["logger"]) == ("something happened", "warning", name)
