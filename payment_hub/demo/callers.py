"""The demonstration's calls of the hub and of the sandbox bank, over HTTP."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import requests

from payment_hub.embedded.errors import EmbeddedError

T = TypeVar("T")

SECONDS = 45


class DemoFailed(EmbeddedError):
    """Something did not happen as it should."""


@dataclass(frozen=True, slots=True)
class Caller:
    """One holder of an API key."""

    url: str
    key: str

    def get(self, path: str, **query: str) -> Any:
        """What the hub answers to a GET."""
        return _checked(requests.get(self.url + path, params=query, headers=self._headers(), timeout=30))

    def post(self, path: str, body: Any) -> Any:
        """What the hub answers to a POST with a new idempotency key."""
        headers = {**self._headers(), "Idempotency-Key": str(uuid.uuid4())}
        return _checked(requests.post(self.url + path, json=body, headers=headers, timeout=30))

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def pay_at_bank(bank_url: str, attempt: str) -> None:
    """Press "pay" at the sandbox bank, as a citizen does."""
    answer = requests.post(f"{bank_url}/payments/{attempt}/pay", json={}, timeout=30)
    if not answer.ok:
        raise DemoFailed(f"the bank answers {answer.status_code}: {answer.text[:200]}")


def wait_for(what: str, look: Callable[[], T | None]) -> T:
    """The first value of ``look`` that is not None. Raises DemoFailed when there is none in time."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        value = look()
        if value is not None:
            return value
        time.sleep(0.2)
    raise DemoFailed(f"waited {SECONDS} s for {what}")


def _checked(answer: requests.Response) -> Any:
    if not answer.ok:
        raise DemoFailed(f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}")
    return answer.json()
