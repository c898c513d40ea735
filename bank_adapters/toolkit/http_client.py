"""Speaking HTTP to a bank: one kept session, short timeouts, bounded answers, and one kind of failure.

Whatever goes wrong (no route, no answer in time, a redirect, an answer too long or of another status) is
BankUnavailable: after a call that failed we never know what the bank did with it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Final
from urllib.parse import urlencode, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from bank_adapters.toolkit.settings import parse_url
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.timeouts import seconds_to_wait

CONNECT_SECONDS: Final = 1
KEPT_CONNECTIONS: Final = 32
LARGEST_ANSWER: Final = 1 << 20
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What the bank answered: raw bytes, names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpClient:
    """One bank's kept HTTP session.

    ``read_seconds``, or less where the caller's timeout is shorter (``payment_hub.domain.timeouts``), bounds the
    silence of the bank and, doubled, the whole answer.
    """

    def __init__(self, bank: str, *, read_seconds: int) -> None:
        self._bank = bank
        self._read_seconds = read_seconds
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, no .netrc from the surroundings
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=KEPT_CONNECTIONS))
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        expect: Container[int] = (200,),
        largest: int = LARGEST_ANSWER,
    ) -> HttpAnswer:
        """GET ``url``.

        Raises BankUnavailable unless the answer has a status in ``expect`` and at most ``largest`` bytes.
        """
        return self._call("GET", url, headers, None, expect, largest)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str],
        expect: Container[int] = (200,),
        largest: int = LARGEST_ANSWER,
    ) -> HttpAnswer:
        """POST ``body``.

        Raises BankUnavailable unless the answer has a status in ``expect`` and at most ``largest`` bytes.
        """
        return self._call("POST", url, headers, body, expect, largest)

    def post_json(
        self, url: str, fields: Mapping[str, object], *, expect: Container[int] = (200,)
    ) -> HttpAnswer:
        """POST ``fields`` as a JSON object, for banks that sign inside it. Raises BankUnavailable."""
        json_headers = {"Content-Type": "application/json"}
        return self.post(url, json.dumps(fields).encode(), headers=json_headers, expect=expect)

    def post_form(
        self, url: str, fields: Mapping[str, str], *, expect: Container[int] = (200,)
    ) -> HttpAnswer:
        """POST ``fields`` as an HTML form, in the order given. Raises BankUnavailable."""
        form_headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.post(url, urlencode(fields).encode(), headers=form_headers, expect=expect)

    def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        expect: Container[int],
        largest: int,
    ) -> HttpAnswer:
        try:
            with self._session.request(
                method,
                url,
                headers={"Accept-Encoding": "identity", **headers},
                data=body,
                timeout=(CONNECT_SECONDS, seconds_to_wait(self._read_seconds)),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code not in expect:
                    raise BankUnavailable(f"{self._bank} answered {response.status_code}")
                names = {name.lower(): value for name, value in response.headers.items()}
                return HttpAnswer(response.status_code, names, self._read(response, largest))
        except (requests.RequestException, HTTPError, OSError) as error:
            raise BankUnavailable(f"{self._bank} gave no answer ({type(error).__name__})") from error

    def _read(self, response: requests.Response, largest: int) -> bytes:
        deadline = time.monotonic() + 2 * seconds_to_wait(self._read_seconds)
        body = bytearray()
        while chunk := response.raw.read1(_CHUNK):
            body += chunk
            if len(body) > largest:
                raise BankUnavailable(f"{self._bank} answered more than {largest} bytes")
            if time.monotonic() > deadline:
                raise BankUnavailable(f"{self._bank} answers too slowly")
        return bytes(body)


@contextmanager
def reading_answer(bank: str) -> Iterator[None]:
    """An answer that cannot be verified or read is no answer: whatever refuses it inside becomes
    BankUnavailable.
    """
    try:
        yield
    except (CallbackRejected, Malformed) as error:
        raise BankUnavailable(f"{bank} gave an answer that cannot be trusted: {error.detail}") from error


def wire_time() -> datetime:
    """The moment at which bytes leave or arrive, for freshness on the wire only; moments that matter come
    with the request.
    """
    return datetime.fromtimestamp(time.time(), UTC)


_LONGEST_ADDRESS: Final = 4000
_PRINTED: Final = re.compile(r"[!-~]+", re.ASCII)


def parse_page(address: str) -> str:
    """``address`` when a citizen may be sent there: https, or http to this machine; a query and a fragment may follow.

    Raises Malformed for other schemes, for names before the host, and for characters that browsers read differently.
    """
    if len(address) > _LONGEST_ADDRESS or not _PRINTED.fullmatch(address):
        raise Malformed("the page's address is too long or holds what no address can")
    try:
        parts = urlsplit(address)
        parse_url(f"{parts.scheme}://{parts.netloc}{parts.path}")
    except ValueError as error:
        raise Malformed(f"the page's address {error}") from error
    return address
