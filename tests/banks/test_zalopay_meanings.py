"""ZaloPay v2: what each code of the protocol's page says of an order, when we ask about one."""

from __future__ import annotations

from pathlib import Path

from bank_adapters import load_adapters
from bank_adapters.zalopay import CODES
from payment_hub.domain.banks.port import CanQuery
from payment_hub.domain.errors import BankUnavailable
from tests.banks.examples import a_query
from tests.banks.faults import Failing
from tests.banks.zalopay_messages import NUMBER, QUERY, a_section, answered

PAID, DECLINED, PENDING = "PAID", "DECLINED", "PENDING"
REFUSED = "REFUSED"
"""The question was refused: of the order it says nothing."""

#: return_code of OrderQueryResponse in specs/zlp.yaml, and what it says of the order.
RETURN_CODES = {
    1: PAID,
    2: DECLINED,
    3: PENDING,
    -401: REFUSED,
    -402: REFUSED,
    -403: REFUSED,
    -405: REFUSED,
    -429: REFUSED,
    -500: REFUSED,
    406: PENDING,  # an illegal status: whose, the page does not say
}
#: sub_return_code of OrderQueryResponse, OrderCreateResponse and RefundQueryResponse there, below a return_code of 2.
SUB_RETURN_CODES = {
    -32: REFUSED,
    -33: REFUSED,
    -34: REFUSED,
    -35: REFUSED,
    -43: REFUSED,
    -68: REFUSED,
    -88: REFUSED,
    -101: DECLINED,
    -135: REFUSED,
    -301: REFUSED,
    -322: DECLINED,
    -329: DECLINED,
    -401: REFUSED,
    -402: REFUSED,
    -500: REFUSED,
}
#: Not on the page: seen in answers.
SEEN = {-54: DECLINED, -999: REFUSED}


def meant(adapter: CanQuery, code: int, sub: int) -> str:
    with Failing((("POST", QUERY),), answered(code, sub, amount=150_000, zp_trans_id=NUMBER)):
        try:
            return adapter.query_payment(a_query()).outcome.value
        except BankUnavailable:
            return REFUSED


def test_every_code_of_the_protocols_page_means_what_the_page_says(tmp_path: Path) -> None:
    adapter = load_adapters(["zalopay"], {"zalopay": a_section(tmp_path)})["zalopay"]
    assert isinstance(adapter, CanQuery)
    assert {code: meant(adapter, code, 0) for code in RETURN_CODES} == RETURN_CODES
    subs = SUB_RETURN_CODES | SEEN
    assert {sub: meant(adapter, 2, sub) for sub in subs} == subs


def test_our_words_are_for_the_codes_of_the_page_and_no_others() -> None:
    of_the_page = {*RETURN_CODES, *SUB_RETURN_CODES, *SEEN} - {406}
    assert set(CODES) == {str(code) for code in of_the_page}
    assert all(word.strip() for word in CODES.values())
