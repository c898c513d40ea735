"""Signatures of webhooks, checked with strangers' implementations, and the tokens of checkout links."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
import standardwebhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from payment_hub.signing import Signer

NEW, OLD = b"n" * 32, b"o" * 32
NEW_SEED, OLD_SEED = b"N" * 32, b"O" * 32
BODY = '{"id":"evt_7","data":{"description":"Lệ phí đăng ký"}}'.encode()


def sent_now(signer: Signer, portal: str = "dvc", version: int = 1) -> dict[str, str]:
    """Headers of a webhook of this very moment: the stranger's library reads the real clock."""
    return signer.webhook_headers("evt_7", datetime.now(UTC), BODY, signer.portal_secrets(portal, version))


def believes(secret: str, headers: dict[str, str], body: bytes = BODY) -> bool:
    """Whether a portal that knows ``secret`` accepts the message, by the Standard Webhooks library."""
    try:
        standardwebhooks.Webhook(secret).verify(body, headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def believes_public(key: str, headers: dict[str, str], body: bytes = BODY) -> bool:
    """Whether a portal that knows the hub's public key accepts the message."""
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.removeprefix("whpk_")))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for signature in headers["webhook-signature"].split(" "):
        version, _, text = signature.partition(",")
        if version != "v1a":
            continue
        try:
            public.verify(base64.b64decode(text, validate=True), signed)
        except InvalidSignature:
            continue
        return True
    return False


def test_a_stranger_believes_both_signatures() -> None:
    signer = Signer.of([NEW], [NEW_SEED])
    headers = sent_now(signer)
    assert believes(signer.webhook_keys("dvc", 1).secret, headers)
    assert believes_public(signer.public_keys()[0], headers)
    assert [signature.split(",")[0] for signature in headers["webhook-signature"].split(" ")] == ["v1a", "v1"]


@pytest.mark.parametrize("place", range(0, len(BODY), 7))
def test_one_altered_byte_is_noticed(place: int) -> None:
    signer = Signer.of([NEW], [NEW_SEED])
    altered = bytearray(BODY)
    altered[place] ^= 1
    headers = sent_now(signer)
    assert not believes_public(signer.public_keys()[0], headers, bytes(altered))
    if altered.isascii() or place < BODY.index("ệ".encode()):
        assert not believes(signer.webhook_keys("dvc", 1).secret, headers, bytes(altered))


def test_another_portals_secret_is_of_no_use() -> None:
    signer = Signer.of([NEW], [NEW_SEED])
    assert not believes(signer.webhook_keys("other", 1).secret, sent_now(signer))


def test_while_a_portals_secret_rotates_both_are_believed_and_older_ones_not() -> None:
    signer = Signer.of([NEW], [NEW_SEED])
    headers = sent_now(signer, version=3)
    believed = [believes(signer.webhook_keys("dvc", version).secret, headers) for version in (1, 2, 3, 4)]
    assert believed == [False, True, True, False]


def test_while_the_hubs_own_keys_rotate_old_and_new_are_believed() -> None:
    before, during, after = (
        Signer.of([OLD], [OLD_SEED]),
        Signer.of([NEW, OLD], [NEW_SEED, OLD_SEED]),
        Signer.of([NEW], [NEW_SEED]),
    )
    headers = sent_now(during)
    for signer in (before, after):
        assert believes(signer.webhook_keys("dvc", 1).secret, headers)
        assert believes_public(signer.public_keys()[0], headers)
    assert during.webhook_keys("dvc", 1).secret == after.webhook_keys("dvc", 1).secret
    assert during.public_keys() == after.public_keys() + before.public_keys()
    assert not believes(before.webhook_keys("dvc", 1).secret, sent_now(after))


def test_keys_that_are_not_set_are_left_out() -> None:
    assert (
        Signer.of([NEW, None], [NEW_SEED, None]).public_keys() == Signer.of([NEW], [NEW_SEED]).public_keys()
    )


def test_an_id_with_a_dot_is_not_signed() -> None:
    signer = Signer.of([NEW], [NEW_SEED])
    with pytest.raises(ValueError, match="no dot"):
        signer.webhook_headers("evt_7.1", datetime.now(UTC), BODY, [])


def test_secrets_are_not_shown_by_a_signers_or_keys_repr() -> None:
    signer = Signer.of([NEW], [NEW_SEED])
    keys = signer.webhook_keys("dvc", 1)
    assert "nnn" not in repr(signer)
    assert keys.secret not in repr(keys)


def test_a_checkout_token_leads_back_to_its_order_also_after_the_key_has_rotated() -> None:
    token = Signer.of([OLD], []).checkout_token("26030200012345")
    assert Signer.of([NEW, OLD], []).reference_of(token) == "26030200012345"
    assert Signer.of([NEW], []).reference_of(token) is None


@pytest.mark.parametrize(
    "token", ["", ".", "26030200012345", "26030200012345.", "26030200012345.đ", "x" * 81, "a.b.c"]
)
def test_any_other_text_is_no_token(token: str) -> None:
    assert Signer.of([NEW], []).reference_of(token) is None


def test_every_altered_character_of_a_token_is_noticed() -> None:
    signer = Signer.of([NEW], [])
    token = signer.checkout_token("26030200012345")
    for place, char in enumerate(token):
        altered = token[:place] + ("A" if char != "A" else "B") + token[place + 1 :]
        assert signer.reference_of(altered) is None, altered
