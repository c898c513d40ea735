"""``python -m bank_adapters.far_side.sandbox``: the sandbox bank as a service of its own, until Ctrl-C or
SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from bank_adapters.far_side.sandbox.service import LADDER, serve


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop. The secret comes from BANK_SANDBOX_SECRET, as the hub's does."""
    options = _options(arguments)
    secret = os.environ.get("BANK_SANDBOX_SECRET", "")
    if not secret.startswith("whsec_"):
        print("BANK_SANDBOX_SECRET must be set to whsec_ and base64", file=sys.stderr)
        return 2
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
        delay_seconds=options.delay_seconds,
        slow_seconds=options.slow_seconds,
        retry_seconds=options.retry_seconds,
    ) as bank:
        print(f"sandbox bank at {bank.url}", flush=True)
        stop.wait()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bank_adapters.far_side.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8090, help="0 takes a free one; the address is printed")
    parser.add_argument("--callback-url", help="where results go when an opening names no callback_url")
    parser.add_argument("--state", type=Path, help="a JSON-lines file that survives a restart")
    parser.add_argument("--delay-seconds", type=float, default=3.0, help="the delay of the table of amounts")
    parser.add_argument(
        "--slow-seconds", type=float, default=15.0, help="how late the answer to a slow opening is"
    )
    parser.add_argument(
        "--retry-seconds",
        type=lambda text: tuple(map(float, text.split(","))),
        default=tuple(LADDER),
        help="waits between deliveries that were not answered with 2xx, as 1,2,5",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
