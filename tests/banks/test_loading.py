"""Banks are enabled by name; whatever is wrong with any of them is said at once, without secrets."""

from __future__ import annotations

import hmac
import importlib
import textwrap
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import bank_adapters
from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.toolkit.settings import describe
from payment_hub.domain.banks.port import BankAdapter, CanQuery, TakesCallbacks
from payment_hub.domain.banks.values import CallbackRequest
from payment_hub.domain.errors import CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.test_sandbox import SECRET

SANDBOX = {"URL": "https://bank.test", "SECRET": SECRET}


def test_nothing_enabled_is_nothing_loaded() -> None:
    assert load_adapters([], {"sandbox": SANDBOX}) == {}


@pytest.mark.parametrize(
    "name", ["nobank", "toolkit", "simulators", "sandbox.build", "../etc", "Sandbox", "", "os", "__init__"]
)
def test_an_unknown_bank_stops_the_start(name: str) -> None:
    with pytest.raises(BankSettingsError, match="unknown bank") as refusal:
        load_adapters([name], {})
    assert len(refusal.value.unknown) == 1


def test_everything_wrong_with_every_bank_is_said_at_once() -> None:
    with pytest.raises(BankSettingsError) as refusal:
        load_adapters(
            ["sandbox", "vnpay", "nobank"], {"sandbox": {"URL": "http://bank.test"}, "vnpay": {"SECRET": "k"}}
        )
    error = refusal.value
    assert set(error.missing) == {
        "BANK_SANDBOX_SECRET",
        "BANK_VNPAY_PAY_URL",
        "BANK_VNPAY_API_URL",
        "BANK_VNPAY_TMN_CODE",
        "BANK_VNPAY_STATEMENTS",
    }
    assert [name.split()[0] for name in error.malformed] == ["BANK_SANDBOX_URL", "BANK_VNPAY_SECRET"]
    assert error.unknown == ("'nobank'",)
    assert all(name in str(error) for name in (*error.missing, *error.malformed, *error.unknown))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("URL", "http://bank.test"),
        ("URL", "ftp://bank.test"),
        ("URL", "https://"),
        ("URL", "https://user:key@bank.test"),
        ("URL", "https://bank.test?x=1"),
        ("URL", "https://bank.test#x"),
        ("URL", "https://evil.test\\@bank.test"),
        ("URL", "https://bank.t\u00e9st"),
        ("SECRET", "whsec_%%%"),
        ("SECRET", "whsec_c2hvcnQ="),
        ("SECRET", SECRET.removeprefix("whsec_")),
        ("SECRET_PREVIOUS", "old"),
        ("READ_SECONDS", "0"),
        ("READ_SECONDS", "61"),
        ("READ_SECONDS", "1.5"),
        ("READ_SECONDS", "\u0661"),
    ],
)
def test_a_malformed_setting_is_named_and_not_shown(name: str, text: str) -> None:
    with pytest.raises(BankSettingsError) as refusal:
        load_adapters(["sandbox"], {"sandbox": SANDBOX | {name: text}})
    assert [wrong.split()[0] for wrong in refusal.value.malformed] == [f"BANK_SANDBOX_{name}"]
    assert f" {text} " not in f" {refusal.value} "


@pytest.mark.parametrize(
    "url", ["https://bank.test/", "https://bank.test:8443/api", "http://127.0.0.1:9", "http://[::1]:9"]
)
def test_https_and_this_machine_are_good_addresses(url: str) -> None:
    assert load_adapters(["sandbox"], {"sandbox": SANDBOX | {"URL": url}})


@pytest.mark.parametrize("bank", ["sandbox", "vnpay"])
def test_every_setting_can_be_described(bank: str) -> None:
    rows = describe(importlib.import_module(f"bank_adapters.{bank}").Settings, bank)
    assert {name for name, _, default, _ in rows if not default} >= set(_missing(bank))
    assert all(name.startswith(f"BANK_{bank.upper()}_") and meaning for name, meaning, _, _ in rows)
    assert {name for name, _, _, secret in rows if secret} == {name for name, *_ in rows if "SECRET" in name}


def _missing(bank: str) -> tuple[str, ...]:
    with pytest.raises(BankSettingsError) as refusal:
        load_adapters([bank], {})
    return refusal.value.missing


NEW_BANK = '''
    """A bank of which the hub has never heard."""

    from dataclasses import dataclass
    from typing import ClassVar

    from bank_adapters.toolkit.json_fields import read_object, text
    from bank_adapters.toolkit.settings import parse_key, read_section, setting
    from bank_adapters.toolkit.signatures import require_hmac_sha256
    from payment_hub.domain.banks.profile import BankProfile, PaymentMethod
    from payment_hub.domain.banks.values import (Confirmation, Outcome)
    from payment_hub.domain.money import Money

    OUTCOMES = {"OK": Outcome.PAID}


    @dataclass(frozen=True)
    class MekongSettings:
        secret: bytes = setting(parse_key, "shared with the bank", secret=True)


    PROFILE = BankProfile("Mekong", (PaymentMethod.PAGE,), ())


    def build(bank, section):
        return Mekong(bank, read_section(MekongSettings, bank, section))


    @dataclass(frozen=True)
    class Mekong:
        code: str
        settings: MekongSettings
        profile: ClassVar[BankProfile] = PROFILE

        def read_callback(self, request):
            require_hmac_sha256([self.settings.secret], request.body, request.headers.get("x-mac"))
            said = read_object(request.body)
            return Confirmation(
                bank=self.code,
                event_id=text(said, "id"),
                reference=text(said, "ref"),
                outcome=OUTCOMES.get(text(said, "word"), Outcome.PENDING),
                amount=Money.parse(text(said, "dong")),
                bank_transaction_id=text(said, "id"),
            )

        def open_payment(self, request): ...
        def acknowledge(self, answer, request): ...
        def refuse(self, request): ...
'''


def test_a_new_bank_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mekong.py").write_text(textwrap.dedent(NEW_BANK), "utf-8")
    monkeypatch.setattr(bank_adapters, "__path__", [*bank_adapters.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(BankSettingsError, match="BANK_MEKONG_SECRET"):
        load_adapters(["mekong"], {})
    mekong = load_adapters(["mekong", "sandbox"], {"mekong": {"SECRET": "mekong-key"}, "sandbox": SANDBOX})[
        "mekong"
    ]
    assert isinstance(mekong, BankAdapter)
    assert isinstance(mekong, TakesCallbacks)
    assert not isinstance(mekong, CanQuery)
    body = b'{"id": "7", "ref": "K7Q2", "word": "OK", "dong": "150000"}'
    mac = hmac.new(b"mekong-key", body, "sha256").hexdigest()
    message = CallbackRequest("POST", "/", b"", {"x-mac": mac}, body, datetime(2026, 11, 22, tzinfo=UTC))
    assert mekong.read_callback(message).amount == dong(150_000)
    with pytest.raises(CallbackRejected):
        mekong.read_callback(replace(message, body=body + b" "))
