"""The operators' commands: ``flask --app wsgi hub ...``. Each has ``--help``, and its exit code tells how it went."""

from __future__ import annotations

import codecs
import functools
import io
import sys
import unicodedata
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import click
from flask.cli import AppGroup

from payment_hub.domain.access import Caller, Role, Scope
from payment_hub.domain.errors import HubError

P = ParamSpec("P")
T = TypeVar("T")


@click.group("hub", cls=AppGroup)
def hub_commands() -> None:
    """Agencies, portals, keys, banks, the night, and whether the books are right."""
    allow_any_encoding()


def allow_any_encoding() -> None:
    """Let a terminal without Vietnamese letters show the bare ones: "Nguyễn" as "Nguyen"."""
    codecs.register_error("bare_letters", _bare_letters)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="bare_letters")


def _bare_letters(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].replace("đ", "d").replace("Đ", "D")
    letters = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return "".join(char if char.isascii() else "?" for char in letters), error.end


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
