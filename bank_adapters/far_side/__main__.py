"""``python -m bank_adapters.far_side``: every rail that has a far side, as one service, until Ctrl-C or SIGTERM.

``--settings URL FOLDER`` prints instead, as JSON, what a hub must be told to speak with them when they are served at
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

from bank_adapters.far_side.desk import business_day
from bank_adapters.far_side.desk_server import House, found_rails, serve, settings_of

_SECONDS = 60
"""How often it is asked whether the day has ended."""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop, or print the settings."""
    options = _parser().parse_args(arguments)
    if options.settings:
        url, folder = options.settings
        sys.stdout.write(
            json.dumps(settings_of(found_rails(), url.rstrip("/"), Path(folder)), indent=2) + "\n"
        )
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
    ) as house:
        sys.stdout.write(f"{len(house.rails)} rails at {house.url}: {' '.join(sorted(house.rails))}\n")
        sys.stdout.flush()
        today = business_day(datetime.now(UTC))
        while not stop.wait(_SECONDS):
            today = drop_statements(house, today, datetime.now(UTC))
    return 0


def drop_statements(house: House, today: date, now: datetime) -> date:
    """When the day ``today`` has ended by ``now``, every rail drops its file of it; which day it is now."""
    if business_day(now) != today:
        for rail in house.rails.values():
            house.drop_statement(rail, today)
    return business_day(now)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bank_adapters.far_side", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002, help="0 takes a free one; the address is printed")
    parser.add_argument("--hub", default="http://127.0.0.1:8000", help="where the hub listens")
    parser.add_argument("--statements", type=Path, help="below which folder statements are dropped")
    parser.add_argument("--pace", type=float, default=1.0, help="divides every wait")
    parser.add_argument(
        "--settings", nargs=2, metavar=("URL", "FOLDER"), help="print the hub's settings and end"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
