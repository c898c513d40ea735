"""The simulators: one process that stands in for every bank.

It is reached over HTTP alone. Its command line prints the settings that a hub needs to speak with it.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from payment_hub.embedded.environment import Sections
from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.instance import SOURCES

SIMULATORS = "bank_adapters.simulators"
"""The module that is run as a program."""

SANDBOX = "sandbox"
"""The bank that every instance has."""

SECONDS_TO_PRINT = 60


def simulator_settings(url: str, folder: Path, only: Sequence[str] = ()) -> Sections:
    """Each bank's section of the hub's settings, by its name, when they are served at `url` and drop their statements
    below `folder`. Raises `EmbeddedError`."""
    command = [sys.executable, "-m", SIMULATORS, "--settings", url, str(folder)]
    command += [argument for bank in only for argument in ("--only", bank)]
    printed = subprocess.run(
        command, cwd=SOURCES, capture_output=True, text=True, timeout=SECONDS_TO_PRINT, check=False
    )
    if printed.returncode != 0:
        raise EmbeddedError(f"the simulators do not print their settings:\n{printed.stderr}")
    sections: Sections = json.loads(printed.stdout)
    return sections
