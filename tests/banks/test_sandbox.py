"""The open protocol: the contract with a stranger's signatures, and the whole circle over real HTTP."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_adapters.sandbox import SandboxBank
from bank_adapters.toolkit.emv_qr import read_qr
from payment_hub.domain.banks.port import HasStatement
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import Money
from tests.banks.contract import CallbackContract, QueryContract, StatementContract
from tests.banks.examples import ATTEMPT, DAY, NOON, ORDER, a_query, a_request
from tests.banks.sandbox_messages import (
    AN_OPENING,
    BANK,
    OTHER,
    SECRET,
    STATEMENT,
    Answering,
    a_result,
    answer_of,
    answering,
    signed,
)


class TestSandbox(CallbackContract, QueryContract, StatementContract):
    bank = "sandbox"
    required = frozenset({"BANK_SANDBOX_URL", "BANK_SANDBOX_SECRET"})
    signed_headers = ("webhook-id", "webhook-timestamp", "webhook-signature")
    asks_at = (("GET", f"{BANK}/payments/{ATTEMPT}"),)
    opens_at = (("POST", f"{BANK}/payments"),)

    def section(self, folder: Path) -> dict[str, str]:
        return {"URL": BANK, "SECRET": SECRET, "READ_SECONDS": "1"}

    def other_secret(self, secret: str) -> str:
        return OTHER

    def callback(self, outcome: Outcome | str, **changes: object) -> CallbackRequest:
        facts: dict[Outcome | str, dict[str, object]] = {
            Outcome.PAID: {},
            Outcome.DECLINED: {"status": "DECLINED", "transaction_id": None, "paid_at": None},
        }
        said = facts.get(outcome, {"status": "UNDER_REVIEW"})
        body = json.dumps(a_result(**{**said, **changes})).encode()
        headers = signed(body, message_id=f"evt_{outcome.replace(' ', '_')}")
        return CallbackRequest("POST", "/callbacks/sandbox", b"", headers, body, NOON)

    def aged(self, age: timedelta) -> CallbackRequest:
        genuine = self.callback(Outcome.PAID)
        return replace(genuine, headers=signed(genuine.body, at=NOON - age))

    def opening_answer(self) -> Answering:
        return answer_of(AN_OPENING)

    def unbelievable_openings(self) -> dict[str, Any]:
        return {
            "another payment": answer_of(AN_OPENING | {"attempt_reference": f"{ORDER}-2"}),
            "wrong signature": answer_of(AN_OPENING, secret=OTHER),
        }

    def query_answer(self, outcome: Outcome | str) -> Answering:
        word = str(outcome) if outcome in list(Outcome) else "UNDER_REVIEW"
        return answer_of(a_result(type="payment.status", status=word))

    def unbelievable_answers(self) -> dict[str, Any]:
        status = a_result(type="payment.status")
        return {
            "another payment": answer_of(status | {"attempt_reference": f"{ORDER}-2"}),
            "wrong signature": answer_of(status, secret=OTHER),
            "another question": answer_of(status, under="ask_of_yesterday"),
        }

    def statement_text(self) -> str:
        return STATEMENT

    def with_statement(self, adapter: HasStatement, folder: Path, text: str | None = None) -> HasStatement:
        return _Answered(adapter, ("GET", f"/statements/{DAY}", STATEMENT if text is None else text))

    def test_a_callback_about_the_order_alone_is_read_as_such(self, adapter: SandboxBank) -> None:
        assert adapter.read_callback(self.callback(Outcome.PAID, reference=ORDER)).reference == ORDER

    def test_a_callback_in_another_currency_keeps_it(self, adapter: SandboxBank) -> None:
        said = adapter.read_callback(self.callback(Outcome.PAID, amount="150.00", currency="USD"))
        assert said.amount == Money(15_000, "USD")

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": 150_000},
            {"amount": "150.000"},
            {"amount": "-1"},
            {"amount": None},
            {"currency": "BTC"},
            {"transaction_id": None},
            {"paid_at": "2026-11-22"},
            {"paid_at": "2026-02-30T05:00:00Z"},
            {"reference": ""},
            {"reference": "a\nb"},
            {"status": "paid"},
            {"type": "payment.open"},
        ],
    )
    def test_a_genuine_callback_that_makes_no_sense_is_malformed(
        self, adapter: SandboxBank, changes: dict[str, object]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, **changes))

    def test_its_instructions_say_where_to_pay(self, adapter: SandboxBank) -> None:
        given = self.opened(adapter)
        assert (given.account_bank, given.account_number, given.purpose) == ("970499", "9000000000001", ORDER)
        assert given.page_url == f"{BANK}/pay/{ATTEMPT}"
        assert given.qr_text is not None
        qr = read_qr(given.qr_text)
        assert (qr.bank_bin, qr.number, qr.additional) == ("970499", "9000000000001", {"purpose": ORDER})

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": f"{ORDER}-2"},
            {"type": "payment.status"},
            {"page_url": "http://evil.test/pay"},
            {"page_url": "javascript:alert(1)"},
            {"account_number": "12 34"},
            {"account_bank": None},
        ],
    )
    def test_an_opening_that_makes_no_sense_is_no_opening(
        self, adapter: SandboxBank, changes: dict[str, object]
    ) -> None:
        with answering(("POST", "/payments", AN_OPENING | changes)), pytest.raises(BankUnavailable):
            adapter.open_payment(a_request())

    def test_an_answer_to_another_question_is_not_believed(self, adapter: SandboxBank) -> None:
        answer = {**a_result(type="payment.status")}
        older = answering(("GET", f"/payments/{ATTEMPT}", answer), under="ask_of_yesterday")
        with older, pytest.raises(BankUnavailable):
            adapter.query_payment(a_query())
        with answering(("GET", f"/payments/{ATTEMPT}", answer)):
            assert adapter.query_payment(a_query()).outcome is Outcome.PAID

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            (STATEMENT.replace("155000", "155001"), "line 1|declares"),
            (STATEMENT.replace(",2,155000", ",3,155000"), "declares"),
            (STATEMENT.replace("2026-11-22,2", "2026-11-21,2"), "line 1, column 1"),
            (STATEMENT.replace("T2,typed by hand,5000", "T2,typed by hand,5.000"), "line 4, column 3"),
            (STATEMENT.replace("CREDIT,2026-11-22T06", "KREDIT,2026-11-22T06"), "line 4, column 5"),
            (STATEMENT.replace("T06:00:00Z", "T06:00:00"), "line 4, column 6"),
            (STATEMENT.replace("T2,typed", ",typed"), "line 4, column 1"),
            (STATEMENT.replace("typed by hand,", ""), "line 4, column 5"),
            (STATEMENT.replace("typed by hand", '"typed'), "line [45], column 1"),
            (STATEMENT.replace("amount,", "sum,"), "line 2, column 6"),
            (STATEMENT.replace("reference,", "amount,"), "line 2, column 2"),
        ],
    )
    def test_one_bad_cell_refuses_the_whole_statement(
        self, adapter: SandboxBank, tmp_path: Path, text: str, place: str
    ) -> None:
        with pytest.raises(Malformed, match=place):
            self.with_statement(adapter, tmp_path, text).fetch_statement(DAY)


class _Answered:
    """An adapter whose bank gives one answer."""

    def __init__(self, adapter: HasStatement, answer: tuple[str, str, str]) -> None:
        self._adapter, self._answer = adapter, answer

    def fetch_statement(self, day: Any) -> Any:
        with answering(self._answer):
            return self._adapter.fetch_statement(day)
