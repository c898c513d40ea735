"""One view for each state of a citizen's page, built by hand: each can be looked at without a bank."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bank_adapters.toolkit.emv_qr import write_vietqr
from payment_hub.domain.checkout import CheckoutState, CheckoutView
from payment_hub.domain.money import dong
from payment_hub.domain.obligations import Beneficiary, Kind, ObligationState, ObligationView
from payment_hub.domain.orders import OrderedObligation, OrderStatus, OrderView
from payment_hub.domain.payments import AttemptState, AttemptView, InstructionsView
from payment_hub.domain.receipts import ReceiptAgency, ReceiptView, amount_in_words
from payment_hub.domain.routing import BankFacts, Option


def an_offer(bank: str, **more: Any) -> Option:
    """A bank that can be chosen."""
    facts: dict[str, Any] = {
        "bank": bank,
        "methods": ("QR",),
        "agencies": None,
        "kinds": None,
        "smallest": 1,
        "largest": 10**9,
        "needs_seconds": 0,
        "fee": 0,
        "borne_by": "AGENCY",
        "settles_on": "2026-03-03",
    }
    return Option(BankFacts(**(facts | more)), None)


NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
REFERENCE = "DV6B8TK2M0H4X9QA"
AMOUNT = dong(1_250_000)

OBLIGATION = ObligationView(
    agency="G22.99",
    agency_name="Cục Cảnh sát giao thông – Bộ Công an",
    reference="QD-2026-0001234",
    kind=Kind.TRAFFIC_FINE,
    version=1,
    state=ObligationState.OWED,
    amount=AMOUNT,
    payer_name="Nguyễn Thị Thu Hường",
    identifiers={"decision_number": "1234/QĐ-XPHC", "decided_on": "2026-02-27", "plate": "30A-123.45"},
    description="Không chấp hành hiệu lệnh của đèn tín hiệu giao thông",
    due_on=date(2026, 3, 12),
    beneficiary=Beneficiary("7111000000001", "970436", "KHO BAC NHA NUOC HA NOI", "009", "4252"),
    open_order=REFERENCE,
    registered_at=NOW - timedelta(days=2),
)
ORDER = OrderView(
    reference=REFERENCE,
    version=1,
    agency="G22.99",
    obligation=OrderedObligation(OBLIGATION.reference, 1, OBLIGATION.kind),
    status=OrderStatus.OPEN,
    flags=(),
    finished=False,
    required=AMOUNT,
    received=dong(0),
    refunded=dong(0),
    refundable=dong(0),
    description=OBLIGATION.description,
    issued_at=NOW - timedelta(hours=1),
    expires_at=NOW + timedelta(hours=23),
    cancelled_at=None,
    cancel_reason=None,
    expired_at=None,
    checkout_url="https://hub.test/checkout/token",
    return_url="https://dichvucong.example.gov.vn/ho-so/1234",
    receipt=None,
)
ATTEMPT = AttemptView(
    reference=f"{REFERENCE}-1",
    order_reference=REFERENCE,
    bank="sandbox",
    state=AttemptState.PENDING,
    amount=AMOUNT,
    instructions=InstructionsView(
        qr_text=write_vietqr(bank_bin="970436", number="7111000000001", amount=AMOUNT, purpose=REFERENCE),
        page_url="https://bank.example/pay/1",
        account_number="7111000000001",
        account_name="KHO BAC NHA NUOC HA NOI",
        account_bank="970436",
        purpose=REFERENCE,
    ),
    started_at=NOW - timedelta(minutes=2),
    expected_by=None,
)
RECEIPT = ReceiptView(
    number="01BLP AA26E 0000042",
    template="01BLP",
    series="AA26E",
    year=2026,
    serial=42,
    order_reference=REFERENCE,
    agency=ReceiptAgency("G22.99", OBLIGATION.agency_name, "0100109106", "112 Lê Duẩn, Hoàn Kiếm, Hà Nội"),
    payer_name=OBLIGATION.payer_name,
    kind=Kind.TRAFFIC_FINE,
    identifiers=OBLIGATION.identifiers,
    description=OBLIGATION.description,
    amount=AMOUNT,
    amount_in_words=amount_in_words(AMOUNT),
    bank="sandbox",
    bank_transaction_id="FT26061123456",
    paid_at=NOW - timedelta(minutes=1),
    issued_at=NOW,
    treasury_chapter="009",
    treasury_sub_item="4252",
)
OPEN = CheckoutView(ORDER, OBLIGATION, (an_offer("sandbox"), an_offer("vnpay")), None, None, NOW)


def a_view(view: CheckoutView = OPEN, *, tried: str | None = None, **order: Any) -> CheckoutView:
    """``view`` with other facts of its order, and a latest attempt in the state ``tried``."""
    attempt = replace(ATTEMPT, state=AttemptState(tried)) if tried else view.attempt
    return replace(view, order=replace(view.order, **order), attempt=attempt)


def settled(received: int, *flags: str, **order: Any) -> CheckoutView:
    """A paid order with its receipt."""
    facts = {
        "status": "PAID",
        "finished": True,
        "received": dong(received),
        "receipt": RECEIPT.number,
    } | order
    view = a_view(OPEN, tried="SUCCEEDED", flags=flags, **facts)
    return replace(view, receipt=RECEIPT, obligation=replace(OBLIGATION, state=ObligationState.SETTLED))


def _withdrawn() -> CheckoutView:
    return replace(OPEN, obligation=replace(OBLIGATION, state=ObligationState.WITHDRAWN))


EXPIRED: dict[str, Any] = {"status": "EXPIRED", "expires_at": NOW, "expired_at": NOW, "finished": True}
PART: dict[str, Any] = {"status": "UNDERPAID", "received": dong(1_000_000)}
ZERO = replace(
    RECEIPT, amount=dong(0), amount_in_words="Không đồng", bank=None, bank_transaction_id=None, paid_at=None
)

#: A page in each state; the tests ask that none is missing.
PAGES: dict[CheckoutState, CheckoutView] = {
    CheckoutState.CHOOSE_BANK: OPEN,
    CheckoutState.TRY_DECLINED: a_view(tried="FAILED"),
    CheckoutState.TRY_ABANDONED: a_view(tried="ABANDONED"),
    CheckoutState.ASKING_BANK: a_view(tried="SUBMITTING"),
    CheckoutState.AWAITING_PAYMENT: a_view(tried="PENDING"),
    CheckoutState.OUTCOME_UNKNOWN: replace(
        a_view(tried="UNKNOWN"),
        attempt=replace(ATTEMPT, state=AttemptState.UNKNOWN, expected_by=NOW + timedelta(minutes=13)),
    ),
    CheckoutState.CLOSED_OUTCOME_UNKNOWN: a_view(tried="PENDING", **EXPIRED),
    CheckoutState.PAID: settled(1_250_000),
    CheckoutState.PAID_LATE: settled(1_250_000, "LATE"),
    CheckoutState.PAID_TOO_MUCH: settled(1_500_000, "OVERPAID"),
    CheckoutState.NOTHING_TO_PAY: replace(settled(0, required=dong(0)), receipt=ZERO, attempt=None),
    CheckoutState.UNDERPAID: a_view(tried="SUCCEEDED", **PART),
    CheckoutState.UNDERPAID_CLOSED: a_view(tried="SUCCEEDED", expires_at=NOW, **PART),
    CheckoutState.UNDERPAID_OUTCOME_UNKNOWN: a_view(tried="UNKNOWN", **PART),
    CheckoutState.HELD: a_view(tried="SUCCEEDED", status="PAID", received=AMOUNT, flags=("CONFLICT", "HELD")),
    CheckoutState.HELD_LATE: a_view(
        tried="SUCCEEDED", **(EXPIRED | {"status": "PAID", "received": AMOUNT, "flags": ("LATE", "HELD")})
    ),
    CheckoutState.PARTLY_REFUNDED: settled(1_250_000, status="PARTLY_REFUNDED", refunded=dong(250_000)),
    CheckoutState.REFUNDED: settled(1_250_000, status="REFUNDED", refunded=AMOUNT),
    CheckoutState.EXPIRED: a_view(**EXPIRED),
    CheckoutState.CANCELLED: a_view(
        status="CANCELLED", cancelled_at=NOW, finished=True, cancel_reason="Hồ sơ đã được rút theo yêu cầu"
    ),
    CheckoutState.OBLIGATION_CHANGED: _withdrawn(),
    CheckoutState.PAID_ELSEWHERE: replace(
        OPEN, obligation=replace(OBLIGATION, state=ObligationState.SETTLED)
    ),
}

#: Banks of which one asks the payer for a fee.
COSTLY = replace(OPEN, offers=(an_offer("sandbox"), an_offer("vnpay", fee=1_100, borne_by="PAYER")))
#: A bill to name at the bank's counter, or to open in its app.
BY_BILL = replace(
    PAGES[CheckoutState.AWAITING_PAYMENT],
    attempt=replace(
        ATTEMPT,
        instructions=replace(
            ATTEMPT.instructions,
            qr_text=None,
            page_url=None,
            account_number=None,
            app_link="bankapp://pay/1",
            bill_code="7100042",
        ),
    ),
)
