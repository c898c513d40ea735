"""Refusals carry what the caller needs, and a file that was refused stays as evidence."""

from __future__ import annotations

from payment_hub.domain.errors import HubError, Malformed, MalformedStatement
from payment_hub.domain.idempotency import KEPT, LEASE, Answered, Claim, StoredAnswer


def test_a_refusal_names_the_places_that_are_wrong() -> None:
    refusal = Malformed("two things", pointers={"/amount": "too much", "/kind": "unknown"})
    assert (str(refusal), refusal.detail) == ("two things", "two things")
    assert list(refusal.pointers) == ["/amount", "/kind"]
    assert (HubError().detail, HubError().pointers) == ("", {})


def test_a_refused_statement_keeps_its_file() -> None:
    refusal = MalformedStatement("line 3, column 2", raw=b"a;b")
    assert (refusal.detail, refusal.raw, refusal.pointers) == ("line 3, column 2", b"a;b", {})


def test_an_answer_is_kept_longer_than_a_request_can_run() -> None:
    assert LEASE < KEPT
    assert Answered(201, "{}").replayed is False
    assert StoredAnswer(201, "{}", {}).status == 201
    assert Claim("portal:dvc", "k", b"1") != Claim("portal:khac", "k", b"1")
