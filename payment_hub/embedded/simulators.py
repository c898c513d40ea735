"""The trial banks: one process that plays every bank but the sandbox.

It is met over HTTP, and asked on its command line what a hub must be told to speak with it.
"""

import json
import subprocess
import sys
from pathlib import Path

from payment_hub.embedded.environment import Sections
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.instance import SOURCES

SIMULATORS = "bank_adapters.simulators"
"""What is run as a program."""

SECONDS_TO_SAY = 60


def simulator_settings(url: str, folder: Path) -> Sections:
    """Each bank's section of the hub's settings, by its name, when they are served at `url` and drop their statements
    below `folder`. Raises `EmbeddedError`."""
    command = [sys.executable, "-m", SIMULATORS, "--settings", url, str(folder)]
    said = subprocess.run(
        command, cwd=SOURCES, capture_output=True, text=True, timeout=SECONDS_TO_SAY, check=False
    )
    if said.returncode != 0:
        raise EmbeddedError(f"the simulators do not print their settings:\n{said.stderr}")
    sections: Sections = json.loads(said.stdout)
    return sections
