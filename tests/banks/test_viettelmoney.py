"""Viettel Money: the contract, and every way in which a signed message can be cut, mixed up or spoilt."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, ClassVar

import pytest

from bank_adapters.viettelmoney import OUTCOMES, ViettelMoney
from payment_hub.domain.banks.values import CallbackRequest, Due, Outcome, PayerAccount, RefundOutcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract import (
    BankContract,
    CallbackContract,
    InquiryContract,
    QueryContract,
    RefundContract,
    StatementContract,
)
from tests.banks.examples import ATTEMPT, ORDER
from tests.banks.viettelmoney_messages import (
    API,
    MERCHANT,
    NUMBER,
    STATEMENT,
    a_question,
    a_result,
    a_section,
    answered,
    asked,
    check_sum,
    refunded,
    sent,
    signed,
)

#: What Viettel says of a payment: its status, its error_code, and whether it has a number.
SAID: dict[Outcome | str, dict[str, str]] = {
    Outcome.PAID: {},
    Outcome.DECLINED: {"payment_status": "5", "error_code": "V06", "vt_transaction_id": ""},
    Outcome.PENDING: {"payment_status": "0", "vt_transaction_id": ""},
    "unheard of": {"payment_status": "9"},
}


class TestViettelMoney(
    CallbackContract, InquiryContract, QueryContract, RefundContract, StatementContract, BankContract
):
    bank = "viettelmoney"
    required = frozenset(
        f"BANK_VIETTELMONEY_{name}"
        for name in ("PAY_URL", "API_URL", "MERCHANT_CODE", "ACCESS_SECRET", "SECRET", "STATEMENTS")
    )
    asks_at = refunds_at = (("POST", API),)
    tells_paid_at = False
    inquiry_answers: ClassVar[dict[Due, str]] = {
        Due.PAYABLE: '"error_code": "00"',
        Due.PAID: '"error_code": "03"',
        Due.CLOSED: '"error_code": "03"',
        Due.AMOUNT_DIFFERS: '"error_code": "01"',
        Due.NO_SUCH_ORDER: '"error_code": "01"',
    }

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return sent(signed(a_result(**SAID[outcome] | changes)))

    def inquiry(self, **changes: Any) -> CallbackRequest:
        return asked(signed(a_question(**changes)))

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        return answered(**SAID[outcome])

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        genuine = answered()["json"]
        return {
            "another payment": answered(order_id=f"{ORDER}-2"),
            "another merchant": answered(merchant_code="OTHER"),
            "another version": answered(version="1.0"),
            "wrong signature": {"json": genuine | {"check_sum": check_sum(a_result())}},
            "no signature": {"json": {name: genuine[name] for name in genuine if name != "check_sum"}},
            "another's signature": {"json": genuine | signed({"order_id": ATTEMPT}, secret="other-hash-key")},
            "paid without a number": answered(vt_transaction_id=""),
            "a number of two words": answered(vt_transaction_id="123 45"),
            "a status of two digits": answered(payment_status="11"),
        }

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        codes: dict[RefundOutcome | str, str] = {
            RefundOutcome.SUCCEEDED: "00",
            RefundOutcome.FAILED: "17",
            RefundOutcome.PENDING: "813",
        }
        return refunded(error_code=codes.get(outcome, "ZZ9"))

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another refund": refunded(order_id=f"{ORDER}-2"),
            "wrong signature": {"json": refunded()["json"] | {"error_code": "17"}},
            "an answer to a query": answered(),
        }

    def statement_text(self) -> str:
        return STATEMENT

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("status", [*OUTCOMES, "4", "9"])
    @pytest.mark.parametrize("code", ["00", "V06", "99", "ZZ"])
    def test_it_is_paid_only_when_both_codes_say_so(
        self, adapter: ViettelMoney, status: str, code: str
    ) -> None:
        said = adapter.read_callback(sent(signed(a_result(payment_status=status, error_code=code))))
        expected = {
            "1": Outcome.PAID if code == "00" else Outcome.PENDING,
            "2": Outcome.DECLINED,
            "5": Outcome.DECLINED,
        }
        assert said.outcome is expected.get(status, Outcome.PENDING)
        assert said.code == f"{status}/{code}"

    def test_who_paid_is_told(self, adapter: ViettelMoney) -> None:
        assert adapter.read_callback(sent(signed(a_result()))).payer == PayerAccount("84900000000")
        assert adapter.read_callback(sent(signed(a_result(cust_msisdn="")))).payer is None

    @pytest.mark.parametrize(
        "cut",
        [
            {"order_id": f"{ATTEMPT}1", "trans_amount": "50000"},
            {"order_id": f"{ATTEMPT}11", "payment_status": "5", "trans_amount": "0000"},
            {"order_id": ORDER, "payment_status": "-1", "trans_amount": "1150000"},
            {"error_code": f"00{MERCHANT}{ORDER}", "merchant_code": "", "order_id": "-1"},
            {"trans_amount": f"150000{NUMBER}", "vt_transaction_id": ""},
        ],
    )
    def test_a_genuine_message_cut_in_other_places_is_not_believed(
        self, adapter: ViettelMoney, cut: dict[str, str]
    ) -> None:
        """Nothing stands between the values, so all of these have the same check_sum."""
        genuine = signed(a_result())
        assert check_sum(a_result(**cut)) == genuine["check_sum"]
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(genuine | cut))

    def test_what_was_pending_cannot_be_cut_into_paid(self, adapter: ViettelMoney) -> None:
        genuine = signed(a_result(payment_status="0"))
        cut = {"order_id": f"{ATTEMPT}0", "payment_status": "1", "trans_amount": "50000"}
        assert check_sum(a_result(**cut)) == genuine["check_sum"]
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(genuine | cut))

    @pytest.mark.parametrize("digest", ["md5", "sha256", "sha512"])
    def test_no_other_digest_and_no_other_key_is_accepted(self, adapter: ViettelMoney, digest: str) -> None:
        for how in ({"digest": digest}, {"secret": "hub-viettel-hash-key-000002"}):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(sent(signed(a_result(), **how)))

    def test_hex_is_believed_only_where_it_is_agreed_and_base64_then_not(self, tmp_path: Path) -> None:
        plain = signed(a_result())
        spelled = plain | {"check_sum": base64.b64decode(plain["check_sum"]).hex()}
        older = self.built(a_section(tmp_path) | {"SPELLING": "hex"})
        newer = self.built(a_section(tmp_path))
        assert older.read_callback(sent(spelled)) == newer.read_callback(sent(plain))
        for adapter, other in ((older, plain), (newer, spelled)):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(sent(other))

    @pytest.mark.parametrize(
        "transform", [str.upper, str.swapcase, lambda text: text.rstrip("="), lambda text: f"{text}="]
    )
    def test_base64_has_one_spelling(self, adapter: ViettelMoney, transform: Any) -> None:
        genuine = signed(a_result())
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(genuine | {"check_sum": transform(genuine["check_sum"])}))

    @pytest.mark.parametrize(
        "changes",
        [
            {"trans_amount": "0"},
            {"trans_amount": "150000.0"},
            {"trans_amount": "-1"},
            {"trans_amount": ""},
            {"trans_amount": "\u0661"},
            {"vt_transaction_id": "2" * 65},
            {"vt_transaction_id": "26 11"},
            {"payment_status": ""},
            {"payment_status": "10"},
            {"error_code": "o k"},
            {"error_code": "0" * 21},
            {"order_id": ""},
            {"order_id": "\u0110V-1"},
            {"order_id": f"{ORDER}-12"},
            {"cust_msisdn": "NGUYEN VAN A"},
            {"merchant_code": "OTHER"},
        ],
    )
    def test_a_genuine_message_whose_fields_have_no_proper_form_is_refused(
        self, adapter: ViettelMoney, changes: dict[str, str]
    ) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(signed(a_result(**changes))))
