"""A bank's far side as the acceptance kit steers it, over HTTP: see ``bank_adapters/far_side/desk.py``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import requests

from payment_hub.domain.attempt_views import AttemptView
from payment_hub.domain.bank_kit import NotApplicable, NotAsExpected, ToldMessage

_SECONDS: Final = 20
"""How long the bank may take to tell us what it owes."""
_JSON: Final = {"Accept": "application/json"}


class HttpFarEnd:
    """One rail, at its own address on the far side."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def pay(self, attempt: AttemptView, choice: str) -> list[ToldMessage]:
        """Follow the instructions, and wait until the bank has told what it owes, or was not heard."""
        known = self._followed(attempt, choice)
        deadline = time.monotonic() + _SECONDS
        while known["owed"] and all(one["heard"] for one in known["told"]):
            if time.monotonic() > deadline:
                raise NotAsExpected(f"the bank still owes us a message after {_SECONDS} s")
            time.sleep(0.02)
            known = _read(requests.get(self._page(known["reference"]), headers=_JSON, timeout=_SECONDS))
        return [ToldMessage(one["status"], one["body"], one["heard"]) for one in known["told"]]

    def set_mode(self, mode: str) -> int:
        """How its own interface answers from now on."""
        return int(self._post(f"{self._url}/mode", {"mode": mode})["asked"])

    def _followed(self, attempt: AttemptView, choice: str) -> dict[str, Any]:
        if attempt.page_url:
            page = requests.get(attempt.page_url, timeout=_SECONDS)
            if page.status_code != requests.codes.ok:
                raise NotAsExpected(f"the bank's page answers {page.status_code}")
            return self._post(page.url, {"choice": choice})
        if attempt.qr_text:
            return self._post(f"{self._url}/transfer", {"qr_text": attempt.qr_text, "choice": choice})
        if attempt.bill_code:
            return self._post(f"{self._url}/bill", {"bill_code": attempt.bill_code, "choice": choice})
        raise NotAsExpected("the instructions cannot be followed here: no page, no QR text, no bill code")

    def _page(self, reference: str) -> str:
        return f"{self._url}/pay/{quote(reference, safe='')}"

    def _post(self, address: str, wish: Mapping[str, str]) -> dict[str, Any]:
        return _read(requests.post(address, data=wish, headers=_JSON, timeout=_SECONDS))


def _read(answer: requests.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise NotAsExpected(
            f"the far side answers {answer.status_code} without a JSON object at {answer.url}"
        )
    if "not_offered" in said:
        raise NotApplicable(str(said["not_offered"]))
    if answer.status_code != requests.codes.ok:
        raise NotAsExpected(f"the far side answers {answer.status_code}: {said}")
    return said
