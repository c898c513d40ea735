"""Fields of JSON objects are read by kind, or refused by name."""

from __future__ import annotations

import pytest

from bank_adapters.toolkit import json_fields
from payment_hub.domain.errors import Malformed


def test_json_fields_are_asked_for_by_kind() -> None:
    fields = json_fields.read_object(b'{"a": "x", "b": 7, "c": null, "d": "", "e": true, "f": "a\\u0007"}')
    assert json_fields.text(fields, "a") == "x"
    assert json_fields.whole(fields, "b") == 7
    assert [json_fields.text_or_none(fields, name) for name in "acdz"] == ["x", None, None, None]
    for name in "bcdefz":
        with pytest.raises(Malformed, match=name):
            json_fields.text(fields, name)
    for name in "acdefz":
        with pytest.raises(Malformed, match=name):
            json_fields.whole(fields, name)
    with pytest.raises(Malformed):
        json_fields.read_object(b"[]")
