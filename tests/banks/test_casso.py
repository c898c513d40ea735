"""Casso v2: the contract, and every form of the signed text."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import BankSettingsError
from bank_adapters.casso import Casso
from payment_hub.domain.banks.values import CallbackReply, CallbackRequest, Movement, Outcome, PayerAccount
from payment_hub.domain.errors import CallbackRejected, Malformed, MalformedStatement
from payment_hub.domain.judgement import judge
from payment_hub.domain.money import dong
from payment_hub.domain.settlement import ConfirmationContext, Disposition
from tests.banks.casso_messages import ACCOUNT, SECRET, STATEMENT, a_movement, a_section, told
from tests.banks.contract import CallbackContract, StatementContract
from tests.banks.examples import AMOUNT, DAY, NOON, ORDER, a_request


class TestCasso(CallbackContract, StatementContract):
    bank = "casso"
    tolerance = timedelta(hours=12)
    required = frozenset(
        f"BANK_CASSO_{name}"
        for name in ("ACCOUNT_BANK", "ACCOUNT_NUMBER", "ACCOUNT_NAME", "SECRET", "STATEMENTS")
    )
    signed_headers = ("x-casso-signature",)
    tells_declined = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return told({"error": 0, "data": a_movement(**changes)})

    def aged(self, age: timedelta) -> CallbackRequest:
        return told({"error": 0, "data": a_movement()}, at=NOON - age)

    def statement_text(self) -> str:
        return STATEMENT

    # Being told -------------------------------------------------------------------------------------

    def test_it_tells_from_whom_the_money_came(self, adapter: Casso) -> None:
        said = adapter.read_callback(self.callback(Outcome.PAID))
        assert said.payer == PayerAccount("8888888888", "970415", "NGUYEN VAN A")
        assert said.bank_transaction_id == "92704"
        nobody = adapter.read_callback(self.callback(Outcome.PAID, counterAccountNumber=""))
        assert nobody.payer is None

    def test_the_older_token_is_no_signature(self, adapter: Casso) -> None:
        """Neither alone nor beside a signature that is wrong."""
        body = json.dumps({"error": 0, "data": [a_movement()]}).encode()
        for headers in (
            {"secure-token": SECRET},
            {"secure-token": SECRET, "x-casso-signature": ""},
            {"secure-token": SECRET, "x-casso-signature": f"t={int(NOON.timestamp()) * 1000},v1={'0' * 128}"},
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(CallbackRequest("POST", "/callbacks/casso", b"", headers, body, NOON))

    def test_a_list_of_movements_is_no_message_of_this_version(self, adapter: Casso) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(told({"error": 0, "data": [a_movement()]}))

    def test_the_trial_message_makes_no_money(self, adapter: Casso) -> None:
        one = adapter.read_callback(told({"error": 0, "data": a_movement(id=0)}))
        other = adapter.read_callback(
            told({"error": 0, "data": a_movement(id=0, amount=1)}, at=NOON + timedelta(seconds=9))
        )
        assert one.event_id != other.event_id
        for said in (one, other):
            assert (said.outcome, said.amount, said.bank_transaction_id) == (Outcome.PENDING, None, None)
            judged = judge(said, ConfirmationContext(order=None, previous=(), collection=None), NOON)
            assert (judged.disposition, judged.collects) == (Disposition.ORPHAN, False)

    @pytest.mark.parametrize(
        "changes",
        [{"amount": 0}, {"amount": -150000}, {"accountNumber": "99999999"}, {"accountNumber": None}],
    )
    def test_what_is_no_payment_to_us_makes_no_money(self, adapter: Casso, changes: dict[str, Any]) -> None:
        said = adapter.read_callback(self.callback(Outcome.PAID, **changes))
        assert (said.outcome, said.amount, said.bank_transaction_id) == (Outcome.PENDING, None, None)

    def test_money_may_come_through_a_virtual_account(self, adapter: Casso) -> None:
        through = {"accountNumber": "1", "virtualAccountNumber": ACCOUNT}
        assert adapter.read_callback(self.callback(Outcome.PAID, **through)).amount == AMOUNT

    def test_an_error_is_no_payment(self, adapter: Casso) -> None:
        said = adapter.read_callback(told({"error": 7, "data": a_movement()}))
        assert (said.outcome, said.code) == (Outcome.PENDING, "7")
        assert said.event_id != adapter.read_callback(self.callback(Outcome.PAID)).event_id

    def test_without_the_word_of_an_error_there_is_none(self, adapter: Casso) -> None:
        assert adapter.read_callback(told({"data": a_movement()})) == adapter.read_callback(
            self.callback(Outcome.PAID)
        )
        with pytest.raises(Malformed):
            adapter.read_callback(told({"error": None, "data": a_movement()}))

    def test_the_same_money_told_again_is_the_same_event(self, adapter: Casso) -> None:
        again = told({"error": 0, "data": a_movement()}, at=NOON + timedelta(minutes=2))
        assert adapter.read_callback(again) == adapter.read_callback(self.callback(Outcome.PAID))

    def test_the_order_in_which_names_stand_does_not_matter(self, adapter: Casso) -> None:
        message = {"error": 0, "data": a_movement()}
        turned = {"data": dict(reversed(message["data"].items())), "error": 0}  # type: ignore[attr-defined]
        spaced = json.dumps(turned, indent=2, ensure_ascii=True).encode()
        assert adapter.read_callback(told(message, body=spaced)).amount == AMOUNT

    @pytest.mark.parametrize(
        "text",
        ["\u2028\u2029", "\u0001\u001f\b\f\n\r\t", "a/b", "\x7f", "\U0001f600", '\\"', "é" * 600, "<&>"],
    )
    def test_any_text_is_escaped_as_javascript_does(self, adapter: Casso, text: str) -> None:
        said = adapter.read_callback(self.callback(Outcome.PAID, description=f"{ORDER} {text}"))
        assert said.reference.startswith(ORDER)
        assert "\n" not in said.reference

    @pytest.mark.parametrize(
        "changes",
        [{"id": "92704"}, {"id": -1}, {"amount": "150000"}, {"description": ["x"]}, {"amount": True}],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: Casso, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, **changes))

    @pytest.mark.parametrize("moment", ["2026-11-22", "22/11/2026 12:00:00", "2026-13-22 12:00:00", "", None])
    def test_money_is_not_turned_away_because_of_its_time(self, adapter: Casso, moment: str | None) -> None:
        said = adapter.read_callback(self.callback(Outcome.PAID, transactionDateTime=moment))
        assert (said.outcome, said.paid_at) == (Outcome.PAID, None)

    def test_how_old_a_message_may_be_is_a_setting(self, tmp_path: Path) -> None:
        patient = self.built(a_section(tmp_path, TOLERANCE_SECONDS="3600"))
        assert patient.read_callback(self.aged(timedelta(minutes=59))).amount == AMOUNT
        with pytest.raises(CallbackRejected):
            patient.read_callback(self.aged(timedelta(minutes=61)))

    def test_the_banks_own_number_may_name_the_money(self, tmp_path: Path) -> None:
        adapter = self.built(a_section(tmp_path, MONEY_ID="reference"))
        assert adapter.read_callback(self.callback(Outcome.PAID)).bank_transaction_id == "FT26326000123"
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, reference=""))

    def test_only_what_could_not_be_stored_comes_again(self, adapter: Casso) -> None:
        heard: CallbackReply | None = adapter.refuse(self.callback(Outcome.PAID))
        assert heard is None

    # Opening and the statement ------------------------------------------------------------------------

    def test_the_code_carries_the_orders_reference(self, adapter: Casso) -> None:
        given = adapter.open_payment(a_request())
        assert given.purpose == ORDER
        assert (given.account_bank, given.account_number) == ("970432", ACCOUNT)
        assert given.qr_text is not None
        assert f"0816{ORDER}" in given.qr_text

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ACCOUNT_BANK", "970488"),
            ("ACCOUNT_NUMBER", "1" * 20),
            ("ACCOUNT_KIND", "wallet"),
            ("STATEMENT_COLUMNS", "booked_at=a"),
            ("STATEMENT_COLUMNS", "booked_at=a,transaction_id=b,reference=c,credit=d,credit=e"),
            ("STATEMENT_COLUMNS", "booked_at=a,transaction_id=b,reference=c,credit"),
            ("STATEMENT_COLUMNS", "booked_at=a,transaction_id=b,reference=c,credit=d,gold=e"),
        ],
    )
    def test_settings_that_cannot_be_are_named(self, tmp_path: Path, name: str, value: str) -> None:
        with pytest.raises(BankSettingsError, match=f"BANK_CASSO_{name}"):
            self.built(a_section(tmp_path, **{name: value}))

    def test_the_statement_has_what_came_and_what_went(self, adapter: Casso, tmp_path: Path) -> None:
        lines = self.with_statement(adapter, tmp_path).fetch_statement(DAY).lines
        assert [(one.bank_transaction_id, one.amount, one.movement) for one in lines] == [
            ("92704", AMOUNT, Movement.CREDIT),
            ("92705", dong(11_000), Movement.DEBIT),
            ("92706", dong(5_000), Movement.CREDIT),
        ]
        assert lines[0].booked_at == NOON

    @pytest.mark.parametrize(
        ("old", "new", "place"),
        [
            (",150000", ",150.000", "line 2, column 4"),
            (",150000", ",0", "line 2, column 4"),
            (",150000", ",", "line 2, column 4"),
            ("2026-11-22 12:00:00", "22/11/2026", "line 2, column 2"),
            ("92705", "", "line 3, column 1"),
            ("description", "text", "line 1, column 4"),
        ],
    )
    def test_one_bad_cell_refuses_the_statement(
        self, adapter: Casso, tmp_path: Path, old: str, new: str, place: str
    ) -> None:
        with pytest.raises(MalformedStatement, match=place):
            self.with_statement(adapter, tmp_path, STATEMENT.replace(old, new, 1)).fetch_statement(DAY)

    def test_another_banks_columns_are_a_setting(self, tmp_path: Path) -> None:
        columns = "booked_at=day,transaction_id=no,reference=text,credit=in,debit=out"
        adapter = self.built(a_section(tmp_path, STATEMENT_COLUMNS=columns, STATEMENT_TIME="%d/%m/%Y"))
        text = "day,no,text,in,out\n22/11/2026,A1,x,150000.00,0.00\n22/11/2026,A2,y,,7000\n"
        lines = self.with_statement(adapter, tmp_path, text).fetch_statement(DAY).lines
        assert [(one.amount, one.movement) for one in lines] == [
            (AMOUNT, Movement.CREDIT),
            (dong(7_000), Movement.DEBIT),
        ]
