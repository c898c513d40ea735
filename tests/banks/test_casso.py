"""Casso v2: the contract, and every form of the signed text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.casso import Casso
from bank_adapters.simulators.casso import SECRET, CassoSimulator, signed_headers
from bank_adapters.simulators.simulator import Payment
from bank_adapters.simulators.transfers import ACCOUNT, compact
from payment_hub.domain.banks.values import CallbackReply, CallbackRequest, Movement, Outcome, PayerAccount
from payment_hub.domain.errors import CallbackRejected, Malformed, MalformedStatement
from payment_hub.domain.judgement import judge
from payment_hub.domain.money import dong
from payment_hub.domain.settlement import ConfirmationContext, Disposition
from tests.banks.contract import CallbackContract, StatementContract
from tests.banks.examples import AMOUNT, DAY, NOON, ORDER, PUBLIC_URL, TRANSACTION, a_request

# Messages
# ------------------------------------------------------------------------------------------------

SIMULATOR = CassoSimulator("https://casso.test", PUBLIC_URL)
PAID = Payment(f'CT DEN: "{ORDER}" nộp phí / hồ sơ', 150_000, transaction_id="92704", paid_at=NOON)

STATEMENT = (
    "id,transactionDateTime,description,amount\n"
    f"92704,2026-11-22 12:00:00,CT DEN {ORDER},150000\n"
    "92705,2026-11-22 12:01:00,phi SMS,-11000\n"
    "92706,2026-11-22 23:59:59,typed by hand,5000\n"
)


def a_section(folder: Path, **changes: str) -> dict[str, str]:
    """The settings of an account whose statements are dropped into ``folder``."""
    return {
        "ACCOUNT_BANK": "970432",
        "ACCOUNT_NUMBER": ACCOUNT,
        "ACCOUNT_NAME": "KHO BAC NHA NUOC",
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
    } | changes


def a_movement(**changes: Any) -> dict[str, Any]:
    """150,000 dong that came at noon."""
    callback = SIMULATOR.callback(PAID, at=NOON, **{"reference": TRANSACTION, **changes})
    movement: dict[str, Any] = json.loads(callback.body)["data"]
    return movement


def callback_request(
    message: Mapping[str, Any], *, at: datetime = NOON, body: bytes | None = None
) -> CallbackRequest:
    """The message as Casso sends it, or ``body`` under its signature."""
    raw = json.dumps(message, ensure_ascii=False).encode() if body is None else body
    headers = signed_headers(compact(message), at)
    return CallbackRequest("POST", "/callbacks/casso", b"", headers, raw, NOON)


def with_balance(written: str, signed: str) -> CallbackRequest:
    """A message whose running balance is written so, under a signature over ``signed``."""
    message = compact({"error": 0, "data": a_movement(runningBalance="@")})
    body, text = (message.replace('"@"', number) for number in (written, signed))
    headers = signed_headers(text, NOON)
    return CallbackRequest("POST", "/callbacks/casso", b"", headers, body.encode(), NOON)


# The contract
# ------------------------------------------------------------------------------------------------


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
        return callback_request({"error": 0, "data": a_movement(**changes)})

    def aged(self, age: timedelta) -> CallbackRequest:
        return callback_request({"error": 0, "data": a_movement()}, at=NOON - age)

    def statement_text(self) -> str:
        return STATEMENT

    # Being told -------------------------------------------------------------------------------------

    def test_it_tells_from_whom_the_money_came(self, adapter: Casso) -> None:
        confirmation = adapter.read_callback(self.callback(Outcome.PAID))
        assert confirmation.payer == PayerAccount("0011000000001", "970436", "NGUYEN VAN A")
        assert confirmation.bank_transaction_id == "92704"
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
            adapter.read_callback(callback_request({"error": 0, "data": [a_movement()]}))

    def test_the_trial_message_makes_no_money(self, adapter: Casso) -> None:
        one = adapter.read_callback(callback_request({"error": 0, "data": a_movement(id=0)}))
        other = adapter.read_callback(
            callback_request({"error": 0, "data": a_movement(id=0, amount=1)}, at=NOON + timedelta(seconds=9))
        )
        assert one.event_id != other.event_id
        for result in (one, other):
            assert (result.outcome, result.amount, result.bank_transaction_id) == (
                Outcome.PENDING,
                None,
                None,
            )
            judged = judge(result, ConfirmationContext(order=None, previous=(), collection=None), NOON)
            assert (judged.disposition, judged.collects) == (Disposition.ORPHAN, False)

    @pytest.mark.parametrize(
        "changes",
        [{"amount": 0}, {"amount": -150000}, {"accountNumber": "99999999"}, {"accountNumber": None}],
    )
    def test_what_is_no_payment_to_us_makes_no_money(self, adapter: Casso, changes: dict[str, Any]) -> None:
        confirmation = adapter.read_callback(self.callback(Outcome.PAID, **changes))
        assert (confirmation.outcome, confirmation.amount, confirmation.bank_transaction_id) == (
            Outcome.PENDING,
            None,
            None,
        )

    def test_money_may_come_through_a_virtual_account(self, adapter: Casso) -> None:
        through = {"accountNumber": "1", "virtualAccountNumber": ACCOUNT}
        assert adapter.read_callback(self.callback(Outcome.PAID, **through)).amount == AMOUNT

    def test_an_error_is_no_payment(self, adapter: Casso) -> None:
        confirmation = adapter.read_callback(callback_request({"error": 7, "data": a_movement()}))
        assert (confirmation.outcome, confirmation.code) == (Outcome.PENDING, "7")
        assert confirmation.event_id != adapter.read_callback(self.callback(Outcome.PAID)).event_id

    def test_without_the_word_of_an_error_there_is_none(self, adapter: Casso) -> None:
        assert adapter.read_callback(callback_request({"data": a_movement()})) == adapter.read_callback(
            self.callback(Outcome.PAID)
        )
        with pytest.raises(Malformed):
            adapter.read_callback(callback_request({"error": None, "data": a_movement()}))

    def test_the_same_money_told_again_is_the_same_event(self, adapter: Casso) -> None:
        again = callback_request({"error": 0, "data": a_movement()}, at=NOON + timedelta(minutes=2))
        assert adapter.read_callback(again) == adapter.read_callback(self.callback(Outcome.PAID))

    def test_the_order_in_which_names_stand_does_not_matter(self, adapter: Casso) -> None:
        message = {"error": 0, "data": a_movement()}
        turned = {"data": dict(reversed(message["data"].items())), "error": 0}  # type: ignore[attr-defined]
        spaced = json.dumps(turned, indent=2, ensure_ascii=True).encode()
        assert adapter.read_callback(callback_request(message, body=spaced)).amount == AMOUNT

    @pytest.mark.parametrize(
        "text",
        ["\u2028\u2029", "\u0001\u001f\b\f\n\r\t", "a/b", "\x7f", "\U0001f600", '\\"', "é" * 600, "<&>"],
    )
    def test_any_text_is_escaped_as_javascript_does(self, adapter: Casso, text: str) -> None:
        confirmation = adapter.read_callback(self.callback(Outcome.PAID, description=f"{ORDER} {text}"))
        assert confirmation.reference.startswith(ORDER)
        assert "\n" not in confirmation.reference

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
        confirmation = adapter.read_callback(self.callback(Outcome.PAID, transactionDateTime=moment))
        assert (confirmation.outcome, confirmation.paid_at) == (Outcome.PAID, None)

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


# Casso v2: values of every form are signed with the rest, as JavaScript writes them.
# ------------------------------------------------------------------------------------------------

MESSAGE = {"error": 0, "data": a_movement()}


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return load_adapters(["casso"], {"casso": a_section(tmp_path)})["casso"]


@pytest.mark.parametrize(
    ("written", "signed"),
    [
        ("25000000.5", "25000000.5"),
        ("25000000.50", "25000000.5"),
        ("25000000.0", "25000000"),
        ("-0.0", "0"),
        ("0.25", "0.25"),
        ("-11000.75", "-11000.75"),
        ("9007199254740991", "9007199254740991"),
        ("12345678901234567000", "12345678901234567000"),
    ],
)
def test_numbers_are_signed_as_javascript_writes_them(adapter: Casso, written: str, signed: str) -> None:
    assert adapter.read_callback(with_balance(written, signed)).amount == AMOUNT
    with pytest.raises(CallbackRejected):
        adapter.read_callback(with_balance(written, f"{signed}1"))
    with pytest.raises(CallbackRejected):
        adapter.read_callback(with_balance("2.5e7", "25000000"))  # JavaScript never writes it so


@pytest.mark.parametrize("written", ["900719925474099300001", "NaN", "Infinity", "01", "1.", ".5", "+1"])
def test_numbers_that_javascript_would_not_write_are_not_believed(adapter: Casso, written: str) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(with_balance(written, written))


def test_an_amount_that_javascript_writes_as_whole_is_whole(adapter: Casso) -> None:
    genuine = callback_request(MESSAGE)
    body = genuine.body.replace(b'"amount": 150000', b'"amount": 150000.00')
    assert body != genuine.body
    assert adapter.read_callback(replace(genuine, body=body)).amount == AMOUNT


@pytest.mark.parametrize("name", ["bank-code", "_id", "$x", "tên", "", "a b", "x" * 65, 'a"\\'])
@pytest.mark.parametrize("value", ["x", None, 1, True, [], [{"b": 1, "a": [None]}], {"b": "", "a": {}}])
def test_new_fields_are_signed_with_the_rest(adapter: Casso, name: str, value: object) -> None:
    genuine = callback_request({"error": 0, "data": a_movement(**{name: value})})
    assert adapter.read_callback(genuine).amount == AMOUNT
    with pytest.raises(CallbackRejected):
        adapter.read_callback(replace(genuine, body=callback_request(MESSAGE).body))


@pytest.mark.parametrize(
    "changes",
    [
        {"description": None},
        {"description": 7},
        {"virtualAccountNumber": None, "virtualAccountName": None},
        {"counterAccountNumber": None, "counterAccountName": None, "counterAccountBankId": None},
        {"counterAccountNumber": 8888888888},
        {"runningBalance": 0},
        {"runningBalance": None},
        {"reference": None},
    ],
)
def test_money_is_not_turned_away_because_of_what_is_beside_it(
    adapter: Casso, changes: dict[str, Any]
) -> None:
    confirmation = adapter.read_callback(callback_request({"error": 0, "data": a_movement(**changes)}))
    assert (confirmation.outcome, confirmation.amount, confirmation.bank_transaction_id) == (
        Outcome.PAID,
        AMOUNT,
        "92704",
    )


# Casso's published callback, byte by byte.
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/casso/signatures.json").read_text("utf-8")
)


@pytest.fixture(params=VECTORS)
def vector(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_published_callback_is_believed_and_makes_no_money(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    result = _read(vector, tmp_path, vector["inputs"])
    assert (result.outcome, result.code, result.key) == (Outcome.PENDING, "TEST", 0)
    assert result.reference == vector["inputs"]["data"]["description"]


def test_every_field_of_it_is_signed(vector: dict[str, Any], tmp_path: Path) -> None:
    for name, value in vector["inputs"]["data"].items():
        other = value + 1 if isinstance(value, int) else f"{value}x"
        for data in ({**vector["inputs"]["data"], name: other}, _without(vector["inputs"]["data"], name)):
            with pytest.raises(CallbackRejected):
                _read(vector, tmp_path, {**vector["inputs"], "data": data})
    with pytest.raises(CallbackRejected):
        _read(vector, tmp_path, {**vector["inputs"], "error": 1})


def test_it_is_not_believed_years_later(vector: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CallbackRejected):
        _read(vector, tmp_path, vector["inputs"], late=timedelta(days=365))


def _without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {other: value for other, value in fields.items() if other != name}


def _read(vector: dict[str, Any], folder: Path, message: Any, late: timedelta = timedelta(seconds=2)) -> Any:
    section = a_section(folder, SECRET=vector["secret"])
    sent = vector["string_to_sign"].partition(".")[0]
    received = datetime.fromtimestamp(int(sent) // 1000, UTC) + late
    headers = {"x-casso-signature": f"t={sent},v1={vector['expected']}"}
    request = CallbackRequest(
        "POST", "/callbacks/casso", b"", headers, json.dumps(message).encode(), received
    )
    return load_adapters(["casso"], {"casso": section})["casso"].read_callback(request)  # type: ignore[attr-defined]
