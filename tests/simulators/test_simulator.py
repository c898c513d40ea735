"""What the simulator remembers, reads and alters, without a wire; and the program."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import requests

from bank_adapters import load_adapters
from bank_adapters.simulators.__main__ import main
from bank_adapters.simulators.choices import altered, strange_reference, wrong_amount
from bank_adapters.simulators.server import settings_of
from bank_adapters.simulators.simulator import Book, Payment, Refund, Simulator, WireRequest, business_day
from bank_adapters.simulators.transfers import scan
from bank_adapters.toolkit.emv_qr import write_vietqr
from payment_hub.domain.money import dong
from tests.simulators.conftest import Stage
from tests.simulators.mekong import MekongSimulator, is_genuine


def test_numbers_are_given_once_however_many_ask() -> None:
    book = MekongSimulator("http://x", "http://hub").book
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: book.next_number(), range(500)))
    assert len({*numbers}) == 500
    assert all(len(str(number)) == 13 for number in numbers)


def test_a_wrong_clock_is_wrong_for_one_thread_and_for_a_while() -> None:
    book: Book = MekongSimulator("http://x", "http://hub").book
    seen: list[datetime] = []
    with book.at(datetime.now(UTC) - timedelta(days=2)):
        assert datetime.now(UTC) - book.now() > timedelta(days=1)
        other = threading.Thread(target=lambda: seen.append(book.now()))
        other.start()
        other.join()
    assert abs(datetime.now(UTC) - seen[0]) < timedelta(minutes=1)
    assert abs(datetime.now(UTC) - book.now()) < timedelta(minutes=1)


def test_a_rail_that_overrides_nothing_has_nothing(tmp_path: Path) -> None:
    class Bare(Simulator):
        name = "bare"

        @classmethod
        def settings(cls, url: str, folder: Path) -> dict[str, str]:
            return {"URL": url, "STATEMENTS": str(folder)}

    bare = Bare("http://x/bare", "http://hub")
    payment = bare.book.remember(Payment("P" * 12, 1000))
    assert bare.receive(WireRequest("GET", "/x")).status == 404
    assert bare.callbacks(payment) == bare.refund_callbacks(payment, Refund("R", 1)) == []
    given = [bare.opening_page(WireRequest("GET", "/")), bare.return_url(payment), bare.pay_bill("B")]
    assert given == [None, None, None]
    assert bare.statement(date(2026, 3, 2), []) is None
    assert bare.callback_url == "http://hub/callbacks/bare"
    assert bare.take_transfer(f"for {payment.reference}", 1000, "") is payment
    assert bare.take_transfer("for nobody", 1000, "").reference == "for nobody"
    assert settings_of([Bare], "http://x", tmp_path) == {
        "bare": {"URL": "http://x/bare", "STATEMENTS": str(tmp_path / "bare")}
    }


@pytest.mark.parametrize("reference", ["DV6AHKGJH0BRRAEN-1", "251122_DV6AHKGJH0BRRAEN-1", "17", "whatever"])
def test_a_strange_reference_has_the_form_of_ours_and_is_none(reference: str) -> None:
    strange = strange_reference(reference)
    assert strange != reference
    assert reference.isdigit() == strange.isdigit()
    assert strange.partition("DV")[0] == reference.partition("DV")[0] or "DV" not in reference


def test_an_alteration_is_found_where_there_is_no_amount() -> None:
    hidden = WireRequest("POST", "/", b"", {}, b'{"data":"eyJhIjoxfQ=="}')
    assert sum(a != b for a, b in zip(altered(hidden, 150_000).body, hidden.body, strict=True)) == 1
    asked = WireRequest("GET", "/", b"mark=abc")
    assert altered(asked, 150_000).query != asked.query
    assert wrong_amount(500) == 1500


def test_a_code_is_read_as_an_app_reads_it() -> None:
    code = write_vietqr(bank_bin="970436", number="0011", amount=dong(1_234), purpose="DV6AHKGJH0BRRAEN")
    assert scan(code) == ("DV6AHKGJH0BRRAEN", 1_234)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    with pytest.raises(ValueError, match="checksum"):
        scan(wrong)


def test_the_business_day_changes_at_midnight_in_vietnam() -> None:
    assert business_day(datetime(2026, 3, 1, 17, 0, tzinfo=UTC)) == date(2026, 3, 2)
    assert business_day(datetime(2026, 3, 1, 16, 59, tzinfo=UTC)) == date(2026, 3, 1)


def test_the_made_up_rail_signs_what_it_says(stage: Stage) -> None:
    assert not is_genuine({}, b"")
    assert requests.post(f"{stage.server.url}/mekong/payments", b"{}", timeout=5).status_code == 401


def test_the_program_prints_what_a_hub_must_be_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--settings", "http://127.0.0.1:9/", str(tmp_path)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert load_adapters([*told], told, "http://127.0.0.1:8").keys() == told.keys()
    for simulator, section in told.items():
        assert (tmp_path / simulator).is_dir()
        assert (
            any(f"http://127.0.0.1:9/{simulator}" in value for value in section.values())
            or "STATEMENTS" in section
        )


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bank_adapters.simulators", "--port", "0", "--statements", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            found = re.search(r"http://[0-9.]+:[0-9]+", program.stdout.readline())
            assert found is not None
            assert requests.get(f"{found[0]}/health", timeout=5).json() == {"status": "ok"}
            assert requests.get(found[0], timeout=5).status_code == 200
            program.send_signal(signal.SIGTERM)
            assert program.wait(10) == 0
        finally:
            program.kill()
