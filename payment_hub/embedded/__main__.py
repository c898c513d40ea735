"""The commands of the embedded hub: `python -m payment_hub.embedded run | demo | migration <name>`."""

import argparse
import importlib
import re
import shlex
import signal
import sys
import time
from types import FrameType

from payment_hub.embedded.errors import EmbeddedError
from payment_hub.embedded.migration import draft_migration
from payment_hub.embedded.run import SIMULATORS_PORT, WEB_PORT, RunningHub, running


def main() -> int:
    """Do what the command line says; the exit code."""
    options = _parser().parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return int(options.command(options))
    except KeyboardInterrupt:
        return 0
    except EmbeddedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def run(options: argparse.Namespace) -> int:
    """Run the hub until it is stopped; a process that dies is replaced."""
    with running(options.name, port=options.port, simulators_port=options.simulators_port) as hub:
        print(_greeting(hub), flush=True)
        try:
            while True:
                hub.check()
                time.sleep(0.5)
        finally:
            print("\nstopping ...", flush=True)


def demo(options: argparse.Namespace) -> int:
    """Take payments once around the whole circle."""
    del options
    return int(importlib.import_module("payment_hub.demo.run").main() or 0)


def migration(options: argparse.Namespace) -> int:
    """Write a draft of the migration that the tables need."""
    print(draft_migration(options.name))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m payment_hub.embedded", description=__doc__)
    commands = parser.add_subparsers(required=True)
    runner = commands.add_parser("run", help=run.__doc__)
    runner.set_defaults(command=run)
    runner.add_argument(
        "--name", default="run", help="which instance; each has data of its own (default: run)"
    )
    runner.add_argument("--port", type=int, help=f"the hub's port (default: {WEB_PORT}, or any free one)")
    runner.add_argument(
        "--simulators-port",
        type=int,
        help=f"the simulators' port (default: {SIMULATORS_PORT}, or any free one)",
    )
    commands.add_parser("demo", help=demo.__doc__).set_defaults(command=demo)
    draft = commands.add_parser("migration", help=migration.__doc__)
    draft.set_defaults(command=migration)
    draft.add_argument("name", type=_verb_and_noun, help="what it does, as add_refund")
    return parser


def _verb_and_noun(text: str) -> str:
    if not re.fullmatch(r"[a-z]+(_[a-z0-9]+)+", text):
        raise argparse.ArgumentTypeError("must be a verb and a noun, as add_refund")
    return text


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Stop once: further signals are ignored while we stop, so that everything ends in order."""
    del number, frame
    for repeated in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(repeated, signal.SIG_IGN)
    raise KeyboardInterrupt


def _greeting(hub: RunningHub) -> str:
    addresses = hub.addresses
    return f"""
The hub runs.

  hub         {addresses.web_url}
  reference   {addresses.web_url}/docs
  simulators  {addresses.simulators_url}   (every bank, on trial)
  database    {addresses.database_url}
  broker      {addresses.broker_url}
  ledgers     {addresses.ledger_drop}
  logs        {hub.instance.logs}

Its commands, in another terminal:

  . {shlex.quote(str(hub.instance.environment))}
  {shlex.quote(sys.executable)} -m flask --app wsgi hub --help

Ctrl-C stops everything."""


if __name__ == "__main__":
    sys.exit(main())
