"""The settings: every fault in one list, at the first start."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from bank_adapters import settings_faults
from payment_hub.settings import Settings, SettingsError
from tests.worlds.settings import ENVIRON, KEY_32

ROOT = Path(__file__).resolve().parents[1]

#: Case by case of what an operator gets wrong at once, with what the start must say of each.
WRONG = {
    "HUB_SECRET_KEY": "",
    "HUB_SIGNING_KEY": "c2hvcnQ=",
    "HUB_PUBLIC_URL": "hub.test",
    "HUB_ENABLED_BANKS": "sandbox vnpay nosuchbank",
    "HUB_ORDER_MINUTES": "-5",
    "HUB_SANDBOX": "yes",
    "HUB_HOLIDAYS": "2026-02-30",
    "BANK_SANDBOX_URL": "ftp://bank.test",
    "BANK_VNPAY_TMN_CODE": "HUBTEST1",
}
SAID = [
    "HUB_PUBLIC_URL must be an http(s) address",
    "HUB_SECRET_KEY is missing",
    "HUB_SIGNING_KEY must be base64 of 32 bytes",
    "HUB_ORDER_MINUTES must be a whole number",
    "HUB_HOLIDAYS must be days such as 2026-02-17, separated by spaces",
    "HUB_SANDBOX must be 0 or 1",
    "BANK_VNPAY_SECRET is missing",
    "BANK_SANDBOX_URL (must be an https address, or http to this machine)",
    "'nosuchbank' is no bank",
]


def test_every_fault_of_the_hub_and_of_its_banks_is_in_one_list() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_environ({**ENVIRON, **WRONG}, settings_faults)
    for fault in SAID:
        assert refused.value.faults.count(fault) == 1, fault
    assert len(set(refused.value.faults)) == len(refused.value.faults)
    assert "c2hvcnQ" not in str(refused.value)


@pytest.mark.parametrize(
    "program", [["flask", "--app", "wsgi", "hub", "banks"], ["celery", "--app", "wsgi:celery", "beat"]]
)
def test_a_start_with_wrong_settings_prints_the_list_and_no_traceback(program: list[str]) -> None:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("HUB_", "BANK_"))}
    result = subprocess.run(
        [sys.executable, "-m", *program],
        cwd=ROOT,
        env={**own, **ENVIRON, **WRONG},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "The settings are not right:" in result.stderr
    for fault in SAID:
        assert result.stderr.count(f"\n  {fault}\n") == 1, result.stderr


def test_right_settings_are_read_as_what_they_are() -> None:
    settings = Settings.from_environ(
        {
            **ENVIRON,
            "HUB_HOLIDAYS": "2026-02-17 2026-02-18",
            "HUB_ORDER_MINUTES": "90",
            "HUB_WEBHOOK_HOSTS": "a b",
        },
        settings_faults,
    )
    assert settings.holidays == {date(2026, 2, 17), date(2026, 2, 18)}
    assert settings.order_life == timedelta(minutes=90)
    assert settings.webhook_hosts == {"a", "b"}
    assert settings.database_url == "postgresql+psycopg://not-used"
    assert settings.banks["sandbox"]["URL"] == "http://127.0.0.1:9"
    assert KEY_32 not in repr(settings)


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    key = base64.b64encode(b"f" * 32)
    (tmp_path / "key").write_bytes(key + b"\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    given = {**ENVIRON, "HUB_SECRET_KEY": "", "HUB_SECRET_KEY_FILE": str(tmp_path / "key")}
    assert Settings.from_environ(given).secret_key == b"f" * 32
    for change, fault in (
        ({"HUB_SECRET_KEY": KEY_32}, "HUB_SECRET_KEY and HUB_SECRET_KEY_FILE are both given"),
        ({"HUB_SECRET_KEY_FILE": str(tmp_path / "none")}, "HUB_SECRET_KEY cannot be read from the file"),
        ({"HUB_SECRET_KEY_FILE": str(tmp_path / "binary")}, "HUB_SECRET_KEY cannot be read from the file"),
    ):
        with pytest.raises(SettingsError, match=fault):
            Settings.from_environ({**given, **change})
    named = {**ENVIRON, "HUB_ORDER_MINUTES_FILE": str(tmp_path / "key")}
    assert Settings.from_environ(named).order_life == timedelta(days=1)
