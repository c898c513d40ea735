"""payOS: the contract, every form of its messages, and what a link may hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.payos import Payos
from payment_hub.domain.banks.values import CallbackRequest, Outcome, PayerAccount, RefundOutcome
from payment_hub.domain.errors import Malformed
from payment_hub.domain.judgement import judge
from payment_hub.domain.money import dong
from payment_hub.domain.settlement import ConfirmationContext, Disposition
from tests.banks.contract import CallbackContract, CancelContract, QueryContract, StatementContract
from tests.banks.contract.refunds import RefundContract, RefundQueryContract
from tests.banks.examples import AMOUNT, NOON, NUMBER, ORDER, TRANSACTION
from tests.banks.payos_messages import (
    LINK,
    LINKS,
    PAYOUTS,
    STATEMENT,
    a_link,
    a_payout,
    a_section,
    a_transfer,
    an_opening,
    answered,
    in_link,
    paid_out,
    told,
)

STATES = {
    RefundOutcome.SUCCEEDED: "SUCCEEDED",
    RefundOutcome.FAILED: "FAILED",
    RefundOutcome.PENDING: "PROCESSING",
}


class TestPayos(
    CallbackContract, QueryContract, CancelContract, StatementContract, RefundContract, RefundQueryContract
):
    bank = "payos"
    required = frozenset(
        f"BANK_PAYOS_{name}" for name in ("URL", "CLIENT_ID", "API_KEY", "SECRET", "STATEMENTS")
    )
    tells_declined = False
    opens_at = (("POST", LINKS),)
    asks_at = (("GET", LINK),)
    cancels_at = (("POST", f"{LINK}/cancel"),)
    refunds_at = (("POST", PAYOUTS),)
    refund_asks_at = (("GET", PAYOUTS),)

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return answered(an_opening())

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        other_code = an_opening()["qrCode"].replace("150000", "150001")
        return {
            "another payment": answered(an_opening(orderCode=NUMBER + 1)),
            "another amount": answered(an_opening(amount=150001)),
            "a broken code": answered(an_opening(qrCode=other_code)),
            "a page of nobody": answered(an_opening(checkoutUrl="javascript:alert(1)")),
            "wrong signature": answered(an_opening(), secret="another-secret-of-payos"),
            "no signature": answered(an_opening(), signature=None),
            "a refusal": {"status": 200, "json": {"code": "20", "desc": "Mô tả tối đa 25 kí tự"}},
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return told(a_transfer(**changes))

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        links = {
            Outcome.PAID: a_link(in_link()),
            Outcome.DECLINED: a_link(status="EXPIRED"),
            Outcome.PENDING: a_link(status="PENDING"),
        }
        known = {str(word): link for word, link in links.items()}
        return answered(known.get(str(outcome), a_link(in_link(), status="UNDER_REVIEW")))

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": answered(a_link(in_link(), orderCode=NUMBER + 1)),
            "wrong signature": answered(a_link(in_link()), secret="another-secret-of-payos"),
            "no signature": answered(a_link(in_link()), signature=None),
            "a sum that is not its parts": answered(a_link(in_link(), amountPaid=150001)),
            "nothing paid": answered(a_link(in_link(amount=0))),
            "unknown": {"status": 200, "json": {"code": "101", "desc": "Mã thanh toán không tồn tại"}},
        }

    def cancel_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        status = "CANCELLED" if outcome is Outcome.DECLINED else "UNDER_REVIEW"
        return answered(a_link(status=status, cancellationReason="Huy"))

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return paid_out(
            a_payout({str(word): state for word, state in STATES.items()}.get(str(outcome), "LOST"))
        )

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        (transfer,) = a_payout()["transactions"]
        return {
            "another refund": paid_out(a_payout(referenceId="RF-other")),
            "another amount": paid_out(a_payout(transactions=[transfer | {"amount": 1}])),
            "two transfers": paid_out(a_payout(transactions=[transfer, transfer])),
            "wrong signature": paid_out(a_payout(), secret="another-secret-of-payos"),
            "the other channel's signature": paid_out(a_payout(), secret=a_section(Path())["SECRET"]),
            "no signature": paid_out(a_payout()) | {"headers": {}},
            "a refusal": paid_out(a_payout(), code="701"),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        state = {str(word): state for word, state in STATES.items()}.get(str(outcome), "LOST")
        return paid_out({"pagination": {"total": 1}, "payouts": [a_payout(state)]})

    def statement_text(self) -> str:
        return STATEMENT

    # Being told -------------------------------------------------------------------------------------

    def test_it_tells_from_whom_the_money_came(self, adapter: Payos) -> None:
        said = adapter.read_callback(self.callback(Outcome.PAID))
        assert said.payer == PayerAccount("0011012345678", "970403", "CTY A & B")
        assert (said.number, said.bank_transaction_id) == (NUMBER, TRANSACTION)

    def test_what_the_payer_typed_leads_to_no_order(self, adapter: Payos) -> None:
        assert ORDER not in adapter.read_callback(self.callback(Outcome.PAID)).reference

    def test_each_transfer_into_a_link_is_money_of_its_own(self, adapter: Payos) -> None:
        one = adapter.read_callback(self.callback(Outcome.PAID, amount=100_000))
        rest = adapter.read_callback(self.callback(Outcome.PAID, amount=50_000, reference="FT2"))
        assert one.event_id != rest.event_id
        assert one.bank_transaction_id != rest.bank_transaction_id
        assert (one.amount, rest.amount) == (dong(100_000), dong(50_000))

    def test_a_code_that_nobody_documented_is_pending(self, adapter: Payos) -> None:
        said = adapter.read_callback(self.callback("unheard of", code="07"))
        assert (said.outcome, said.code, said.amount) == (Outcome.PENDING, "07", None)
        assert said.event_id != adapter.read_callback(self.callback(Outcome.PAID)).event_id

    def test_what_stands_around_the_data_is_not_believed(self, adapter: Payos) -> None:
        genuine = self.callback(Outcome.PAID)
        around = json.loads(genuine.body) | {"code": "01", "success": False, "amount": 1}
        assert adapter.read_callback(replace(genuine, body=json.dumps(around).encode())).amount == AMOUNT

    @pytest.mark.parametrize("reference", ["TF230204212323", "MA_GIAO_DICH_THU_NGHIEM"])
    def test_the_trial_message_makes_no_money(self, adapter: Payos, reference: str) -> None:
        said = adapter.read_callback(self.callback(Outcome.PAID, reference=reference, description="VQRIO123"))
        assert (said.outcome, said.amount, said.number) == (Outcome.PENDING, None, None)
        judged = judge(said, ConfirmationContext(order=None, previous=(), collection=None), NOON)
        assert (judged.disposition, judged.collects) == (Disposition.ORPHAN, False)

    @pytest.mark.parametrize("word", [None, "", "null", "undefined"])
    def test_nothing_is_signed_as_nothing(self, adapter: Payos, word: str | None) -> None:
        assert adapter.read_callback(self.callback(Outcome.PAID, desc=word)).amount == AMOUNT

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": 0},
            {"amount": -1},
            {"amount": "150000"},
            {"orderCode": str(NUMBER)},
            {"currency": "USD"},
            {"reference": ""},
            {"paymentLinkId": "a/b"},
            {"reference": "FT1&x=1"},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: Payos, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, **changes))
