"""VNPAY 2.1.0: the contract, and every form of the IPN."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bank_adapters.vnpay import OUTCOMES, STATUSES, Vnpay
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Outcome, RefundOutcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract import (
    CallbackContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    ReturnContract,
    StatementContract,
)
from tests.banks.examples import AMOUNT
from tests.banks.vnpay_messages import (
    API,
    SECRET,
    STATEMENT,
    a_movement,
    a_section,
    an_ipn,
    answered,
    called_back,
    signed,
)

#: What VNPAY says of a payment, in both of its codes.
WORDS: dict[Outcome | str, dict[str, str]] = {
    Outcome.PAID: {},
    Outcome.DECLINED: {"vnp_ResponseCode": "24", "vnp_TransactionStatus": "02", "vnp_TransactionNo": "0"},
    Outcome.PENDING: {"vnp_TransactionStatus": "01"},
}
#: vnp_TransactionStatus of a refund.
REFUNDS: dict[RefundOutcome | str, str] = {
    RefundOutcome.SUCCEEDED: "00",
    RefundOutcome.PENDING: "05",
    RefundOutcome.FAILED: "09",
}


class TestVnpay(
    CallbackContract, ReturnContract, QueryContract, RefundContract, RefundQueryContract, StatementContract
):
    bank = "vnpay"
    required = frozenset(
        f"BANK_VNPAY_{name}" for name in ("PAY_URL", "API_URL", "TMN_CODE", "SECRET", "STATEMENTS")
    )
    asks_at = refunds_at = refund_asks_at = (("POST", API),)
    retried = frozenset({Answer.NO_SUCH_ORDER, Answer.WRONG_AMOUNT, Answer.NOT_RECORDED})
    refund_outcomes = frozenset({RefundOutcome.PENDING, RefundOutcome.FAILED})

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return called_back(signed(an_ipn(**WORDS.get(outcome, {"vnp_ResponseCode": "42"}), **changes)))

    def heard_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200 or json.loads(reply.body)["RspCode"] not in ("00", "02")

    def returned(self, outcome: Outcome | str) -> bytes:
        return self.callback(outcome).query

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        status = WORDS.get(outcome, {"vnp_TransactionStatus": "42"}).get("vnp_TransactionStatus", "00")
        return answered(a_movement("querydr", vnp_TransactionStatus=status))

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return unbelievable("querydr")

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        status = REFUNDS.get(outcome, "42")
        return answered(a_movement("refund", vnp_TransactionType="02", vnp_TransactionStatus=status))

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return unbelievable("refund") | {
            "another size": answered(a_movement("refund", vnp_TransactionType="03")),
            "another amount": answered(a_movement("refund", vnp_TransactionType="02", vnp_Amount="5000000")),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        status, moment = REFUNDS.get(outcome, "42"), "20261122130002"
        told = {"vnp_TransactionType": "02", "vnp_TransactionStatus": status, "vnp_PayDate": moment}
        return answered(a_movement("querydr", **told))

    def statement_text(self) -> str:
        return STATEMENT

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("code", [*OUTCOMES, "42", "98"])
    @pytest.mark.parametrize("status", [*STATUSES, "03", "42"])
    def test_it_is_paid_or_declined_only_when_both_codes_say_so(
        self, adapter: Vnpay, code: str, status: str
    ) -> None:
        said = adapter.read_callback(
            called_back(signed(an_ipn(vnp_ResponseCode=code, vnp_TransactionStatus=status)))
        )
        declined = {"09", "10", "11", "12", "13", "24", "51", "65", "75", "79", "99"}
        expected = Outcome.PENDING
        if (code, status) == ("00", "00"):
            expected = Outcome.PAID
        elif code in declined and status == "02":
            expected = Outcome.DECLINED
        assert said.outcome is expected

    def test_hex_of_either_case_is_the_same_hash(self, adapter: Vnpay) -> None:
        query, _, given = signed(an_ipn()).rpartition("=")
        assert adapter.read_callback(called_back(f"{query}={given.upper()}")).outcome is Outcome.PAID

    def test_the_order_of_the_fields_does_not_matter(self, adapter: Vnpay) -> None:
        pairs = signed(an_ipn()).split("&")
        assert adapter.read_callback(called_back("&".join(reversed(pairs)))).amount == AMOUNT

    def test_fields_without_a_value_are_not_hashed(self, adapter: Vnpay) -> None:
        said = adapter.read_callback(called_back(signed(an_ipn(vnp_PayDate="")) + "&vnp_PayDate="))
        assert (said.outcome, said.paid_at) == (Outcome.PAID, None)

    def test_no_bank_transaction_is_named_when_no_money_was_taken(self, adapter: Vnpay) -> None:
        assert adapter.read_callback(self.callback(Outcome.DECLINED)).bank_transaction_id is None

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda query: query + "&vnp_TxnRef=K0-1",
            lambda query: query + "&vnp_Amount=15000000",
            lambda query: query + "&" + query.rpartition("&")[2],
            lambda query: query.rpartition("&")[0],
            lambda query: query.rpartition("=")[0] + "=",
            lambda query: query + "&vnp_Note",
            lambda query: query + "&",
            lambda query: query + "&=",
            lambda query: query + "&vnp_Note=x",
            lambda query: query.replace("NCB", "%ff"),
            lambda query: query.replace("NCB", "N%00B"),
            lambda query: query + "&vnp_Note=" + "x" * 9000,
            lambda query: query.replace("vnp_TxnRef", "vnp_Txn%52ef"),
        ],
    )
    def test_a_spoilt_query_is_rejected(self, adapter: Vnpay, spoil: Callable[[str], str]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(spoil(signed(an_ipn()))))

    @pytest.mark.parametrize("named", ["MD5", "SHA256", "HmacSHA512"])
    def test_the_name_of_a_hash_is_outside_of_the_hash_and_chooses_nothing(
        self, adapter: Vnpay, named: str
    ) -> None:
        plain = signed(an_ipn())
        beside = adapter.read_callback(called_back(f"{plain}&vnp_SecureHashType={named}"))
        assert beside == adapter.read_callback(called_back(plain))
        digest = {"MD5": "md5", "SHA256": "sha256"}.get(named, "sha1")
        for other in (
            signed(an_ipn(vnp_SecureHashType=named)),
            signed(an_ipn(), digest=digest) + f"&vnp_SecureHashType={named}",
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(called_back(other))

    @pytest.mark.parametrize("digest", ["md5", "sha1", "sha256"])
    def test_weaker_hashes_are_never_accepted(self, adapter: Vnpay, digest: str) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(an_ipn(), digest=digest)))
        plain = "&".join(f"{name}={value}" for name, value in sorted(an_ipn().items()))
        legacy = hashlib.new(digest, (SECRET + plain).encode()).hexdigest()
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(f"{urlencode(an_ipn())}&vnp_SecureHash={legacy}"))

    def test_another_terminals_message_is_rejected(self, adapter: Vnpay) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(an_ipn(vnp_TmnCode="OTHERTMN"))))

    @pytest.mark.parametrize(
        "changes",
        [
            {"vnp_Amount": "15000050"},
            {"vnp_Amount": "150000.00"},
            {"vnp_Amount": "-15000000"},
            {"vnp_Amount": "015000000"},
            {"vnp_Amount": "00"},
            {"vnp_Amount": ""},
            {"vnp_Amount": "\uff11\uff15\uff10\uff10\uff10"},
            {"vnp_Amount": "1" * 12 + "00"},
            {"vnp_TransactionNo": "0"},
            {"vnp_TransactionNo": ""},
            {"vnp_TransactionStatus": ""},
            {"vnp_ResponseCode": ""},
            {"vnp_ResponseCode": "0 0"},
            {"vnp_TxnRef": ""},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: Vnpay, changes: dict[str, str]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(called_back(signed(an_ipn(**changes))))

    def test_what_the_browser_brings_back_is_read_alike(self, adapter: Vnpay) -> None:
        assert adapter.read_return(signed(an_ipn()).encode()) == adapter.read_callback(
            called_back(signed(an_ipn()))
        )

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (Answer.RECORDED, "00"),
            (Answer.NO_SUCH_ORDER, "01"),
            (Answer.ALREADY_RECORDED, "02"),
            (Answer.WRONG_AMOUNT, "04"),
            (Answer.NOT_RECORDED, "99"),
        ],
    )
    def test_it_answers_in_vnpays_own_codes(self, adapter: Vnpay, answer: Answer, code: str) -> None:
        reply = adapter.acknowledge(answer, self.callback(Outcome.PAID))
        said = json.loads(reply.body)
        assert (reply.status, said["RspCode"]) == (200, code)
        assert set(said) == {"RspCode", "Message"}

    def test_what_it_does_not_believe_it_calls_a_wrong_checksum(self, adapter: Vnpay) -> None:
        reply = adapter.refuse(self.callback(Outcome.PAID))
        assert reply is not None
        assert json.loads(reply.body) == {"RspCode": "97", "Message": "Fail checksum"}


def unbelievable(command: str) -> dict[str, dict[str, Any]]:
    """Answers to ``command`` that are about something else, or signed by somebody else."""
    return {
        "another payment": answered(a_movement(command, vnp_TxnRef="DVAAAAAAAAAAAAAA-1")),
        "another terminal": answered(a_movement(command, vnp_TmnCode="OTHERTMN")),
        "another question": answered(a_movement(command, vnp_Command="pay")),
        "wrong signature": answered(a_movement(command), "ANOTHERSECRETANOTHERSECRET123456"),
        "the other command's signature": answered(
            a_movement(command), signed_as="refund" if command == "querydr" else "querydr"
        ),
    }
