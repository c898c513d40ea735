"""The reference page stands on files of our own, which are what they were when they were taken in."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from flask.testing import FlaskClient

STATIC = Path(__file__).resolve().parents[2] / "payment_hub" / "web" / "static"


def test_the_vendored_files_are_as_recorded_and_carry_their_licence() -> None:
    folder = STATIC / "swagger-ui"
    lines = (folder / "SHA256SUMS").read_text().splitlines()
    recorded = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert {"swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"} == set(recorded)
    for name, digest in recorded.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    assert "Apache License" in (folder / "LICENSE").read_text()


def test_the_page_asks_only_for_our_own_files_and_all_of_them_are_there(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    asked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/reference.js"} <= set(asked)
    for address in asked:
        answer = client.get(address)
        assert address.startswith("/")
        assert answer.status_code == 200, address
        answer.close()
    assert "<style" not in page.text
    assert not re.search(r"<script(?![^>]*src=)", page.text)


def test_no_other_file_is_served(client: FlaskClient) -> None:
    for name in ("LICENSE", "SHA256SUMS", "..%2Fapp.py", "%2e%2e/app.py", ".", "swagger-ui.css/"):
        assert client.get(f"/docs/{name}").status_code == 404
