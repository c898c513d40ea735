"""Named SQL: every statement is found by its name, with the words of the enumerations in their places."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest

from payment_hub.store.named_sql import named


class Colour(StrEnum):
    RED = "RED"
    BLUE = "BLUE"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "package_with_sql"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    sys.modules.pop("package_with_sql", None)


def test_statements_are_found_by_name_and_words_are_filled_in(package: Path) -> None:
    (package / "x.sql").write_text(
        "-- name: first\n-- One.\nSELECT 1 WHERE c = {red}\n\n"
        "-- name: second\n-- Two,\n-- in two lines.\nSELECT '{}' -- why\nWHERE {rule} IN {all}\n"
    )
    statements = named("package_with_sql", "x.sql", red=Colour.RED, all=Colour, rule="c")
    assert statements == {
        "first": "SELECT 1 WHERE c = 'RED'",
        "second": "SELECT '{}' -- why\nWHERE c IN ('RED', 'BLUE')",
    }


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("SELECT 1\n", ValueError),
        ("-- name: a\n-- One.\nSELECT 1\n-- name: a\n-- Two.\nSELECT 2\n", ValueError),
        ("-- name: a\nSELECT 1\n", ValueError),
        ("-- name: a\n-- One.\nSELECT {nothing}\n", KeyError),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(package: Path, content: str, error: type[Exception]) -> None:
    (package / "x.sql").write_text(content)
    with pytest.raises(error):
        named("package_with_sql", "x.sql")
