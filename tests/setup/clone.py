"""A clone of the hub in a path with a space: the real Makefile, small locks, and a Python with the oldest pip."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from tests.setup.index import Index

ROOT = Path(__file__).resolve().parents[2]
# What Python 3.11.0 brings: no pip that the Makefile may meet is older.
OLDEST_PIP = ROOT / "tests/setup/pip-22.3-py3-none-any.whl"


class Clone:
    """A folder in which `make` runs as in a clone, with an index of the test's own and no other."""

    def __init__(self, folder: Path, index: Index, base: Path) -> None:
        self.folder = folder / "a clone"
        self.folder.mkdir()
        self._programs = folder / "programs"
        self._programs.mkdir()
        self._index = index
        self._base = base
        shutil.copy(ROOT / "Makefile", self.folder)

    def lock(self, *, runtime: list[str], tools: list[str]) -> None:
        (self.folder / "requirements-runtime.txt").write_text("".join(runtime), encoding="utf-8")
        (self.folder / "requirements.txt").write_text("".join([*runtime, *tools]), encoding="utf-8")

    def python_with_bundled_pip(self) -> None:
        """The only Python of the machine is one whose ensurepip brings the oldest pip."""
        bundled = shlex.quote(str(_packages(self._base)))
        self._name_python(
            f'"$base" "$@" --without-pip && cp -R {bundled}/pip* .venv/lib/python3.*/site-packages/'
        )

    def python_without_ensurepip(self) -> None:
        """The only Python of the machine is Debian's: it has a pip, and makes no environment with one."""
        self._name_python('echo "ensurepip is not available" >&2; exit 1')

    def make(self, *arguments: str) -> str:
        made = self.attempt(*arguments)
        assert made.returncode == 0, made.stdout + made.stderr
        return made.stdout

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={
                "PATH": f"{self._programs}:/usr/bin:/bin",
                "HOME": str(self.folder),
                "PIP_CONFIG_FILE": os.devnull,
                "PIP_INDEX_URL": self._index.url,
                "PIP_NO_CACHE_DIR": "1",
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def installed(self) -> dict[str, str]:
        """The version of each package in .venv, pip aside."""
        found = metadata.distributions(path=[str(_packages(self.folder / ".venv"))])
        return {each.name: each.version for each in found if each.name != "pip"}

    def _name_python(self, venv_with_pip: str) -> None:
        """A program python3.11 that answers `-m venv` without --without-pip in its own way."""
        program = self._programs / "python3.11"
        program.write_text(
            "#!/bin/sh\n"
            f"base={shlex.quote(str(self._base / 'bin/python'))}\n"
            'case "$*" in\n'
            '  *--without-pip*) exec "$base" "$@" ;;\n'
            f"  '-m venv '*) {venv_with_pip} ;;\n"
            '  *) exec "$base" "$@" ;;\n'
            "esac\n",
            encoding="utf-8",
        )
        program.chmod(0o755)


def make_base(folder: Path) -> Path:
    """A Python that has the oldest pip."""
    base = folder / "base"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", base], check=True)
    with zipfile.ZipFile(OLDEST_PIP) as wheel:
        wheel.extractall(_packages(base))
    return base


def _packages(environment: Path) -> Path:
    (packages,) = (environment / "lib").glob("python3.*/site-packages")
    return packages
