"""How a door finds the hub: it hangs on the Flask app."""

from __future__ import annotations

from flask import Flask, current_app

from payment_hub.hub import Hub

_KEY = "payment_hub"


def attach_hub(app: Flask, hub: Hub) -> None:
    """Hang the hub on the app."""
    app.extensions[_KEY] = hub


def hub_of(app: Flask) -> Hub:
    """The hub of ``app``."""
    hub: Hub = app.extensions[_KEY]
    return hub


def current_hub() -> Hub:
    """The hub of the app in whose context we run."""
    return hub_of(current_app)
