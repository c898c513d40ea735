"""The open protocol: the contract with a stranger's signatures, and the whole circle over real HTTP."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from standardwebhooks import Webhook

from bank_adapters.toolkit.emv_qr import read_qr
from payment_hub.domain.bank_port import BankAdapter, CallbackRequest, Instructions, Outcome
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import Money
from tests.bank_adapters.contract import BankAdapterContract
from tests.bank_adapters.examples import ATTEMPT, DAY, NOON, ORDER, a_query, a_request

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
BANK = "https://bank.test"

STATEMENT = (
    "statement,2026-11-22,2,155000\n"
    "transaction_id,reference,amount,currency,movement,booked_at\n"
    "T1,K7Q2M9X4T1-1,150000,VND,CREDIT,2026-11-22T05:00:00Z\n"
    "T2,typed by hand,5000,VND,CREDIT,2026-11-22T06:00:00Z\n"
)


def signed(
    body: bytes, *, message_id: str = "evt_1", at: datetime = NOON, secret: str = SECRET
) -> dict[str, str]:
    """Headers as the reference library of Standard Webhooks makes them."""
    signature = Webhook(secret).sign(message_id, at, body.decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def a_result(**changes: object) -> dict[str, object]:
    """What the bank says of a payment that was made."""
    return {
        "type": "payment.result",
        "attempt_reference": ATTEMPT,
        "order_reference": ORDER,
        "reference": ATTEMPT,
        "status": "PAID",
        "amount": "150000",
        "currency": "VND",
        "transaction_id": "T1",
        "paid_at": "2026-11-22T05:00:00Z",
    } | changes


class TestSandbox(BankAdapterContract):
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

    def opened(self, adapter: BankAdapter) -> Instructions:
        with answering(("POST", "/payments", {**AN_OPENING})):
            return adapter.open_payment(a_request())

    def with_statement(self, adapter: BankAdapter, folder: Path, text: str | None = None) -> BankAdapter:
        return _Answered(adapter, ("GET", f"/statements/{DAY}", STATEMENT if text is None else text))  # type: ignore[return-value]

    def test_a_callback_about_the_order_alone_is_read_as_such(self, adapter: BankAdapter) -> None:
        assert adapter.read_callback(self.callback(Outcome.PAID, reference=ORDER)).reference == ORDER

    def test_a_callback_in_another_currency_keeps_it(self, adapter: BankAdapter) -> None:
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
        self, adapter: BankAdapter, changes: dict[str, object]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, **changes))

    def test_its_instructions_say_where_to_pay(self, adapter: BankAdapter) -> None:
        given = self.opened(adapter)
        assert (given.account_bank, given.account_number, given.purpose) == ("970499", "9000000000001", ORDER)
        assert given.page_url == f"{BANK}/pay/{ATTEMPT}"
        assert given.qr_text is not None
        qr = read_qr(given.qr_text)
        assert (qr.bank_bin, qr.number, qr.additional) == ("970499", "9000000000001", {"purpose": ORDER})

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": "K7Q2M9X4T1-2"},
            {"type": "payment.status"},
            {"page_url": "http://evil.test/pay"},
            {"page_url": "javascript:alert(1)"},
            {"account_number": "12 34"},
            {"account_bank": None},
        ],
    )
    def test_an_opening_that_makes_no_sense_is_no_opening(
        self, adapter: BankAdapter, changes: dict[str, object]
    ) -> None:
        with answering(("POST", "/payments", AN_OPENING | changes)), pytest.raises(BankUnavailable):
            adapter.open_payment(a_request())

    def test_an_answer_to_another_question_is_not_believed(self, adapter: BankAdapter) -> None:
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
        self, adapter: BankAdapter, tmp_path: Path, text: str, place: str
    ) -> None:
        with pytest.raises(Malformed, match=place):
            self.with_statement(adapter, tmp_path, text).fetch_statement(DAY)


AN_OPENING: dict[str, object] = {
    "type": "payment.opened",
    "attempt_reference": ATTEMPT,
    "bank_reference": "SBXP00000001",
    "account_bank": "970499",
    "account_number": "9000000000001",
    "account_name": "KHO BAC SANDBOX",
    "page_url": f"{BANK}/pay/{ATTEMPT}",
}


def answering(
    *answers: tuple[str, str, dict[str, object] | str], under: str | None = None
) -> responses.RequestsMock:
    """A bank that gives these answers, rightly signed under the id of the question (or ``under`` another)."""
    wire = responses.RequestsMock()
    for method, path, content in answers:
        body = content.encode() if isinstance(content, str) else json.dumps(content).encode()

        def answer(asked: requests.PreparedRequest, body: bytes = body) -> tuple[int, dict[str, str], bytes]:
            asked_body = asked.body or ""
            Webhook(SECRET).verify(asked_body, dict(asked.headers)) if asked_body else None
            headers = signed(body, message_id=under or str(asked.headers["webhook-id"]), at=datetime.now(UTC))
            return 200, headers, body

        wire.add_callback(method, BANK + path, answer)
    return wire


class _Answered:
    """An adapter whose bank gives one answer."""

    def __init__(self, adapter: BankAdapter, answer: tuple[str, str, str]) -> None:
        self._adapter, self._answer = adapter, answer

    def fetch_statement(self, day: Any) -> Any:
        with answering(self._answer):
            return self._adapter.fetch_statement(day)
