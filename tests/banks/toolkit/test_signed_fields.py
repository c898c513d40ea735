"""Our references among unseparated values."""

from __future__ import annotations

import pytest

from bank_adapters.toolkit.signed_fields import require_ours_whole
from payment_hub.domain.errors import CallbackRejected
from tests.banks.examples import ATTEMPT, ORDER

OTHER = "DV00000000000000"
AMOUNT = r"[1-9][0-9]{0,11}\Z"


@pytest.mark.parametrize(
    ("before", "order"),
    [
        ("", ORDER),
        ("BIDV000001", OTHER),
        ("X", ORDER.lower()),
        (f"{ORDER}-", OTHER),
        ("DV", ORDER),
        (ORDER, ORDER),
        ("", "HUB240501000123"),
        (ORDER[:-1], "HS0001"),
        (f"{ORDER[:8]}-{ORDER[8:]}", "1"),
    ],
)
def test_a_whole_reference_and_what_is_none_are_believed(before: str, order: str) -> None:
    require_ours_whole(before, order, "150000", follows=AMOUNT)


@pytest.mark.parametrize(
    ("before", "order", "after"),
    [
        ("T", OTHER[:-1], "0150000"),
        ("T", f"{OTHER}1", "50000"),
        (f"T{OTHER[0]}", OTHER[1:], "150000"),
        (f"T{OTHER}", "1", "50000"),
        ("T", f"{OTHER[:8]}-{OTHER[8:]}", "150000"),
        ("T", f"{OTHER}.", "150000"),
        ("T", f"{OTHER}-1", "150000"),
        ("T", f"{OTHER} {ORDER}"[1:], "150000"),
        ("T", OTHER[:4], f"{OTHER[4:]}150000"),
        ("T", ORDER.replace("0", "O"), "150000"),
    ],
)
def test_a_piece_or_more_than_one_is_not(before: str, order: str, after: str) -> None:
    with pytest.raises(CallbackRejected):
        require_ours_whole(before, order, after, follows=AMOUNT)


@pytest.mark.parametrize("before", ["", "00HUB", "00HUBDV", f"{ORDER}8490000000000HUB"])
def test_an_attempt_is_whole_with_its_number(before: str) -> None:
    require_ours_whole(before, ATTEMPT, "1150000", tail="-[1-9]")
    for order, after in (
        (ORDER, "-11150000"),
        (ORDER[:-1], f"{ORDER[-1]}-1150000"),
        (f"{ATTEMPT}1", "150000"),
        (f"{ORDER}-", "1150000"),
        (f"X{ATTEMPT}", "1150000"),
        ("X", f"1{ATTEMPT}"),
    ):
        with pytest.raises(CallbackRejected):
            require_ours_whole(before, order, after, tail="-[1-9]")
