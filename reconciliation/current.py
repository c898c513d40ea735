"""The books of the running app: every resource, task and command finds them here."""

from __future__ import annotations

from typing import Final

from flask import Flask, current_app

from reconciliation.books import Books

_KEY: Final = "reconciliation"


def attach_books(app: Flask, books: Books) -> None:
    """Attach the books to the app."""
    app.extensions[_KEY] = books


def current_books() -> Books:
    """The books of the current app."""
    books: Books = current_app.extensions[_KEY]
    return books
