"""The headers that keep a browser from doing more with an answer than we meant. On every answer, whoever made it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from secure import (
    CacheControl,
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    ReferrerPolicy,
    Secure,
    Server,
    StrictTransportSecurity,
    XContentTypeOptions,
)

_TWO_YEARS: Final = 63_072_000


def with_security_headers(app: WSGIApplication, *, https: bool) -> WSGIApplication:
    """The same app, whose every answer carries the headers that it lacks.

    Unless an answer says otherwise itself, a browser loads nothing for it, keeps it nowhere and shows it in no frame.
    """
    policy = ContentSecurityPolicy().default_src("'none'").base_uri("'none'").form_action("'none'")
    secure = Secure(
        xcto=XContentTypeOptions().nosniff(),
        cache=CacheControl().no_store(),
        csp=policy.frame_ancestors("'none'"),
        referrer=ReferrerPolicy().no_referrer(),
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        server=Server().set("hub"),
        hsts=StrictTransportSecurity().max_age(_TWO_YEARS).include_subdomains() if https else None,
    )
    usual = [(name, value, name.lower()) for name, value in secure.header_items()]

    def guarded(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        # The library's own middleware overwrites what a page says of itself (docs/decisions/0021).
        def begin(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            present = {name.lower() for name, _ in headers}
            missing = [(name, value) for name, value, lower in usual if lower not in present]
            return start(status, [*headers, *missing], *failure)

        return app(environ, begin)

    return guarded
