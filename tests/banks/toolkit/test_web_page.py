"""Where a citizen may be sent: what a browser could read differently is refused."""

from __future__ import annotations

import pytest

from bank_adapters.toolkit.http_client import parse_page
from payment_hub.domain.errors import Malformed


@pytest.mark.parametrize(
    "address",
    [
        "",
        "None",
        "/pay",
        "//pay.test/x",
        "http://pay.test/x",
        "javascript:alert(1)",
        "shopeevn://pay",
        "https://pay.test@evil.test/",
        "https://pay.test\\@evil.test/",
        "https://pay.test/a b",
        "https://pay.test/\n",
        "https://pay.test/\u00e9",
        "https://[pay.test/",
        "https://pay.test/?" + "x" * 4000,
    ],
)
def test_no_citizen_is_sent_there(address: str) -> None:
    with pytest.raises(Malformed):
        parse_page(address)


@pytest.mark.parametrize(
    "address",
    [
        "https://pay.test/x",
        "https://pay.test:8443/x?a=1&b=%2F#c",
        "http://127.0.0.1:9/pay?x=1",
        "https://pay.test?x",
    ],
)
def test_the_address_stays_as_it_is(address: str) -> None:
    assert parse_page(address) == address
