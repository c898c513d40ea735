"""The address of a bank's page, as the bank answers it."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from bank_adapters.toolkit.settings import a_url
from payment_hub.domain.errors import Malformed

_LONGEST: Final = 4000
_PRINTED: Final = re.compile(r"[!-~]+", re.ASCII)


def a_web_page(address: str) -> str:
    """``address`` when a citizen may be sent there: https, or http to this machine; a query and a fragment may follow.

    Raises Malformed for other schemes, for names before the host, and for characters that browsers read differently.
    """
    if len(address) > _LONGEST or not _PRINTED.fullmatch(address):
        raise Malformed("the page's address is too long or holds what no address can")
    try:
        parts = urlsplit(address)
        a_url(f"{parts.scheme}://{parts.netloc}{parts.path}")
    except ValueError as error:
        raise Malformed(f"the page's address {error}") from error
    return address
