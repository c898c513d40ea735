"""A package index in a folder, with tiny wheels: pip reads it like any other."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path


class Index:
    """Publishes releases of pure packages, and writes the line of a lock for each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        return self._folder.as_uri()

    def publish(self, name: str, version: str, *needs: str, extras: tuple[str, ...] = ()) -> str:
        """The new release's pin, as it stands in a lock."""
        page = self._folder / name
        page.mkdir(parents=True, exist_ok=True)
        wheel = page / f"{name}-{version}-py3-none-any.whl"
        _write_wheel(wheel, name, version, [f"Requires-Dist: {need}" for need in needs], extras)
        links = [
            f'<a href="{file.name}#sha256={_sha256(file)}">{file.name}</a>' for file in page.glob("*.whl")
        ]
        (page / "index.html").write_text("\n".join(["<!DOCTYPE html>", *links]), encoding="utf-8")
        return f"{name}=={version} \\\n    --hash=sha256:{_sha256(wheel)}\n"


def _write_wheel(wheel: Path, name: str, version: str, needs: list[str], extras: tuple[str, ...]) -> None:
    offered = [f"Provides-Extra: {extra}" for extra in extras]
    files = {
        f"{name}.py": "",
        f"{name}-{version}.dist-info/METADATA": "\n".join(
            ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *offered, *needs, ""]
        ),
        f"{name}-{version}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{name}-{version}.dist-info/RECORD"
    lines = [f"{path},sha256={_record_digest(text)},{len(text)}" for path, text in files.items()]
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in {**files, record: "\n".join([*lines, f"{record},,", ""])}.items():
            archive.writestr(path, text)


def _record_digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
