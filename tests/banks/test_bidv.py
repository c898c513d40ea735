"""BIDV bill collection: the contract, and every way in which a message can be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import responses

from bank_adapters.bidv import CODES, Bidv
from payment_hub.domain.banks.values import Answer, Bill, CallbackRequest, Due, Instructions, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money
from tests.banks.bidv_messages import (
    SECRET,
    SERVICE,
    STATEMENT,
    TOKEN,
    a_getbill,
    a_paybill,
    a_section,
    asked,
    md5,
    sent,
)
from tests.banks.contract import BankContract, CallbackContract, InquiryContract, StatementContract
from tests.banks.examples import AMOUNT, ATTEMPT, ORDER, a_request


class TestBidv(CallbackContract, InquiryContract, StatementContract, BankContract):
    bank = "bidv"
    required = frozenset(
        f"BANK_BIDV_{name}" for name in ("SERVICE_ID", "SECRET", "TOKEN_SECRET", "STATEMENTS")
    )
    signed_headers = ("authorization",)
    tells_paid_at = False
    tells_declined = False
    retried = frozenset({Answer.NOT_RECORDED, Answer.NO_SUCH_ORDER, Answer.WRONG_AMOUNT})
    inquiry_answers: ClassVar[dict[Due, str]] = {
        Due.PAYABLE: '"000"',
        Due.PAID: '"012"',
        Due.CLOSED: '"012"',
        Due.AMOUNT_DIFFERS: '"022"',
        Due.NO_SUCH_ORDER: '"011"',
    }

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return sent(a_paybill(**changes))

    def inquiry(self, **changes: Any) -> CallbackRequest:
        return asked(a_getbill(**changes))

    def statement_text(self) -> str:
        return STATEMENT

    # Opening ----------------------------------------------------------------------------------------

    def test_the_payer_is_told_the_orders_reference(self, adapter: Bidv) -> None:
        with responses.RequestsMock():
            assert adapter.open_payment(a_request()) == Instructions(bill_code=ORDER)

    # Being told -------------------------------------------------------------------------------------

    def test_what_is_not_signed_is_no_fact(self, adapter: Bidv) -> None:
        plain = adapter.read_callback(sent(a_paybill()))
        for changes in (
            {"customer_id": "DV00000000000000"},
            {"trans_date": "19990101000000"},
            {"trans_date": None},
            {"additionalData1": "x" * 400},
            {"payer_name": "NGUYEN VAN A"},
        ):
            assert adapter.read_callback(sent(a_paybill(**changes))) == plain
        assert (plain.paid_at, plain.payer, plain.number) == (None, None, None)
        assert (plain.reference, plain.bank_transaction_id) == (ORDER, "BIDV000001")

    @pytest.mark.parametrize(
        ("trans", "bill", "amount"),
        [
            ("BIDV000001", f"{ORDER}1", "50000"),
            ("BIDV000001", f"{ORDER}15", "0000"),
            ("BIDV000001", ORDER[:-1], f"{ORDER[-1]}150000"),
            ("BIDV00000", f"1{ORDER}", "150000"),
            ("BIDV000001D", ORDER[1:], "150000"),
            (f"BIDV000001{ORDER[:4]}", ORDER[4:], "150000"),
            (f"BIDV000001{ORDER}", "1", "50000"),
        ],
    )
    def test_a_genuine_message_cut_in_other_places_is_not_believed(
        self, adapter: Bidv, trans: str, bill: str, amount: str
    ) -> None:
        """Nothing stands between the values, so all of these have the same checksum."""
        genuine = a_paybill()
        cut = genuine | {"trans_id": trans, "bill_id": bill, "amount": amount}
        assert md5(trans, bill, amount) == genuine["checksum"]
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(cut))

    @pytest.mark.parametrize(
        "amount",
        [
            "0",
            "-150000",
            "150000.00",
            "150,000",
            "0150000",
            "1" * 13,
            " 150000",
            "\u0661\u0665",
            "15e4",
            "VND",
        ],
    )
    def test_a_signed_amount_that_is_no_plain_dong_is_refused(self, adapter: Bidv, amount: str) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(a_paybill(amount=amount)))

    def test_an_amount_that_is_neither_text_nor_number_is_refused(self, adapter: Bidv) -> None:
        for amount in ([150_000], {"value": "150000"}, True, None, 150_000.5):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(sent(a_paybill() | {"amount": amount}))

    @pytest.mark.parametrize("trans", ["", " ", "BIDV 000001", "BIDV1\n", "B" * 101, "BIDV\u0110001"])
    def test_a_transaction_without_a_proper_number_is_refused(self, adapter: Bidv, trans: str) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(a_paybill(trans=trans)))

    def test_a_checksum_of_the_other_message_is_none_of_this_one(self, adapter: Bidv) -> None:
        for fields in (
            a_paybill(checksum=md5(SERVICE, ORDER)),
            a_paybill(checksum=md5("BIDV000001", ORDER, "150000", secret="other-secret-of-bidv")),
            a_paybill(checksum=md5("BIDV000001" + ORDER + "150000" + SECRET, secret="")),
            a_paybill(checksum=""),
            a_paybill(checksum=7),
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(sent(fields))

    @pytest.mark.parametrize(
        "shown",
        [
            "",
            "Bearer",
            "Bearer ",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            TOKEN,
            f"Bearer  {TOKEN}",
        ],
    )
    def test_without_the_token_nothing_is_believed(self, adapter: Bidv, shown: str) -> None:
        for read, message in (
            (adapter.read_callback, sent(a_paybill(), authorization=shown)),
            (adapter.read_inquiry, asked(a_getbill(), authorization=shown)),
        ):
            with pytest.raises(CallbackRejected):
                read(message)

    def test_the_token_before_still_opens_the_door(self, tmp_path: Path) -> None:
        changed = a_section(tmp_path) | {
            "TOKEN_SECRET": "a-new-token-of-bidv",
            "TOKEN_SECRET_PREVIOUS": TOKEN,
        }
        assert self.built(changed).read_callback(sent(a_paybill())).key == 0

    # Our words --------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("fields", "headers", "code"),
        [
            (a_paybill(), {"authorization": "Bearer other"}, "003"),
            (a_paybill(amount="150001", checksum=md5("BIDV000001", ORDER, "150000")), {}, "004"),
            (a_paybill(service_id="HUB002"), {}, "006"),
            (a_paybill(bill_id=None), {}, "001"),
            (a_paybill(amount="15e4"), {}, "001"),
            (b"{", {}, "001"),
        ],
    )
    def test_a_refusal_names_the_code_of_what_is_wrong(
        self, adapter: Bidv, fields: Any, headers: dict[str, str], code: str
    ) -> None:
        reply = adapter.refuse(sent(fields, **headers))
        assert reply is not None
        assert (json.loads(reply.body)["result_code"], reply.status) == (code, 400)

    def test_a_refused_question_is_answered_by_its_own_rules(self, adapter: Bidv) -> None:
        for fields, code in (
            (a_getbill(checksum=md5(ORDER, SERVICE)), "004"),
            (a_paybill(customer_id=None), "001"),
        ):
            reply = adapter.refuse(asked(fields))
            assert reply is not None
            assert json.loads(reply.body)["result_code"] == code

    @pytest.mark.parametrize(
        ("answer", "code", "status"),
        [
            (Answer.RECORDED, "000", 200),
            (Answer.ALREADY_RECORDED, "023", 200),
            (Answer.NO_SUCH_ORDER, "021", 400),
            (Answer.WRONG_AMOUNT, "022", 400),
            (Answer.NOT_RECORDED, "031", 400),
        ],
    )
    def test_it_answers_in_bidvs_codes(self, adapter: Bidv, answer: Answer, code: str, status: int) -> None:
        reply = adapter.acknowledge(answer, sent(a_paybill()))
        assert (json.loads(reply.body)["result_code"], reply.status) == (code, status)
        assert set(json.loads(reply.body)) == {"result_code", "result_desc"}

    def test_every_code_stands_in_the_profile(self, adapter: Bidv) -> None:
        assert adapter.profile.codes == {code: words for code, (_, words) in CODES.items()}

    # Being asked ------------------------------------------------------------------------------------

    def test_a_bill_is_told_whole(self, adapter: Bidv) -> None:
        bill = Bill(Due.PAYABLE, ORDER, ATTEMPT, AMOUNT, "Nguyễn Thị Hường", "Le phi")
        reply = adapter.answer_inquiry(adapter.read_inquiry(asked(a_getbill(f"  {ORDER}"))), bill)
        assert json.loads(reply.body) == {
            "result_code": "000",
            "result_desc": "success",
            "service_id": SERVICE,
            "customer_id": f"  {ORDER}",
            "customer_name": "Nguyễn Thị Hường",
            "customer_addr": "",
            "data": {"type": 1, "amount": "150000", "bill_id": ORDER},
        }

    @pytest.mark.parametrize("due", [due for due in Due if due is not Due.PAYABLE])
    def test_what_must_not_be_paid_is_not_described(self, adapter: Bidv, due: Due) -> None:
        bill = Bill(due, ORDER, ATTEMPT, AMOUNT, "Nguyễn Thị Hường", "Le phi")
        reply = adapter.answer_inquiry(adapter.read_inquiry(asked(a_getbill())), bill)
        assert set(json.loads(reply.body)) == {"result_code", "result_desc"}

    @pytest.mark.parametrize("amount", [None, Money(100, "USD")])
    def test_what_is_not_owed_in_dong_cannot_be_paid_here(self, adapter: Bidv, amount: Money | None) -> None:
        inquiry = adapter.read_inquiry(asked(a_getbill()))
        reply = adapter.answer_inquiry(inquiry, Bill(Due.PAYABLE, ORDER, "", amount))
        assert json.loads(reply.body)["result_code"] == "012"

    @pytest.mark.parametrize("customer", ["", "x" * 401, "DV\n1", "DV\x00", "DV\x7f"])
    def test_a_customer_that_nobody_can_type_is_refused(self, adapter: Bidv, customer: str) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_inquiry(asked(a_getbill(customer)))
