"""Long SQL stands in files of its own: each statement has a name, and a sentence that says what it is for.

    -- name: runs_of_a_day
    -- The runs that ended on the day, newest first.
    SELECT id FROM reconciliation_run WHERE day = :day AND state IN {ended}

Words of an enumeration are never written into the SQL: ``{ended}`` is filled in from the enumeration itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from importlib.resources import files
from typing import Final

_HEADING: Final = re.compile(r"^-- name: ([\w-]+)\n", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?:-- .*\n)+")
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Statement(str):
    """The SQL of one statement, and its sentence."""

    __slots__ = ("sentence",)
    sentence: str


def named(package: str, file: str, **fillings: StrEnum | Iterable[StrEnum] | str) -> Mapping[str, Statement]:
    """The statements of ``file`` in ``package``, by name.

    ``fillings`` go into the places ``{...}``: one word of an enumeration becomes a literal, several become a list in
    brackets, and a plain text is a piece of SQL. Raises ValueError for a name that stands twice or a statement without
    a sentence, KeyError for a place that nothing fills in.
    """
    before, *parts = _HEADING.split(files(package).joinpath(file).read_text(encoding="utf-8"))
    if before.strip():
        raise ValueError(f"{file}: something stands before the first name")
    filled = {place: _as_sql(word) for place, word in fillings.items()}
    statements: dict[str, Statement] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        sentence = _SENTENCE.match(body)
        if sentence is None or name in statements:
            raise ValueError(f"{file}: {name} needs a sentence, and a name of its own")
        sql = body[sentence.end() :].strip()
        statements[name] = Statement(_PLACE.sub(lambda place: filled[place[1]], sql))
        statements[name].sentence = " ".join(line.removeprefix("-- ") for line in sentence[0].splitlines())
    return statements


def _as_sql(word: StrEnum | Iterable[StrEnum] | str) -> str:
    if isinstance(word, StrEnum):
        return f"'{word}'"
    if isinstance(word, str):
        return word
    return f"({', '.join(repr(str(one)) for one in word)})"
