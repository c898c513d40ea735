"""The house keeps its laws, and every law catches a trespass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import conduct, papers, shape  # noqa: F401  (each declares its laws)
from tests.house.law import HOUSE, LAWS, Law


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_the_house_keeps_the_law(law: Law) -> None:
    assert "\n".join(law.check(HOUSE)) == ""


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_a_trespass_is_caught(law: Law, tmp_path: Path) -> None:
    for path, text in law.trespass.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert law.check(tmp_path) != []


def test_no_law_is_declared_twice() -> None:
    names = [law.name for law in LAWS]
    assert sorted(names) == sorted(set(names))
