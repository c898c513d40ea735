"""VNPAY: the address for the citizen and the file of the day."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bank_adapters.vnpay import Vnpay
from payment_hub.domain.banks.values import Movement
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, a_request
from tests.banks.vnpay_messages import STATEMENT, a_section, a_vnpay, signed


def test_the_address_is_signed_as_a_stranger_would(adapter: Vnpay) -> None:
    page = adapter.open_payment(a_request(bank_choice="VNPAYQR", language="en")).page_url
    assert page is not None
    fields = dict(parse_qsl(urlsplit(page).query))
    assert page.startswith("https://vnpay.test/paymentv2/vpcpay.html?")
    given = fields.pop("vnp_SecureHash")
    assert signed(fields).endswith(given)
    assert fields["vnp_Amount"] == "15000000"
    assert fields["vnp_TxnRef"] == ATTEMPT
    assert (fields["vnp_CreateDate"], fields["vnp_ExpireDate"]) == ("20261122120000", "20261122123000")
    assert (fields["vnp_Locale"], fields["vnp_BankCode"], fields["vnp_CurrCode"]) == ("en", "VNPAYQR", "VND")


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "Lệ phí"},
        {"description": "phi (1)"},
        {"description": "a&b"},
        {"description": ""},
        {"attempt_reference": "A B"},
        {"attempt_reference": "A/1"},
        {"return_url": "https://hub.test/~x"},
        {"return_url": "https://hub.test/(1)"},
        {"return_url": "https://hub.test/é"},
        {"bank_choice": "NCB&vnp_Amount=1"},
        {"amount": dong(0)},
        {"amount": dong(-1)},
        {"amount": dong(10**10)},
        {"amount": Money(100, "USD")},
    ],
)
def test_what_encoders_write_differently_is_not_sent(adapter: Vnpay, changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        adapter.open_payment(a_request(**changes))


def test_the_file_of_a_day_shows_what_moved(adapter: Vnpay, tmp_path: Path) -> None:
    statement = with_file(adapter, tmp_path, STATEMENT).fetch_statement(DAY)
    assert statement.raw == STATEMENT.encode()
    first, second = statement.lines
    assert (first.bank_transaction_id, first.reference, first.amount) == ("14422574", ATTEMPT, AMOUNT)
    assert (first.movement, first.booked_at) == (Movement.CREDIT, NOON)
    assert (second.line, second.reference, second.booked_at.hour) == (4, "typed by hand", 16)


def test_a_file_that_is_not_there_yet_is_waited_for(adapter: Vnpay) -> None:
    with pytest.raises(BankUnavailable):
        adapter.fetch_statement(date(2026, 11, 23))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("150000\n", "150.000\n", "line 2, column 7"),
        ("22/11/2026 12:00:00", "2026-11-22 12:00:00", "line 2, column 1"),
        ("22/11/2026 12:00:00", "31/11/2026 12:00:00", "line 2, column 1"),
        (",00,5000", ",07,5000", "line 4, column 6"),
        ("14422576", "", "line 4, column 2"),
        ("NCB,00", "NCB,00,00", "line 2, column 8"),
        ("TRANG_THAI", "STATUS", "line 1, column 7"),
    ],
)
def test_one_bad_cell_refuses_the_whole_file(
    adapter: Vnpay, tmp_path: Path, old: str, new: str, place: str
) -> None:
    assert old in STATEMENT
    with pytest.raises(Malformed, match=place):
        with_file(adapter, tmp_path, STATEMENT.replace(old, new)).fetch_statement(DAY)


def with_file(adapter: Vnpay, folder: Path, text: str) -> Vnpay:
    """The adapter after VNPAY dropped ``text`` as the file of DAY."""
    (folder / f"{DAY}.csv").write_text(text, "utf-8")
    return adapter


@pytest.fixture
def adapter(tmp_path: Path) -> Vnpay:
    return a_vnpay(a_section(tmp_path))
