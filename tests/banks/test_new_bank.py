"""The page about a new bank tells the truth: its module is put where modules lie, and nothing else is edited."""

from __future__ import annotations

import hmac
import importlib
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import bank_adapters
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Outcome
from payment_hub.hub import Hub
from tests.banks.contract import CallbackContract, QueryContract, StatementContract
from tests.banks.examples import ATTEMPT, NOON, ORDER, PUBLIC_URL
from tests.web.conftest import an_app
from tests.worlds.banks import with_banks
from tests.worlds.database import scalar
from tests.worlds.orders import a_portal, an_agency, an_order

PAGE = (Path(__file__).parents[2] / "docs/new-bank.md").read_text("utf-8")
SECRET = "vietbank-secret-1"
BANK = "https://bank.test"

#: Where the sixteenth bank lies: beside the others, as far as Python can tell.
HOUSE = tempfile.TemporaryDirectory(prefix="sixteenth-bank-")


@pytest.fixture(scope="module", autouse=True)
def _moved_in() -> Any:
    (module,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    Path(HOUSE.name, "vietbank.py").write_text(module, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bank_adapters, "__path__", [*bank_adapters.__path__, HOUSE.name])
        importlib.invalidate_caches()
        yield
    HOUSE.cleanup()


def signed(said: dict[str, str], secret: str = SECRET) -> tuple[bytes, str]:
    """The message and its signature, as the bank's own paper says."""
    body = json.dumps(said).encode()
    return body, hmac.new(secret.encode(), body, "sha256").hexdigest()


def a_result(**changes: str) -> dict[str, str]:
    """What the bank says of a payment that was made."""
    said = {"order": ATTEMPT, "status": "SUCCESS", "amount": "150000", "id": "VB1", "time": "20261122120000"}
    return said | changes


def answer_of(said: dict[str, str], secret: str = SECRET) -> dict[str, Any]:
    """An answer of the bank's."""
    body, signature = signed(said, secret)
    return {"status": 200, "body": body, "headers": {"X-Vietbank-Signature": signature}}


class TestVietbank(CallbackContract, QueryContract, StatementContract):
    bank = "vietbank"
    required = frozenset({"BANK_VIETBANK_URL", "BANK_VIETBANK_SECRET", "BANK_VIETBANK_STATEMENTS"})
    opens_at = (("POST", f"{BANK}/open"),)
    asks_at = (("POST", f"{BANK}/status"),)
    signed_headers = ("x-vietbank-signature",)

    def section(self, folder: Path) -> dict[str, str]:
        return {"URL": BANK, "SECRET": SECRET, "STATEMENTS": str(folder)}

    def opening_answer(self) -> Any:
        return answer_of({"order": ATTEMPT, "page": f"{BANK}/pay/1"})

    def unbelievable_openings(self) -> dict[str, Any]:
        opened = {"order": ATTEMPT, "page": f"{BANK}/pay/1"}
        return {
            "another payment": answer_of(opened | {"order": f"{ORDER}-2"}),
            "wrong signature": answer_of(opened, "another-secret"),
            "a page elsewhere": answer_of(opened | {"page": "javascript:alert(1)"}),
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        words: dict[Outcome | str, str] = {Outcome.PAID: "SUCCESS", Outcome.DECLINED: "FAILED"}
        body, signature = signed(a_result(status=words.get(outcome, "UNDER_REVIEW")))
        headers = {"x-vietbank-signature": signature}
        return CallbackRequest("POST", "/callbacks/vietbank", b"", headers, body, NOON)

    def is_sent_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200

    def query_answer(self, outcome: Outcome | str) -> Any:
        words: dict[Outcome | str, str] = {
            Outcome.PAID: "SUCCESS",
            Outcome.DECLINED: "FAILED",
            Outcome.PENDING: "WAITING",
        }
        return answer_of(a_result(status=words.get(outcome, "UNDER_REVIEW")))

    def unbelievable_answers(self) -> dict[str, Any]:
        return {
            "another payment": answer_of(a_result(order=f"{ORDER}-2")),
            "wrong signature": answer_of(a_result(), "another-secret"),
        }

    def statement_text(self) -> str:
        return (
            "time,id,order,amount,status\n"
            f"22/11/2026 12:00:00,VB1,{ATTEMPT},150000,SUCCESS\n"
            "22/11/2026 13:00:00,VB2,typed by hand,5000,SUCCESS\n"
        )


def test_a_citizen_pays_through_it(hub: Hub, tmp_path: Path) -> None:
    """Through the hub's own door, with nothing edited but the settings."""
    section = {"URL": BANK, "SECRET": SECRET, "STATEMENTS": str(tmp_path)}
    banks = bank_adapters.load_adapters(["vietbank"], {"vietbank": section}, PUBLIC_URL)
    bank_hub = with_banks(hub, **banks)
    client: FlaskClient = an_app(bank_hub).test_client()
    reference = str(an_order(bank_hub, an_agency(bank_hub), a_portal(bank_hub))["reference"])
    body, signature = signed(a_result(order=reference, time="20260302100000"))
    answers = [
        client.post("/callbacks/vietbank", data=body, headers={"X-Vietbank-Signature": signature})
        for _ in range(2)
    ]
    assert [answer.json for answer in answers] == [
        {"result": Answer.RECORDED.value},
        {"result": Answer.ALREADY_RECORDED.value},
    ]
    assert scalar(bank_hub, "SELECT status FROM payment_order") == "PAID"
    forged = client.post("/callbacks/vietbank", data=body + b" ", headers={"X-Vietbank-Signature": signature})
    assert forged.status_code == 401
