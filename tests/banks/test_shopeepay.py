"""ShopeePay: the contract, the statuses, and the scale of amounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.shopeepay import CHECK, CREATE, REFUND, ShopeePay
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Outcome, RefundOutcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract import (
    BankContract,
    CallbackContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    StatementContract,
)
from tests.banks.examples import ATTEMPT, TRANSACTION
from tests.banks.examples import REFUND as REFUND_REFERENCE
from tests.banks.shopeepay_messages import (
    PAGE,
    REFUND_STATUS,
    SECRET,
    STATUS,
    UNHEARD_OF,
    URL,
    a_section,
    a_transaction,
    answered,
    told,
)


class TestShopeePay(
    CallbackContract, QueryContract, RefundContract, RefundQueryContract, StatementContract, BankContract
):
    bank = "shopeepay"
    required = frozenset(
        f"BANK_SHOPEEPAY_{name}"
        for name in [
            "URL",
            "CLIENT_ID",
            "SECRET",
            "MERCHANT_EXT_ID",
            "STORE_EXT_ID",
            "AMOUNT_SCALE",
            "STATEMENTS",
        ]
    )
    signed_headers = ("x-airpay-req-h",)
    tells_paid_at = False
    opens_at = (("POST", URL + CREATE),)
    asks_at = refund_asks_at = (("POST", URL + CHECK),)
    refunds_at = (("POST", URL + REFUND),)
    refund_outcomes = frozenset({RefundOutcome.PENDING})

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return answered({"redirect_url_http": PAGE})

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        return {
            "wrong signature": answered({"redirect_url_http": PAGE}, "another secret"),
            "refused": answered({"errcode": 11, "redirect_url_http": PAGE}),
            "errcode as text": answered({"errcode": "0", "redirect_url_http": PAGE}),
            "another request's": answered({"request_id": "another", "redirect_url_http": PAGE}),
            "a page of another scheme": answered({"redirect_url_http": "shopee://pay"}),
            "a page with a name before its host": answered(
                {"redirect_url_http": "https://shopee.vn@evil.test/"}
            ),
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        status = STATUS.get(outcome, UNHEARD_OF) if isinstance(outcome, Outcome) else UNHEARD_OF
        return told(a_transaction(status=status, **changes))

    def heard_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200 or json.loads(reply.body)["errcode"] != 0

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        status = STATUS[outcome] if isinstance(outcome, Outcome) else UNHEARD_OF
        return answered({"transaction": a_transaction(status=status)}, SECRET)

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": answered({"transaction": a_transaction(reference_id="DV0-1")}, SECRET),
            "wrong signature": answered({"transaction": a_transaction()}, "another secret"),
            "a refund": answered({"transaction": a_transaction(transaction_type=15)}),
            "refused": answered({"errcode": 7, "transaction": a_transaction()}),
            "paid without a number": answered({"transaction": a_transaction(transaction_sn="")}),
            "paid, not whole dong": answered({"transaction": a_transaction(amount=15_000_050)}),
            "two references": answered({"transaction": a_transaction(payment_reference_id="DV0-1")}),
            "no transaction": answered({}),
        }

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return answered({"errcode": 0 if outcome == RefundOutcome.PENDING else 99, "refund_sn": "RF1"})

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another refund": answered({"refund_reference_id": "RF0-1"}),
            "wrong signature": answered({"refund_sn": "RF1"}, "another secret"),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        status = REFUND_STATUS[outcome] if isinstance(outcome, RefundOutcome) else UNHEARD_OF
        said = a_transaction(reference_id=REFUND_REFERENCE, transaction_type=15, status=status)
        return answered({"transaction": said}, SECRET)

    def statement_text(self) -> str:
        return (
            "booked_at,transaction_id,reference,amount,status\n"
            f"2026-11-22 12:00:00,{TRANSACTION},{ATTEMPT},150000,3\n"
            "2026-11-22 12:01:00,FT2,DV0-1,70000,4\n"
            "2026-11-22 23:59:59,FT3,typed by hand,5000,3\n"
        )

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("fields", "outcome"),
        [
            ({"status": 1}, Outcome.PENDING),
            ({"status": 2}, Outcome.PENDING),
            ({"status": 3}, Outcome.PAID),
            ({"status": 6}, Outcome.DECLINED),
            ({"status": 7}, Outcome.DECLINED),
            ({"status": 5}, Outcome.PENDING),
            ({"status": None, "transaction_status": 3}, Outcome.PAID),
            ({"status": None, "payment_status": 1}, Outcome.PAID),
            ({"status": None, "payment_status": 3}, Outcome.PENDING),
            ({"status": 3, "payment_status": 6}, Outcome.PENDING),
            ({"status": 3, "transaction_status": 2}, Outcome.PENDING),
            ({"refund_reference_id": "RF1"}, Outcome.PENDING),
            ({"transaction_type": 15}, Outcome.PENDING),
            ({"transaction_type": 1001}, Outcome.PENDING),
        ],
    )
    def test_paid_is_what_every_status_calls_paid(
        self, adapter: ShopeePay, fields: dict[str, Any], outcome: Outcome
    ) -> None:
        said = adapter.read_callback(told(a_transaction(**fields)))
        assert said.outcome is outcome
        assert (said.amount is None) is (outcome is not Outcome.PAID)

    def test_either_name_of_the_reference_is_read(self, adapter: ShopeePay) -> None:
        said = adapter.read_callback(told(a_transaction(reference_id=None, payment_reference_id=ATTEMPT)))
        assert said.reference == ATTEMPT

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": 15_000_001},
            {"amount": 0},
            {"amount": -15_000_000},
            {"amount": "15000000.0"},
            {"amount": True},
            {"amount": None},
            {"transaction_sn": None},
            {"transaction_sn": "0"},
            {"status": "three"},
            {"status": None},
            {"reference_id": None},
            {"payment_reference_id": "DV0-1"},
        ],
    )
    def test_a_genuine_notice_that_makes_no_sense_is_malformed(
        self, adapter: ShopeePay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(told(a_transaction(**changes)))

    @pytest.mark.parametrize("changes", [{"merchant_ext_id": "OTHER"}, {"store_ext_id": "HUB02"}])
    def test_another_shops_notice_is_rejected(self, adapter: ShopeePay, changes: dict[str, Any]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(told(a_transaction(**changes)))

    @pytest.mark.parametrize(("answer", "errcode"), [(Answer.RECORDED, 0), (Answer.NOT_RECORDED, -1)])
    def test_it_answers_with_an_errcode(self, adapter: ShopeePay, answer: Answer, errcode: int) -> None:
        assert json.loads(adapter.acknowledge(answer, told({})).body)["errcode"] == errcode
