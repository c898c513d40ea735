"""Signatures over raw bytes: compared in constant time, refused without saying why.

Whatever a header holds (nothing, other alphabets, broken or unusual base64, a wrong length) the answer is
CallbackRejected and no other exception. Several keys may be valid at once, so that a bank can change its
key without losing messages.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from payment_hub.domain.errors import CallbackRejected

Digest = Literal["md5", "sha1", "sha256", "sha512"]
Spelling = Literal["hex", "base64"]

_HEX: Final = re.compile(r"[0-9A-Fa-f]+", re.ASCII)
_LONGEST: Final = 2048


def hmac_hex(digest: Digest, key: bytes, message: bytes) -> str:
    """The HMAC of ``message`` in lower-case hex, for what we send ourselves."""
    return hmac.new(key, message, digest).hexdigest()


def hmac_base64(digest: Digest, key: bytes, message: bytes) -> str:
    """The HMAC of ``message`` in base64, for what we send ourselves."""
    return base64.b64encode(hmac.digest(key, message, digest)).decode()


def require_hmac_sha256(
    keys: Sequence[bytes], message: bytes, given: str | None, spelling: Spelling = "hex"
) -> int:
    """As ``require_hmac``, with SHA-256."""
    return require_hmac("sha256", keys, message, given, spelling)


def require_hmac_sha512(
    keys: Sequence[bytes], message: bytes, given: str | None, spelling: Spelling = "hex"
) -> int:
    """As ``require_hmac``, with SHA-512."""
    return require_hmac("sha512", keys, message, given, spelling)


def require_hmac(
    digest: Digest, keys: Sequence[bytes], message: bytes, given: str | None, spelling: Spelling
) -> int:
    """The place in ``keys`` of the one under which ``given`` is the HMAC of ``message``; hex may be of either case.

    Raises CallbackRejected when it is none of them.
    """
    signature = read_signature(given, spelling)
    return _only([hmac.compare_digest(hmac.digest(key, message, digest), signature) for key in keys])


def require_digest(digest: Digest, messages: Sequence[bytes], given: str | None) -> int:
    """For schemes that hash a message with the secret inside it: the place in ``messages`` (one for each secret) of the
    one whose hex digest is ``given``. Raises CallbackRejected when it is none of them.
    """
    signature = read_signature(given, "hex")
    return _only(
        [hmac.compare_digest(hashlib.new(digest, message).digest(), signature) for message in messages]
    )


def _only(fitting: Sequence[bool]) -> int:
    if True not in fitting:
        raise CallbackRejected
    return fitting.index(True)


def require_rsa_sha256(keys: Sequence[RSAPublicKey], message: bytes, given: str | None) -> int:
    """The place in ``keys`` of the one under which ``given`` is base64 of an RSA PKCS#1 v1.5 SHA-256 signature.

    Raises CallbackRejected when it is none of them.
    """
    signature = read_signature(given, "base64")
    return _only([_rsa_fits(key, message, signature) for key in keys])


def require_ed25519(keys: Sequence[Ed25519PublicKey], message: bytes, given: str | None) -> int:
    """As ``require_rsa_sha256``, for Ed25519."""
    signature = read_signature(given, "base64")
    return _only([_ed25519_fits(key, message, signature) for key in keys])


def read_signature(given: str | None, spelling: Spelling) -> bytes:
    """The bytes of a signature as written; base64 only in its one canonical spelling (four others decode to
    the same bytes).
    """
    if not given or len(given) > _LONGEST or not given.isascii():
        raise CallbackRejected
    if spelling == "hex":
        if not _HEX.fullmatch(given) or len(given) % 2:
            raise CallbackRejected
        return bytes.fromhex(given)
    try:
        decoded = base64.b64decode(given, validate=True)
    except binascii.Error as error:
        raise CallbackRejected from error
    if base64.b64encode(decoded).decode() != given:
        raise CallbackRejected
    return decoded


def rsa_public_key(pem: str) -> RSAPublicKey:
    """Read a setting: an RSA public key of 2,048 bits or more, in PEM. Raises ValueError."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except ValueError as error:
        raise ValueError("must be a public key in PEM") from error
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise ValueError("must be an RSA key of 2,048 bits or more")
    return key


def ed25519_public_key(text: str) -> Ed25519PublicKey:
    """Read a setting: base64 of the 32 bytes of an Ed25519 public key, with or without ``whpk_`` before it.

    Raises ValueError.
    """
    try:
        raw = base64.b64decode(text.removeprefix("whpk_"), validate=True)
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as error:
        raise ValueError("must be 32 bytes in base64") from error


def _rsa_fits(key: RSAPublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _ed25519_fits(key: Ed25519PublicKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
