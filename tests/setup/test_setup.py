"""``make setup`` as a newcomer runs it later on, when the index holds releases that the locks do not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.setup.clone import Clone, make_base
from tests.setup.index import Index

RUNTIME = {"worker": "1.0", "broker": "1.0"}
TOOLS = {"probe": "1.0", "gauge": "1.0", "tomlreader": "1.0"}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path / "an index")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture
def clone(tmp_path: Path, index: Index, base: Path) -> Clone:
    """A package asks for another with an extra and without a bound above, as pytest-cov does and celery does."""
    clone = Clone(tmp_path, index, base)
    clone.lock(
        runtime=[
            index.publish("worker", "1.0", 'broker; extra == "redis"', extras=("redis",)),
            index.publish("broker", "1.0"),
        ],
        tools=[
            index.publish("probe", "1.0", "gauge[toml]>=1.0", "worker[redis]>=1.0"),
            index.publish("gauge", "1.0", 'tomlreader; extra == "toml"', extras=("toml",)),
            index.publish("tomlreader", "1.0"),
        ],
    )
    for name in [*RUNTIME, *TOOLS]:
        index.publish(name, "2.0", extras=("redis", "toml"))
    return clone


def test_the_locks_are_installed_to_the_version_with_the_oldest_pip(clone: Clone) -> None:
    clone.python_with_bundled_pip()
    first = clone.attempt("setup-runtime")
    assert (first.returncode, first.stderr) == (0, "")
    assert clone.installed() == RUNTIME
    clone.make("setup")
    assert clone.installed() == RUNTIME | TOOLS
    assert "install" not in clone.make("--dry-run", "setup-runtime")


def test_a_python_without_ensurepip_is_set_up_by_its_own_pip(clone: Clone) -> None:
    clone.python_without_ensurepip()
    clone.make("setup")
    assert clone.installed() == RUNTIME | TOOLS


@pytest.mark.parametrize("target", ["run", "demo"])
def test_running_waits_for_no_tools(clone: Clone, target: str) -> None:
    clone.python_without_ensurepip()
    planned = clone.make("--dry-run", target)
    assert "-r requirements-runtime.txt" in planned
    assert "-r requirements.txt" not in planned
    assert "-r requirements.txt" in clone.make("--dry-run", "test")


@pytest.mark.deep
def test_a_lock_that_changed_is_installed_again(clone: Clone, index: Index) -> None:
    clone.python_with_bundled_pip()
    clone.make("setup")
    clone.lock(runtime=[index.publish("worker", "3.0"), index.publish("broker", "3.0")], tools=[])
    clone.make("setup-runtime")
    assert clone.installed() == {"worker": "3.0", "broker": "3.0"} | TOOLS


@pytest.mark.deep
def test_an_environment_whose_python_is_gone_is_made_anew(clone: Clone) -> None:
    clone.python_with_bundled_pip()
    clone.make("setup")
    python = clone.folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to(clone.folder / "removed")
    clone.make("setup")
    assert clone.installed() == RUNTIME | TOOLS


@pytest.mark.deep
def test_a_file_that_the_lock_does_not_know_is_refused(clone: Clone, index: Index) -> None:
    clone.python_with_bundled_pip()
    index.publish("broker", "1.0", "something-else")
    refused = clone.attempt("setup-runtime")
    assert refused.returncode != 0
    assert "DO NOT MATCH THE HASHES" in refused.stderr
