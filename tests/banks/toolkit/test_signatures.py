"""Signatures: right ones pass, everything else is refused in the same silent way, whatever its form."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters.toolkit.signatures import (
    Digest,
    ed25519_public_key,
    hmac_base64,
    hmac_hex,
    require_digest,
    require_ed25519,
    require_hmac,
    require_hmac_sha256,
    require_hmac_sha512,
    require_rsa_sha256,
    rsa_public_key,
)
from payment_hub.domain.errors import CallbackRejected

MESSAGE, KEY, OTHER = b'{"amount": 1}\x00\xff', b"key-key-key", b"another key"
RSA = rsa.generate_private_key(65537, 2048)
ED = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

Check = Callable[[bytes, str | None], int]


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


SCHEMES: dict[str, tuple[Check, str]] = {
    "hmac-sha256 hex": (
        lambda message, given: require_hmac_sha256([OTHER, KEY], message, given),
        hmac.new(KEY, MESSAGE, "sha256").hexdigest(),
    ),
    "hmac-sha256 base64": (
        lambda message, given: require_hmac_sha256([KEY], message, given, "base64"),
        b64(hmac.digest(KEY, MESSAGE, "sha256")),
    ),
    "hmac-sha512 hex": (
        lambda message, given: require_hmac_sha512([KEY, OTHER], message, given),
        hmac.new(KEY, MESSAGE, "sha512").hexdigest(),
    ),
    "hmac-sha1 base64": (
        lambda message, given: require_hmac("sha1", [KEY], message, given, "base64"),
        b64(hmac.digest(KEY, MESSAGE, "sha1")),
    ),
    "md5 with the secret inside": (
        lambda message, given: require_digest("md5", [message + OTHER, message + KEY], given),
        hashlib.md5(MESSAGE + KEY).hexdigest(),
    ),
    "rsa-sha256": (
        lambda message, given: require_rsa_sha256([RSA.public_key()], message, given),
        b64(RSA.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())),
    ),
    "ed25519": (
        lambda message, given: require_ed25519([ED.public_key()], message, given),
        b64(ED.sign(MESSAGE)),
    ),
}
every_scheme = pytest.mark.parametrize(("check", "right"), SCHEMES.values(), ids=SCHEMES.keys())

WRONG_FORMS = [
    None,
    "",
    " ",
    "\x00",
    "\u0663" * 32,
    "\ud800",
    "é" * 43,
    "=",
    "====",
    "v1,",
    "0x00",
    "zz",
    "abc",
    "A" * 5000,
]


@every_scheme
def test_a_right_signature_passes(check: Check, right: str) -> None:
    check(MESSAGE, right)


@every_scheme
def test_another_message_is_refused(check: Check, right: str) -> None:
    for message in (b"", MESSAGE + b" ", MESSAGE[:-1], bytes([MESSAGE[0] ^ 1]) + MESSAGE[1:]):
        with pytest.raises(CallbackRejected):
            check(message, right)


@every_scheme
def test_any_changed_character_is_refused(check: Check, right: str) -> None:
    for place in range(len(right)):
        with pytest.raises(CallbackRejected):
            check(MESSAGE, right[:place] + chr(ord(right[place]) ^ 1) + right[place + 1 :])


@every_scheme
def test_every_other_form_is_refused_and_nothing_else_is_raised(check: Check, right: str) -> None:
    forms = [
        *WRONG_FORMS,
        right[:-1],
        right + "=",
        right + " ",
        " " + right,
        right + "\n",
        right * 2,
        right + "00",
        right[:-2],
    ]
    for form in forms:
        with pytest.raises(CallbackRejected) as refusal:
            check(MESSAGE, form)
        assert refusal.value.detail == ""


@every_scheme
@given(given=st.text(max_size=100))
def test_no_text_raises_anything_else(check: Check, right: str, given: str) -> None:
    with pytest.raises(CallbackRejected):
        check(MESSAGE, given)


def test_base64_has_one_spelling() -> None:
    right = b64(hmac.digest(KEY, MESSAGE, "sha256"))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    twins = [
        f"{right[:-2]}{letter}="
        for letter in alphabet
        if base64.b64decode(f"{right[:-2]}{letter}=") == base64.b64decode(right)
    ]
    assert len(twins) == 4
    for twin in twins:
        if twin != right:
            with pytest.raises(CallbackRejected):
                require_hmac_sha256([KEY], MESSAGE, twin, "base64")


def test_no_key_believes_nothing() -> None:
    for check in (require_hmac_sha256, require_hmac_sha512):
        with pytest.raises(CallbackRejected):
            check([], MESSAGE, hmac_hex("sha256", b"", MESSAGE))
    with pytest.raises(CallbackRejected):
        require_ed25519([], MESSAGE, b64(ED.sign(MESSAGE)))
    with pytest.raises(CallbackRejected):
        require_rsa_sha256([], MESSAGE, b64(bytes(256)))


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_what_we_sign_ourselves_passes(digest: Digest) -> None:
    require_hmac(digest, [KEY], MESSAGE, hmac_hex(digest, KEY, MESSAGE), "hex")
    require_hmac(digest, [KEY], MESSAGE, hmac_hex(digest, KEY, MESSAGE).upper(), "hex")
    require_hmac(digest, [KEY], MESSAGE, hmac_base64(digest, KEY, MESSAGE), "base64")


def test_keys_are_read_from_settings() -> None:
    encoding, form = serialization.Encoding, serialization.PublicFormat
    pem = RSA.public_key().public_bytes(encoding.PEM, form.SubjectPublicKeyInfo).decode()
    assert rsa_public_key(pem) == RSA.public_key()
    raw = ED.public_key().public_bytes(encoding.Raw, form.Raw)
    assert ed25519_public_key(b64(raw)) == ed25519_public_key("whpk_" + b64(raw)) == ED.public_key()


@pytest.mark.parametrize(
    "text", ["", "x", "-----BEGIN PUBLIC KEY-----\nAA\n-----END PUBLIC KEY-----", "\u0663"]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    for read in (rsa_public_key, ed25519_public_key):
        with pytest.raises(ValueError, match="must be"):
            read(text)


def test_weak_and_other_keys_are_refused() -> None:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    weak = rsa.generate_private_key(65537, 1024).public_key()
    for key in (weak, ED.public_key()):
        with pytest.raises(ValueError, match="2,048"):
            rsa_public_key(key.public_bytes(encoding, form).decode())
