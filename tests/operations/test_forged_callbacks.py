"""A callback that was altered, forged or sent again too late is refused, whatever part of it is not the bank's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from payment_hub.domain.banks.port import TakesCallbacks
from payment_hub.domain.banks.values import CallbackRequest
from payment_hub.domain.errors import CallbackRejected
from payment_hub.hub import Hub
from payment_hub.operations.callbacks import UNVERIFIED_BYTES
from tests.conftest import StoppedClock
from tests.operations.test_receive_callback import receive, refuse
from tests.worlds.banks import a_callback, sandbox_adapter, with_banks
from tests.worlds.database import scalar
from tests.worlds.orders import a_portal, an_agency, an_order


@pytest.fixture
def hub(hub: Hub) -> Hub:
    return with_banks(hub, sandbox=sandbox_adapter())


@pytest.fixture
def reference(hub: Hub) -> str:
    return str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])


@pytest.fixture
def genuine(hub: Hub, reference: str) -> CallbackRequest:
    return a_callback(reference, hub.now())


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
