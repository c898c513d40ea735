"""``python -m bank_adapters.simulators.sandbox``: starts, serves and stops."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from bank_adapters.simulators.sandbox import QUICK, serve
from bank_adapters.simulators.sandbox.__main__ import main
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.money import dong
from tests.banks.callback_door import open_door
from tests.banks.examples import a_query, a_request
from tests.banks.sandbox_messages import SECRET
from tests.banks.test_sandbox_simulator import statement_of_today


def test_it_runs_as_a_program(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bank_adapters.simulators.sandbox",
        "--port",
        "0",
        "--state",
        str(tmp_path / "s.jsonl"),
    ]
    environment = {**os.environ, "BANK_SANDBOX_SECRET": SECRET}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as program:
        assert program.stdout is not None
        found = re.search(r"http://\S+", program.stdout.readline())
        assert found is not None
        assert requests.get(f"{found[0]}/health", timeout=5).status_code == 200
        program.send_signal(signal.SIGTERM)
        assert program.wait(10) == 0


def test_it_does_not_start_without_a_secret() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BANK_")}
    command = [sys.executable, "-m", "bank_adapters.simulators.sandbox", "--port", "0"]
    program = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=20, check=False
    )
    assert program.returncode == 2
    assert "BANK_SANDBOX_SECRET" in program.stderr


def test_it_serves_until_it_is_told_to_stop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("BANK_SANDBOX_SECRET", SECRET)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    us = threading.main_thread().ident
    assert us is not None
    stop = threading.Timer(0.3, signal.pthread_kill, [us, signal.SIGTERM])
    stop.start()
    try:
        assert main(["--port", "0", "--state", str(tmp_path / "s.jsonl"), "--retry-seconds", "1,2.5"]) == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert "sandbox bank at http://127.0.0.1:" in capsys.readouterr().out


def test_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("BANK_SANDBOX_SECRET", raising=False)
    with pytest.raises(SystemExit, match="2"):
        main(["--port", "0"])
    assert "BANK_SANDBOX_SECRET" in capsys.readouterr().err


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    with open_door() as hub:
        state = tmp_path / "bank.jsonl"
        hub.busy = 1
        with serve(SECRET, state=state, pace=replace(QUICK, retries=(30,))) as bank:
            hub.joined_to(bank.url).open_payment(a_request())
            bank.pay(a_request().attempt_reference)
            while hub.busy:
                pass
        with state.open("a") as file:
            file.write('{"kind": "book')  # the machine stopped in the middle of a line
        written = [json.loads(line) for line in state.read_text().splitlines()[:-1]]
        owed = next(record for record in written if record["kind"] == "owed")
        with serve(SECRET, state=state, pace=QUICK) as bank:
            adapter = hub.joined_to(bank.url)
            for message in bank.book.messages.values():
                message.due = 0
            bank.courier.wake()
            bank.wait_until_delivered()
            assert adapter.query_payment(a_query()).outcome is Outcome.PAID
            assert [line.amount for line in statement_of_today(adapter).lines] == [dong(150_000)]
        assert [one.event_id for one in hub.heard] == [owed["message_id"]]
