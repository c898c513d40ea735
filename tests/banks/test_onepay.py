"""OnePay: the contract, and every form of return, IPN and answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import pytest

from bank_adapters.onepay import CODES, OUTCOMES, OnePay
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.contract import CallbackContract, QueryContract, ReturnContract, StatementContract
from tests.banks.examples import ATTEMPT, NOON, a_request
from tests.banks.onepay_messages import (
    PAGE,
    QUERIES,
    STATEMENT,
    a_result,
    a_section,
    answered,
    called_back,
    signature,
    signed,
)

WORDS: dict[Outcome | str, dict[str, str]] = {
    Outcome.PAID: {},
    Outcome.DECLINED: {"vpc_TxnResponseCode": "99", "vpc_TransactionNo": ""},
    Outcome.PENDING: {"vpc_TxnResponseCode": "300"},
}
UNHEARD_OF = {"vpc_TxnResponseCode": "777"}
FOUND = {"vpc_DRExists": "Y"}


class TestOnePay(CallbackContract, ReturnContract, QueryContract, StatementContract):
    bank = "onepay"
    required = frozenset(f"BANK_ONEPAY_{name}" for name in a_section(Path("/tmp")))
    asks_at = (("POST", QUERIES),)
    tells_paid_at: ClassVar[bool] = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return called_back(signed(a_result(**{**WORDS.get(outcome, UNHEARD_OF), **changes})))

    def heard_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200

    def returned(self, outcome: Outcome | str) -> bytes:
        return self.callback(outcome).query

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        return answered({**FOUND, **a_result(**WORDS.get(outcome, UNHEARD_OF))})

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": answered({**FOUND, **a_result(vpc_MerchTxnRef="DVAAAAAAAAAAAAAA-1")}),
            "another merchant": answered({**FOUND, **a_result(vpc_Merchant="OTHER")}),
            "wrong signature": answered({**FOUND, **a_result()}, "00" * 16),
            "no signature": {"body": "vpc_DRExists=Y&vpc_TxnResponseCode=0"},
            "no word whether it exists": answered(a_result()),
            "an odd word whether it exists": answered({**a_result(), "vpc_DRExists": "?"}),
        }

    def statement_text(self) -> str:
        return STATEMENT

    # The page -----------------------------------------------------------------------------------------

    def test_the_address_is_signed_as_a_stranger_would(self, adapter: OnePay) -> None:
        page = adapter.open_payment(a_request(language="en")).page_url or ""
        fields = dict(parse_qsl(urlsplit(page).query, strict_parsing=True))
        given = fields.pop("vpc_SecureHash")
        assert page.startswith(f"{PAGE}?")
        assert given == signature(fields) == given.upper()
        assert (fields["vpc_Amount"], fields["vpc_MerchTxnRef"]) == ("15000000", ATTEMPT)
        assert (fields["vpc_Locale"], fields["vpc_Currency"], fields["vpc_Command"]) == ("en", "VND", "pay")
        assert fields["vpc_TicketNo"] == "203.113.131.1"
        assert "op-pass-word" not in page

    @pytest.mark.parametrize(
        "changes",
        [
            {"description": "Lệ phí"},
            {"description": "a&vpc_TxnResponseCode=0"},
            {"description": "x" * 35},
            {"attempt_reference": "A B"},
            {"attempt_reference": "A" * 35},
            {"return_url": "https://hub.test/a?b=1&vpc_TxnResponseCode=0"},
            {"return_url": "https://hub.test/ a"},
            {"return_url": "https://hub.test/é"},
            {"payer_ip": "1.2.3.4&x"},
            {"amount": dong(0)},
            {"amount": dong(10**10)},
            {"amount": Money(100, "USD")},
        ],
    )
    def test_what_could_be_read_in_two_ways_is_not_sent(
        self, adapter: OnePay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))

    # Being told ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize("code", [*OUTCOMES, "00", "0 ", "f", "D", "777", "No Value Returned"])
    def test_only_0_is_paid_and_silence_is_no_refusal(self, adapter: OnePay, code: str) -> None:
        said = adapter.read_callback(called_back(signed(a_result(vpc_TxnResponseCode=code))))
        waits = {"3", "6", "7", "100", "300", "?"}
        if code == "0":
            assert said.outcome is Outcome.PAID
        else:
            assert said.outcome is (Outcome.DECLINED if code in CODES.keys() - waits else Outcome.PENDING)

    def test_an_ipn_may_be_posted_as_a_form(self, adapter: OnePay) -> None:
        query = signed(a_result())
        posted = adapter.read_callback(called_back(query, "POST"))
        assert posted == adapter.read_callback(called_back(query))

    def test_a_message_in_two_places_is_rejected(self, adapter: OnePay) -> None:
        raw = signed(a_result()).encode()
        for method in ("GET", "POST"):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(CallbackRequest(method, "/callbacks/onepay", raw, {}, raw, NOON))

    def test_only_vpc_and_user_fields_are_signed_and_read(self, adapter: OnePay) -> None:
        plain = adapter.read_callback(called_back(signed(a_result())))
        more = signed(a_result()) + "&AgainLink=x&vpc_Card=&vpc_SecureHashType=SHA256"
        assert adapter.read_callback(called_back(more)) == plain
        assert adapter.read_callback(called_back(signed(a_result(user_Note="x y")))) == plain
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(a_result()) + "&user_Note=x"))

    def test_hex_of_either_case_is_the_same_hash(self, adapter: OnePay) -> None:
        query, _, given = signed(a_result()).rpartition("=")
        assert adapter.read_callback(called_back(f"{query}={given.lower()}")).outcome is Outcome.PAID

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda query: query + "&vpc_MerchTxnRef=K0-1",
            lambda query: query + "&" + query.rpartition("&")[2],
            lambda query: query.rpartition("&")[0],
            lambda query: query.rpartition("=")[0] + "=",
            lambda query: query + "&vpc_Note",
            lambda query: query.replace("970436", "%ff"),
        ],
    )
    def test_a_spoilt_query_is_rejected(self, adapter: OnePay, spoil: Callable[[str], str]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(spoil(signed(a_result()))))

    def test_one_value_cannot_be_cut_into_two(self, adapter: OnePay) -> None:
        """What is signed is the same for two fields and for one whose value holds both."""
        whole = a_result(vpc_Message="x", vpc_OrderInfo="y")
        cut = {**whole, "vpc_Message": "x&vpc_OrderInfo=y"}
        del cut["vpc_OrderInfo"]
        assert signature(cut) == signature({**cut, "vpc_Message": "x", "vpc_OrderInfo": "y"})
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(cut)))

    def test_another_merchants_message_is_rejected(self, adapter: OnePay) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(a_result(vpc_Merchant="OTHER"))))

    def test_our_own_address_is_no_message(self, adapter: OnePay) -> None:
        page = adapter.open_payment(a_request()).page_url or ""
        with pytest.raises(Malformed):
            adapter.read_callback(called_back(urlsplit(page).query))

    @pytest.mark.parametrize(
        "changes",
        [
            {"vpc_Amount": "15000050"},
            {"vpc_Amount": "150000.00"},
            {"vpc_Amount": ""},
            {"vpc_Amount": "0"},
            {"vpc_TransactionNo": "0"},
            {"vpc_TransactionNo": ""},
            {"vpc_TransactionNo": "a b"},
            {"vpc_TxnResponseCode": ""},
            {"vpc_MerchTxnRef": ""},
            {"vpc_CurrencyCode": "USD"},
            {"vpc_Currency": "USD"},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: OnePay, changes: dict[str, str]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(called_back(signed(a_result(**changes))))

    @pytest.mark.parametrize("answer", Answer)
    def test_it_is_told_in_one_line(self, adapter: OnePay, answer: Answer) -> None:
        reply = adapter.acknowledge(answer, self.callback(Outcome.PAID))
        heard = answer is not Answer.NOT_RECORDED
        line = b"responsecode=1&desc=confirm-success" if heard else b"responsecode=0&desc=confirm-fail"
        assert (reply.body, reply.content_type) == (line, "text/plain")
        refusal = adapter.refuse(self.callback(Outcome.PAID))
        assert refusal is not None
        assert refusal.body == b"responsecode=0&desc=confirm-fail"
