"""How a door finds the books: they hang on the Flask app."""

from __future__ import annotations

from typing import Final

from flask import Flask, current_app

from reconciliation.books import Books

_KEY: Final = "reconciliation"


def attach_books(app: Flask, books: Books) -> None:
    """Hang the books on the app."""
    app.extensions[_KEY] = books


def current_books() -> Books:
    """The books of the app in whose context we run."""
    books: Books = current_app.extensions[_KEY]
    return books
