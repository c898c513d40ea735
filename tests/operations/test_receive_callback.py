"""A bank's callback: kept and judged if it is genuine, and otherwise nothing but a short copy that changes no fact."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from payment_hub.domain.banks.values import CallbackReply, CallbackRequest
from payment_hub.domain.errors import BankNotFound, CallbackRejected
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import receive_callback
from tests.worlds.banks import a_callback, sandbox_adapter, signed_callback, with_banks
from tests.worlds.database import balances, count, rows, scalar
from tests.worlds.orders import a_portal, an_agency, an_order

FACTS = ("confirmation", "collection", "posting", "receipt", "payment_attempt")


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, sandbox=sandbox_adapter())


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


@pytest.fixture
def genuine(hub: Hub, reference: str) -> CallbackRequest:
    return a_callback(reference, hub.now())


def receive(hub: Hub, request: CallbackRequest) -> CallbackReply:
    return receive_callback(hub, bank="sandbox", request=request)


def refuse(hub: Hub, request: CallbackRequest) -> None:
    """It is rejected without a word of why, kept as unverified, and nothing else has changed."""
    kept = count(hub, "callback")
    with pytest.raises(CallbackRejected) as rejected:
        receive(hub, request)
    assert rejected.value.detail == ""
    assert [count(hub, table) for table in FACTS] == [0] * len(FACTS)
    assert count(hub, "callback") == kept + 1
    assert scalar(hub, "SELECT bool_or(verified) FROM callback") is False
    assert scalar(hub, "SELECT status || sequence FROM payment_order") == "OPEN1"


def test_a_genuine_callback_is_kept_byte_for_byte_and_answered_in_the_banks_words(
    hub: Hub, genuine: CallbackRequest
) -> None:
    reply = receive(hub, genuine)
    assert (reply.status, json.loads(reply.body)) == (200, {"result": "RECORDED"})
    kept = rows(hub, "SELECT body, headers, verified, source_ip FROM callback")[0]
    assert (bytes(kept["body"]), kept["verified"], kept["source_ip"]) == (genuine.body, True, "203.0.113.9")
    assert kept["headers"] == genuine.headers
    assert balances(hub) == {"BANK_CLEARING": -150_000, "AGENCY_PAYABLE": 150_000}


def test_what_a_client_sends_beside_the_signature_is_not_kept(hub: Hub, genuine: CallbackRequest) -> None:
    more = {"authorization": "Bearer secret", "cookie": "a=b", "x-forwarded-for": "192.0.2.1"}
    receive(hub, replace(genuine, headers={**genuine.headers, **more}))
    assert scalar(hub, "SELECT headers FROM callback") == genuine.headers


def test_a_repetition_is_answered_alike_and_kept_again(hub: Hub, genuine: CallbackRequest) -> None:
    receive(hub, genuine)
    assert json.loads(receive(hub, genuine).body) == {"result": "ALREADY_RECORDED"}
    assert (count(hub, "callback"), count(hub, "posting")) == (2, 1)


@pytest.mark.parametrize(
    ("amount", "word"), [(150_000, "RECORDED"), (151_000, "RECORDED"), (149_000, "WRONG_AMOUNT")]
)
def test_the_bank_hears_what_became_of_its_amount(hub: Hub, reference: str, amount: int, word: str) -> None:
    reply = receive(hub, a_callback(reference, hub.now(), amount))
    assert json.loads(reply.body) == {"result": word}


def test_money_for_an_unknown_order_is_kept_and_the_bank_is_told(hub: Hub, reference: str) -> None:
    for word in ("NO_SUCH_ORDER", "NO_SUCH_ORDER"):
        again = a_callback("typed by hand", hub.now(), transaction_id="T", message_id="evt_t")
        assert json.loads(receive(hub, again).body) == {"result": word}
    assert balances(hub) == {"BANK_CLEARING": -150_000, "SUSPENSE": 150_000}


def test_a_bank_that_is_not_enabled_has_no_door(hub: Hub, genuine: CallbackRequest) -> None:
    with pytest.raises(BankNotFound):
        receive_callback(hub, bank="nobody", request=genuine)
    assert count(hub, "callback") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"type": "payment.result"}',
        b'{"type": "payment.result", "type": "payment.result"}',
        b'{"amount": ' + b"9" * 5_000 + b"}",
        json.dumps({"type": "payment.result", "reference": "\ud800", "status": "PAID"}).encode(),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_signed_message_that_cannot_be_read_is_refused(hub: Hub, reference: str, body: bytes) -> None:
    refuse(hub, signed_callback(body, hub.now()))


AMOUNTS = [
    "1.0",
    "1e3",
    "1.000",
    "1,000",
    "-1",
    "+1",
    " 1",
    "",
    "true",
    "١",
    "1" * 5_000,
    str(10**15 + 1),
    "0x1",
    "NaN",
]


@pytest.mark.parametrize(
    "amount", [*AMOUNTS, 1, 1.0, True, None, [], {}], ids=lambda amount: repr(amount)[:20]
)
def test_a_signed_amount_that_is_no_plain_number_is_refused(hub: Hub, reference: str, amount: object) -> None:
    refuse(hub, _with(hub, reference, amount))


def _with(hub: Hub, reference: str, amount: object) -> CallbackRequest:
    said = json.loads(a_callback(reference, hub.now()).body) | {"amount": amount}
    return signed_callback(json.dumps(said).encode(), hub.now())


@pytest.mark.parametrize("amount", ["0"])
def test_paid_nothing_is_kept_and_proves_nothing(hub: Hub, reference: str, amount: str) -> None:
    assert receive(hub, _with(hub, reference, amount)).status == 200
    assert scalar(hub, "SELECT verdict FROM confirmation") == "CONTRADICTS"
    assert scalar(hub, "SELECT status FROM payment_order") == "OPEN"
