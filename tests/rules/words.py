"""The words of the repo are the words of its field: a private word in a name, a comment or a page is a violation.

``docs/glossary.md`` explains the words that are used. The words below meant something in this repo alone, or meant
several things. Texts that citizens read are not looked at; SQL in the folders ``store`` is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tests.rules.pages import pages
from tests.rules.rule import PACKAGES, Module, modules, rule

#: In names, comments, docstrings, pages and SQL. The value says what the field calls it.
PRIVATE: Mapping[str, str] = {
    "told": "a word by meaning: event, confirmation, transition, awaiting",
    "heard": "received, previous",
    "hear": "receive, handle",
    "hears": "receives, handles",
    "far side": "simulator",
    "desk": "simulator",
    "door": "blueprint, resource, entry point",
    "doors": "blueprints, resources, entry points",
    "gate": "row version",
    "gates": "row versions",
    "kit": "conformance",
    "cast": "data",
    "story": "scenario",
    "stories": "scenarios",
    "trespass": "violation",
    "trespasses": "violations",
    "papers": "docs, pages",
    "leash": "parent death",
    "warden": "reaper",
    "courier": "webhook sender",
    "notice": "webhook",
    "notices": "webhooks",
    "surplus": "excess",
    "given back": "refunded",
    "taken back": "charged back",
    "belief": "corroboration",
    "standing": "context, snapshot",
    "wish": "requested",
    "patience": "policy, timeout",
    "unproven": "needs inquiry, unconfirmed",
    "stranger": "third party, other program",
    "strangers": "third parties, other programs",
    "rails": "banks, protocols",
}

#: In names and SQL only: in a sentence these are ordinary English.
NO_NAMES: Mapping[str, str] = {
    "asked": "params, query",
    "at once": "autocommit",
    "found": "rows, row, or the noun",
    "house": "repo",
    "known": "existing, context, snapshot",
    "law": "rule",
    "laws": "rules",
    "left": "remaining",
    "promise": "expected by",
    "said": "confirmation, parsed",
    "somebody": "the noun",
    "wanted": "requested",
    "whoever": "the noun",
    "words": "note, text",
}

#: The same letters with a meaning that every engineer has learnt elsewhere.
HOMOGRAPHS = re.compile(
    r"not[_ ]?found|well[_ ]known|left[_ ]open|left (outer )?join|seconds[_ ]left|in[_ ]words|CAST ?\(|outstanding",
    re.I,
)

#: The folders and files of the tests that keep these rules; the others follow, one by one.
TESTS = ("tests/rules", "tests/banks/vectors", "tests/web/corpora", "tests/test_logs.py")

#: The list of the words itself.
EXCEPT = "tests/rules/words.py"


@rule({"payment_hub/store/orders.py": "def hear(order):\n    return order\n"})
def names_are_words_of_the_field(repo: Path) -> list[str]:
    forbidden = {**PRIVATE, **NO_NAMES}
    return [
        f"{module.path}:{line} {name}: {word} -> {forbidden[word]}"
        for module in _written(repo)
        for line, name in module.names
        for word in _private(_spoken(name), tuple(forbidden))
    ]


@rule({"payment_hub/store/orders.py": "#: Nobody may pass this gate.\nX = 1\n"})
def comments_and_docstrings_use_words_of_the_field(repo: Path) -> list[str]:
    return [
        f"{module.path}:{line} {word} -> {PRIVATE[word]}"
        for module in _written(repo)
        for line, text in module.prose
        for word in _private(text, tuple(PRIVATE))
    ]


@rule({"payment_hub/store/orders.py": 'SQL = "WITH gate AS (SELECT 1) SELECT 2"\n'})
def sql_uses_words_of_the_field(repo: Path) -> list[str]:
    forbidden = {**PRIVATE, **NO_NAMES}
    return [
        f"{place}: {word} -> {forbidden[word]}"
        for place, text in _sql(repo)
        for word in _private(_spoken(text), tuple(forbidden))
    ]


@rule({"docs/walk.md": "The citizen comes through this door."})
def pages_use_words_of_the_field(repo: Path) -> list[str]:
    return [
        f"{file.relative_to(repo)}:{number} {word} -> {PRIVATE[word]}"
        for file, text in pages(repo)
        for number, line in enumerate(text.splitlines(), 1)
        for word in _private(line, tuple(PRIVATE))
    ]


def _written(repo: Path) -> Iterator[Module]:
    folders = (*PACKAGES, "wsgi.py", "docs", "migrations", "benchmarks", *TESTS)
    return (module for module in modules(repo, *folders) if module.path != EXCEPT)


def _sql(repo: Path) -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        for module in modules(repo, f"{package}/store"):
            yield from ((f"{module.path}:{line}", text) for line, text in module.texts)
        for file in sorted((repo / package).rglob("*.sql")):
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
                if not line.startswith("--"):
                    yield f"{file.relative_to(repo).as_posix()}:{number}", line


def _spoken(name: str) -> str:
    """A name as separate words: ``OrderStanding`` and ``order_standing`` are ``Order Standing``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)


def _private(text: str, words: tuple[str, ...]) -> list[str]:
    return [re.sub("[_-]", " ", word.lower()) for word in _pattern(words).findall(HOMOGRAPHS.sub(" ", text))]


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    spaced = "|".join(word.replace(" ", "[ _-]") for word in words)
    return re.compile(rf"\b(?:{spaced})\b", re.I)
