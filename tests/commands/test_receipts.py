"""The operator fetches the receipt that a bank wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskCliRunner

from payment_hub.commands.receipts import bank_receipt_command
from payment_hub.current import attach_hub
from payment_hub.domain.errors import BankUnavailable
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import start_payment
from tests.operations.test_receipts import PDF, WritingBank
from tests.worlds.banks import with_banks
from tests.worlds.orders import a_portal, an_agency, an_order, confirmation, receive


@pytest.fixture
def bank() -> WritingBank:
    return WritingBank()


@pytest.fixture
def reference(hub: Hub, bank: WritingBank) -> str:
    """A paid order."""
    hub = with_banks(hub, standin=bank)
    reference = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    start_payment(hub, reference=reference, bank="standin", payer_ip="203.0.113.9", language="vi")
    receive(hub, confirmation(f"{reference}-1", bank="standin"))
    return reference


@pytest.fixture
def run(hub: Hub, bank: WritingBank) -> Any:
    """``run(order, file)`` runs the command."""
    app = Flask("commands")
    attach_hub(app, with_banks(hub, standin=bank))
    return lambda *words: FlaskCliRunner(app).invoke(bank_receipt_command, [*map(str, words)])


def test_the_pdf_is_written_as_the_bank_gave_it(run: Any, reference: str, tmp_path: Path) -> None:
    result = run(reference, tmp_path / "receipt.pdf")
    assert (result.exit_code, (tmp_path / "receipt.pdf").read_bytes()) == (0, PDF)
    assert f"{len(PDF)} bytes" in result.output


def test_no_file_is_ever_overwritten(run: Any, reference: str, tmp_path: Path) -> None:
    (tmp_path / "receipt.pdf").write_text("mine")
    assert run(reference, tmp_path / "receipt.pdf").exit_code == 1
    assert (tmp_path / "receipt.pdf").read_text() == "mine"


def test_a_refusal_is_one_line_and_leaves_no_file(
    run: Any, bank: WritingBank, reference: str, tmp_path: Path
) -> None:
    assert run("nonsense", tmp_path / "receipt.pdf").exit_code == 1
    bank.silent = True
    result = run(reference, tmp_path / "receipt.pdf")
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert (BankUnavailable.__doc__ or "").partition("\n")[0] in result.output
    assert not (tmp_path / "receipt.pdf").exists()
