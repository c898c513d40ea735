"""Webhooks over TLS, against a real listener with a certificate of our own authority."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from payment_hub.outbound import WebhookSender
from tests.test_outbound import TRIAL, names, post
from tests.worlds.receivers import a_receiver


def test_the_certificate_must_be_for_the_name_in_the_url(certificates: Path) -> None:
    ours = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with a_receiver(_serving(certificates)) as receiver:
        to_us = names("127.0.0.1", port=receiver.port)
        good = post(f"https://portal.test:{receiver.port}/", resolve=to_us, tls=ours)
        other_name = post("https://other.test/", resolve=to_us, tls=ours)
        unknown_authority = post("https://portal.test/", resolve=to_us)
    assert good.status == 200
    assert receiver.requests[0].headers["host"] == f"portal.test:{receiver.port}"
    assert other_name.text.startswith("the certificate was not accepted: Hostname mismatch")
    assert unknown_authority.text.startswith("the certificate was not accepted: ")
    assert len(receiver.requests) == 1


def test_connections_over_tls_are_kept_too(certificates: Path) -> None:
    ours = ssl.create_default_context(cafile=str(certificates / "ca.pem"))
    with a_receiver(_serving(certificates)) as receiver:
        found = names("127.0.0.1", port=receiver.port)
        with WebhookSender(TRIAL, resolve=found, tls=ours) as sender:
            answers = [sender.post("https://portal.test/", {}, b"{}") for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    assert receiver.connections == 1


def test_a_handshake_that_never_ends_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        found = names("127.0.0.1", port=deaf.getsockname()[1])
        answer = post("https://portal.test/", resolve=found, seconds=0.3)
    assert (answer.status, answer.text) == (None, "no answer in time")


def _serving(certificates: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "portal.pem")
    return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of our own, and a certificate that it gave to ``portal.test``."""
    folder = tmp_path_factory.mktemp("certificates")
    authority, portal = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(
        "Test authority", authority.public_key(), authority, x509.BasicConstraints(True, None)
    )
    leaf = _certificate(
        "portal.test",
        portal.public_key(),
        authority,
        x509.SubjectAlternativeName([x509.DNSName("portal.test")]),
    )
    (folder / "ca.pem").write_bytes(root)
    key = portal.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "portal.pem").write_bytes(key + leaf)
    return folder


def _certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    signed_by: ec.EllipticCurvePrivateKey,
    *more: x509.ExtensionType,
) -> bytes:
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")]))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), critical=False
        )
    )
    for extension in more:
        built = built.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return built.sign(signed_by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
