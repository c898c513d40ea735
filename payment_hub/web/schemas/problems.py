"""The shape of every refusal (RFC 9457)."""

from __future__ import annotations

from marshmallow import fields

from payment_hub.web.schemas.fields import Shown


class WrongPlaceSchema(Shown):
    """One thing that is wrong, and where."""

    pointer = fields.String(
        metadata={"description": "JSON pointer into the body", "example": "/amount/amount"}
    )
    parameter = fields.String(metadata={"description": "Name of a query parameter"})
    detail = fields.String(required=True)


class ProblemSchema(Shown):
    """Why a request was refused."""

    type = fields.String(
        required=True, metadata={"description": "Stable; a page about it stands at this address."}
    )
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String()
    instance = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(WrongPlaceSchema))
