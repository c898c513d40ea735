"""The two locks: complete, so that no resolver is needed, and one a part of the other."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NEEDED_TO_RUN: list[str] = PROJECT["dependencies"]
TOOLS: list[str] = PROJECT["optional-dependencies"]["tools"]

ENTRY = re.compile(r"^(?P<pin>[a-z0-9].*?)(?P<hashes>(?: \\\n +--hash=sha256:[0-9a-f]{64})+)$", re.M)


def entries(lock: str) -> dict[str, str]:
    """Each pin of a lock, with its marker, and the hashes of its files."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return {entry["pin"]: entry["hashes"] for entry in ENTRY.finditer(text)}


def pinned_here(lock: str) -> dict[str, str]:
    """The version of each package that a lock has for this Python on this machine."""
    pins = [Requirement(pin) for pin in entries(lock)]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def needed_here(roots: list[str]) -> dict[str, list[Requirement]]:
    """What the roots need and what that needs in turn, as the installed packages say it."""
    asked: dict[str, list[Requirement]] = {}
    followed: set[tuple[str, str]] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        need = waiting.pop()
        name = canonicalize_name(need.name)
        asked.setdefault(name, []).append(need)
        for extra in {"", *need.extras} - {
            extra for followed_name, extra in followed if followed_name == name
        }:
            followed.add((name, extra))
            waiting += [
                further
                for further in map(Requirement, metadata.requires(name) or [])
                if further.marker is None or further.marker.evaluate({"extra": extra})
            ]
    return asked


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-runtime.txt"])
def test_every_line_is_a_pin_with_hashes(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert len(entries(lock)) == sum(1 for line in lines if re.match(r"[^\s#]", line))


@pytest.mark.parametrize(
    ("lock", "roots"),
    [("requirements-runtime.txt", NEEDED_TO_RUN), ("requirements.txt", NEEDED_TO_RUN + TOOLS)],
)
def test_a_lock_holds_all_that_is_needed_and_nothing_else(lock: str, roots: list[str]) -> None:
    pinned, needed = pinned_here(lock), needed_here(roots)
    assert sorted(pinned) == sorted(needed), "run `make lock`"
    unfit = [
        f"{need} is pinned to {pinned[name]}"
        for name, needs in needed.items()
        for need in needs
        if not need.specifier.contains(pinned[name], prereleases=True)
    ]
    assert unfit == []


def test_the_runtime_lock_is_a_part_of_the_whole_one() -> None:
    whole = entries("requirements.txt")
    assert {
        pin: hashes for pin, hashes in entries("requirements-runtime.txt").items() if whole.get(pin) != hashes
    } == {}


def test_the_whole_lock_is_what_is_installed() -> None:
    pinned = pinned_here("requirements.txt")
    assert {name: metadata.version(name) for name in pinned} == pinned
