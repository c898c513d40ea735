"""Standard Webhooks: as the reference library where that is right, a refusal where it stumbles."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from bank_adapters.toolkit.standard_webhooks import read_webhook_secret, require_standard_webhook, sign
from payment_hub.domain.errors import CallbackRejected

NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
STAMP = str(int(NOON.timestamp()))
NEW, OLD = bytes(range(32)), bytes(range(32, 64))
BODY = '{"reference": "K7Q2", "tên": "Đức"}'.encode()
ED, ED_OLD = (Ed25519PrivateKey.from_private_bytes(seed) for seed in (NEW, OLD))


def text_of(secret: bytes) -> str:
    return "whsec_" + base64.b64encode(secret).decode()


def headers(signature: str, *, message_id: str = "evt_1", stamp: str = STAMP) -> dict[str, str]:
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": signature}


def v1(secret: bytes = NEW, message_id: str = "evt_1") -> str:
    return Webhook(text_of(secret)).sign(message_id, NOON, BODY.decode())


def v1a(key: Ed25519PrivateKey = ED) -> str:
    return "v1a," + base64.b64encode(key.sign(f"evt_1.{STAMP}.".encode() + BODY)).decode()


def require(given: dict[str, str], body: bytes = BODY, at: datetime = NOON) -> str:
    keys = [ED.public_key(), ED_OLD.public_key()]
    return require_standard_webhook(given, body, received_at=at, secrets=[NEW, OLD], public_keys=keys)[0]


@pytest.mark.parametrize(
    "signature",
    [
        v1(),
        v1(OLD),
        v1a(),
        v1a(ED_OLD),
        f"{v1(b'x' * 32)} {v1()}",
        f"{v1a()} {v1()}",
        f"v2,AAAA {v1()}",
        f"v1a,AAAA {v1()}",
    ],
)
def test_any_one_valid_signature_is_enough(signature: str) -> None:
    assert require(headers(signature)) == "evt_1"


def test_ours_is_what_the_reference_library_makes_and_takes() -> None:
    ours = sign(NEW, message_id="evt_1", sent_at=NOON, body=BODY)
    assert ours == headers(v1())
    now = sign(NEW, message_id="evt_1", sent_at=datetime.now(UTC), body=BODY)
    assert Webhook(text_of(NEW)).verify(BODY, now)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        ",",
        "v1",
        "v1,",
        v1().replace(",", ""),
        v1().replace(",", ", "),
        v1().replace(",", ",,"),
        v1().replace(",", ";"),
        v1().replace("v1,", "v1a,"),
        v1a().replace("v1a,", "v1,"),
        v1().replace("v1,", "V1,"),
        v1() + " ",
        " " + v1(),
        v1() + "  " + v1(),
        v1() + "\n",
        v1() + " garbage",
        "v1,%%%",
        "v1,\u0663",
        "\ud800",
        v1(b"x" * 32),
        " ".join([v1(b"x" * 32)] * 8 + [v1()]),
    ],
)
def test_every_bad_form_of_the_signature_is_refused(signature: str) -> None:
    with pytest.raises(CallbackRejected):
        require(headers(signature))


@pytest.mark.parametrize(
    "stamp",
    [
        f"{STAMP}.9",
        f" {STAMP}",
        f"{STAMP}\n",
        f"{STAMP[:3]}_{STAMP[3:]}",
        f"+{STAMP}",
        f"0{STAMP}",
        "",
        "-1",
        "NaN",
        "\u0661" * 10,
        "9" * 400,
        STAMP + "000",
    ],
)
def test_a_timestamp_is_plain_digits(stamp: str) -> None:
    body_signed = base64.b64encode(hmac.digest(NEW, f"evt_1.{stamp}.".encode() + BODY, "sha256")).decode()
    with pytest.raises(CallbackRejected):
        require(headers(f"v1,{body_signed}", stamp=stamp))


@pytest.mark.parametrize("message_id", ["", "a.b", "a b", "a\u0663", "x" * 65, "a\n"])
def test_an_id_has_no_dot_and_no_surprises(message_id: str) -> None:
    with pytest.raises(CallbackRejected):
        require(headers(v1(message_id=message_id), message_id=message_id))


def test_one_message_cannot_be_cut_in_two_ways() -> None:
    one = sign(NEW, message_id="a", sent_at=NOON, body=f"{STAMP}.x".encode())
    assert require(one, f"{STAMP}.x".encode()) == "a"
    with pytest.raises(CallbackRejected):
        require({**one, "webhook-id": f"a.{STAMP}"}, b"x")


@pytest.mark.parametrize(
    ("age", "fresh"), [(0, True), (299, True), (300, True), (301, False), (-300, True), (-301, False)]
)
def test_five_minutes_either_way_are_tolerated(age: int, fresh: bool) -> None:
    at = NOON + timedelta(seconds=age)
    if fresh:
        assert require(headers(v1()), at=at) == "evt_1"
    else:
        with pytest.raises(CallbackRejected):
            require(headers(v1()), at=at)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_is_needed(name: str) -> None:
    given = headers(v1())
    del given[name]
    with pytest.raises(CallbackRejected):
        require(given)


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=90), st.binary(max_size=30))
def test_nothing_else_is_ever_raised(message_id: str, stamp: str, signature: str, body: bytes) -> None:
    with pytest.raises(CallbackRejected):
        require(headers(signature, message_id=message_id, stamp=stamp), body)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_AAAA",
        text_of(b"x" * 23),
        text_of(b"x" * 65),
        text_of(NEW)[6:],
        text_of(NEW)[:-1],
        "whsec_é",
    ],
)
def test_a_secret_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be whsec_"):
        read_webhook_secret(text)


def test_a_secret_is_read() -> None:
    assert read_webhook_secret(text_of(NEW)) == NEW
