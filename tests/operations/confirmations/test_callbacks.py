"""Callbacks: received, refused when forged, judged again when they were left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import pytest

from payment_hub.domain.banks.port import TakesCallbacks
from payment_hub.domain.banks.values import (
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Outcome,
    PayerAccount,
)
from payment_hub.domain.errors import BankNotFound, CallbackRejected
from payment_hub.domain.money import Money
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import (
    BATCH,
    IN_HAND,
    LOOKED_BACK,
    UNVERIFIED_BYTES,
    receive_callback,
    rejudge_callbacks,
)
from payment_hub.operations.orders import show_order
from payment_hub.store.confirmations import confirmation_from_json, confirmation_to_json, store_unverified
from tests.conftest import StoppedClock
from tests.races.crowd import all_at_once
from tests.worlds.banks import (
    a_callback,
    sandbox_adapter,
    signed_callback,
    store_unjudged_callback,
    with_banks,
)
from tests.worlds.database import balances, count, rows, scalar
from tests.worlds.orders import an_operator

FACTS = ("confirmation", "collection", "posting", "receipt", "payment_attempt")


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, sandbox=sandbox_adapter())


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


def test_every_bit_of_the_body_is_under_the_signature(hub: Hub, genuine: CallbackRequest) -> None:
    """Each altered body is tried on the adapter; of each byte one goes the whole way to the database."""
    adapter = hub.adapter_with("sandbox", TakesCallbacks)
    for place in range(len(genuine.body)):
        for bit in range(8):
            body = bytearray(genuine.body)
            body[place] ^= 1 << bit
            altered = replace(genuine, body=bytes(body))
            with pytest.raises(CallbackRejected):
                adapter.read_callback(altered)
        if place % 10 == 0:
            refuse(hub, altered)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b" ",
        b"\x00" * 10_000,
        b"\xff\xfe",
        b'{"amount": "1"}',
        b"\x1f\x8b\x08\x00",
        b"[" * 100_000,
    ],
)
def test_another_body_under_the_same_signature_is_refused(
    hub: Hub, genuine: CallbackRequest, body: bytes
) -> None:
    refuse(hub, replace(genuine, body=body))
    assert len(scalar(hub, "SELECT body FROM callback")) <= UNVERIFIED_BYTES


def test_the_same_words_written_anew_are_another_message(hub: Hub, genuine: CallbackRequest) -> None:
    refuse(hub, replace(genuine, body=json.dumps(json.loads(genuine.body), indent=1).encode()))


SIGNATURES = {
    "none": None,
    "empty": "",
    "a word": "genuine",
    "no comma": "v1" + "A" * 44,
    "two commas": "v1,,AAAA",
    "double space": "v1,AAAA  v1,AAAA",
    "other version": "v2,{right}",
    "version in capitals": "V1,{right}",
    "asymmetric": "v1a,{right}",
    "not base64": "v1,!!!!",
    "cut off": "v1,{cut}",
    "with a blank": " v1,{right}",
    "with a line end": "v1,{right}\n",
    "without padding": "v1,{bare}",
    "other padding bits": "v1,{spelled}",
    "url alphabet": "v1,{url}",
    "full-width letters": "ｖ1,{right}",
    "half a surrogate": "v1,\ud800",
    "nul": "v1,\x00{right}",
    "nul in words": "\\u0000",
    "backslash": "\\",
    "very long": "v1," + "A" * 100_000,
    "very many": " ".join(["v1,AAAA"] * 1_000),
}


def signature(form: str | None, right: str) -> str | None:
    """The form with the right signature, or what is left of it, filled in."""
    if form is None:
        return None
    url = right.replace("+", "-").replace("/", "_")
    url = url if url != right else "-" + right[1:]
    last = chr(ord(right[-2]) + 1)
    fills = {
        "right": right,
        "cut": right[:-4],
        "bare": right.rstrip("="),
        "url": url,
        "spelled": right[:-2] + last + "=",
    }
    return form.format(**fills) if "{" in form else form


@pytest.mark.parametrize("form", SIGNATURES.values(), ids=SIGNATURES.keys())
def test_every_other_form_of_the_signature_is_refused(
    hub: Hub, genuine: CallbackRequest, form: str | None
) -> None:
    right = genuine.headers["webhook-signature"].removeprefix("v1,")
    given = signature(form, right)
    headers = {**genuine.headers, "webhook-signature": given or ""}
    if given is None:
        del headers["webhook-signature"]
    refuse(hub, replace(genuine, headers=headers))


def test_a_right_signature_among_wrong_ones_is_believed_while_keys_change(
    hub: Hub, genuine: CallbackRequest
) -> None:
    right = genuine.headers["webhook-signature"]
    wrong = "v1," + "A" * 43 + "="
    assert (
        receive(
            hub, replace(genuine, headers={**genuine.headers, "webhook-signature": f"{wrong} {right}"})
        ).status
        == 200
    )


@pytest.mark.parametrize(
    "altered",
    [
        {"webhook-id": "evt_other"},
        {"webhook-id": ""},
        {"webhook-id": "evt_1.1"},
        {"webhook-id": "évt"},
        {"webhook-id": "\\u0000"},
        {"webhook-id": "\ud800\x00"},
        {"webhook-timestamp": "0"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1772420400.0"},
        {"webhook-timestamp": " 1772420400"},
        {"webhook-timestamp": "1_772_420_400"},
        {"webhook-timestamp": "١٧٧٢٤٢٠٤٠٠"},
        {"webhook-timestamp": "9" * 5_000},
    ],
    ids=repr,
)
def test_an_altered_identity_or_time_is_refused(
    hub: Hub, genuine: CallbackRequest, altered: Mapping[str, str]
) -> None:
    refuse(hub, replace(genuine, headers={**genuine.headers, **altered}))


def test_an_old_message_sent_again_is_refused_and_so_is_one_from_the_future(
    hub: Hub, genuine: CallbackRequest, clock: StoppedClock
) -> None:
    for minutes in (6, -12):
        clock.advance(minutes=minutes)
        refuse(hub, replace(genuine, received_at=hub.now()))


@pytest.mark.parametrize("altered", [{"method": "GET"}, {"method": "PUT"}, {"query": b"a=1"}], ids=repr)
def test_a_genuine_message_by_another_way_is_refused(
    hub: Hub, genuine: CallbackRequest, altered: Mapping[str, str]
) -> None:
    refuse(hub, replace(genuine, **altered))  # type: ignore[arg-type]


def test_a_stored_callback_is_judged_when_it_has_waited_long_enough(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    store_unjudged_callback(hub, a_callback(reference, hub.now()))
    assert rejudge_callbacks(hub) == 0
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 1
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"
    assert rows(hub, "SELECT callback_id, source FROM confirmation") == [
        {"callback_id": 1, "source": "CALLBACK"}
    ]
    assert rejudge_callbacks(hub) == 0


def test_it_is_judged_as_of_the_moment_when_it_came_and_not_of_now(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    clock.advance(hours=23)
    store_unjudged_callback(hub, a_callback(reference, hub.now()))
    clock.advance(days=2)
    assert rejudge_callbacks(hub) == 1
    assert show_order(hub, caller=an_operator(), reference=reference).flags == ()


def test_what_was_not_verified_is_never_judged(hub: Hub, reference: str, clock: StoppedClock) -> None:
    with hub.autocommit() as connection:
        store_unverified(connection, "sandbox", a_callback(reference, hub.now()), 10)
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 0
    assert count(hub, "confirmation") == 0


def test_it_needs_neither_the_keys_of_that_time_nor_the_bank_itself(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    store_unjudged_callback(hub, a_callback(reference, hub.now()))
    clock.moment += IN_HAND
    assert rejudge_callbacks(with_banks(hub)) == 1
    assert scalar(hub, "SELECT status FROM payment_order") == "PAID"


@pytest.mark.breaks_invariants
def test_what_is_older_than_a_week_is_left_to_people(hub: Hub, reference: str, clock: StoppedClock) -> None:
    store_unjudged_callback(hub, a_callback(reference, hub.now()))
    clock.advance(seconds=LOOKED_BACK.total_seconds() + 1)
    assert rejudge_callbacks(hub) == 0


def test_a_repetition_that_came_meanwhile_leaves_one_posting_and_two_records(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    request = a_callback(reference, hub.now())
    store_unjudged_callback(hub, request)
    receive_callback(hub, bank="sandbox", request=request)
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == 1
    assert (count(hub, "posting"), count(hub, "confirmation")) == (1, 2)


def test_workers_that_judge_the_same_callback_at_once_record_it_once(
    hub: Hub, reference: str, clock: StoppedClock
) -> None:
    for _ in range(5):
        store_unjudged_callback(
            hub, a_callback(reference, hub.now(), message_id="evt_same", transaction_id="T")
        )
    clock.moment += IN_HAND
    all_at_once([partial(rejudge_callbacks, hub)] * 8)
    assert (count(hub, "posting"), count(hub, "confirmation")) == (1, 5)


def test_more_than_one_look_can_hold_are_all_judged(hub: Hub, reference: str, clock: StoppedClock) -> None:
    for number in range(BATCH + 1):
        store_unjudged_callback(hub, a_callback(reference, hub.now(), 1_000, transaction_id=f"T{number}"))
    clock.moment += IN_HAND
    assert rejudge_callbacks(hub) == BATCH + 1
    assert count(hub, "collection") == BATCH + 1


@pytest.mark.parametrize(
    "confirmation",
    [
        Confirmation("one", "E1", "R", Outcome.PENDING),
        Confirmation(
            "one",
            "E2",
            "R\u1ec7",
            Outcome.PAID,
            amount=Money(15_000, "USD"),
            bank_transaction_id="T",
            paid_at=datetime(2026, 3, 2, 5, 0, 1, 250, tzinfo=UTC),
            code="00",
            number=7,
            authorised=True,
            payer=PayerAccount("0011", "970436", "NGUYEN VAN A"),
            key=1,
        ),
    ],
)
def test_what_was_said_is_read_back_as_it_was_written(confirmation: Confirmation) -> None:
    assert confirmation_from_json(json.loads(confirmation_to_json(confirmation))) == confirmation
