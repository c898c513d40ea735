"""Rules about what is written for people: every name, link, command and generated page is true."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from docs.pages import PAGES
from payment_hub.settings import setting_fields
from tests.rules.rule import PACKAGES, modules, rule


def pages(repo: Path) -> Iterator[tuple[Path, str]]:
    """Every page with its text."""
    for file in [repo / "README.md", *sorted((repo / "docs").rglob("*.md"))]:
        if file.exists():
            yield file, file.read_text(encoding="utf-8")


@rule({"docs/walk.md": "[gone](gone.md)"})
def every_link_leads_somewhere(repo: Path) -> list[str]:
    return [
        f"{file.name}: {link}"
        for file, text in pages(repo)
        for link in re.findall(r"\]\(([^)#]+)", text)
        if not link.startswith("https://") and not (file.parent / link).exists()
    ]


@rule({"docs/walk.md": "See `payment_hub/domain/gone.py`."})
def every_file_that_is_named_exists(repo: Path) -> list[str]:
    folders = "|".join([*PACKAGES, "tests", "docs", "migrations", "benchmarks"])
    return [
        f"{file.name}: {named}"
        for file, text in pages(repo)
        for named in re.findall(rf"`((?:{folders})/[\w./]*)`", text)
        if not (repo / named).exists()
    ]


@rule({"docs/walk.md": "```python\n# wsgi.py\nprint(1)\n```\n", "wsgi.py": "print(2)\n"})
def code_on_a_page_is_the_code_of_its_file(repo: Path) -> list[str]:
    """A block whose first line is the path of a file holds lines of that file, whatever their indentation."""
    return [
        f"{file.name}: the block of {path} is not in it"
        for file, text in pages(repo)
        for path, block in re.findall(r"```python\n *# ([\w/]+\.py)\n(.*?)```", text, re.S)
        if _flush(block) not in _flush((repo / path).read_text(encoding="utf-8"))
    ]


def _flush(code: str) -> str:
    """The lines without their indentation."""
    return "\n".join(line.strip() for line in code.strip().splitlines())


@rule({"README.md": "`make gold`", "Makefile": "test:\n\ttrue\n"})
def every_command_of_make_exists(repo: Path) -> list[str]:
    makefile = repo / "Makefile"
    targets = set(re.findall(r"^([a-z-]+):", makefile.read_text() if makefile.exists() else "", re.M))
    return [
        f"{file.name}: make {target}"
        for file, text in pages(repo)
        for target in re.findall(r"(?:^|[`&] ?)make ([a-z-]+)", text, re.M)
        if target not in targets
    ]


@rule(
    {
        "docs/webhooks.md": "Run `hub gold`.",
        "payment_hub/commands/a.py": '@hub_commands.command("silver")\ndef silver(): ...\n',
    }
)
def every_command_of_the_hub_exists(repo: Path) -> list[str]:
    """The words after ``hub`` or ``night`` are groups and commands of ``flask --app wsgi``."""
    commands = {
        argument.value
        for module in modules(repo, "payment_hub/commands", "reconciliation/commands.py")
        for node, name in module.calls
        if name.rpartition(".")[2] in {"command", "group"}
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant)
    }
    return [
        f"{file.name}: {line}"
        for file, text in pages(repo)
        for line in re.findall(r"(?:^|`|\$\(|wsgi )(?:hub|night) ([a-z-]+(?: [a-z-]+)?)", text, re.M)
        if line.split()[0] not in commands or (line.split()[0] == "bank" and line.split()[-1] not in commands)
    ]


@rule({"docs/webhooks.md": "Set `HUB_GOLD`."})
def every_setting_that_is_named_exists(repo: Path) -> list[str]:
    names = {declared.metadata["name"] for declared in setting_fields()}
    names |= {"HUB_TEST_DATABASE_URL", "HUB_TEST_BROKER_URL"}
    return [
        f"{file.name}: {name}"
        for file, text in pages(repo)
        for name in re.findall(r"\bHUB_[A-Z_]+[A-Z]\b", text)
        if name not in names
    ]


@rule({"README.md": "GET /v1/gold", "docs/openapi.json": '{"paths": {"/v1/orders": {}}}'})
def every_address_that_is_named_exists(repo: Path) -> list[str]:
    described = repo / "docs/openapi.json"
    paths = json.loads(described.read_text(encoding="utf-8"))["paths"] if described.exists() else {}
    # An agency's own reference may hold slashes; nothing else in an address may.
    addresses = [
        re.compile(re.sub(r"\{\w+\}", "[^/ ]+", re.sub(r"obligations/\{\w+\}", r"obligations/\\S+", p)))
        for p in paths
    ]
    return [
        f"{file.name}: {named}"
        for file, text in pages(repo)
        for named in re.findall(r"/v1/[\w/{}<>.-]*[\w}>]", text)
        if not any(path.fullmatch(named) for path in addresses)
    ]


@rule({"docs/settings.md": "# Settings\n", "docs/banks.md": "# Banks\n", "docs/problems.md": "# Problems\n"})
def pages_made_from_the_code_are_fresh(repo: Path) -> list[str]:
    stale = []
    for name, made in PAGES.items():
        file = repo / "docs" / name
        if not file.exists() or file.read_text(encoding="utf-8") != made():
            stale.append(f"{name}: make docs")
    return stale


@rule(
    {"docs/decisions/README.md": "", "docs/decisions/0001-gold.md": "# 1. Gold\n\n**Context.** It shines.\n"}
)
def every_decision_has_its_reason_and_its_price(repo: Path) -> list[str]:
    pages = sorted((repo / "docs/decisions").glob("0*.md"))
    index = (repo / "docs/decisions/README.md").read_text(encoding="utf-8")
    violations = [f"{page.name} is not in the list" for page in pages if f"({page.name})" not in index]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        violations += [
            f"{page.name} lacks {part}"
            for part in ("Context", "Decision", "Price")
            if f"**{part}" not in text
        ]
        if not text.startswith(f"# {int(page.name[:4])}. "):
            violations.append(f"{page.name} does not begin with its number")
    return violations
