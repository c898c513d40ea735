"""Which module may import which, and that every contract breaks when a module imports what it forbids."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rules.rule import PACKAGES, REPO

_LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

VIOLATIONS = {
    "an adapter imports the store": ("bank_adapters/vnpay.py", "import payment_hub.store.orders"),
    "a bank imports another bank": ("bank_adapters/vnpay.py", "import bank_adapters.sandbox"),
    "an adapter imports its simulator": (
        "bank_adapters/sandbox.py",
        "import bank_adapters.simulators.sandbox",
    ),
    "an adapter is a web server": ("bank_adapters/vnpay.py", "import flask"),
    "an adapter imports reconciliation": ("bank_adapters/vnpay.py", "import reconciliation.domain.rules"),
    "a view imports the store": ("payment_hub/web/resources/orders.py", "import payment_hub.store.orders"),
    "a task imports the store": ("payment_hub/tasks.py", "import payment_hub.store.orders"),
    "a command imports SQLAlchemy": ("payment_hub/commands/ledger.py", "import sqlalchemy"),
    "the domain imports SQLAlchemy": ("payment_hub/domain/judgement.py", "import sqlalchemy"),
    "the domain imports the store": (
        "payment_hub/domain/judgement.py",
        "import payment_hub.store.orders",
    ),
    "the store imports an operation": (
        "payment_hub/store/orders.py",
        "import payment_hub.operations.orders",
    ),
    "an operation imports the web": (
        "payment_hub/operations/orders.py",
        "import payment_hub.web.resources.orders",
    ),
    "an operation imports an adapter": (
        "payment_hub/operations/orders.py",
        "import bank_adapters.vnpay",
    ),
    "the hub imports reconciliation": ("payment_hub/operations/orders.py", "import reconciliation.books"),
    "a ledger reader imports the store": (
        "reconciliation/ledgers/csv_drop.py",
        "import payment_hub.store.orders",
    ),
    "reconciliation's domain imports the store": (
        "reconciliation/domain/rules.py",
        "import payment_hub.store.orders",
    ),
    "the hub imports the embedded default": ("payment_hub/hub.py", "import payment_hub.embedded.ports"),
    "two modules import each other": (
        "payment_hub/domain/money.py",
        "import payment_hub.domain.receipts",
    ),
    "a module has no layer": ("payment_hub/utils.py", ""),
    "a module of reconciliation has no layer": ("reconciliation/utils.py", ""),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the packages, into which violations are planted."""
    place = tmp_path_factory.mktemp("repo")
    for package in PACKAGES:
        shutil.copytree(
            REPO / package, place / package, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(REPO / "pyproject.toml", place)
    return place


def lint(repo: Path) -> subprocess.CompletedProcess[str]:
    """What import-linter says about the packages in ``repo``."""
    return subprocess.run(
        [sys.executable, "-c", _LINT],
        cwd=repo,
        env={**os.environ, "PYTHONPATH": str(repo)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_keeps_the_contracts() -> None:
    answer = lint(REPO)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.deep
@pytest.mark.parametrize("violation", VIOLATIONS)
def test_a_violation_breaks_a_contract(copy: Path, violation: str) -> None:
    path, line = VIOLATIONS[violation]
    file = copy / path
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        answer = lint(copy)
    finally:
        file.unlink() if before is None else file.write_text(before, encoding="utf-8")
    assert answer.returncode != 0, f"no contract forbids that {violation}"
    report = " ".join(answer.stdout.split())
    signs = ("BROKEN", "Missing layer", "exhaustive", "not listed")
    assert any(sign in report for sign in signs), answer.stdout
