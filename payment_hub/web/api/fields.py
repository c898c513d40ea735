"""Fields of requests that take one form and no other, and the request schemas that recur."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from ipaddress import ip_address
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields, validate

from payment_hub.domain.errors import MalformedAmount
from payment_hub.domain.money import MAX_MINOR, Money

#: An agency's own reference: segments of letters, digits and ``._:-`` between single slashes. It is part of an address,
#: so it may not end in the words that follow it there.
AGENCY_REFERENCE: Final = (
    r"^(?=.{1,64}$)(?!(?:.*/)?(?:withdraw|restore)$)"
    r"[A-Za-z0-9][A-Za-z0-9._:\-]*(?:/[A-Za-z0-9][A-Za-z0-9._:\-]*)*$"
)
AGENCY_CODE: Final = r"^(?=.{1,35}$)[0-9A-Z]+(?:\.[0-9A-Z]+)*$"
BANK_NAME: Final = r"^[a-z][a-z0-9_]{1,30}$"

#: Control characters, halves of surrogate pairs, and marks that turn the direction of text around.
_NOT_TEXT: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]"
)


class Strict(Schema):
    """A request: fields that it does not know are refused."""

    class Meta:
        """Marshmallow's options."""

        unknown = RAISE


class TextField(fields.String):
    """Text of 1 to ``most`` characters, without control characters, bidi marks and halves of characters."""

    def __init__(self, most: int, *, pattern: str | None = None, **options: Any) -> None:
        described = {"pattern": pattern} if pattern else {}
        described |= options.pop("metadata", {})
        super().__init__(validate=validate.Length(min=1, max=most), metadata=described, **options)
        self._form = re.compile(pattern, re.ASCII) if pattern else None

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **options)
        if _NOT_TEXT.search(text):
            raise ValidationError("Has a control character or a mark that changes the direction of text.")
        if self._form is not None and not self._form.fullmatch(text):
            raise ValidationError(f"Must match {self._form.pattern}")
        return text


class WholeNumber(fields.Integer):
    """A whole number between two bounds: a JSON number in a body, plain digits in a query; never ``true``."""

    _PLAIN: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)

    def __init__(self, least: int, most: int, *, in_query: bool = False, **options: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(least, most), **options)
        self._in_query = in_query

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> Any:
        if self._in_query and isinstance(value, str) and self._PLAIN.fullmatch(value):
            return int(value)
        if type(value) is not int:
            raise self.make_error("invalid", input=value)
        return value


class MoneyField(fields.Field[Money]):
    """An amount: ``{"amount": "150000", "currency": "VND"}``, the amount as plain digits in a string.

    A string, because a JSON number passes through floating point in many languages on its way. ``least`` is the
    smallest amount that is taken, in minor units.
    """

    def __init__(self, *, least: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.least = least

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> Money:
        if not isinstance(value, dict):
            raise ValidationError('Must be an object such as {"amount": "150000", "currency": "VND"}.')
        wrong = {name: ["Unknown field."] for name in value if name not in {"amount", "currency"}}
        wrong |= {
            name: ["Must be a string."]
            for name in ("amount", "currency")
            if not isinstance(value.get(name), str)
        }
        wrong |= {name: ["Missing."] for name in ("amount", "currency") if name not in value}
        if wrong:
            raise ValidationError(wrong)
        if value["currency"] != "VND":
            raise ValidationError({"currency": ["Must be VND."]})
        try:
            money = Money.parse(value["amount"], value["currency"])
        except MalformedAmount:
            raise ValidationError({"amount": ["Must be plain digits, such as 150000."]}) from None
        if not self.least <= money.minor <= MAX_MINOR:
            raise ValidationError({"amount": [f"Must be from {self.least} to {MAX_MINOR}."]})
        return money


class DayField(fields.Field[date]):
    """A day as ``2026-03-02``, and in no other of ISO 8601's spellings."""

    _FORM: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> date:
        if not isinstance(value, str) or not self._FORM.fullmatch(value):
            raise ValidationError("Must be a day such as 2026-03-02.")
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValidationError("There is no such day.") from None


class MomentField(fields.Field[datetime]):
    """A moment in UTC as ``2026-03-02T03:00:00Z``, milliseconds if wanted."""

    _FORM: Final = re.compile(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3})?Z", re.ASCII
    )

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> datetime:
        if not isinstance(value, str) or not self._FORM.fullmatch(value):
            raise ValidationError("Must be a moment in UTC such as 2026-03-02T03:00:00Z.")
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise ValidationError("There is no such moment.") from None


class UrlField(TextField):
    """An https address, or http on this machine, in plain ASCII: what every browser and every library read alike."""

    _FORM: Final = (
        r"^(?:https://(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)*[a-z][a-z0-9\-]*[a-z0-9]|http://(?:localhost|127\.0\.0\.1))"
        r"(?::[1-9][0-9]{0,4})?(?:[/?][!#$&-;=?-Z_a-z~%\[\]]*)?$"
    )

    def __init__(self, most: int = 500, **options: Any) -> None:
        super().__init__(most, pattern=self._FORM, **options)


class AddressField(fields.String):
    """An IPv4 or IPv6 address."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **options)
        try:
            return str(ip_address(text))
        except ValueError:
            raise ValidationError("Must be an IPv4 or IPv6 address.") from None


class MoneySchema(Strict):
    """An exact amount."""

    amount = fields.String(
        required=True,
        metadata={
            "description": "Plain digits, in whole dong",
            "example": "150000",
            "pattern": "^(0|[1-9][0-9]*)$",
        },
    )
    currency = fields.String(required=True, metadata={"enum": ["VND"], "example": "VND"})


class NothingSchema(Strict):
    """No content: an empty body, or an empty object."""


class ReasonSchema(Strict):
    """Why something is done; it is kept with what was done."""

    reason = TextField(500, required=True, metadata={"example": "Registered twice"})


class PageQuery(Strict):
    """Which part of a list is wanted."""

    after = TextField(200, metadata={"description": "`next` of the page before"})
    limit = WholeNumber(
        1, 500, in_query=True, load_default=50, metadata={"description": "At most this many items"}
    )
