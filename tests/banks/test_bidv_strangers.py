"""BIDV as nobody has seen it yet: whatever its page leaves open is believed, whatever its page fixes is kept to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import load_adapters
from bank_adapters.bidv import CODES, Bidv
from payment_hub.domain.banks.values import Bill, Due
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.bidv_messages import SERVICE, a_getbill, a_paybill, a_section, asked, md5, sent
from tests.banks.examples import AMOUNT, ORDER
from tests.banks.jwts import CLAIMS, HS256, SPOILT, a_jwt


def built(folder: Path, **more: str) -> Bidv:
    adapter = load_adapters(["bidv"], {"bidv": a_section(folder) | more})["bidv"]
    assert isinstance(adapter, Bidv)
    return adapter


@pytest.fixture
def adapter(tmp_path: Path) -> Bidv:
    return built(tmp_path)


# What the page leaves open --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trans",
    [
        "7",
        "020097040511221200002026abcdef",
        "FT26327/001234567",
        "BIDV-2026_11.22:0001",
        "B" * 100,
        "9" * 40,
        f"{ORDER}-20261122",
        f"{ORDER}20261122",
        "XDV",
    ],
)
def test_a_transaction_may_have_any_number_that_can_be_printed(adapter: Bidv, trans: str) -> None:
    said = adapter.read_callback(sent(a_paybill(trans=trans)))
    assert (said.bank_transaction_id, said.reference, said.amount) == (trans, ORDER, AMOUNT)


@pytest.mark.parametrize("name", ["amount", "trans_id"])
def test_a_number_is_as_good_as_its_text(adapter: Bidv, name: str) -> None:
    plain = a_paybill(trans="20261122000123")
    number = plain | {name: int(str(plain[name]))}
    assert adapter.read_callback(sent(number)) == adapter.read_callback(sent(plain))


def test_a_service_or_a_customer_may_be_a_number_too(tmp_path: Path) -> None:
    adapter = built(tmp_path, SERVICE_ID="10042")
    question = {"customer_id": 123, "service_id": 10042, "checksum": md5("10042", "123")}
    assert adapter.read_inquiry(asked(question)).reference == "123"


@pytest.mark.parametrize(
    "more", [{"fee": 0.5}, {"rate": 1e-3}, {"channel": None}, {"extra": {"a": [1.25, {}]}}]
)
def test_fields_that_nobody_wrote_down_change_nothing(adapter: Bidv, more: dict[str, Any]) -> None:
    assert adapter.read_callback(sent(a_paybill(**more))) == adapter.read_callback(sent(a_paybill()))
    assert adapter.read_inquiry(asked(a_getbill(**more))) == adapter.read_inquiry(asked(a_getbill()))


def test_a_bill_told_in_small_letters_is_still_the_order(adapter: Bidv) -> None:
    said = adapter.read_callback(sent(a_paybill(bill=ORDER.lower())))
    assert (said.reference, said.amount) == (ORDER.lower(), AMOUNT)


@pytest.mark.parametrize("bill", ["HUB240501000123", "hs_2026/17", "1", "9" * 60])
def test_a_bill_of_nobodys_is_told_as_it_is(adapter: Bidv, bill: str) -> None:
    said = adapter.read_callback(sent(a_paybill(bill=bill)))
    assert (said.reference, said.amount) == (bill, AMOUNT)


@pytest.mark.parametrize(
    "customer", ["Nguyễn Thị Hường", "\u0110V0D", "x" * 400, "0123 456-789/A", f"{ORDER} nộp phạt"]
)
def test_a_customer_that_we_do_not_know_is_asked_for_all_the_same(adapter: Bidv, customer: str) -> None:
    """The answer is 011, not that something is wrong with the question."""
    inquiry = adapter.read_inquiry(asked(a_getbill(customer)))
    assert inquiry.reference == customer
    reply = adapter.answer_inquiry(inquiry, Bill(Due.NO_SUCH_ORDER))
    assert (json.loads(reply.body)["result_code"], reply.status) == ("011", 400)


# What could be cut in two ways ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trans", "bill", "amount"),
    [
        ("BIDV000001", f"{ORDER}-1", "50000"),
        ("BIDV000001", f"{ORDER[:8]}-{ORDER[8:]}", "150000"),
        ("BIDV000001", f"{ORDER}.", "150000"),
        ("BIDV000001", f"x{ORDER}", "150000"),
        (f"1{ORDER}2{ORDER}", "3", "150000"),
    ],
)
def test_what_only_resembles_a_bill_of_ours_is_not_believed(
    adapter: Bidv, trans: str, bill: str, amount: str
) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(sent(a_paybill(trans=trans, bill=bill, amount=amount)))


def test_every_other_cut_of_a_genuine_message_is_refused(adapter: Bidv) -> None:
    genuine = a_paybill()
    whole, believed = f"BIDV000001{ORDER}150000", 0
    for first in range(1, len(whole)):
        for second in range(first + 1, len(whole)):
            cut = {"trans_id": whole[:first], "bill_id": whole[first:second], "amount": whole[second:]}
            try:
                said = adapter.read_callback(sent(genuine | cut))
            except (CallbackRejected, Malformed):
                continue
            believed += 1
            assert said == adapter.read_callback(sent(genuine))
    assert believed == 1


def test_an_order_that_looks_like_another_with_its_amount_is_paid_like_any_other(adapter: Bidv) -> None:
    """DVRHC9QPY4374815 is a reference too, and 91820 an amount: of the two cuts the first is meant."""
    order, amount = "DVK08T7DVRHC9QPY", "437481591820"
    genuine = a_paybill(bill=order, amount=amount)
    said = adapter.read_callback(sent(genuine))
    assert (said.reference, said.amount) == (order, dong(int(amount)))
    other = {"trans_id": "BIDV000001DVK08T7", "bill_id": "DVRHC9QPY4374815", "amount": "91820"}
    assert md5(*other.values()) == genuine["checksum"]
    with pytest.raises(CallbackRejected):
        adapter.read_callback(sent(genuine | other))


def test_of_two_references_the_one_before_an_amount_is_the_bill(adapter: Bidv) -> None:
    said = adapter.read_callback(sent(a_paybill(trans=f"T{ORDER}X")))
    assert (said.reference, said.amount) == (ORDER, AMOUNT)


# What the page fixes --------------------------------------------------------------------------------


def test_all_codes_but_success_and_paid_already_come_with_400() -> None:
    assert {code for code, (status, _) in CODES.items() if status == 200} == {"000", "023"}
    assert {status for status, _ in CODES.values()} == {200, 400}
    page = "000 001 003 004 006 011 012 021 022 023 031"
    assert " ".join(CODES) == page


@pytest.mark.parametrize("due", [Due.PAID, Due.CLOSED])
def test_nothing_to_pay_is_said_with_400(adapter: Bidv, due: Due) -> None:
    reply = adapter.answer_inquiry(adapter.read_inquiry(asked(a_getbill())), Bill(due, ORDER, "", AMOUNT))
    assert (json.loads(reply.body)["result_code"], reply.status) == ("012", 400)


def test_a_bill_names_what_is_lacking_as_text(adapter: Bidv) -> None:
    bill = Bill(Due.PAYABLE, ORDER, "", dong(9_999_999_999), 'Trần "Đức" \\ Ạ', "")
    said = json.loads(adapter.answer_inquiry(adapter.read_inquiry(asked(a_getbill())), bill).body)
    assert (said["data"]["amount"], said["customer_name"]) == ("9999999999", 'Trần "Đức" \\ Ạ')
    assert (said["service_id"], said["data"]["type"]) == (SERVICE, 1)


# Bearer JWT -----------------------------------------------------------------------------------------

KEY = "hub-bidv-jwt-signing-key-0000001"


def test_a_signed_token_opens_the_door_where_that_is_agreed(tmp_path: Path) -> None:
    adapter = built(tmp_path, TOKEN_SECRET=KEY, BEARER="jwt")
    shown = f"Bearer {a_jwt(HS256, CLAIMS, KEY)}"
    assert adapter.read_callback(sent(a_paybill(), authorization=shown)).amount == AMOUNT
    rotated = built(tmp_path, TOKEN_SECRET="another-key-of-the-bank", TOKEN_SECRET_PREVIOUS=KEY, BEARER="jwt")
    assert rotated.read_inquiry(asked(a_getbill(), authorization=shown)).reference == ORDER


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_token_opens_nothing(tmp_path: Path, spoilt: str) -> None:
    adapter = built(tmp_path, TOKEN_SECRET=KEY, BEARER="jwt")
    message = sent(a_paybill(), authorization=f"Bearer {SPOILT[spoilt](KEY)}")
    with pytest.raises(CallbackRejected):
        adapter.read_callback(message)
    reply = adapter.refuse(message)
    assert reply is not None
    assert (json.loads(reply.body)["result_code"], reply.status) == ("003", 400)


def test_a_signed_token_and_an_agreed_word_are_never_taken_for_each_other(tmp_path: Path) -> None:
    signed, agreed = built(tmp_path, TOKEN_SECRET=KEY, BEARER="jwt"), built(tmp_path, TOKEN_SECRET=KEY)
    for adapter, shown in ((signed, KEY), (agreed, a_jwt(HS256, CLAIMS, KEY))):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(a_paybill(), authorization=f"Bearer {shown}"))


def test_no_secret_is_ever_written_out(tmp_path: Path) -> None:
    said = repr(built(tmp_path, TOKEN_SECRET=KEY, BEARER="jwt"))
    assert KEY not in said
    assert a_section(tmp_path)["SECRET"] not in said
