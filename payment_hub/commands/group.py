"""The operators' door: ``flask --app wsgi hub ...``. Each has ``--help`` and says by its exit code how it went."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
from flask.cli import AppGroup

from payment_hub.domain.access import Caller, Role, Scope
from payment_hub.domain.errors import HubError

P = ParamSpec("P")
T = TypeVar("T")

hub_commands = AppGroup(
    "hub", help="Agencies, portals, keys, banks, the night, and whether the books are right."
)


def exit_on_refusal(command: Callable[P, T]) -> Callable[P, T]:
    """A refusal is one line on standard error and exit code 1; a wrong option stays click's exit code 2."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except HubError as refusal:
            title = (type(refusal).__doc__ or "").partition("\n")[0]
            click.echo(f"{title} {refusal.detail}".strip(), err=True)
            sys.exit(1)

    return wrapped


def operator() -> Caller:
    """Whoever may run commands on this machine may see and do everything."""
    return Caller(0, Role.OPERATOR, "command line", frozenset(Scope))
