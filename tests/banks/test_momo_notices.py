"""MoMo v2: notices with a good signature that are not believed all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from payment_hub.domain.banks.port import TakesCallbacks
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import CallbackRejected
from tests.banks.momo_messages import PARTNER, a_notice, a_section, signed, told


@pytest.fixture
def adapter(tmp_path: Path) -> TakesCallbacks:
    found = load_adapters(["momo"], {"momo": a_section(tmp_path)})["momo"]
    assert isinstance(found, TakesCallbacks)
    return found


@pytest.mark.parametrize("partner", ["OTHER", PARTNER.lower(), f"{PARTNER} ", ""])
def test_another_partners_notice_is_rejected(adapter: TakesCallbacks, partner: str) -> None:
    assert adapter.read_callback(told(signed(a_notice()))).outcome is Outcome.PAID
    with pytest.raises(CallbackRejected):
        adapter.read_callback(told(signed(a_notice(partnerCode=partner))))


@pytest.mark.parametrize(
    "cut",
    [
        # All of them sign the same text as a notice whose information is "Le phi&orderType=x".
        {"orderInfo": "Le phi&orderType=x", "orderType": "momo_wallet"},
        {"orderInfo": "Le phi", "orderType": "x&orderType=momo_wallet"},
        {"extraData": "&message=Thành công.&orderId=K0-1"},
        {"message": "x&resultCode=0"},
    ],
)
def test_a_value_that_could_be_read_as_another_field_is_rejected(
    adapter: TakesCallbacks, cut: dict[str, Any]
) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(told(signed(a_notice(**cut))))
