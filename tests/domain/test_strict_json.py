"""JSON is read without doubt, or refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.errors import MalformedBody
from payment_hub.domain.strict_json import MAX_DIGITS, read_json

DOUBTFUL = {
    "nothing": b"",
    "only space": b" \n",
    "not JSON": b"amount=1",
    "two values": b"{} {}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16-le"),
    "half a UTF-8 character": b'"\xc3"',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "an overlong NUL": b'"\xc0\x80"',
    "a duplicate name": b'{"a": 1, "a": 1}',
    "a duplicate name deep inside": b'[{"x": {"a": 1, "b": 2, "a": 3}}]',
    "a duplicate name spelled with an escape": b'{"a": 1, "\\u0061": 2}',
    "NaN": b"NaN",
    "Infinity": b"[Infinity]",
    "minus Infinity": b"-Infinity",
    "a decimal": b"1.0",
    "an exponent": b"1e3",
    "a leading zero": b"007",
    "a plus sign": b"+1",
    "an underscore": b"1_000",
    "full-width digits": "\uff11\uff12".encode(),
    "5,000 digits": b"9" * 5000,
    "one digit too many": b"1" * (MAX_DIGITS + 1),
    "10,000 deep": b"[" * 10_000,
    "10,000 deep in objects": b'{"a":' * 10_000,
    "33 deep": b"[" * 33 + b"]" * 33,
    "a raw NUL": b'"\x00"',
    "an escaped NUL": b'"\\u0000"',
    "an escaped NUL in a name": b'{"\\u0000": 1}',
    "a lone high surrogate": b'["\\ud800"]',
    "a lone low surrogate": b'{"a": "\\udfff"}',
    "surrogates the wrong way round": b'"\\udc00\\ud800"',
    "a raw newline in a string": b'"\n"',
    "a trailing comma": b"[1,]",
    "a comment": b"{} // ok",
    "single quotes": b"{'a': 1}",
    "a form feed": b"\x0c1",
}


@pytest.mark.parametrize("body", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_what_is_doubtful_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_json(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b' {"a": [1, -2, true, null, "x"]} \r\n', {"a": [1, -2, True, None, "x"]}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"Nguyễn Văn Đức"'.encode(), "Nguyễn Văn Đức"),
        (b"[" * 32 + b"]" * 32, json.loads("[" * 32 + "]" * 32)),
        (b'"' + b"[{" * 100 + b'"', "[{" * 100),
        (b'"\\"' + b"[" * 100 + b'\\\\"', '"' + "[" * 100 + "\\"),
        (b"99999999999999999999", 99999999999999999999),
    ],
)
def test_what_is_plain_is_read(body: bytes, value: object) -> None:
    assert read_json(body) == value


def test_a_caller_may_allow_less_depth() -> None:
    assert read_json(b"[[1]]", max_depth=2) == [[1]]
    with pytest.raises(MalformedBody, match="more than 2 deep"):
        read_json(b"[[[1]]]", max_depth=2)


def test_brackets_that_are_closed_again_do_not_add_up() -> None:
    assert read_json(b"[[],[],[],{}]", max_depth=2) == [[], [], [], {}]


@pytest.mark.parametrize("literal", ["1.0", "1e3", "-0.50", "1E400", "0.1e-7"])
def test_decimals_can_be_kept_as_they_were_written(literal: str) -> None:
    assert read_json(literal.encode(), decimals_as_text=True) == literal


def test_decimals_kept_as_text_have_no_more_digits_than_whole_numbers() -> None:
    with pytest.raises(MalformedBody, match="digits"):
        read_json(b"0." + b"1" * MAX_DIGITS, decimals_as_text=True)


def test_a_refusal_says_where() -> None:
    with pytest.raises(MalformedBody) as refusal:
        read_json(b'{"a": 1,\n "b": x}')
    assert "line 2, column 7" in refusal.value.detail


plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | plain_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(plain_text, inner, max_size=4),
    max_leaves=12,
)


@given(plain_values, st.booleans())
def test_every_plain_value_comes_back(value: object, escaped: bool) -> None:
    assert read_json(json.dumps(value, ensure_ascii=escaped).encode(), max_depth=64) == value


@given(st.binary(max_size=60) | st.text('[]{}",:\\u0123dD8tfn-.eE ', max_size=60).map(str.encode))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    try:
        value = read_json(body)
    except MalformedBody:
        return
    assert json.loads(body) == value
