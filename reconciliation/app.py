"""Reconciliation hung on the hub's app."""

from __future__ import annotations

from flask import Flask

from reconciliation.books import Books
from reconciliation.current import hang


def attach(app: Flask, books: Books) -> None:
    """Let the doors and the tasks find the books. The doors themselves go to ``create_app(doors=)``."""
    hang(app, books)
