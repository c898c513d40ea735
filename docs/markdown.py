"""How a page that is made from the code is put together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_MADE: Final = "<!-- Made from the code by `make docs`. Change the code, not this page. -->"


def page(title: str, *parts: str) -> str:
    """A whole page: its title, where it comes from, and its parts."""
    return "\n\n".join([f"# {title}", _MADE, *parts]) + "\n"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; a ``|`` in a cell stays a character."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
