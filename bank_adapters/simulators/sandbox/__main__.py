"""``python -m bank_adapters.simulators.sandbox``: the sandbox bank as a service, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from bank_adapters.simulators.sandbox.service import Pace, serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop. The secret comes from BANK_SANDBOX_SECRET, as the hub's does."""
    parser = _parser()
    options = parser.parse_args(arguments)
    secret = os.environ.get("BANK_SANDBOX_SECRET", "")
    if not secret.startswith("whsec_"):
        parser.error("BANK_SANDBOX_SECRET must be set to whsec_ and base64")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with serve(
        secret,
        secret_previous=os.environ.get("BANK_SANDBOX_SECRET_PREVIOUS") or None,
        host=options.host,
        port=options.port,
        callback_url=options.callback_url,
        state=options.state,
        pace=Pace(options.delay_seconds, options.slow_seconds, options.retry_seconds),
    ) as bank:
        sys.stdout.write(f"sandbox bank at {bank.url}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    usual = Pace()
    parser = argparse.ArgumentParser(prog="python -m bank_adapters.simulators.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one; the address is printed")
    parser.add_argument("--callback-url", help="where results go when an opening names no callback_url")
    parser.add_argument("--state", type=Path, help="a JSON-lines file that survives a restart")
    parser.add_argument("--delay-seconds", type=float, default=usual.delay, help="the delay of the table")
    parser.add_argument("--slow-seconds", type=float, default=usual.slow, help="how late a slow opening is")
    parser.add_argument(
        "--retry-seconds",
        type=lambda text: tuple(map(float, text.split(","))),
        default=usual.retries,
        help="waits between deliveries that were not answered with 2xx, as 1,2,5",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
