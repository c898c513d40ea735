"""ZaloPay v2: the contract, the opening of an order and its return."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bank_adapters.zalopay import ZaloPay
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Outcome, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.contract import (
    CallbackContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    ReturnContract,
    StatementContract,
)
from tests.banks.contract import refunds as refund_contract
from tests.banks.examples import ATTEMPT, NOON, a_refund, a_request
from tests.banks.faults import Failing, refuses
from tests.banks.zalopay_messages import (
    CREATE,
    NUMBER,
    PAGE,
    QUERY,
    QUERY_REFUND,
    REFUND,
    REFUND_NUMBER,
    STATEMENT,
    a_return,
    a_section,
    an_order,
    answered,
    told,
)

CODES: dict[Any, int] = {Outcome.PAID: 1, Outcome.DECLINED: 2, Outcome.PENDING: 3}
REFUND_CODES: dict[Any, int] = {
    RefundOutcome.SUCCEEDED: 1,
    RefundOutcome.FAILED: 2,
    RefundOutcome.PENDING: 3,
}
UNHEARD_OF = 4


class TestZaloPay(
    CallbackContract,
    ReturnContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    StatementContract,
):
    bank = "zalopay"
    required = frozenset(
        f"BANK_ZALOPAY_{name}" for name in ("URL", "APP_ID", "SECRET", "REQUEST_SECRET", "STATEMENTS")
    )
    opens_at = (("POST", CREATE),)
    asks_at = (("POST", QUERY),)
    refunds_at = (("POST", REFUND),)
    refund_asks_at = (("POST", QUERY_REFUND),)
    tells_declined = False
    signs_answers = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return answered(1, order_url=PAGE, zp_trans_token="ACj1a2b3c4")

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        return {
            "no page": answered(1),
            "a page elsewhere": answered(1, order_url="http://zalopay.test/pay"),
            "a page that is a program": answered(1, order_url="javascript:alert(1)"),
            "no code": answered(None, order_url=PAGE),
            "a code as text": answered("1", order_url=PAGE),
            "a truth value": answered(True, order_url=PAGE),
            "a token that is a list": answered(1, order_url=PAGE, zp_trans_token=["x"]),
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        assert outcome is Outcome.PAID, "ZaloPay calls for nothing else"
        return told(an_order(**changes))

    def heard_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200 or json.loads(reply.body)["return_code"] == 0

    def returned(self, outcome: Outcome | str) -> bytes:
        return urlencode(a_return(status=CODES.get(outcome, UNHEARD_OF))).encode()

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        paid = {"zp_trans_id": NUMBER} if outcome is Outcome.PAID else {"zp_trans_id": 0}
        return answered(CODES.get(outcome, UNHEARD_OF), is_processing=False, amount=150_000, **paid)

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        paid = partial(answered, 1, amount=150_000, zp_trans_id=NUMBER)
        return {
            "another payment": paid(amount=150_001),
            "no amount": paid(amount=None),
            "an amount as text": paid(amount="150000"),
            "no transaction": paid(zp_trans_id=0),
            "a transaction below nothing": paid(zp_trans_id=-5),
            "a transaction as a list": paid(zp_trans_id=[NUMBER]),
            "no code": answered(None, amount=150_000, zp_trans_id=NUMBER),
            "a code with a fraction": answered(1.0, amount=150_000, zp_trans_id=NUMBER),
        }

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return answered(REFUND_CODES.get(outcome, UNHEARD_OF), refund_id=REFUND_NUMBER)

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "no code": answered(None, refund_id=REFUND_NUMBER),
            "a code as text": answered("1", refund_id=REFUND_NUMBER),
            "a reason as a list": answered(2, [-401]),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return self.refund_answer(outcome)

    def statement_text(self) -> str:
        return STATEMENT

    @pytest.fixture(autouse=True)
    def it_is_noon(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """On the wire, as in the requests."""
        monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: NOON)

    @pytest.fixture(autouse=True)
    def transactions_are_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """ZaloPay's transaction is a number; the contract's refund names one of letters."""
        numbered = partial(a_refund, bank_transaction_id=str(NUMBER))
        monkeypatch.setattr(refund_contract, "a_refund", numbered)

    # Opening ----------------------------------------------------------------------------------------

    def test_the_payer_is_told_the_page_and_we_keep_the_token(self, adapter: ZaloPay) -> None:
        given = self.opened(adapter)
        assert (given.page_url, given.bank_reference) == (PAGE, "ACj1a2b3c4")

    @pytest.mark.parametrize(
        ("code", "sub"), [(2, -68), (2, -401), (2, -500), (2, 0), (3, 1), (0, 0), (-429, 0)]
    )
    def test_whatever_is_not_success_opens_nothing_and_ends_nothing(
        self, adapter: ZaloPay, code: int, sub: int
    ) -> None:
        """-68: the order exists. The attempt was opened before, and is asked about; never opened twice."""
        with Failing(self.opens_at, answered(code, sub, order_url=PAGE)):
            assert refuses(BankUnavailable, lambda: adapter.open_payment(a_request()))

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": "K" * 34},
            {"attempt_reference": "K|1"},
            {"attempt_reference": ""},
            {"description": "a|b"},
            {"description": "a\nb"},
            {"description": ""},
            {"return_url": "https://hub.test/a|b"},
            {"return_url": "javascript:alert(1)"},
            {"bank_choice": "CC|1"},
            {"amount": dong(0)},
            {"amount": Money(100, "USD")},
            {"expires_at": NOON + timedelta(seconds=299)},
        ],
    )
    def test_what_zalopay_cannot_carry_is_not_sent(self, adapter: ZaloPay, changes: dict[str, Any]) -> None:
        with pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))

    # The return -------------------------------------------------------------------------------------

    def test_a_return_is_for_display_and_names_no_transaction(self, adapter: ZaloPay) -> None:
        said = adapter.read_return(urlencode(a_return()).encode())
        assert (said.reference, said.amount, said.bank_transaction_id) == (ATTEMPT, dong(150_000), None)
        assert (said.outcome, said.key) == (Outcome.PAID, 0)

    @pytest.mark.parametrize("changes", [{"appid": 2554}, {"apptransid": "261122_a|b"}, {"bankcode": "a|"}])
    def test_another_apps_or_an_ambiguous_return_is_rejected(
        self, adapter: ZaloPay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_return(urlencode(a_return(**changes)).encode())

    def test_a_callbacks_mac_is_no_checksum(self, adapter: ZaloPay) -> None:
        """What key1 signs is not what key2 signs, and an empty checksum is none."""
        for checksum in ("", "0" * 64, "x"):
            with pytest.raises(CallbackRejected):
                adapter.read_return(urlencode(a_return() | {"checksum": checksum}).encode())

    # The answer -------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (Answer.RECORDED, 1),
            (Answer.ALREADY_RECORDED, 2),
            (Answer.NO_SUCH_ORDER, 1),
            (Answer.WRONG_AMOUNT, 1),
            (Answer.NOT_RECORDED, 0),
        ],
    )
    def test_it_answers_in_zalopays_own_codes(self, adapter: ZaloPay, answer: Answer, code: int) -> None:
        reply = adapter.acknowledge(answer, told(an_order()))
        assert (reply.status, json.loads(reply.body)["return_code"]) == (200, code)
        assert set(json.loads(reply.body)) == {"return_code", "return_message"}

    def test_what_is_not_believed_is_answered_with_a_wrong_mac(self, adapter: ZaloPay) -> None:
        reply = adapter.refuse(told(an_order(), key="another-key"))
        assert reply is not None
        assert (reply.status, json.loads(reply.body)["return_code"]) == (200, -1)

    @pytest.mark.parametrize("changes", [{"amount": None}, {"zp_trans_id": 0}, {"app_id": 1}])
    def test_what_is_signed_and_cannot_be_read_is_asked_for_again(
        self, adapter: ZaloPay, changes: dict[str, Any]
    ) -> None:
        """It is stored nowhere: -1 would end the retries."""
        for message in (told(an_order(**changes)), told(an_order(), type=2), told("[]")):
            with pytest.raises((Malformed, CallbackRejected)):
                adapter.read_callback(message)
            assert self.heard_again(adapter.refuse(message))  # type: ignore[arg-type]
