"""Cursors: given out, taken back, and nothing else taken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.errors import EventNotFound, Malformed
from payment_hub.domain.paging import cursor_of, read_cursor
from payment_hub.domain.webhooks import EventCursor, event_id_of, event_number

numbers = st.integers(0, 2**63 - 1)


@given(st.integers(0, 16**15 - 1))
def test_a_cursor_is_read_as_it_was_given(key: int) -> None:
    assert read_cursor(cursor_of(key)) == key


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor(None) is None


@pytest.mark.parametrize(
    "text", ["", "c", "5", "x5", "cg", "c-1", "c 1", "cA", "c" + "f" * 16, "c１", "c\x00"]
)
def test_any_other_cursor_is_refused(text: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_cursor(text)
    assert list(refusal.value.pointers) == ["/after"]


@given(numbers, numbers)
def test_a_place_in_the_feed_is_read_as_it_was_given(txid: int, number: int) -> None:
    cursor = EventCursor(txid, number)
    assert EventCursor.parse(cursor.as_text()) == cursor
    assert len(cursor.as_text()) == 22


@given(numbers, numbers, numbers, numbers)
def test_places_follow_each_other_by_transaction_then_number(a: int, b: int, c: int, d: int) -> None:
    assert (EventCursor(a, b) < EventCursor(c, d)) is ((a, b) < (c, d))


@pytest.mark.parametrize(
    "text", ["", "A", "A" * 21, "A" * 21 + "B", "A" * 23, "_" * 22, "Ａ" * 22, "A" * 21 + "=", " " * 22]
)
def test_any_other_place_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        EventCursor.parse(text)


@given(st.integers(1, 2**63 - 1))
def test_an_events_public_id_is_its_number(number: int) -> None:
    assert event_number(event_id_of(number)) == number


@pytest.mark.parametrize(
    "text", ["", "evt_", "evt_0", "evt_01", "evt_-1", "1", f"evt_{2**63}", "evt_" + "9" * 40]
)
def test_no_other_id_is_an_events(text: str) -> None:
    with pytest.raises(EventNotFound):
        event_number(text)
