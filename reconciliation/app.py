"""Reconciliation on the hub's app: the blueprints go to ``create_app``, the books are attached afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flask import Blueprint, Flask

from payment_hub.commands.group import hub_commands
from reconciliation.books import Books
from reconciliation.commands import night
from reconciliation.current import attach_books
from reconciliation.web import discrepancies, reports, runs

#: What finance officers use.
BLUEPRINTS: Final[Sequence[Blueprint]] = (runs.blueprint, discrepancies.blueprint, reports.blueprint)


def attach(app: Flask, books: Books) -> None:
    """Let the resources, the tasks and the commands of reconciliation find the books."""
    attach_books(app, books)
    hub_commands.add_command(night)
