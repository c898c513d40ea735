"""payOS: what a link may hold, how it is opened, and how it is closed."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.payos import STATUSES, Payos
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import NOON, NUMBER, ORDER, TRANSACTION, a_query, a_request
from tests.banks.faults import Failing
from tests.banks.payos_messages import (
    LINK,
    LINK_ID,
    LINKS,
    a_link,
    a_section,
    an_opening,
    answered,
    digest,
    in_link,
)

ASKED_AT, CANCELLED_AT = (("GET", LINK),), (("POST", f"{LINK}/cancel"),)


def payos(folder: Path, **changes: str) -> Payos:
    """The adapter from its settings."""
    adapter = load_adapters(["payos"], {"payos": a_section(folder, **changes)})["payos"]
    assert isinstance(adapter, Payos)
    return adapter


@pytest.fixture
def adapter(tmp_path: Path) -> Payos:
    return payos(tmp_path)


@pytest.mark.parametrize("status", [*STATUSES, "UNDER_REVIEW"])
def test_an_empty_link_is_what_its_status_says(adapter: Payos, status: str) -> None:
    over = status in ("CANCELLED", "EXPIRED", "FAILED")
    assert of_link(adapter, a_link(status=status)).outcome is (Outcome.DECLINED if over else Outcome.PENDING)


@pytest.mark.parametrize("status", ["UNDERPAID", "CANCELLED", "EXPIRED", "PENDING"])
def test_money_in_a_link_is_money_whatever_became_of_the_link(adapter: Payos, status: str) -> None:
    said = of_link(adapter, a_link(in_link(amount=100_000), status=status))
    assert (said.outcome, said.amount) == (Outcome.PAID, dong(100_000))
    assert (said.bank_transaction_id, said.paid_at) == (TRANSACTION, NOON)


def test_several_transfers_are_left_to_their_callbacks(adapter: Payos) -> None:
    both = (in_link(amount=100_000), in_link(amount=50_000, reference="FT2"))
    for status in ("PAID", "CANCELLED"):
        said = of_link(adapter, a_link(*both, status=status))
        assert (said.outcome, said.amount) == (Outcome.PENDING, None)


def test_a_cancelled_link_with_money_in_it_is_paid(adapter: Payos) -> None:
    with Failing(CANCELLED_AT, answered(a_link(in_link(), status="CANCELLED"))):
        assert adapter.cancel_payment(a_query()).outcome is Outcome.PAID


def of_link(adapter: Payos, link: dict[str, Any]) -> Any:
    with Failing(ASKED_AT, answered(link)):
        return adapter.query_payment(a_query())


def test_a_link_that_was_opened_before_is_given_again(adapter: Payos) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", LINKS, json={"code": "231", "desc": "Đơn thanh toán đã tồn tại"})
        wire.add("GET", LINK, **answered(a_link(status="PENDING")))
        given = adapter.open_payment(a_request())
    assert (given.page_url, given.bank_reference) == (f"https://pay.payos.vn/web/{LINK_ID}", LINK_ID)


@pytest.mark.parametrize(
    "link",
    [
        answered(a_link(status="CANCELLED")),
        answered(a_link(in_link())),
        answered(a_link(status="PENDING", amount=150001)),
        answered(a_link(status="PENDING", orderCode=1)),
        answered(a_link(status="PENDING"), secret="another-secret-of-payos"),
    ],
)
def test_another_link_under_our_number_is_not_given(adapter: Payos, link: dict[str, Any]) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", LINKS, json={"code": "231", "desc": "exists"})
        wire.add("GET", LINK, **link)
        with pytest.raises(BankUnavailable):
            adapter.open_payment(a_request())


@pytest.mark.parametrize(
    ("length", "changes", "said"),
    [
        ("9", {}, str(NUMBER)),
        ("16", {}, ORDER),
        ("25", {}, f"Le phi {ORDER}"),
        ("9", {"description": "ABC456"}, "ABC456"),
    ],
)
def test_the_transfers_text_is_the_most_that_fits(
    tmp_path: Path, length: str, changes: dict[str, Any], said: str
) -> None:
    body = sent(payos(tmp_path, DESCRIPTION_LENGTH=length), **changes)
    assert body["description"] == said
    names = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
    assert body["signature"] == digest("&".join(f"{name}={body[name]}" for name in names))
    assert body["expiredAt"] == int(NOON.timestamp()) + 1800


def test_a_payment_that_may_be_completed_late_has_no_end(adapter: Payos) -> None:
    assert "expiredAt" not in sent(adapter, expires_at=NOON - timedelta(days=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"number": -1},
        {"number": 2**53},
        {"number": 1234567890},
        {"return_url": "https://hub.test/a b"},
        {"return_url": "javascript:x"},
    ],
)
def test_what_it_cannot_carry_never_leaves(adapter: Payos, changes: dict[str, Any]) -> None:
    with responses.RequestsMock(), pytest.raises(Malformed):
        adapter.open_payment(a_request(**changes))


def sent(adapter: Payos, **changes: Any) -> Any:
    """The body of an opening; who we are stands in the headers."""
    with responses.RequestsMock() as wire:
        wire.add("POST", LINKS, **answered(an_opening()))
        adapter.open_payment(a_request(**changes))
        asked = wire.calls[0].request
    assert (asked.headers["x-client-id"], asked.headers["x-api-key"]) == (
        "client-1",
        "api-key-of-the-channel",
    )
    return json.loads(asked.body or b"")
