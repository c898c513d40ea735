"""Who may import whom, and that every contract breaks when somebody does what it forbids."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.law import HOUSE, PACKAGES

_LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

TRESPASSES = {
    "an adapter looks into the store": ("bank_adapters/vnpay.py", "import payment_hub.store.orders"),
    "a bank knows another bank": ("bank_adapters/vnpay.py", "import bank_adapters.sandbox"),
    "an adapter meets a simulator in the same process": (
        "bank_adapters/sandbox.py",
        "import bank_adapters.simulators.sandbox",
    ),
    "an adapter is a web server": ("bank_adapters/vnpay.py", "import flask"),
    "an adapter knows reconciliation": ("bank_adapters/vnpay.py", "import reconciliation.domain.matching"),
    "a view looks into the store": ("payment_hub/web/resources/orders.py", "import payment_hub.store.orders"),
    "a task looks into the store": ("payment_hub/tasks.py", "import payment_hub.store.orders"),
    "a command speaks SQL": ("payment_hub/commands/ledger.py", "import sqlalchemy"),
    "the domain knows the database": ("payment_hub/domain/judgement.py", "import sqlalchemy"),
    "the domain knows a room above it": (
        "payment_hub/domain/judgement.py",
        "import payment_hub.store.orders",
    ),
    "the store asks an operation": (
        "payment_hub/store/orders.py",
        "import payment_hub.operations.orders",
    ),
    "an operation knows the doors": (
        "payment_hub/operations/orders.py",
        "import payment_hub.web.resources.orders",
    ),
    "an operation chooses a bank's module": (
        "payment_hub/operations/orders.py",
        "import bank_adapters.vnpay",
    ),
    "the hub knows reconciliation": ("payment_hub/operations/orders.py", "import reconciliation.books"),
    "a ledger reader looks into the store": (
        "reconciliation/ledgers/csv_drop.py",
        "import payment_hub.store.orders",
    ),
    "reconciliation's domain looks into the store": (
        "reconciliation/domain/matching.py",
        "import payment_hub.store.orders",
    ),
    "the hub leans on the embedded default": ("payment_hub/hub.py", "import payment_hub.embedded.ports"),
    "a module has no room": ("payment_hub/utils.py", ""),
    "a module of reconciliation has no room": ("reconciliation/utils.py", ""),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The house, in another place, where a trespass harms nobody."""
    place = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(
            HOUSE / package, place / package, ignore=shutil.ignore_patterns("__pycache__", "static")
        )
    shutil.copy(HOUSE / "pyproject.toml", place)
    return place


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    """Ask import-linter about the packages in ``house``."""
    return subprocess.run(
        [sys.executable, "-c", _LINT],
        cwd=house,
        env={**os.environ, "PYTHONPATH": str(house)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_keeps_the_contracts() -> None:
    answer = lint(HOUSE)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.deep
@pytest.mark.parametrize("trespass", TRESPASSES)
def test_a_trespass_breaks_a_contract(copy: Path, trespass: str) -> None:
    path, line = TRESPASSES[trespass]
    file = copy / path
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        answer = lint(copy)
    finally:
        file.unlink() if before is None else file.write_text(before, encoding="utf-8")
    assert answer.returncode != 0, f"nobody saw that {trespass}"
    said = " ".join(answer.stdout.split())
    assert "BROKEN" in said or "Missing layer" in said or "exhaustive" in said or "not listed" in said, (
        answer.stdout
    )
