"""Pages of long lists, by cursor: stable while rows are added: the cursor is the last key of the page before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from payment_hub.domain.errors import Malformed
from payment_hub.domain.wire import Shown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor after which the next page begins, if there is one."""

    items: Sequence[T]
    next_cursor: Annotated[
        str | None, Shown("next", description="Send it as `after` for the next page; null at the end")
    ]


def cursor_of(key: int) -> str:
    """The cursor of a row's key."""
    return f"c{key:x}"


def read_cursor(cursor: str | None) -> int | None:
    """The key in a cursor. Raises Malformed for any other text."""
    if cursor is None:
        return None
    digits = cursor[1:]
    if cursor[:1] != "c" or not 1 <= len(digits) <= 15 or any(c not in "0123456789abcdef" for c in digits):
        raise Malformed("the cursor is not one of ours", pointers={"/after": "not a cursor"})
    return int(digits, 16)
