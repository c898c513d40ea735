"""The OpenAPI file: what flask-smorest gathered from the endpoints, and what holds for all of them."""

from __future__ import annotations

import json
from typing import Any, Final

from apispec.ext.marshmallow.field_converter import FieldConverterMixin
from flask import Flask
from marshmallow.fields import Field

from payment_hub.domain.access import Scope
from payment_hub.domain.idempotency import KEPT
from payment_hub.domain.orders import EventType
from payment_hub.web.api.fields import DayField, MomentField, MoneyField

VERSION: Final = "1.0.0"

CONFIG: Final = {
    "API_TITLE": "Payment hub",
    "API_VERSION": VERSION,
    "OPENAPI_VERSION": "3.1.0",
}

DESCRIPTION: Final = """
Public agencies register what is owed; portals issue payment orders for it; citizens pay through a bank of
their choice; the hub tells the portal by a signed webhook and gives the citizen a receipt.

**Keys.** `Authorization: Bearer hub_...`. A key carries scopes and sees only what is its holder's: everything
else is 404.

**Amounts** are strings of plain digits beside their currency. **Moments** are UTC with `Z`, **days** are days
in Vietnam.

**Doing it once.** Every POST needs an `Idempotency-Key`. The same key with the same request gives the first
answer again, with `Idempotent-Replayed: true`, for 24 hours; with another request it is refused (422); while the
first is running it is refused for the moment (409). A request that was refused changed nothing, so its key may
be used again.

**Changing it together.** Where two may write, `If-Match` names the version that was read: 428 without, 412 when
it is stale.

**Refusals** are `application/problem+json` (RFC 9457). The `type` is stable and leads to a page about it;
`errors` names the wrong places by JSON pointer. Quote the `request_id` when you ask for help; you may choose it
by `X-Request-Id`.

**Consistency.** `x-consistency: strong` means that an answer shows everything that was answered before;
`eventual` (lists, feeds) that it may lag behind by a moment.

**Versions.** Fields, words of an enumeration and addresses may be added at any time; nothing is taken away under
`/v1`.
"""

_PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": f"1 to 255 visible ASCII characters; the first answer is kept for {int(KEPT.total_seconds())} s",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": True,
        "description": "The ETag that was read with what is to be changed",
        "schema": {"type": "string", "pattern": '^"[1-9][0-9]*"$'},
        "example": '"3"',
    },
}


_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "ETag": {"description": "The version, for If-Match", "schema": {"type": "string"}, "example": '"3"'},
    "Idempotent-Replayed": {
        "description": "`true` when this answer was given before",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Idempotency-Key-Expires-In": {
        "description": "Seconds for which the answer is kept",
        "schema": {"type": "integer"},
    },
}


def spec_options() -> dict[str, Any]:
    """What flask-smorest puts at the top of the file."""
    return {"info": {"description": DESCRIPTION.strip()}, "servers": [{"url": "/"}]}


def complete(api: Any) -> None:
    """Say what all endpoints share: the keys, the headers, our own fields, and the webhooks that the hub sends."""
    spec = api.spec
    api.register_field(DayField, "string", "date")
    api.register_field(MomentField, "string", "date-time")
    api.ma_plugin.converter.add_attribute_function(_money)
    spec.components.security_scheme(
        "apiKey",
        {
            "type": "http",
            "scheme": "bearer",
            "description": "Scopes: " + ", ".join(f"`{scope}`" for scope in Scope),
        },
    )
    for name, header in _HEADERS.items():
        spec.components.header(name, header)
    for name, parameter in _PARAMETERS.items():
        spec.components.parameter(name, parameter["in"], parameter)
    spec.options["webhooks"] = {"webhook": {"post": _webhook()}}


def openapi_text(app: Flask) -> str:
    """The file's text, the same for the same endpoints: the contract that is kept in ``docs/openapi.json``."""
    api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    spec = api.spec.to_dict()
    for operations in spec["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict):
                operation["responses"] = dict(sorted(operation["responses"].items()))
    return json.dumps(spec, indent=1, ensure_ascii=False) + "\n"


def _money(self: FieldConverterMixin, field: Field[Any], **_: Any) -> dict[str, Any]:
    """How an amount in a request is described: as in an answer."""
    if not isinstance(field, MoneyField):
        return {}
    return {"$ref": "#/components/schemas/Money"}


def _webhook() -> dict[str, Any]:
    headers = {
        "webhook-id": "The event's id; the same for every repetition",
        "webhook-timestamp": "Seconds since 1970, when this delivery was signed; refuse what is older than 5 minutes",
        "webhook-signature": "Space-separated `v1,<base64>` (HMAC-SHA256) and `v1a,<base64>` (Ed25519), "
        "each over `id.timestamp.body`",
    }
    return {
        "summary": "A change of a payment order",
        "description": "Sent to the portal's address by Standard Webhooks' rules, at least once and in any order: "
        "go by `sequence`. Any 2xx within 15 s counts as received; otherwise it is sent again for three days. "
        "Types: " + ", ".join(f"`{kind}`" for kind in EventType),
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": text,
                "schema": {"type": "string"},
            }
            for name, text in headers.items()
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}},
        },
        "responses": {"204": {"description": "Received"}, "410": {"description": "Send no more webhooks"}},
    }
