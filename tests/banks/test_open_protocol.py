"""The protocol's page tells the truth: its examples verify with its secret, its tables name what is sent."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bank_adapters.sandbox import ANSWERS
from bank_adapters.toolkit.standard_webhooks import read_webhook_secret, require_standard_webhook
from payment_hub.domain.banks.values import Answer, CallbackRequest, Outcome
from payment_hub.domain.money import dong
from tests.banks.test_sandbox import a_sandbox

PAGE = (Path(__file__).parents[2] / "docs/open-protocol.md").read_text("utf-8")
SECRET = re.findall(r"whsec_\S+=", PAGE)[0]


def examples() -> list[tuple[str, dict[str, str], str]]:
    """First line, headers and body of every example."""
    found = []
    for block in re.findall(r"```http\n(.*?)```", PAGE, re.DOTALL):
        head, _, body = block.partition("\n\n")
        first, *lines = head.rstrip("\n").split("\n")
        is_csv = any(line.endswith("text/csv; charset=utf-8") for line in lines)
        text = body if is_csv else body.rstrip("\n")
        found.append((first, dict(line.split(": ", 1) for line in lines), text))
    return found


def test_there_is_an_example_of_every_message() -> None:
    assert len(examples()) == 7


@pytest.mark.parametrize(("first", "headers", "body"), examples(), ids=lambda part: str(part)[:30])
def test_every_example_is_signed_as_the_page_says(first: str, headers: dict[str, str], body: str) -> None:
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    require_standard_webhook(headers, body.encode(), received_at=at, secrets=[read_webhook_secret(SECRET)])


def test_an_answer_carries_the_id_of_its_question() -> None:
    ids = [headers["webhook-id"] for _, headers, _ in examples()]
    opened, opening, callback, asked, answered, wanted, statement = ids
    assert (opened, asked, wanted) == (opening, answered, statement)
    assert callback not in {opened, asked, wanted}


def test_the_example_of_a_callback_is_read_by_the_adapter() -> None:
    headers, body = next(
        (headers, body) for first, headers, body in examples() if first == "POST /callbacks/sandbox"
    )
    at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    adapter = a_sandbox({"URL": "https://bank.test", "SECRET": SECRET})
    confirmation = adapter.read_callback(
        CallbackRequest("POST", "/callbacks/sandbox", b"", headers, body.encode(), at)
    )
    assert (confirmation.outcome, confirmation.amount, confirmation.reference) == (
        Outcome.PAID,
        dong(150_000),
        "K7Q2M9X4T1-1",
    )


@pytest.mark.parametrize("first", ["POST /payments", "HTTP/1.1 201 Created", "POST /callbacks/sandbox"])
def test_the_table_under_an_example_names_its_fields(first: str) -> None:
    body = next(body for line, _, body in examples() if line == first)
    table = (
        PAGE.split(f"```http\n{first}\n")[1].split("| field | meaning |\n| --- | --- |\n")[1].split("\n\n")[0]
    )
    named = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert sorted(named) == sorted(json.loads(body))


@pytest.mark.parametrize("answer", Answer)
def test_the_page_says_what_the_hub_answers(answer: Answer) -> None:
    assert f'| {ANSWERS[answer]} | `{{"result": "{answer}"}}` |' in PAGE
