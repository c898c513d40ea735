"""Laws about what is written for people: it is true, or it does not stay."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from docs.pages import PAGES
from payment_hub.settings import setting_fields
from tests.house.law import PACKAGES, law, modules

ROW = re.compile(r"^\| \*\*(?P<word>[^*]+)\*\* \|.*\| (?P<never>[a-z, ]*)\|$", re.M)


def papers(house: Path) -> Iterator[tuple[Path, str]]:
    """Every page with its text."""
    for file in [house / "README.md", *sorted((house / "docs").rglob("*.md"))]:
        if file.exists():
            yield file, file.read_text(encoding="utf-8")


@law({"docs/walk.md": "[gone](gone.md)"})
def every_link_leads_somewhere(house: Path) -> list[str]:
    return [
        f"{file.name}: {link}"
        for file, text in papers(house)
        for link in re.findall(r"\]\(([^)#]+)", text)
        if not link.startswith("https://") and not (file.parent / link).exists()
    ]


@law({"docs/walk.md": "See `payment_hub/domain/gone.py`."})
def every_file_that_is_named_exists(house: Path) -> list[str]:
    folders = "|".join([*PACKAGES, "tests", "docs", "migrations", "benchmarks"])
    return [
        f"{file.name}: {named}"
        for file, text in papers(house)
        for named in re.findall(rf"`((?:{folders})/[\w./]*)`", text)
        if not (house / named).exists()
    ]


@law({"README.md": "`make gold`", "Makefile": "test:\n\ttrue\n"})
def every_command_of_make_exists(house: Path) -> list[str]:
    makefile = house / "Makefile"
    targets = set(re.findall(r"^([a-z-]+):", makefile.read_text() if makefile.exists() else "", re.M))
    return [
        f"{file.name}: make {target}"
        for file, text in papers(house)
        for target in re.findall(r"(?:^|[`&] ?)make ([a-z-]+)", text, re.M)
        if target not in targets
    ]


@law({"docs/webhooks.md": "Set `HUB_GOLD`."})
def every_setting_that_is_named_exists(house: Path) -> list[str]:
    known = {declared.metadata["name"] for declared in setting_fields()}
    known |= {"HUB_TEST_DATABASE_URL", "HUB_TEST_BROKER_URL"}
    return [
        f"{file.name}: {name}"
        for file, text in papers(house)
        for name in re.findall(r"\bHUB_[A-Z_]+[A-Z]\b", text)
        if name not in known
    ]


@law({"README.md": "GET /v1/gold", "docs/openapi.json": '{"paths": {"/v1/orders": {}}}'})
def every_address_that_is_named_exists(house: Path) -> list[str]:
    described = house / "docs/openapi.json"
    paths = json.loads(described.read_text(encoding="utf-8"))["paths"] if described.exists() else {}
    # An agency's own reference may hold slashes; nothing else in an address may.
    known = [
        re.compile(re.sub(r"\{\w+\}", "[^/ ]+", re.sub(r"obligations/\{\w+\}", r"obligations/\\S+", p)))
        for p in paths
    ]
    return [
        f"{file.name}: {named}"
        for file, text in papers(house)
        for named in re.findall(r"/v1/[\w/{}<>.-]*[\w}>]", text)
        if not any(path.fullmatch(named) for path in known)
    ]


@law({"docs/settings.md": "# Settings\n", "docs/banks.md": "# Banks\n", "docs/problems.md": "# Problems\n"})
def pages_made_from_the_code_are_fresh(house: Path) -> list[str]:
    stale = []
    for name, made in PAGES.items():
        file = house / "docs" / name
        if not file.exists() or file.read_text(encoding="utf-8") != made():
            stale.append(f"{name}: make docs")
    return stale


@law(
    {"docs/decisions/README.md": "", "docs/decisions/0001-gold.md": "# 1. Gold\n\n**Context.** It shines.\n"}
)
def every_decision_has_its_reason_and_its_price(house: Path) -> list[str]:
    pages = sorted((house / "docs/decisions").glob("0*.md"))
    index = (house / "docs/decisions/README.md").read_text(encoding="utf-8")
    found = [f"{page.name} is not in the list" for page in pages if f"({page.name})" not in index]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        found += [
            f"{page.name} lacks {part}"
            for part in ("Context", "Decision", "Price")
            if f"**{part}" not in text
        ]
        if not text.startswith(f"# {int(page.name[:4])}. "):
            found.append(f"{page.name} does not begin with its number")
    return found


@law(
    {
        "docs/glossary.md": "| word | meaning | never |\n| **Bank** | who collects | provider |\n",
        "payment_hub/store/banks.py": "def find_provider(name): ...\n",
    }
)
def names_are_made_of_the_glossarys_words(house: Path) -> list[str]:
    never = _never_said(house)
    trespasses = []
    for module in modules(house, "payment_hub", "reconciliation"):
        for line, name in _names(module.tree):
            words = {word.lower().removesuffix("s") for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", name)}
            trespasses += [
                f"{module.path}:{line} {name}: say {never[word]}" for word in sorted(words & never.keys())
            ]
    return trespasses


def _never_said(house: Path) -> dict[str, str]:
    """Each word that no name may contain, with the word to say instead."""
    glossary = house / "docs/glossary.md"
    rows = ROW.finditer(glossary.read_text(encoding="utf-8")) if glossary.exists() else ()
    return {never: row["word"].lower() for row in rows for never in re.findall(r"[a-z]+", row["never"])}


def _names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


@law(
    {
        "payment_hub/domain/errors.py": '"""All.\n\nHubError\n +-- Conflict\n |    +-- Gone\n"""\n\n\n'
        "class HubError(Exception): ...\n\n\nclass Conflict(HubError): ...\n\n\nclass Gone(HubError): ...\n"
    }
)
def the_refusals_draw_their_own_tree(house: Path) -> list[str]:
    """The tree in the docstring of ``errors.py`` is that of the classes."""
    module = next(modules(house, "payment_hub/domain/errors.py"), None)
    if module is None:
        return ["there are no refusals"]
    classes = {
        (node.name, ast.unparse(node.bases[0])) for node in module.tree.body if isinstance(node, ast.ClassDef)
    } - {("HubError", "Exception")}
    drawn = set(_drawn(ast.get_docstring(module.tree) or ""))
    return [
        f"{name} under {parent} is drawn or declared, not both" for name, parent in sorted(classes ^ drawn)
    ]


def _drawn(docstring: str) -> Iterator[tuple[str, str]]:
    """Each name in the drawing with the name that it hangs on. Lines of the second level begin with ``|``."""
    family = "HubError"
    _, _, drawing = docstring.partition("HubError\n")
    for line in drawing.splitlines():
        names = re.findall(r"[A-Z][A-Za-z]+", line)
        inner = line.lstrip().startswith("|")
        yield from ((name, family if inner else "HubError") for name in names)
        if names and not inner:
            family = names[-1]
