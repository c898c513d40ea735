"""SePay: the contract with its signature, and what the shown key may and may not do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.sepay import Sepay
from bank_adapters.simulators.sepay import SECRET, SepaySimulator, signed_headers
from bank_adapters.simulators.simulator import Payment
from bank_adapters.simulators.transfers import ACCOUNT
from payment_hub.domain.banks.values import Answer, CallbackRequest, Movement, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.judgement import judge
from payment_hub.domain.money import dong
from payment_hub.domain.settlement import ConfirmationContext, Disposition
from tests.banks.contract import CallbackContract, StatementContract
from tests.banks.examples import AMOUNT, DAY, NOON, ORDER, PUBLIC_URL, TRANSACTION, a_request

# Messages
# ------------------------------------------------------------------------------------------------

SIMULATOR = SepaySimulator("https://sepay.test", PUBLIC_URL)
PAID = Payment(f"MBVCB.7.{ORDER} nop phi", 150_000, transaction_id="92704", paid_at=NOON)

STATEMENT = (
    "id,transaction_date,transaction_content,amount_in,amount_out,accumulated\n"
    f"92704,2026-11-22 12:00:00,CT DEN {ORDER},150000.00,0.00,1150000.00\n"
    "92705,2026-11-22 12:01:00,rut tien,0.00,7000.00,1143000.00\n"
    "92706,2026-11-22 23:59:59,typed by hand,5000.00,0.00,1148000.00\n"
)


def a_section(folder: Path, **changes: str) -> dict[str, str]:
    """The settings of an account whose statements are dropped into ``folder``."""
    return {
        "ACCOUNT_BANK": "970436",
        "ACCOUNT_NUMBER": ACCOUNT,
        "ACCOUNT_NAME": "KHO BAC NHA NUOC",
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
    } | changes


def a_movement(**changes: Any) -> dict[str, Any]:
    """150,000 dong that came at noon."""
    callback = SIMULATOR.callback(PAID, at=NOON, **{"referenceCode": TRANSACTION, **changes})
    movement: dict[str, Any] = json.loads(callback.body)
    return movement


def callback_request(body: bytes, *, at: datetime = NOON) -> CallbackRequest:
    """The body as SePay signs it."""
    return CallbackRequest("POST", "/callbacks/sepay", b"", signed_headers(body, at), body, NOON)


def shown(body: bytes, key: str = f"Apikey {SECRET}") -> CallbackRequest:
    """The body with a key beside it, and no signature."""
    return CallbackRequest("POST", "/callbacks/sepay", b"", {"authorization": key}, body, NOON)


# The contract
# ------------------------------------------------------------------------------------------------


class TestSepay(CallbackContract, StatementContract):
    bank = "sepay"
    required = frozenset(
        f"BANK_SEPAY_{name}"
        for name in ("ACCOUNT_BANK", "ACCOUNT_NUMBER", "ACCOUNT_NAME", "SECRET", "STATEMENTS")
    )
    signed_headers = ("x-sepay-timestamp", "x-sepay-signature")
    tells_declined = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return callback_request(json.dumps(a_movement(**changes)).encode())

    def aged(self, age: timedelta) -> CallbackRequest:
        return callback_request(json.dumps(a_movement()).encode(), at=NOON - age)

    def statement_text(self) -> str:
        return STATEMENT

    # The signature, or the key -------------------------------------------------------------------------

    def test_five_minutes_are_the_limit_on_either_side(self, adapter: Sepay) -> None:
        for seconds in (300, -300):
            assert adapter.read_callback(self.aged(timedelta(seconds=seconds))).amount == AMOUNT
        for seconds in (301, -301):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(self.aged(timedelta(seconds=seconds)))

    def test_a_shown_key_never_stands_in_for_a_signature(self, adapter: Sepay) -> None:
        body = json.dumps(a_movement()).encode()
        genuine = callback_request(body)
        for headers in (
            shown(body).headers,
            {**shown(body).headers, "x-sepay-timestamp": genuine.headers["x-sepay-timestamp"]},
            {**genuine.headers, **shown(body).headers, "x-sepay-signature": "sha256=" + "0" * 64},
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(replace(genuine, headers=headers))

    def test_the_signature_names_its_digest(self, adapter: Sepay) -> None:
        genuine = self.callback(Outcome.PAID)
        digest = genuine.headers["x-sepay-signature"].removeprefix("sha256=")
        for given in (
            digest,
            f"SHA256={digest}",
            f"sha256={digest}=",
            f"sha1={digest}",
            f"sha256=sha256={digest}",
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(
                    replace(genuine, headers={**genuine.headers, "x-sepay-signature": given})
                )

    def test_where_the_key_was_agreed_it_is_believed(self, tmp_path: Path) -> None:
        adapter = self.built(a_section(tmp_path, AUTH="apikey"))
        confirmation = adapter.read_callback(shown(json.dumps(a_movement()).encode()))
        assert (confirmation.outcome, confirmation.amount, confirmation.key) == (Outcome.PAID, AMOUNT, 0)
        assert not adapter.profile.signed
        assert self.built(a_section(tmp_path)).profile.signed
        rotated = self.built(a_section(tmp_path, AUTH="apikey", SECRET="n" * 20, SECRET_PREVIOUS=SECRET))
        assert rotated.read_callback(shown(json.dumps(a_movement()).encode())).key == 1

    @pytest.mark.parametrize(
        "key",
        [
            "",
            SECRET,
            f"apikey {SECRET}",
            f"Apikey  {SECRET}",
            f"Bearer {SECRET}",
            f"Apikey {SECRET}0",
            f"Apikey {SECRET[:-1]}",
            "Apikey \ud800",
            "Apikey \u00e9",
        ],
    )
    def test_another_key_is_not(self, tmp_path: Path, key: str) -> None:
        adapter = self.built(a_section(tmp_path, AUTH="apikey"))
        with pytest.raises(CallbackRejected):
            adapter.read_callback(shown(json.dumps(a_movement()).encode(), key))

    def test_where_the_key_was_agreed_a_signature_is_no_key(self, tmp_path: Path) -> None:
        with pytest.raises(CallbackRejected):
            self.built(a_section(tmp_path, AUTH="apikey")).read_callback(self.callback(Outcome.PAID))

    @pytest.mark.parametrize("auth", ["none", "oauth2", "HMAC", "hmac,apikey"])
    def test_there_is_no_other_way(self, tmp_path: Path, auth: str) -> None:
        with pytest.raises(BankSettingsError, match="BANK_SEPAY_AUTH"):
            self.built(a_section(tmp_path, AUTH=auth))

    # What it says --------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "changes", [{"transferType": "out"}, {"accountNumber": "1"}, {"transferType": "fee"}]
    )
    def test_what_is_no_payment_to_us_makes_no_money(self, adapter: Sepay, changes: dict[str, Any]) -> None:
        confirmation = adapter.read_callback(self.callback(Outcome.PAID, **changes))
        assert (confirmation.outcome, confirmation.amount, confirmation.bank_transaction_id) == (
            Outcome.PENDING,
            None,
            None,
        )
        judged = judge(confirmation, ConfirmationContext(order=None, previous=(), collection=None), NOON)
        assert (judged.disposition, judged.collects) == (Disposition.ORPHAN, False)

    def test_one_id_is_one_event_whatever_else_changes(self, adapter: Sepay) -> None:
        one = adapter.read_callback(self.callback(Outcome.PAID))
        again = adapter.read_callback(self.callback(Outcome.PAID, accumulated=7, referenceCode="FT2"))
        other = adapter.read_callback(self.callback(Outcome.PAID, id=92705))
        assert one == again
        assert (one.event_id, one.bank_transaction_id) != (other.event_id, other.bank_transaction_id)

    def test_the_banks_own_number_may_name_the_money(self, tmp_path: Path) -> None:
        adapter = self.built(a_section(tmp_path, MONEY_ID="referenceCode"))
        assert adapter.read_callback(self.callback(Outcome.PAID)).bank_transaction_id == "FT26326000123"
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, referenceCode=None))

    def test_money_may_come_through_a_sub_account(self, adapter: Sepay) -> None:
        through = {"accountNumber": "1", "subAccount": ACCOUNT}
        assert adapter.read_callback(self.callback(Outcome.PAID, **through)).amount == AMOUNT

    @pytest.mark.parametrize(
        "changes",
        [
            {"id": "92704"},
            {"id": 0},
            {"transferAmount": "150000"},
            {"transferAmount": 0},
            {"transferAmount": -1},
            {"transferAmount": 150000.5},
            {"transferType": None},
            {"content": ["x"]},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: Sepay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, **changes))

    @pytest.mark.parametrize(
        "changes",
        [
            {"content": None},
            {"code": "DV"},
            {"code": 7},
            {"accumulated": 0},
            {"accumulated": None},
            {"accumulated": 1150000.5},
            {"accumulated": 1e30},
            {"transferAmount": 150000.0},
            {"referenceCode": None, "description": None, "gateway": None},
            {"subAccount": ""},
            {"aNewField": {"rate": 0.25, "names": [None, {}]}},
        ],
    )
    def test_money_is_not_turned_away_because_of_what_is_beside_it(
        self, adapter: Sepay, changes: dict[str, Any]
    ) -> None:
        confirmation = adapter.read_callback(self.callback(Outcome.PAID, **changes))
        assert (confirmation.outcome, confirmation.amount, confirmation.bank_transaction_id) == (
            Outcome.PAID,
            AMOUNT,
            "92704",
        )

    def test_it_answers_as_documented(self, adapter: Sepay) -> None:
        message = self.callback(Outcome.PAID)
        stored = [
            adapter.acknowledge(answer, message) for answer in Answer if answer is not Answer.NOT_RECORDED
        ]
        assert {(one.status, one.body) for one in stored} == {(200, b'{"success": true}')}
        assert adapter.acknowledge(Answer.NOT_RECORDED, message).status == 503
        refusal = adapter.refuse(message)
        assert refusal is not None
        assert (refusal.status, json.loads(refusal.body)) == (401, {"success": False})

    def test_the_code_carries_the_orders_reference(self, adapter: Sepay) -> None:
        given = adapter.open_payment(a_request())
        assert (given.purpose, given.account_number) == (ORDER, ACCOUNT)
        assert given.qr_text is not None
        assert f"0816{ORDER}" in given.qr_text

    def test_the_statement_has_what_came_and_what_went(self, adapter: Sepay, tmp_path: Path) -> None:
        lines = self.with_statement(adapter, tmp_path).fetch_statement(DAY).lines
        assert [(one.bank_transaction_id, one.amount, one.movement) for one in lines] == [
            ("92704", AMOUNT, Movement.CREDIT),
            ("92705", dong(7_000), Movement.DEBIT),
            ("92706", dong(5_000), Movement.CREDIT),
        ]


# SePay's documented signature, byte by byte.
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/sepay/signatures.json").read_text("utf-8")
)


@pytest.fixture(params=VECTORS)
def vector(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_documented_callback_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    result = _read(vector, tmp_path)
    assert (result.outcome, result.amount, result.bank_transaction_id) == (
        Outcome.PAID,
        dong(150_000),
        "92704",
    )
    assert result.reference == "HUB240501000123 nop phi"
    assert result.paid_at == datetime(2024, 5, 1, 1, 32, 11, tzinfo=UTC)


def test_another_account_reads_it_as_no_money_of_its_own(vector: dict[str, Any], tmp_path: Path) -> None:
    assert _read(vector, tmp_path, account="0000000001").outcome is Outcome.PENDING


@pytest.mark.parametrize("seconds", [301, -301, 86_400])
def test_it_is_believed_for_five_minutes(vector: dict[str, Any], tmp_path: Path, seconds: int) -> None:
    with pytest.raises(CallbackRejected):
        _read(vector, tmp_path, late=timedelta(seconds=seconds))


def _read(
    vector: dict[str, Any], folder: Path, account: str = "0000000000", late: timedelta = timedelta(0)
) -> Any:
    inputs = vector["inputs"]
    section = a_section(folder, SECRET=vector["secret"], ACCOUNT_NUMBER=account)
    received = datetime.fromtimestamp(int(inputs["timestamp"]), UTC) + late
    headers = {"x-sepay-timestamp": inputs["timestamp"], "x-sepay-signature": vector["expected"]}
    body = inputs["raw_body"].encode()
    request = CallbackRequest("POST", "/callbacks/sepay", b"", headers, body, received)
    return load_adapters(["sepay"], {"sepay": section})["sepay"].read_callback(request)  # type: ignore[attr-defined]
