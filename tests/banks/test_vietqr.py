"""VietQR: the contract, every BIN, every form of the code, and the account's statement."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.toolkit.emv_qr import BINS, TO_CARD, read_qr
from bank_adapters.vietqr import Vietqr
from payment_hub.domain.banks.port import CanQuery, TakesCallbacks
from payment_hub.domain.banks.values import Movement
from payment_hub.domain.errors import Malformed, MalformedStatement
from payment_hub.domain.money import Money, dong
from tests.banks.contract import StatementContract
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, ORDER, a_request

# The contract
# ------------------------------------------------------------------------------------------------

HOUSE = Path(__file__).resolve().parents[2]

STATEMENT = (
    "accountno,currency,openingbalance,closingbalance,narrative,transactiondate,debit,credit,flowcode,transactionfee\n"
    f"0011012345678,VND,0,0,CT DEN {ORDER},22/11/2026 12:00:00,,150000,FT26326000123,0\n"
    "0011012345678,VND,0,0,phi,22/11/2026 12:01:00,11000,,FT26326000124,0\n"
    "0011012345678,VND,0,0,typed by hand,22/11/2026 23:59:59,0,5000,FT26326000125,0\n"
)


def a_section(folder: Path, **changes: str) -> dict[str, str]:
    """The settings of an account whose statements are dropped into ``folder``."""
    return {
        "ACCOUNT_BANK": "970403",
        "ACCOUNT_NUMBER": "0011012345678",
        "ACCOUNT_NAME": "KHO BAC NHA NUOC",
        "STATEMENTS": str(folder),
    } | changes


class TestVietqr(StatementContract):
    bank = "vietqr"
    required = frozenset(
        f"BANK_VIETQR_{name}" for name in ("ACCOUNT_BANK", "ACCOUNT_NUMBER", "ACCOUNT_NAME", "STATEMENTS")
    )

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def statement_text(self) -> str:
        return STATEMENT

    def test_nobody_tells_it_anything(self, adapter: Vietqr) -> None:
        assert not isinstance(adapter, TakesCallbacks)
        assert not isinstance(adapter, CanQuery)

    def test_every_bank_with_a_bin_can_be_paid_to(self, tmp_path: Path) -> None:
        assert len(BINS) == 66
        for bank_bin in BINS:
            given = self.built(a_section(tmp_path, ACCOUNT_BANK=bank_bin)).open_payment(a_request())
            assert (read_qr(given.qr_text).bank_bin, given.account_bank) == (bank_bin, bank_bin)

    def test_every_bank_with_a_bin_has_a_name_for_the_page(self) -> None:
        named = json.loads((HOUSE / "payment_hub/web/texts/banks.json").read_text("utf-8"))
        assert set(named) == BINS

    def test_the_code_says_what_to_pay_and_for_what(self, adapter: Vietqr) -> None:
        given = adapter.open_payment(a_request())
        assert given.qr_text is not None
        code = read_qr(given.qr_text)
        assert (code.one_time, code.amount, code.number) == (True, AMOUNT, "0011012345678")
        assert code.additional == {"purpose": ORDER}
        assert (given.purpose, given.account_name) == (ORDER, "KHO BAC NHA NUOC")

    def test_a_static_code_leaves_the_rest_to_the_payer(self, tmp_path: Path) -> None:
        given = self.built(a_section(tmp_path, CODE_KIND="static")).open_payment(a_request())
        code = read_qr(given.qr_text)
        assert (code.one_time, code.amount, code.additional) == (False, None, {})
        assert given.purpose == ORDER

    def test_a_card_is_paid_as_a_card(self, tmp_path: Path) -> None:
        card = {"ACCOUNT_NUMBER": "9704031101234567", "ACCOUNT_KIND": "card"}
        assert (
            read_qr(self.built(a_section(tmp_path, **card)).open_payment(a_request()).qr_text).service
            == TO_CARD
        )

    def test_it_can_carry_the_attempt_as_the_bill(self, tmp_path: Path) -> None:
        given = self.built(a_section(tmp_path, BILL_NUMBER="attempt")).open_payment(a_request())
        assert read_qr(given.qr_text).additional == {"purpose": ORDER, "bill": ATTEMPT}

    @pytest.mark.parametrize("kind", ["dynamic", "static"])
    @pytest.mark.parametrize(
        "changes",
        [
            {"order_reference": "Thanh toán hồ sơ"},
            {"order_reference": "x" * 26},
            {"order_reference": ""},
            {"order_reference": "a\nb"},
            {"amount": dong(0)},
            {"amount": dong(-1)},
            {"amount": dong(10**13)},
            {"amount": Money(100, "USD")},
            {"amount": Money(100, "JPY")},
        ],
    )
    def test_what_not_every_app_carries_is_not_written(
        self, tmp_path: Path, kind: str, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            self.built(a_section(tmp_path, CODE_KIND=kind)).open_payment(a_request(**changes))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("ACCOUNT_BANK", "970488"),
            ("ACCOUNT_BANK", "VCB"),
            ("ACCOUNT_NUMBER", "1" * 20),
            ("ACCOUNT_NUMBER", "12 34"),
            ("CODE_KIND", "both"),
            ("REFERENCE_LABEL", "x" * 26),
        ],
    )
    def test_settings_that_cannot_be_are_named(self, tmp_path: Path, name: str, value: str) -> None:
        with pytest.raises(BankSettingsError, match=f"BANK_VIETQR_{name}"):
            self.built(a_section(tmp_path, **{name: value}))

    def test_the_statement_has_what_came_and_what_went(self, adapter: Vietqr, tmp_path: Path) -> None:
        lines = self.with_statement(adapter, tmp_path).fetch_statement(DAY).lines
        assert [(one.bank_transaction_id, one.amount, one.movement) for one in lines] == [
            ("FT26326000123", AMOUNT, Movement.CREDIT),
            ("FT26326000124", dong(11_000), Movement.DEBIT),
            ("FT26326000125", dong(5_000), Movement.CREDIT),
        ]
        assert (lines[0].booked_at, lines[0].reference) == (NOON, f"CT DEN {ORDER}")

    @pytest.mark.parametrize(
        ("old", "new", "place"),
        [
            (",150000,", ",150 000,", "line 2, column 8"),
            (",150000,", ",0,", "line 2, column 8"),
            (",150000,", ",150000.5,", "line 2, column 8"),
            (",11000,", ",x,", "line 3, column 7"),
            ("FT26326000124", "", "line 3, column 9"),
            ("22/11/2026 12:00:00", "2026-11-22", "line 2, column 6"),
            ("flowcode", "code", "line 1, column 10"),
        ],
    )
    def test_one_bad_cell_refuses_the_statement(
        self, adapter: Vietqr, tmp_path: Path, old: str, new: str, place: str
    ) -> None:
        with pytest.raises(MalformedStatement, match=place):
            self.with_statement(adapter, tmp_path, STATEMENT.replace(old, new, 1)).fetch_statement(DAY)


# QR texts of NAPAS and of other implementations: opening a payment writes the same
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/vietqr/texts.json").read_text("utf-8")
)


def is_ours(vector: dict[str, Any]) -> bool:
    """A transfer that a good writer wrote: good, in ASCII, and not only accepted for lenience."""
    return bool(
        vector["rail"] == "vietqr"
        and vector["must_accept"]
        and vector["expected"].isascii()
        and vector["crc"].isupper() | vector["crc"].isdigit()
    )


OURS = [vector for vector in VECTORS if is_ours(vector)]
ACCENTED = [vector for vector in VECTORS if vector["must_accept"] and not vector["expected"].isascii()]


def test_there_are_all_of_them() -> None:
    assert (len(VECTORS), len(OURS), len(ACCENTED)) == (22, 14, 1)


@pytest.mark.parametrize("vector", OURS, ids=lambda vector: vector["crc"])
def test_an_opened_payment_has_the_very_text(vector: dict[str, Any], tmp_path: Path) -> None:
    assert _opened(vector, tmp_path) == vector["expected"]


@pytest.mark.parametrize("vector", ACCENTED, ids=lambda vector: vector["crc"])
def test_accents_are_read_and_never_written(vector: dict[str, Any], tmp_path: Path) -> None:
    assert read_qr(vector["expected"]).additional["purpose"] == vector["inputs"]["purpose"]
    with pytest.raises(Malformed):
        _opened(vector, tmp_path)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["crc"])
def test_each_is_read_or_refused_as_it_must_be(vector: dict[str, Any]) -> None:
    if not vector["must_accept"]:
        with pytest.raises(Malformed):
            read_qr(vector["expected"])
        return
    code, inputs = read_qr(vector["expected"]), vector["inputs"]
    assert code.bank_bin == inputs.get("bin")
    assert code.number == inputs.get("number", inputs.get("account"))
    assert code.amount == (dong(inputs["amount"]) if "amount" in inputs else None)


@pytest.mark.parametrize(
    "vector", [vector for vector in VECTORS if not vector["must_accept"]], ids=lambda vector: vector["crc"]
)
def test_what_must_be_refused_is_never_what_we_write(vector: dict[str, Any], tmp_path: Path) -> None:
    account = vector["inputs"].get("account", "257678859")
    inputs = {"bin": vector["inputs"].get("bin", "970416"), "account": account}
    assert _opened({**vector, "inputs": inputs}, tmp_path) != vector["expected"]


def _opened(vector: dict[str, Any], folder: Path) -> str | None:
    inputs = vector["inputs"]
    card = "QRIBFTTC" in vector["expected"]
    section = a_section(
        folder,
        ACCOUNT_BANK=inputs["bin"],
        ACCOUNT_NUMBER=inputs.get("number", inputs.get("account", "")),
        ACCOUNT_KIND="card" if card else "account",
        CODE_KIND="dynamic" if "amount" in inputs else "static",
        BILL_NUMBER="attempt" if "bill" in inputs else "none",
        REFERENCE_LABEL=inputs.get("ref", ""),
    )
    request = a_request(
        amount=dong(inputs.get("amount", 150_000)),
        order_reference=inputs.get("purpose", "none"),
        attempt_reference=inputs.get("bill", "none"),
    )
    return load_adapters(["vietqr"], {"vietqr": section})["vietqr"].open_payment(request).qr_text
