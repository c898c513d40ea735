"""The repo keeps its rules, and every rule catches a violation."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules import conduct, pages, states, structure, words  # noqa: F401  (each declares its rules)
from tests.rules.rule import REPO, RULES, Rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_repo_keeps_the_rule(rule: Rule) -> None:
    assert "\n".join(rule.check(REPO)) == ""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_violation_is_caught(rule: Rule, tmp_path: Path) -> None:
    for path, text in rule.violation.items():
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert rule.check(tmp_path) != []


def test_no_rule_is_declared_twice() -> None:
    names = [rule.name for rule in RULES]
    assert sorted(names) == sorted(set(names))
