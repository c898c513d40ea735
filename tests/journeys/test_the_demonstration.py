"""``make demo`` as it is: every process real, the story told to its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_demonstration_goes_all_the_way_round(tmp_path: Path) -> None:
    home = {"HUB_EMBEDDED_HOME": f"/tmp/payment-hub-demo-{os.getpid()}"}
    told = subprocess.run(
        [sys.executable, "-m", "payment_hub.embedded", "demo"],
        cwd=ROOT,
        env={**os.environ, **home},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    for said in ("signature verified", "Năm triệu đồng", "6 discrepancies", "all invariants of money hold"):
        assert said in told.stdout
