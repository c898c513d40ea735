"""What a law of the house is: a question to the source text, and a trespass that it must catch.

A law reads the house from the folder that it is given, so the same question can be asked of a small house in which the
trespass was planted. It answers with sentences; none means that the law is kept.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
PACKAGES = ("payment_hub", "bank_adapters", "reconciliation")

Check = Callable[[Path], list[str]]


@dataclass(frozen=True)
class Law:
    """``check`` finds trespasses in a house; ``trespass`` is a house (path to text) in which it must find one."""

    check: Check
    trespass: Mapping[str, str]

    @property
    def name(self) -> str:
        """The law in words."""
        return self.check.__name__


@dataclass(frozen=True)
class Module:
    """One source file: its path in the house, its text and what it means."""

    path: str
    text: str
    tree: ast.Module

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return Path(self.path).stem


LAWS: list[Law] = []


def law(trespass: Mapping[str, str]) -> Callable[[Check], Check]:
    """Declare a law, with a trespass against it."""

    def declare(check: Check) -> Check:
        LAWS.append(Law(check, trespass))
        return check

    return declare


def modules(house: Path, *folders: str) -> Iterator[Module]:
    """The Python files under these folders (or of these names), by default everything that is shipped."""
    for folder in folders or (*PACKAGES, "wsgi.py"):
        start = house / folder
        for file in [start] if start.is_file() else sorted(start.rglob("*.py")):
            yield _read(house, file, file.stat().st_mtime_ns)


@cache
def _read(house: Path, file: Path, changed: int) -> Module:
    """One file, parsed once however many laws ask for it; ``changed`` tells its states apart."""
    del changed
    text = file.read_text(encoding="utf-8")
    return Module(file.relative_to(house).as_posix(), text, ast.parse(text))


def within(module: Module, *folders: str) -> bool:
    """Whether the file is one of these, or lies in one of these folders."""
    return any(module.path == folder or module.path.startswith(f"{folder}/") for folder in folders)


def called(node: ast.AST) -> str:
    """The dotted name that a call calls, as it is written: ``hub.transaction``, ``float``. Empty for anything else."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Every call of a file, with the dotted name that it calls."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield node, called(node)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file, at any depth."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def texts(module: Module) -> Iterator[tuple[int, str]]:
    """Every string in the code with its line, docstrings left out; the fixed parts of an f-string are joined."""
    prose = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    parts: set[int] = set()
    for node in ast.walk(module.tree):
        if isinstance(node, ast.JoinedStr):
            fixed = [part for part in node.values if isinstance(part, ast.Constant)]
            parts |= {id(part) for part in fixed}
            yield node.lineno, "{}".join(str(part.value) for part in fixed)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose | parts:
            yield node.lineno, node.value
