"""ZaloPay's published and observed vectors, byte by byte through the adapter's own verbs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.zalopay import ZaloPay
from payment_hub.domain.banks.values import CallbackRequest, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.examples import NOON, a_query, a_refund, a_refund_query, a_request
from tests.banks.zalopay_messages import NAMED, NUMBER, URL, a_section, mac

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/zalopay/signatures.json").read_text("utf-8")
)
CALLBACKS = [vector for vector in VECTORS if vector["kind"] == "callback-mac"]
#: Which of our two keys a vector's secret is.
KEY_OF = {"create-mac": "REQUEST_SECRET", "query-mac": "REQUEST_SECRET", "refund-mac": "REQUEST_SECRET"}
KEY_OF |= {"query-refund-mac": "REQUEST_SECRET", "callback-mac-wrong-key": "REQUEST_SECRET"}


def of_kind(kind: str) -> dict[str, Any]:
    (found,) = [vector for vector in VECTORS if vector["kind"] == kind]
    return found


def bank_of(vector: dict[str, Any], folder: Path, **settings: str) -> Any:
    """The adapter with the app and the key of a vector; the other key is another one."""
    keys = {"SECRET": "the-other-key-of-zalopay", "REQUEST_SECRET": "the-other-key-of-zalopay"}
    keys[KEY_OF.get(vector["kind"], "SECRET")] = vector["secret"]
    return load_adapters(["zalopay"], {"zalopay": a_section(folder) | keys | settings})["zalopay"]


def callback(vector: dict[str, Any], **changes: Any) -> CallbackRequest:
    body = {**vector["inputs"], "mac": vector["expected"]} | changes
    return CallbackRequest("POST", "/callbacks/zalopay", b"", {}, json.dumps(body).encode(), NOON)


def milliseconds(count: int) -> datetime:
    return datetime.fromtimestamp(count // 1000, UTC) + timedelta(milliseconds=count % 1000)


def sent(verb: str, ask: Callable[[], object]) -> dict[str, Any]:
    """What ``ask`` sends to ZaloPay, which does not answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", f"{URL}/v2/{verb}", status=500)
        with pytest.raises(BankUnavailable):
            ask()
        assert wire.calls[0].request.headers["Content-Type"] == "application/json"
        fields: dict[str, Any] = json.loads(wire.calls[0].request.body or b"")
    return fields


def assert_as_published(fields: dict[str, Any], vector: dict[str, Any]) -> None:
    """Every field of the vector was sent as it stands there, numbers as numbers; no key was."""
    assert {name: fields[name] for name in vector["inputs"]} == vector["inputs"]
    assert fields["mac"] == vector["expected"]
    assert vector["secret"] not in json.dumps(fields)


@pytest.mark.parametrize("vector", CALLBACKS)
def test_an_observed_callback_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    data = json.loads(vector["inputs"]["data"])
    said = bank_of(vector, tmp_path).read_callback(callback(vector))
    assert (said.outcome, said.amount, said.key) == (Outcome.PAID, dong(data["amount"]), 0)
    assert said.bank_transaction_id == str(data["zp_trans_id"])
    assert f"{data['app_trans_id'][:6]}_{said.reference}" == data["app_trans_id"]
    assert said.paid_at == milliseconds(data["server_time"])


@pytest.mark.parametrize("vector", CALLBACKS)
def test_data_that_are_written_anew_are_rejected(vector: dict[str, Any], tmp_path: Path) -> None:
    data = vector["inputs"]["data"]
    adapter = bank_of(vector, tmp_path)
    for written in (
        json.dumps(json.loads(data)),
        json.dumps(json.loads(data), sort_keys=True),
        data + " ",
        data.replace('"amount":', '"amount":1'),
    ):
        assert written != data
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback(vector, data=written))


@pytest.mark.parametrize("vector", CALLBACKS)
def test_an_observed_callback_under_another_key_is_rejected(vector: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path, SECRET="another-key2-of-zalopay").read_callback(callback(vector))


def test_the_downgrade_vector_is_refused_with_a_wrong_mac(tmp_path: Path) -> None:
    """A callback under key1, with which we sign what we ask."""
    vector = of_kind("callback-mac-wrong-key")
    adapter, message = bank_of(vector, tmp_path), callback(vector)
    with pytest.raises(CallbackRejected):
        adapter.read_callback(message)
    assert json.loads(adapter.refuse(message).body)["return_code"] == -1
    under_key2 = bank_of(vector, tmp_path, SECRET=vector["secret"])  # only the key was wrong
    assert under_key2.read_callback(message).reference == "PM-8f3a2c1d"


def test_an_order_has_the_published_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vector = of_kind("create-mac")
    fields, moment = vector["inputs"], milliseconds(vector["inputs"]["app_time"])
    monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: moment)
    request = a_request(
        attempt_reference=fields["app_trans_id"].partition("_")[2],
        amount=dong(fields["amount"]),
        started_at=moment - timedelta(minutes=3),
        expires_at=moment + timedelta(minutes=30),
        return_url="",
    )
    adapter = bank_of(vector, tmp_path, APP_USER=fields["app_user"])
    assert_as_published(sent("create", lambda: adapter.open_payment(request)), vector)


def test_a_question_has_the_published_mac(tmp_path: Path) -> None:
    vector = of_kind("query-mac")
    reference = vector["inputs"]["app_trans_id"].partition("_")[2]
    asked = a_query(attempt_reference=reference, started_at=datetime(2026, 10, 10, 8, 32, tzinfo=UTC))
    fields = sent("query", lambda: bank_of(vector, tmp_path).query_payment(asked))
    assert_as_published(fields, vector)
    assert set(fields) == {"app_id", "app_trans_id", "mac"}


def test_a_refund_has_the_documented_mac(tmp_path: Path) -> None:
    vector = of_kind("refund-mac")
    fields = vector["inputs"]
    request = a_refund(
        number=1,
        bank_transaction_id=fields["zp_trans_id"],
        amount=dong(fields["amount"]),
        description=fields["description"],
        queried_at=milliseconds(fields["timestamp"]),
    )
    asked = sent("refund", lambda: bank_of(vector, tmp_path).refund_payment(request))
    assert_as_published(asked, vector)
    assert "refund_fee_amount" not in asked
    # Where a fee is kept back it is sent and signed behind the amount.
    charged = bank_of(vector, tmp_path, REFUND_FEE="1000")
    asked = sent("refund", lambda: charged.refund_payment(request))
    parts = vector["string_to_sign"].split("|")
    assert asked["refund_fee_amount"] == 1000
    assert asked["mac"] == mac(vector["secret"], *parts[:3], 1000, *parts[3:]) != vector["expected"]


def test_a_question_about_a_refund_has_the_documented_mac(tmp_path: Path) -> None:
    vector = of_kind("query-refund-mac")
    queried_at = milliseconds(vector["inputs"]["timestamp"])
    query = a_refund_query(number=1, submitted_at=queried_at - timedelta(minutes=1), queried_at=queried_at)
    assert_as_published(sent("query_refund", lambda: bank_of(vector, tmp_path).query_refund(query)), vector)


def test_a_return_as_documented_is_believed(tmp_path: Path) -> None:
    vector = of_kind("redirect-checksum")
    query = urlencode({**vector["inputs"], "checksum": vector["expected"]}).encode()
    said = bank_of(vector, tmp_path).read_return(query)
    assert (said.outcome, said.reference, said.amount) == (Outcome.PAID, "HUB000123", dong(150_000))
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path).read_return(query.replace(b"status=1", b"status=2"))


# What is sent, beside the mac ----------------------------------------------------------------------


def test_zalopay_is_told_where_to_call_back_and_where_to_send_the_payer(adapter: ZaloPay) -> None:
    asked = sent("create", lambda: adapter.open_payment(a_request(bank_choice="zalopayapp")))
    assert asked["callback_url"] == "https://hub.test/callbacks/zalopay"
    assert json.loads(asked["embed_data"]) == {"redirecturl": "https://hub.test/checkout/abc"}
    assert (asked["item"], asked["bank_code"]) == ("[]", "zalopayapp")
    assert (type(asked["app_id"]), type(asked["amount"]), type(asked["app_time"])) == (int, int, int)
    assert milliseconds(asked["app_time"]) == NOON


@pytest.mark.parametrize(
    ("lasts", "told"),
    [
        (timedelta(seconds=300), 300),
        (timedelta(minutes=30), 1800),
        (timedelta(days=30), 2_592_000),
        (timedelta(days=90), 2_592_000),
    ],
)
def test_an_order_lasts_as_long_as_zalopay_can_carry(adapter: ZaloPay, lasts: timedelta, told: int) -> None:
    request = a_request(expires_at=NOON + lasts)
    assert sent("create", lambda: adapter.open_payment(request))["expire_duration_seconds"] == told


def test_the_day_is_that_of_vietnam_on_which_the_attempt_began(adapter: ZaloPay) -> None:
    for hour, day in ((16, "261122"), (17, "261123")):
        began = NOON.replace(hour=hour)
        request = a_request(started_at=began, expires_at=began + timedelta(minutes=30))
        opened = sent("create", lambda it=request: adapter.open_payment(it))["app_trans_id"]  # type: ignore[misc]
        asked = sent("query", lambda at=began: adapter.query_payment(a_query(started_at=at)))  # type: ignore[misc]
        assert opened == asked["app_trans_id"] == day + NAMED[6:]


def test_a_refund_has_one_name_for_request_and_question(adapter: ZaloPay) -> None:
    wanted = a_refund(bank_transaction_id=str(NUMBER))
    asked = sent("refund", lambda: adapter.refund_payment(wanted))
    question = a_refund_query(submitted_at=wanted.queried_at, queried_at=NOON + timedelta(days=3))
    assert asked["m_refund_id"] == "261122_2553_000000815"
    assert sent("query_refund", lambda: adapter.query_refund(question))["m_refund_id"] == asked["m_refund_id"]


@pytest.mark.parametrize(("late", "told"), [(0, 1800), (61, 1739), (1500, 300), (-90, 1800)])
def test_an_order_asked_for_once_more_does_not_last_longer(
    adapter: ZaloPay, monkeypatch: pytest.MonkeyPatch, late: int, told: int
) -> None:
    monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: NOON + timedelta(seconds=late))
    assert sent("create", lambda: adapter.open_payment(a_request()))["expire_duration_seconds"] == told


def test_an_order_asked_for_once_more_too_late_is_not_sent(
    adapter: ZaloPay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: NOON + timedelta(seconds=1501))
    with responses.RequestsMock(), pytest.raises(Malformed):
        adapter.open_payment(a_request())


@pytest.fixture(autouse=True)
def it_is_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the wire, as in the requests."""
    monkeypatch.setattr("bank_adapters.zalopay.wire_time", lambda: NOON)


@pytest.fixture
def adapter(tmp_path: Path) -> Any:
    return load_adapters(["zalopay"], {"zalopay": a_section(tmp_path)}, "https://hub.test")["zalopay"]
