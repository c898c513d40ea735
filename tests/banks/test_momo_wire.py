"""MoMo's published and observed vectors, byte by byte through the adapter's own verbs."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.momo import Momo
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected
from payment_hub.domain.money import dong
from tests.banks.examples import ATTEMPT, NOON, REFUND, a_query, a_refund, a_refund_query, a_request
from tests.banks.faults import Failing
from tests.banks.momo_messages import NUMBER, URL, a_section, opened

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/momo/signatures.json").read_text("utf-8")
)
NOTICES = [vector for vector in VECTORS if vector["kind"] == "ipn-or-redirect-signature"]
NUMBERS = ("amount", "transId", "resultCode", "responseTime")


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [vector for vector in VECTORS if vector["kind"] == kind]
    return found


def bank_of(vector: dict[str, Any], folder: Path, **settings: str) -> Any:
    """The adapter with the partner and the secret of a vector."""
    fields = vector["inputs"]
    section = a_section(folder) | {
        "PARTNER_CODE": fields["partnerCode"],
        "ACCESS_KEY": fields["accessKey"],
        "SECRET": vector["secret"],
    }
    return load_adapters(["momo"], {"momo": section | settings})["momo"]


def message(vector: dict[str, Any]) -> dict[str, Any]:
    """What MoMo sent: the access key is not in it, and numbers are JSON numbers."""
    fields = {name: value for name, value in vector["inputs"].items() if name != "accessKey"}
    return fields | {name: int(fields[name]) for name in NUMBERS} | {"signature": vector["expected"]}


def notice(fields: dict[str, Any], *, ascii_only: bool = False) -> CallbackRequest:
    body = json.dumps(fields, ensure_ascii=ascii_only).encode()
    return CallbackRequest("POST", "/callbacks/momo", b"", {}, body, NOON)


def sent(verb: str, ask: Callable[[], object]) -> dict[str, Any]:
    """What ``ask`` sends to MoMo, which does not answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", f"{URL}/v2/gateway/api/{verb}", status=500)
        with pytest.raises(BankUnavailable):
            ask()
        fields: dict[str, Any] = json.loads(wire.calls[0].request.body or b"")
    return fields


def named(monkeypatch: pytest.MonkeyPatch, vector: dict[str, Any]) -> None:
    """Let our requestId be the vector's."""
    monkeypatch.setattr("bank_adapters.momo.request_id", lambda *_: vector["inputs"]["requestId"])


def assert_as_published(fields: dict[str, Any], vector: dict[str, Any]) -> None:
    """Every field of the vector was sent as it stands there, and the access key was not."""
    expected = {name: value for name, value in vector["inputs"].items() if name != "accessKey"}
    assert {name: str(fields[name]) for name in expected} == expected
    assert fields["signature"] == vector["expected"]
    assert "accessKey" not in fields


@pytest.mark.parametrize("vector", NOTICES)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_an_observed_notice_is_believed(vector: dict[str, Any], ascii_only: bool, tmp_path: Path) -> None:
    fields = vector["inputs"]
    said = bank_of(vector, tmp_path).read_callback(notice(message(vector), ascii_only=ascii_only))
    assert (said.outcome, said.reference, said.key) == (Outcome.PAID, fields["orderId"], 0)
    assert said.amount == dong(int(fields["amount"]))
    assert said.bank_transaction_id == fields["transId"]
    seconds, milliseconds = divmod(int(fields["responseTime"]), 1000)
    assert said.paid_at == datetime.fromtimestamp(seconds, UTC) + timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize("vector", NOTICES)
def test_an_observed_return_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    adapter = bank_of(vector, tmp_path)
    for written in (
        urlencode(message(vector)),
        "&".join(f"{name}={quote_plus(str(it))}" for name, it in message(vector).items()),
    ):
        assert adapter.read_return(written.encode()) == adapter.read_callback(notice(message(vector)))


@pytest.mark.parametrize("vector", NOTICES)
def test_an_observed_notice_under_another_key_is_rejected(vector: dict[str, Any], tmp_path: Path) -> None:
    for changes in ({"SECRET": "another-secret-of-momo"}, {"ACCESS_KEY": "klm05TvNBzhg7h7j"}):
        with pytest.raises(CallbackRejected):
            bank_of(vector, tmp_path, **changes).read_callback(notice(message(vector)))


def test_the_string_of_the_wrong_official_sample_is_rejected(tmp_path: Path) -> None:
    """It begins with ``&accessKey=`` and lacks the ``&`` before partnerCode."""
    vector = NOTICES[0]
    wrong = "&" + vector["string_to_sign"].replace("&partnerCode=", "partnerCode=")
    signature = hmac.new(vector["secret"].encode(), wrong.encode(), "sha256").hexdigest()
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path).read_callback(notice(message(vector) | {"signature": signature}))


def test_encoded_values_are_not_what_is_signed(tmp_path: Path) -> None:
    vector = NOTICES[0]
    encoded = "&".join(
        f"{name}={quote_plus(it)}"
        for name, it in (pair.split("=") for pair in vector["string_to_sign"].split("&"))
    )
    signature = hmac.new(vector["secret"].encode(), encoded.encode(), "sha256").hexdigest()
    assert signature != vector["expected"]
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path).read_callback(notice(message(vector) | {"signature": signature}))


def test_an_opening_is_signed_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("create-signature")
    fields = vector["inputs"]
    named(monkeypatch, vector)
    request = a_request(
        attempt_reference=fields["orderId"],
        amount=dong(int(fields["amount"])),
        description=fields["orderInfo"],
        return_url=fields["redirectUrl"],
    )
    adapter = bank_of(vector, tmp_path, IPN_URL=fields["ipnUrl"])
    asked = sent("create", lambda: adapter.open_payment(request))
    assert_as_published(asked, vector)
    assert asked["autoCapture"] is True
    assert type(asked["amount"]) is int


def test_a_question_is_signed_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("query-signature")
    named(monkeypatch, vector)
    query = a_query(attempt_reference=vector["inputs"]["orderId"])
    assert_as_published(sent("query", lambda: bank_of(vector, tmp_path).query_payment(query)), vector)
    about_a_refund = a_refund_query(attempt_reference=vector["inputs"]["orderId"])
    assert_as_published(sent("query", lambda: bank_of(vector, tmp_path).query_refund(about_a_refund)), vector)


def test_a_refund_is_signed_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("refund-signature")
    fields = vector["inputs"]
    named(monkeypatch, vector)
    request = a_refund(
        refund_reference=fields["orderId"],
        bank_transaction_id=fields["transId"],
        amount=dong(int(fields["amount"])),
        description=fields["description"],
    )
    asked = sent("refund", lambda: bank_of(vector, tmp_path).refund_payment(request))
    assert_as_published(asked, vector)
    assert (type(asked["amount"]), type(asked["transId"])) == (int, int)


def test_a_capture_is_signed_as_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("confirm-signature")
    named(monkeypatch, vector)
    query = a_query(attempt_reference=vector["inputs"]["orderId"])
    adapter = bank_of(vector, tmp_path)
    assert_as_published(sent("confirm", lambda: adapter.capture_payment(query)), vector)
    cancelled = sent("confirm", lambda: adapter.cancel_payment(query))
    assert cancelled["requestType"] == "cancel"
    text = vector["string_to_sign"].replace("requestType=capture", "requestType=cancel")
    assert cancelled["signature"] == hmac.new(vector["secret"].encode(), text.encode(), "sha256").hexdigest()


# What is sent, beside the signature --------------------------------------------------------------------


def test_momo_is_told_where_to_call_back_and_where_to_send_the_payer(adapter: Momo) -> None:
    asked = sent("create", lambda: adapter.open_payment(a_request(language="en")))
    assert asked["ipnUrl"] == "https://hub.test/callbacks/momo"
    assert "?" not in asked["ipnUrl"]
    assert asked["redirectUrl"] == "https://hub.test/checkout/abc"
    assert (asked["lang"], asked["extraData"], asked["requestType"]) == ("en", "", "captureWallet")


def test_the_same_attempt_is_the_same_request_and_another_one_is_not(adapter: Momo) -> None:
    first, again = (sent("create", lambda: adapter.open_payment(a_request())) for _ in range(2))
    assert first == again
    other = sent("create", lambda: adapter.open_payment(a_request(attempt_reference="K0-2")))
    assert other["requestId"] != first["requestId"]


def test_the_same_refund_is_the_same_request_under_an_order_of_its_own(adapter: Momo) -> None:
    wanted = a_refund(bank_transaction_id=str(NUMBER))
    first, again = (sent("refund", lambda: adapter.refund_payment(wanted)) for _ in range(2))
    later = sent(
        "refund", lambda: adapter.refund_payment(replace(wanted, queried_at=NOON + timedelta(days=2)))
    )
    assert first == again == later
    assert (first["orderId"], first["transId"]) == (REFUND, NUMBER)
    assert first["orderId"] != ATTEMPT


def test_every_question_and_every_act_has_a_request_of_its_own(adapter: Momo) -> None:
    asked = [sent("query", lambda: adapter.query_payment(a_query())) for _ in range(5)]
    asked += [sent("confirm", lambda: adapter.capture_payment(a_query()))]
    asked += [sent("confirm", lambda: adapter.cancel_payment(a_query()))]
    asked += [sent("create", lambda: adapter.open_payment(a_request()))]
    assert len({one["requestId"] for one in asked}) == len(asked)
    assert all(len(one["requestId"]) <= 50 for one in asked)


def test_money_is_held_when_the_partner_takes_two_steps(tmp_path: Path) -> None:
    adapter = load_adapters(["momo"], {"momo": a_section(tmp_path) | {"TWO_STEP": "yes"}})["momo"]
    assert sent("create", lambda: adapter.open_payment(a_request()))["autoCapture"] is False


def test_an_answer_given_again_has_the_same_instructions(adapter: Momo) -> None:
    """MoMo answers 201 where it had answered before."""
    given = []
    for status in (200, 201):
        with Failing((("POST", f"{URL}/v2/gateway/api/create"),), opened(status=status)):
            given.append(adapter.open_payment(a_request()))
    assert given[0] == given[1]


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return load_adapters(["momo"], {"momo": a_section(tmp_path)}, "https://hub.test")["momo"]
