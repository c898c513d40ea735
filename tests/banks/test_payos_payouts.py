"""payOS: money that goes back by a payout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import load_adapters
from payment_hub.domain.banks.values import PayerAccount, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.refunds.eligibility import limits_of
from payment_hub.domain.refunds.lifecycle import Route, route_of
from tests.banks.examples import REFUND, a_refund, a_refund_query
from tests.banks.payos_messages import (
    PAYOUT_SECRET,
    PAYOUTS,
    a_payout,
    a_section,
    digest,
    paid_out,
    payout_row,
)


def payos(folder: Path, **changes: str) -> Any:
    """The adapter from its settings."""
    return load_adapters(["payos"], {"payos": a_section(folder, **changes)})["payos"]


@pytest.mark.parametrize(
    "payer",
    [
        None,
        PayerAccount("0011012345678"),
        PayerAccount("0011012345678", "01202001"),
        PayerAccount("0011012345678", "970488"),
        PayerAccount("0011012345678", "VietinBank"),
        PayerAccount("xxxx 5678", "970403"),
        PayerAccount("1" * 20, "970403"),
        PayerAccount("", "970403"),
    ],
)
def test_money_goes_back_only_to_an_account_that_was_told(tmp_path: Path, payer: PayerAccount | None) -> None:
    with responses.RequestsMock(), pytest.raises(Malformed):
        payos(tmp_path).refund_payment(a_refund(payer=payer))


@pytest.mark.parametrize("missing", ["PAYOUT_CLIENT_ID", "PAYOUT_API_KEY", "PAYOUT_SECRET"])
def test_without_a_payout_channel_nothing_goes_back(tmp_path: Path, missing: str) -> None:
    adapter = payos(tmp_path, **{missing: ""})
    assert way_of_a_refund(adapter) is Route.TRANSFER
    assert way_of_a_refund(payos(tmp_path)) is Route.BANK
    with responses.RequestsMock():
        with pytest.raises(Malformed, match="payout channel"):
            adapter.refund_payment(a_refund())
        with pytest.raises(Malformed, match="payout channel"):
            adapter.query_refund(a_refund_query())


def test_the_same_refund_is_asked_for_in_the_same_words(tmp_path: Path) -> None:
    """Whatever the clock says, and under the same key: payOS then does it once."""
    one, again = (_sent(tmp_path, a_refund(requested_by=who)) for who in ("officer.an", "officer.binh"))
    assert one == again
    headers, body = one
    assert headers["x-idempotency-key"] == REFUND
    assert (headers["x-client-id"], headers["x-api-key"]) == ("client-2", "api-key-of-payouts")
    assert headers["x-signature"] == digest(payout_row(body), PAYOUT_SECRET)
    assert (body["toBin"], body["toAccountNumber"]) == ("970403", "0011012345678")
    assert (body["amount"], body["referenceId"]) == (150_000, REFUND)


@pytest.mark.parametrize(
    ("length", "said"), [("9", "815"), ("16", REFUND), ("25", "Hoan phi DV6AHKGJH0BRRAEN")]
)
def test_its_text_is_the_most_that_fits(tmp_path: Path, length: str, said: str) -> None:
    assert _sent(tmp_path, a_refund(), DESCRIPTION_LENGTH=length)[1]["description"] == said


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("RECEIVED", RefundOutcome.PENDING),
        ("PROCESSING", RefundOutcome.PENDING),
        ("ON_HOLD", RefundOutcome.PENDING),
        ("SUCCEEDED", RefundOutcome.SUCCEEDED),
        ("CANCELLED", RefundOutcome.FAILED),
        ("REVERSED", RefundOutcome.FAILED),
        ("FAILED", RefundOutcome.FAILED),
        ("PARTLY", RefundOutcome.PENDING),
    ],
)
def test_every_state_means_what_it_says(tmp_path: Path, state: str, outcome: RefundOutcome) -> None:
    with responses.RequestsMock() as wire:
        wire.add("GET", f"{PAYOUTS}/payout1", **paid_out(a_payout(state)))
        said = payos(tmp_path).query_refund(a_refund_query(bank_refund_id="payout1"))
    assert (said.outcome, said.code, said.bank_refund_id) == (outcome, state, "payout1")


def test_a_refund_that_nobody_knows_may_still_be_on_its_way(tmp_path: Path) -> None:
    said = _listed(tmp_path, [])
    assert (said.outcome, said.code) == (RefundOutcome.PENDING, "NOT_FOUND")


def test_two_payouts_under_one_reference_are_no_answer(tmp_path: Path) -> None:
    with pytest.raises(BankUnavailable):
        _listed(tmp_path, [a_payout(), a_payout()])


def test_it_is_asked_by_our_reference(tmp_path: Path) -> None:
    with responses.RequestsMock() as wire:
        wire.add("GET", PAYOUTS, **paid_out({"pagination": {}, "payouts": [a_payout()]}))
        payos(tmp_path).query_refund(a_refund_query())
        assert f"referenceId={REFUND}" in str(wire.calls[0].request.url)


def way_of_a_refund(adapter: Any) -> Route:
    limits = limits_of(adapter)
    return route_of(
        credited=False, owed_to_agency=True, treasury=True, limits=limits, amount=1_000, paid=1_000
    )


def _listed(folder: Path, payouts: list[dict[str, Any]]) -> Any:
    with responses.RequestsMock() as wire:
        wire.add("GET", PAYOUTS, **paid_out({"pagination": {"total": len(payouts)}, "payouts": payouts}))
        return payos(folder).query_refund(a_refund_query())


def _sent(folder: Path, refund: Any, **changes: str) -> tuple[dict[str, str], Any]:
    with responses.RequestsMock() as wire:
        wire.add("POST", PAYOUTS, **paid_out(a_payout("PROCESSING")))
        payos(folder, **changes).refund_payment(refund)
        asked = wire.calls[0].request
        return dict(asked.headers), json.loads(asked.body or b"")
