"""What a rule of the repo is: a question about the source text, and a violation that it must catch.

A rule reads the repo from the folder that it is given, so the same question can be asked of a small folder in which a
violation was planted. The answer is a list of sentences, each with a file; an empty list means that the rule is kept.
"""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from io import StringIO
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
PACKAGES = ("payment_hub", "bank_adapters", "reconciliation")

#: All that is Python and written by hand.
EVERYWHERE = (*PACKAGES, "wsgi.py", "tests", "docs", "benchmarks", "migrations")

Check = Callable[[Path], list[str]]


@dataclass(frozen=True)
class Rule:
    """``check`` lists the violations in a repo; ``violation`` (path to text) is a repo with at least one."""

    check: Check
    violation: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.check.__name__


@dataclass(frozen=True)
class Module:
    """One source file: its path in the repo, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def stem(self) -> str:
        return Path(self.path).stem

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        return tuple(ast.walk(self.tree))

    @cached_property
    def calls(self) -> tuple[tuple[ast.Call, str], ...]:
        """Every call with the dotted name that it calls."""
        return tuple((node, called(node)) for node in self.nodes if isinstance(node, ast.Call))

    @cached_property
    def texts(self) -> tuple[tuple[int, str], ...]:
        """Every string with its line, without docstrings; the fixed parts of an f-string are joined by ``{}``."""
        docstrings = {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}
        texts: list[tuple[int, str]] = []
        parts: set[int] = set()
        for node in self.nodes:
            if isinstance(node, ast.JoinedStr):
                fixed = [part for part in node.values if isinstance(part, ast.Constant)]
                parts |= {id(part) for part in fixed}
                texts.append((node.lineno, "{}".join(str(part.value) for part in fixed)))
            elif (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in docstrings | parts
            ):
                texts.append((node.lineno, node.value))
        return tuple(texts)

    @cached_property
    def prose(self) -> tuple[tuple[int, str], ...]:
        """Every line of a comment or a docstring, with its number."""
        tokens = tokenize.generate_tokens(StringIO(self.text).readline)
        lines = [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]
        for node in self.nodes:
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                text = str(node.value.value).splitlines()
                lines += [(node.lineno + number, line) for number, line in enumerate(text)]
        return tuple(sorted(lines))

    @cached_property
    def names(self) -> tuple[tuple[int, str], ...]:
        """Every name that the file itself gives to something, with its line."""
        names: list[tuple[int, str]] = [(1, part) for part in Path(self.path).with_suffix("").parts]
        for node in self.nodes:
            match node:
                case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                    names.append((node.lineno, node.name))
                case ast.arg():
                    names.append((node.lineno, node.arg))
                case ast.Name(ctx=ast.Store()):
                    names.append((node.lineno, node.id))
                case ast.Attribute(ctx=ast.Store()):
                    names.append((node.lineno, node.attr))
                case ast.alias(asname=str(name)):
                    names.append((node.lineno, name))
                case _:
                    pass
        return tuple(names)


RULES: list[Rule] = []


def rule(violation: Mapping[str, str]) -> Callable[[Check], Check]:
    """Declare a rule, with a violation of it."""

    def declare(check: Check) -> Check:
        RULES.append(Rule(check, violation))
        return check

    return declare


def modules(repo: Path, *folders: str) -> Iterator[Module]:
    """The Python files under these folders (or of these names), by default everything that is shipped."""
    for folder in folders or (*PACKAGES, "wsgi.py"):
        start = repo / folder
        for file in [start] if start.is_file() else sorted(start.rglob("*.py")):
            yield _read(repo, file, file.stat().st_mtime_ns)


@cache
def _read(repo: Path, file: Path, changed: int) -> Module:
    """One file, parsed once for all rules; ``changed`` is part of the key, so an edited file is read again."""
    del changed
    text = file.read_text(encoding="utf-8")
    return Module(file.relative_to(repo).as_posix(), text, ast.parse(text))


def sql_of(repo: Path) -> Iterator[tuple[str, str]]:
    """Every text that may be SQL, with its place: the strings of the code and the files that end in ``.sql``."""
    for module in modules(repo):
        for line, text in module.texts:
            yield f"{module.path}:{line}", text
    for package in PACKAGES:
        for file in sorted((repo / package).rglob("*.sql")):
            yield file.relative_to(repo).as_posix(), file.read_text(encoding="utf-8")


def within(module: Module, *folders: str) -> bool:
    """Whether the file is one of these, or lies in one of these folders."""
    return any(module.path == folder or module.path.startswith(f"{folder}/") for folder in folders)


def called(node: ast.AST) -> str:
    """The dotted name that a call calls, as it is written: ``hub.transaction``, ``float``. Empty for anything else."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file, at any depth."""
    for node in module.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
