"""The caller of a request: the key in the Authorization header, and whether it carries the scope that is needed."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from flask import Flask, current_app, g, request

from payment_hub.current import current_hub
from payment_hub.domain.access import Caller, Scope
from payment_hub.domain.errors import Forbidden, Unauthenticated
from payment_hub.operations.access import identify_caller
from payment_hub.web.api.limits import charge_address, charge_caller

#: A revoked key opens nothing more after this time.
REMEMBERED_FOR: Final = timedelta(seconds=5)

_KEY: Final = "payment_hub.callers"
_MOST_REMEMBERED: Final = 1000


class Callers:
    """Callers identified a moment ago, by the hash of their key: the database is read once in five seconds."""

    def __init__(self) -> None:
        self._callers: OrderedDict[bytes, tuple[datetime, Caller]] = OrderedDict()
        self._lock = Lock()

    def recall(self, digest: bytes, now: datetime) -> Caller | None:
        """The caller with this key, if it was identified within the last five seconds."""
        remembered = self._callers.get(digest)
        if remembered is None:
            return None
        identified_at, caller = remembered
        return caller if timedelta(0) <= now - identified_at < REMEMBERED_FOR else None

    def note(self, digest: bytes, caller: Caller, now: datetime) -> None:
        """Remember a caller for five seconds."""
        with self._lock:
            self._callers[digest] = (now, caller)
            self._callers.move_to_end(digest)
            if len(self._callers) > _MOST_REMEMBERED:
                self._callers.popitem(last=False)


def register_callers(app: Flask) -> None:
    """Give the app an empty memory of callers."""
    app.extensions[_KEY] = Callers()


def require_scope(scope: Scope) -> Caller:
    """Identify the caller and count the request.

    Raises Unauthenticated without a valid key, Forbidden without ``scope``, QuotaExceeded for one request too many.
    """
    try:
        caller = _identified()
    except Unauthenticated:
        charge_address()
        raise
    g.caller = caller
    charge_caller(caller.name)
    if scope not in caller.scopes:
        raise Forbidden(f"the key lacks the scope {scope}")
    return caller


def current_caller() -> Caller:
    """The caller of the current request."""
    caller: Caller = g.caller
    return caller


def _identified() -> Caller:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated("send Authorization: Bearer hub_...")
    hub, callers = current_hub(), _callers()
    now, digest = hub.now(), hashlib.sha256(token.encode("utf-8", "replace")).digest()
    caller = callers.recall(digest, now)
    if caller is None:
        caller = identify_caller(hub, token=token)
        callers.note(digest, caller, now)
    return caller


def _callers() -> Callers:
    callers: Callers = current_app.extensions[_KEY]
    return callers
