"""The hub of the Flask app: API, pages, tasks and commands take it from there."""

from __future__ import annotations

from flask import Flask, current_app

from payment_hub.hub import Hub

_KEY = "payment_hub"


def attach_hub(app: Flask, hub: Hub) -> None:
    """Give the app its hub."""
    app.extensions[_KEY] = hub


def hub_of(app: Flask) -> Hub:
    """The hub of ``app``."""
    hub: Hub = app.extensions[_KEY]
    return hub


def current_hub() -> Hub:
    """The hub of the current app."""
    return hub_of(current_app)
