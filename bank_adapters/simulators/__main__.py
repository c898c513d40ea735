"""``python -m bank_adapters.simulators``: every bank that has a simulator, as one service, until Ctrl-C or SIGTERM.

``--settings URL FOLDER`` prints instead, as JSON, the settings of a hub that speaks with them when they are served at
``URL`` and drop their statements below ``FOLDER``.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path

from bank_adapters.simulators.server import SimulatorServer, find_simulators, serve, settings_of
from bank_adapters.simulators.simulator import business_day

_SECONDS = 60
"""How often it is checked whether the day has ended."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal, or print the settings."""
    parser = _parser()
    options = parser.parse_args(arguments)
    served = [kind for kind in find_simulators() if not options.only or kind.name in options.only]
    if not served:
        parser.error(f"no simulator is named {' or '.join(options.only)}")
    if options.settings:
        url, folder = options.settings
        sys.stdout.write(json.dumps(settings_of(served, url.rstrip("/"), Path(folder)), indent=2) + "\n")
        return 0
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(
        options.hub.rstrip("/"),
        pace=options.pace,
        host=options.host,
        port=options.port,
        statements=options.statements,
        simulators=served,
        state=options.state,
    ) as server:
        sys.stdout.write(
            f"{len(server.banks)} simulators at {server.url}: {' '.join(sorted(server.banks))}\n"
        )
        sys.stdout.flush()
        today = business_day(datetime.now(UTC))
        while not stop.wait(_SECONDS):
            today = drop_statements(server, today, datetime.now(UTC))
    return 0


def drop_statements(server: SimulatorServer, today: date, now: datetime) -> date:
    """When the day ``today`` has ended by ``now``, every bank drops its file of it; which day it is now."""
    if business_day(now) != today:
        for simulator in server.banks.values():
            server.drop_statement(simulator, today)
    return business_day(now)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bank_adapters.simulators", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free one; the address is printed")
    parser.add_argument("--hub", default="http://127.0.0.1:8000", help="where the hub listens")
    parser.add_argument("--statements", type=Path, help="below which folder statements are dropped")
    parser.add_argument("--state", type=Path, help="the folder that keeps a bank's memory over a restart")
    parser.add_argument(
        "--only", action="append", metavar="BANK", help="serve this one (and those named by others)"
    )
    parser.add_argument("--pace", type=float, default=1.0, help="divides every wait")
    parser.add_argument(
        "--settings", nargs=2, metavar=("URL", "FOLDER"), help="print the hub's settings and end"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
