"""MoMo v2: the contract, and what each resultCode means where it is told."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest

from bank_adapters.momo import RESULTS, Momo
from bank_adapters.toolkit.emv_qr import write_vietqr
from payment_hub.domain.banks.values import CallbackRequest, Outcome, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.contract import (
    CallbackContract,
    CancelContract,
    CaptureContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    ReturnContract,
    StatementContract,
)
from tests.banks.contract import refunds as refund_contract
from tests.banks.examples import AMOUNT, a_refund, a_request
from tests.banks.faults import Failing, refuses
from tests.banks.momo_messages import (
    CONFIRM,
    CREATE,
    DEEPLINK,
    NUMBER,
    PAGE,
    QUERY,
    REFUND,
    REFUND_NUMBER,
    STATEMENT,
    a_notice,
    a_section,
    answering,
    listing,
    opened,
    signed,
    told,
)

CODES: dict[Any, int] = {Outcome.PAID: 0, Outcome.DECLINED: 1006, Outcome.PENDING: 1000}
REFUND_CODES: dict[Any, int] = {
    RefundOutcome.SUCCEEDED: 0,
    RefundOutcome.FAILED: 1081,
    RefundOutcome.PENDING: 7002,
}
UNHEARD_OF = 7777


class TestMomo(
    CallbackContract,
    ReturnContract,
    QueryContract,
    CancelContract,
    CaptureContract,
    RefundContract,
    RefundQueryContract,
    StatementContract,
):
    bank = "momo"
    required = frozenset(
        f"BANK_MOMO_{name}"
        for name in ("URL", "PARTNER_CODE", "ACCESS_KEY", "SECRET", "STATEMENTS", "PUBLIC_URL")
    )
    opens_at = (("POST", CREATE),)
    asks_at = refund_asks_at = (("POST", QUERY),)
    cancels_at = captures_at = (("POST", CONFIRM),)
    refunds_at = (("POST", REFUND),)
    signs_answers = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> Any:
        return opened()

    def unbelievable_openings(self) -> dict[str, Any]:
        return {
            "another payment": opened(orderId="K0-1"),
            "another partner": opened(partnerCode="OTHER"),
            "another request": opened(requestId="K0-1.create"),
            "no page": opened(payUrl=None),
            "a page elsewhere": opened(payUrl="http://momo.test/pay"),
            "a page that is a program": opened(payUrl="javascript:alert(1)"),
            "no code": opened(resultCode=None),
            "a code as text": opened(resultCode="0"),
            "a broken QR text": opened(qrCodeUrl="00020101021238"),
            "a QR text of another amount": opened(
                qrCodeUrl=write_vietqr(bank_bin="971025", number="PSP1", amount=dong(15_000), purpose="DV1")
            ),
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        number = NUMBER if outcome is Outcome.PAID else 0
        fields = a_notice(resultCode=CODES.get(outcome, UNHEARD_OF), transId=number)
        return told(signed(fields | changes))

    def returned(self, outcome: Outcome | str) -> bytes:
        return urlencode(json.loads(self.callback(outcome).body)).encode()

    def query_answer(self, outcome: Outcome | str) -> Any:
        number = NUMBER if outcome is Outcome.PAID else 0
        return answering(CODES.get(outcome, UNHEARD_OF), amount=150_000, transId=number, refundTrans=[])

    def unbelievable_answers(self) -> dict[str, Any]:
        paid = partial(answering, 0, amount=150_000, transId=NUMBER)
        return {
            "another payment": paid(orderId="K0-1"),
            "another partner": paid(partnerCode="OTHER"),
            "an answer to another question": paid(requestId="K0-1.query"),
            "no transaction": paid(transId=0),
            "no amount": paid(amount=None),
            "an amount with a fraction": paid(amount=150000.5),
            "a truth value": paid(amount=True),
        }

    def cancel_answer(self, outcome: Outcome | str) -> Any:
        return answering(0 if outcome is Outcome.DECLINED else UNHEARD_OF, amount=150_000, transId=NUMBER)

    def capture_answer(self, outcome: Outcome | str) -> Any:
        return answering(0 if outcome is Outcome.PAID else UNHEARD_OF, amount=150_000, transId=NUMBER)

    def refund_answer(self, outcome: RefundOutcome | str) -> Any:
        return answering(REFUND_CODES.get(outcome, UNHEARD_OF), amount=150_000, transId=REFUND_NUMBER)

    def unbelievable_refund_answers(self) -> dict[str, Any]:
        return {
            "another refund": answering(0, orderId="RF-another"),
            "an answer to another question": answering(0, requestId="RF-another.refund"),
            "no code": answering(0, resultCode=None),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> Any:
        return listing(REFUND_CODES.get(outcome, UNHEARD_OF))

    def statement_text(self) -> str:
        return STATEMENT

    @pytest.fixture(autouse=True)
    def transactions_are_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """MoMo's transaction is a number; the contract's refund names one of letters."""
        numbered = partial(a_refund, bank_transaction_id=str(NUMBER))
        monkeypatch.setattr(refund_contract, "a_refund", numbered)

    # The return -------------------------------------------------------------------------------------

    def test_a_return_is_decoded_as_a_form_before_it_is_verified(self, adapter: Momo) -> None:
        fields = signed(a_notice(orderInfo="Lệ phí 1+1 + 2%"))
        query = "&".join(f"{name}={quote_plus(str(value))}" for name, value in fields.items())
        assert "+" in query
        assert adapter.read_return(query.encode()) == adapter.read_callback(told(fields))
        literal = query.replace("1%2B1", "1+1")  # a plus sent as it is means a space: not what was signed
        with pytest.raises(CallbackRejected):
            adapter.read_return(literal.encode())

    # The notice -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("name", ["orderInfo", "message", "extraData", "payType", "requestId"])
    @pytest.mark.parametrize(
        "value",
        ["", None, "Lệ phí 1+1 %20 a=b|c", "\"'\\ / & \U0001f600\u2028", "eyJhIjoxfQ==", "&a=", "x" * 4000],
    )
    def test_a_value_is_signed_as_it_is(self, adapter: Momo, name: str, value: str | None) -> None:
        fields = signed(a_notice(**{name: value or ""})) | {name: value}
        if value is None:
            assert (
                adapter.read_callback(told({k: v for k, v in fields.items() if k != name})).amount == AMOUNT
            )
        assert adapter.read_callback(told(fields)).amount == AMOUNT
        for changes in ({"amount": 150_001}, {"transId": NUMBER + 1}, {"resultCode": 1006}, {name: "other"}):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(told(fields | changes))

    @pytest.mark.parametrize(
        "more",
        [
            {"amount": "150000", "transId": str(NUMBER), "resultCode": "0"},
            {"partnerUserId": None, "userFee": 0, "promotionInfo": [{"amount": 1.5}], "rate": 0.25},
            {"accessKey": "F8BBA842ECF85", "storeId": {"a": None}},
        ],
    )
    def test_other_fields_and_numbers_as_text_change_nothing(
        self, adapter: Momo, more: dict[str, Any]
    ) -> None:
        assert adapter.read_callback(told(signed(a_notice()) | more)) == adapter.read_callback(
            self.callback(Outcome.PAID)
        )

    # Opening ----------------------------------------------------------------------------------------

    def test_the_payer_is_told_three_ways(self, adapter: Momo) -> None:
        given = self.opened(adapter)
        assert (given.page_url, given.app_link, given.qr_text) == (PAGE, DEEPLINK, DEEPLINK)

    @pytest.mark.parametrize("code", [code for code in map(int, RESULTS) if code] + [UNHEARD_OF])
    def test_whatever_is_not_success_opens_nothing_and_ends_nothing(self, adapter: Momo, code: int) -> None:
        for status in (200, 400, 422):
            with Failing(self.opens_at, answering(code, status=status, payUrl=PAGE)):
                assert refuses(BankUnavailable, lambda: adapter.open_payment(a_request()))

    def test_a_qr_text_that_is_only_an_address_is_left_out(self, adapter: Momo) -> None:
        with Failing(self.opens_at, opened(qrCodeUrl="https://momo.test/qr/1", deeplink="")):
            given = adapter.open_payment(a_request())
        assert (given.page_url, given.app_link, given.qr_text) == (PAGE, None, None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": "-K0-1"},
            {"attempt_reference": "K0-1-"},
            {"attempt_reference": "K" * 51},
            {"attempt_reference": "K0/1"},
            {"description": "a&orderId=K0-1"},
            {"description": "a\nb"},
            {"description": ""},
            {"return_url": "momo://app"},
            {"return_url": "https://hub.test/a b"},
            {"amount": dong(999)},
            {"amount": dong(50_000_001)},
        ],
    )
    def test_what_momo_cannot_carry_is_not_sent(self, adapter: Momo, changes: dict[str, Any]) -> None:
        with pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))
