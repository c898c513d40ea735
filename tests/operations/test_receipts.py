"""Receipts: their numbers, and those fetched from banks."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from payment_hub.domain.banks.values import PaymentQuery
from payment_hub.domain.errors import (
    BankCannot,
    BankUnavailable,
    MalformedReference,
    OrderNotFound,
    ReceiptNotFound,
)
from payment_hub.domain.money import dong
from payment_hub.hub import Hub
from payment_hub.operations.payments.start import start_payment
from payment_hub.operations.receipts import fetch_bank_receipt, show_receipt
from tests.worlds.banks import StandInBank, with_banks
from tests.worlds.database import rows
from tests.worlds.orders import a_portal, an_agency, an_operator, an_order, confirmation, receive

PDF = b"%PDF-1.7\n%%EOF\n"


@dataclass
class WritingBank(StandInBank):
    """A bank that writes receipts, while it is there."""

    silent: bool = False
    written_for: list[PaymentQuery] = field(default_factory=list)

    def fetch_receipt(self, query: PaymentQuery) -> bytes:
        self.written_for.append(query)
        if self.silent:
            raise BankUnavailable("standin gave no whole PDF")
        return PDF


@pytest.fixture
def bank() -> WritingBank:
    return WritingBank()


@pytest.fixture
def hub(hub: Hub, bank: WritingBank) -> Hub:
    return with_banks(hub, standin=bank, plain=StandInBank(code="plain"))


def a_paid_order(hub: Hub, bank: str) -> str:
    reference = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    started = start_payment(hub, reference=reference, bank=bank, payer_ip="203.0.113.9", language="vi")
    receive(hub, confirmation(started.reference, bank=bank))
    return reference


def test_before_anything_is_paid_there_is_none(hub: Hub, bank: WritingBank) -> None:
    reference = str(an_order(hub, an_agency(hub), a_portal(hub))["reference"])
    start_payment(hub, reference=reference, bank="standin", payer_ip="203.0.113.9", language="vi")
    with pytest.raises(ReceiptNotFound):
        fetch_bank_receipt(hub, caller=an_operator(), reference=reference)
    assert bank.written_for == []


def test_a_bank_that_writes_none_has_none(hub: Hub) -> None:
    with pytest.raises(BankCannot):
        fetch_bank_receipt(hub, caller=an_operator(), reference=a_paid_order(hub, "plain"))


def test_what_nobody_may_see_is_not_fetched(hub: Hub, bank: WritingBank) -> None:
    reference = a_paid_order(hub, "standin")
    with pytest.raises(OrderNotFound):
        fetch_bank_receipt(hub, caller=a_portal(hub, "other"), reference=reference)
    with pytest.raises(MalformedReference):
        fetch_bank_receipt(hub, caller=an_operator(), reference="DV")
    assert bank.written_for == []


def test_a_silent_bank_is_a_silent_bank(hub: Hub, bank: WritingBank) -> None:
    reference = a_paid_order(hub, "standin")
    bank.silent = True
    with pytest.raises(BankUnavailable):
        fetch_bank_receipt(hub, caller=an_operator(), reference=reference)


def test_the_bank_is_asked_about_the_attempt_that_was_paid(hub: Hub, bank: WritingBank) -> None:
    reference = a_paid_order(hub, "standin")
    assert fetch_bank_receipt(hub, caller=an_operator(), reference=reference) == PDF
    (asked,) = bank.written_for
    assert (asked.attempt_reference, asked.amount) == (f"{reference}-1", dong(150_000))
    assert asked.started_at == bank.opened[0].started_at
    assert asked.bank_reference == "B1"


def test_each_payment_draws_the_next_number_of_its_agency(hub: Hub) -> None:
    portal, police, hospital = a_portal(hub), an_agency(hub), an_agency(hub, "H55")
    numbers = []
    for agency in (police, police, hospital, police, hospital):
        reference = an_order(hub, agency, portal)["reference"]
        receive(hub, confirmation(reference))
        receipt = show_receipt(hub, caller=an_operator(), reference=reference)
        numbers.append((agency.agency_code, receipt.number))
    assert numbers == [
        ("G22.99", "01BLP AA26E 0000001"),
        ("G22.99", "01BLP AA26E 0000002"),
        ("H55", "01BLP AA26E 0000001"),
        ("G22.99", "01BLP AA26E 0000003"),
        ("H55", "01BLP AA26E 0000002"),
    ]
    told = rows(hub, "SELECT data ->> 'receipt' AS receipt FROM event WHERE sequence = 2 ORDER BY id")
    assert [row["receipt"] for row in told] == [number for _, number in numbers]


def test_what_does_not_settle_draws_no_number(hub: Hub) -> None:
    portal, agency = a_portal(hub), an_agency(hub)
    in_part, whole = (an_order(hub, agency, portal)["reference"] for _ in range(2))
    receive(hub, confirmation(in_part, 1_000))
    receive(hub, confirmation(whole))
    receive(hub, confirmation(whole))
    receive(hub, confirmation(in_part, 149_000))
    numbers = [show_receipt(hub, caller=portal, reference=one).number for one in (whole, in_part)]
    assert numbers == ["01BLP AA26E 0000001", "01BLP AA26E 0000002"]
