"""The web application: everything that answers over HTTP, on one hub."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from flask import Blueprint, Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from payment_hub.commands import hub_commands
from payment_hub.current import attach_hub
from payment_hub.hub import Hub
from payment_hub.operations.health import check_database
from payment_hub.settings import Settings
from payment_hub.web import callbacks, health, metrics, reference
from payment_hub.web.api import openapi
from payment_hub.web.api.auth import register_callers
from payment_hub.web.api.errors import answer_problem
from payment_hub.web.api.limits import register_limits
from payment_hub.web.api.requests import API_BODY_BYTES
from payment_hub.web.api.resource import Resource, register_api
from payment_hub.web.checkout import views
from payment_hub.web.request_log import surround
from payment_hub.web.resources import ledger, obligations, orders, refunds, unresolved, webhooks
from payment_hub.web.security_headers import with_security_headers

_API: Final = (
    obligations.blueprint,
    orders.blueprint,
    webhooks.events_blueprint,
    webhooks.blueprint,
    ledger.blueprint,
    unresolved.blueprint,
    refunds.blueprint,
)
_PAGES: Final = (
    callbacks.blueprint,
    views.blueprint,
    health.blueprint,
    metrics.blueprint,
    reference.problem_blueprint,
    reference.blueprint,
)


def create_app(settings: Settings, hub: Hub, *, blueprints: Sequence[Blueprint] = ()) -> Flask:
    """The app with everything of the hub's own, and with the ``blueprints`` of other packages."""
    app = Flask(__name__, static_folder=None, template_folder="web/templates")
    app.config.update(MAX_CONTENT_LENGTH=API_BODY_BYTES, PROVIDE_AUTOMATIC_OPTIONS=False)
    attach_hub(app, hub)
    register_callers(app)
    register_limits(
        app, settings.requests_per_minute, settings.limits_url or _shared_store(settings.broker_url)
    )
    app.config["SANDBOX"] = settings.sandbox
    app.extensions[metrics.TOKEN] = settings.metrics_token
    parts: dict[str, health.Check] = {
        "database": partial(check_database, hub),
        "broker": health.broker_check(settings.broker_url),
    }
    health.register_checks(app, parts)
    surround(app)
    _register_api(app, blueprints)
    for blueprint in (*_PAGES, *(each for each in blueprints if not isinstance(each, Resource))):
        app.register_blueprint(blueprint)
    app.cli.add_command(hub_commands)
    app.register_error_handler(Exception, answer_problem)
    hops, https = settings.forwarded_hops, settings.public_url.startswith("https://")
    guarded: Any = with_security_headers(app.wsgi_app, https=https)
    app.wsgi_app = ProxyFix(guarded, x_for=hops, x_proto=hops, x_host=0) if hops else guarded  # type: ignore[method-assign]
    return app


def describe_api(blueprints: Sequence[Blueprint] = ()) -> str:
    """The OpenAPI file, without a hub: what ``make docs`` writes to ``docs/openapi.json``."""
    app = Flask(__name__, static_folder=None)
    _register_api(app, blueprints)
    return openapi.openapi_text(app)


def _register_api(app: Flask, blueprints: Sequence[Blueprint]) -> None:
    app.config.update(openapi.CONFIG)
    app.url_map.converters["agency_reference"] = obligations.AgencyReferenceConverter
    app.url_map.merge_slashes = False
    register_api(app, [*_API, *(each for each in blueprints if isinstance(each, Resource))])


def _shared_store(broker_url: str) -> str | None:
    """The broker, if requests can be counted in it."""
    return broker_url if broker_url.startswith(("redis://", "rediss://")) else None
