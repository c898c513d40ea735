"""KeyPay v3: the contract, callbacks that prove nothing but that something happened, and what is asked instead."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.keypay import KeyPay
from payment_hub.domain.banks.port import CanQueryRefund, TakesCallbacks
from payment_hub.domain.banks.values import Answer, CallbackRequest, Instructions, Outcome, RefundOutcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.contract import (
    BankContract,
    CallbackContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    StatementContract,
)
from tests.banks.examples import (
    AMOUNT,
    ATTEMPT,
    ORDER,
    TRANSACTION,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)
from tests.banks.faults import Failing
from tests.banks.keypay_messages import (
    CLIENT,
    CREATE,
    DETAIL,
    GIVEN_BACK,
    KEY_1,
    PAGE,
    REFUND_DETAIL,
    REFUNDS,
    STATEMENT,
    a_callback,
    a_section,
    check_sum,
    created,
    detail,
    given_back,
    refund_detail,
    sent,
)

STATUSES: dict[Any, str] = {
    Outcome.PAID: "0",
    Outcome.DECLINED: "2",
    RefundOutcome.SUCCEEDED: "0",
    RefundOutcome.FAILED: "2",
}


class TestKeyPay(
    CallbackContract, QueryContract, RefundContract, RefundQueryContract, StatementContract, BankContract
):
    bank = "keypay"
    required = frozenset(
        f"BANK_KEYPAY_{name}"
        for name in (
            *("CREATE_URL", "DETAIL_URL", "REFUND_URL", "REFUND_DETAIL_URL"),
            *("CLIENT_ID", "SECRET", "SECRET_RECEIVED", "STATEMENTS"),
        )
    )
    opens_at = (("POST", CREATE),)
    asks_at = (("POST", DETAIL),)
    refunds_at = (("POST", REFUNDS),)
    refund_asks_at = (("POST", REFUND_DETAIL),)
    secret_names = ("SECRET_RECEIVED",)
    tells_declined = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return created()

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": created(f"{ORDER}-2"),
            "no page": created(url_pay=None),
            "a page of no web": created(url_pay="javascript:alert(1)"),
            "an error": {"json": {"error": "3", "msg": "duplicate", "data": None}},
            "an error that is none": {"json": {"error": 0, "data": None}},
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return sent(a_callback(**changes))

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        return detail(status=STATUSES.get(outcome, "1" if outcome is Outcome.PENDING else "77"))

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        signed_by_key_1 = detail()["json"]
        signed_by_key_1["data"]["check_sum"] = check_sum(CLIENT, "PAY", ATTEMPT, key=KEY_1)
        return {
            "another payment": detail(f"{ORDER}-2"),
            "wrong signature": {"json": signed_by_key_1},
            "paid without a number": detail(transaction_code=None),
            "no amount": detail(trans_amount=None),
            "no status": detail(status=None),
            "an error": {"json": {"error": "1", "msg": "not found"}},
            "no data": {"json": {"error": "0"}},
        }

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return given_back(a_refund().description, status=STATUSES.get(outcome, "1"))

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another refund": given_back("Hoan phi khac"),
            "no number": given_back("", transaction_refund_code=None),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return refund_detail(status=STATUSES.get(outcome, "1"))

    def statement_text(self) -> str:
        return STATEMENT

    @pytest.fixture(autouse=True)
    def knows_the_refunds_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """KeyPay is asked about a refund by its own number, which it gave when it took it."""
        numbered = partial(a_refund_query, bank_refund_id=GIVEN_BACK)
        monkeypatch.setattr("tests.banks.contract.refunds.a_refund_query", numbered)

    # What a callback is -----------------------------------------------------------------------------

    def test_it_reads_that_a_payment_was_made(self, adapter: TakesCallbacks) -> None:
        """It reads that something happened: neither status nor number is signed."""
        said = adapter.read_callback(self.callback(Outcome.PAID))
        assert (said.outcome, said.reference, said.amount) == (Outcome.PENDING, ATTEMPT, AMOUNT)
        assert (said.bank_transaction_id, said.paid_at, said.code, said.key) == (None, None, "", 0)

    def test_the_key_before_is_still_believed(self, tmp_path: Path) -> None:
        said = self.keyed(tmp_path, "rotated").read_callback(self.callback(Outcome.PAID))
        assert (said.reference, said.key) == (ATTEMPT, 1)

    @pytest.mark.parametrize(
        "unsigned", [{"status": 1}, {"status": "0"}, {"transaction_code": "KP9"}, {"paid": True}]
    )
    def test_a_failed_payment_cannot_be_rewritten_into_a_paid_one(
        self, adapter: KeyPay, unsigned: dict[str, Any]
    ) -> None:
        plain = adapter.read_callback(sent(a_callback()))
        assert adapter.read_callback(sent(a_callback() | unsigned)) == plain

    def test_our_own_question_is_no_callback(self, adapter: KeyPay) -> None:
        """The same values are signed in both directions, by different keys."""
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(a_callback(KEY_1)))

    def test_callbacks_may_be_agreed_to_come_under_key_1_and_then_under_no_other(
        self, tmp_path: Path
    ) -> None:
        older = a_section(tmp_path) | {"CALLBACKS_BY": "key1"}
        assert self.built(older).read_callback(sent(a_callback(KEY_1))).key == 0
        with pytest.raises(CallbackRejected):
            self.built(older).read_callback(sent(a_callback()))
        rotated = older | {"SECRET": "hub-keypay-key-1-000002", "SECRET_PREVIOUS": KEY_1}
        assert self.built(rotated).read_callback(sent(a_callback(KEY_1))).key == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": "HUB02"},
            {"command": "REFUND"},
            {"version": "2.0"},
            {"trans_amount": "0"},
            {"trans_amount": "150000.00"},
            {"trans_amount": "-1"},
            {"trans_amount": ""},
            {"transaction_id": ""},
            {"transaction_id": "DV 1"},
            {"transaction_id": f"{ATTEMPT}|3.0"},
        ],
    )
    def test_a_signed_message_that_is_not_about_a_payment_of_ours_is_refused(
        self, adapter: KeyPay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(a_callback(**changes)))

    def test_a_number_is_as_good_as_its_text(self, adapter: KeyPay) -> None:
        assert adapter.read_callback(sent(a_callback(trans_amount=150_000))).amount == AMOUNT

    @pytest.mark.parametrize("answer", Answer)
    def test_it_answers_in_keypays_words(self, adapter: KeyPay, answer: Answer) -> None:
        said = json.loads(adapter.acknowledge(answer, sent(a_callback())).body)
        assert said["return_code"] == (-1 if answer is Answer.NOT_RECORDED else 0)
        refusal = adapter.refuse(sent({}))
        assert refusal is not None
        assert (refusal.status, json.loads(refusal.body)["return_code"]) == (200, -1)

    # What is asked instead --------------------------------------------------------------------------

    def test_the_page_is_the_one_that_keypay_names(self, adapter: KeyPay) -> None:
        assert self.opened(adapter) == Instructions(page_url=PAGE, bank_reference=TRANSACTION)
        with Failing(self.opens_at, created(transaction_code=None)):
            assert adapter.open_payment(a_request()).bank_reference is None

    def test_what_is_paid_is_what_keypay_says_was_paid(self, adapter: KeyPay) -> None:
        with Failing(self.asks_at, detail(trans_amount=149_000)):
            said = adapter.query_payment(a_query())
        assert (said.outcome, said.amount, said.bank_transaction_id) == (
            Outcome.PAID,
            dong(149_000),
            TRANSACTION,
        )

    @pytest.mark.parametrize("status", ["1", "2", "00", "-1", "PAID", "success"])
    def test_without_a_contract_no_other_word_means_anything(self, tmp_path: Path, status: str) -> None:
        unsaid = {name: text for name, text in a_section(tmp_path).items() if not name.endswith("_STATUS")}
        adapter = self.built(unsaid)
        with Failing(self.asks_at, detail(status=status)):
            assert adapter.query_payment(a_query()).outcome is Outcome.PENDING
        with Failing(self.refund_asks_at, refund_detail(status=status)):
            assert (
                adapter.query_refund(a_refund_query(bank_refund_id=GIVEN_BACK)).outcome
                is RefundOutcome.PENDING
            )

    def test_paid_can_never_be_set_to_mean_failed(self, tmp_path: Path) -> None:
        adapter = self.built(a_section(tmp_path) | {"DECLINED_STATUS": "0"})
        with Failing(self.asks_at, detail()):
            assert adapter.query_payment(a_query()).outcome is Outcome.PAID

    def test_a_refund_with_an_error_is_neither_made_nor_refused(self, adapter: KeyPay) -> None:
        with Failing(self.refunds_at, {"json": {"error": "5", "msg": "refunded already"}}):
            said = adapter.refund_payment(a_refund())
        assert (said.outcome, said.code, said.bank_refund_id) == (RefundOutcome.PENDING, "5", None)

    def test_a_refund_without_a_number_is_never_asked_about(self, adapter: CanQueryRefund) -> None:
        """That says nothing about the bank's health: nothing has left."""
        with pytest.raises(Malformed, match="no number"):
            adapter.query_refund(a_refund_query())
