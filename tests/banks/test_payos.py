"""payOS: the contract, every form of its messages, and what a link may hold."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

from bank_adapters import load_adapters
from bank_adapters.payos import STATUSES, Payos
from bank_adapters.simulators.payos import (
    PAYOUT_SECRET,
    SECRET,
    PayosSimulator,
    digest,
    encoded_row,
    link_id,
    row,
)
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment
from bank_adapters.toolkit.emv_qr import read_qr, write_vietqr
from payment_hub.domain.banks.values import (
    CallbackRequest,
    Confirmation,
    Outcome,
    PayerAccount,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.judgement import judge
from payment_hub.domain.money import dong
from payment_hub.domain.refunds.eligibility import limits_of
from payment_hub.domain.refunds.lifecycle import Route, route_of
from payment_hub.domain.settlement import ConfirmationContext, Disposition
from tests.banks.contract import CallbackContract, CancelContract, QueryContract, StatementContract
from tests.banks.contract.refunds import RefundContract, RefundQueryContract
from tests.banks.examples import (
    AMOUNT,
    NOON,
    NUMBER,
    ORDER,
    PUBLIC_URL,
    REFUND,
    TRANSACTION,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)
from tests.banks.faults import Failing

# Messages
# ------------------------------------------------------------------------------------------------

URL = "https://payos.test"
LINKS, PAYOUTS = f"{URL}/v2/payment-requests", f"{URL}/v1/payouts"
LINK = f"{LINKS}/{NUMBER}"
SIMULATOR = PayosSimulator(URL, PUBLIC_URL)
PAID = Payment(
    str(NUMBER),
    150_000,
    {"description": f"CS7{NUMBER} {ORDER}"},
    transaction_id=TRANSACTION.removeprefix("FT"),
    paid_at=NOON,
)
LINK_ID = "124c33293c43417ab7879e14c8d9eb19"

STATEMENT = (
    "booked_at,transaction_id,reference,amount,status\n"
    f"2026-11-22 12:00:00,{TRANSACTION},{NUMBER},150000,PAID\n"
    f"2026-11-22 12:01:00,FT26326000124,{NUMBER},7000,CANCELLED\n"
    "2026-11-22 23:59:59,FT26326000125,typed by hand,5000,PAID\n"
)


def a_section(folder: Path, **changes: str) -> dict[str, str]:
    """The settings of a channel, with payouts, whose daily files are dropped into ``folder``."""
    return {
        "URL": URL,
        "CLIENT_ID": "client-1",
        "API_KEY": "api-key-of-the-channel",
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
        "PAYOUT_CLIENT_ID": "client-2",
        "PAYOUT_API_KEY": "api-key-of-payouts",
        "PAYOUT_SECRET": PAYOUT_SECRET,
    } | changes


def a_transfer(**changes: Any) -> dict[str, Any]:
    """150,000 dong that came at noon, as a callback says."""
    fields = {
        "accountNumber": "12345678",
        "paymentLinkId": LINK_ID,
        "counterAccountBankId": "970403",
        "counterAccountName": "CTY A & B",
        "counterAccountNumber": "0011012345678",
    } | changes
    data: dict[str, Any] = json.loads(SIMULATOR.callback(PAID, at=NOON, **fields).body)["data"]
    return data


def a_link(*transfers: Mapping[str, Any], status: str = "PAID", **changes: Any) -> dict[str, Any]:
    """A link as questions and cancellations are answered."""
    return {
        "id": LINK_ID,
        "orderCode": NUMBER,
        "amount": 150000,
        "amountPaid": sum(one["amount"] for one in transfers),
        "amountRemaining": 0,
        "status": status,
        "createdAt": "2026-11-22T11:58:00+07:00",
        "transactions": list(transfers),
        "canceledAt": None,
        "cancellationReason": None,
    } | changes


def in_link(**changes: Any) -> dict[str, Any]:
    """One transfer as it stands inside a link."""
    outside = ("orderCode", "currency", "paymentLinkId", "code", "desc")
    plain = {name: value for name, value in a_transfer().items() if name not in outside}
    return plain | {"transactionDateTime": "2026-11-22T12:00:00+07:00"} | changes


def an_opening(**changes: Any) -> dict[str, Any]:
    """The answer to a new link."""
    qr_text = write_vietqr(bank_bin="970422", number="12345678", amount=AMOUNT, purpose=f"CS7{NUMBER}")
    return {
        "bin": "970422",
        "accountNumber": "12345678",
        "accountName": "KHO BAC NHA NUOC",
        "amount": 150000,
        "description": f"CS7{NUMBER}",
        "orderCode": NUMBER,
        "currency": "VND",
        "paymentLinkId": LINK_ID,
        "status": "PENDING",
        "checkoutUrl": f"https://pay.payos.test/web/{LINK_ID}",
        "qrCode": qr_text,
    } | changes


def a_payout(state: str = "SUCCEEDED", **changes: Any) -> dict[str, Any]:
    """A payout as it is answered."""
    transfer = {
        "id": "batchTxnId",
        "referenceId": REFUND,
        "amount": 150000,
        "description": REFUND,
        "toBin": "970403",
        "toAccountNumber": "0011012345678",
        "toAccountName": "NGUYEN VAN A",
        "reference": None,
        "transactionDatetime": None,
        "errorMessage": None,
        "errorCode": None,
        "state": state,
    }
    return {
        "id": "payout1",
        "referenceId": REFUND,
        "transactions": [transfer],
        "category": None,
        "approvalState": "PROCESSING",
        "createdAt": "2026-11-22T13:00:00+07:00",
    } | changes


def answered(data: Mapping[str, Any], secret: str = SECRET, **changes: Any) -> dict[str, Any]:
    """A signed answer about a link, as words for ``responses``."""
    message = {"code": "00", "desc": "success", "data": data, "signature": digest(row(data), secret)}
    return {"status": 200, "json": message | changes}


def paid_out(data: Mapping[str, Any], secret: str = PAYOUT_SECRET, **changes: Any) -> dict[str, Any]:
    """An answer about payouts, signed in its header."""
    message = {"code": "00", "desc": "success", "data": data} | changes
    return {"status": 200, "json": message, "headers": {"x-signature": digest(encoded_row(data), secret)}}


def callback_request(
    data: Mapping[str, Any], secret: str = SECRET, signed: str | None = None
) -> CallbackRequest:
    """A callback; ``signed`` replaces the text that is signed."""
    signature = digest(row(data) if signed is None else signed, secret)
    message = {"code": "00", "desc": "success", "success": True, "data": data, "signature": signature}
    body = json.dumps(message, ensure_ascii=False).encode()
    return CallbackRequest("POST", "/callbacks/payos", b"", {"content-type": "application/json"}, body, NOON)


# The contract
# ------------------------------------------------------------------------------------------------

STATES = {
    RefundOutcome.SUCCEEDED: "SUCCEEDED",
    RefundOutcome.FAILED: "FAILED",
    RefundOutcome.PENDING: "PROCESSING",
}


class TestPayos(
    CallbackContract, QueryContract, CancelContract, StatementContract, RefundContract, RefundQueryContract
):
    bank = "payos"
    required = frozenset(
        f"BANK_PAYOS_{name}" for name in ("URL", "CLIENT_ID", "API_KEY", "SECRET", "STATEMENTS")
    )
    tells_declined = False
    opens_at = (("POST", LINKS),)
    asks_at = (("GET", LINK),)
    cancels_at = (("POST", f"{LINK}/cancel"),)
    refunds_at = (("POST", PAYOUTS),)
    refund_asks_at = (("GET", PAYOUTS),)

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return answered(an_opening())

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        other_code = an_opening()["qrCode"].replace("150000", "150001")
        return {
            "another payment": answered(an_opening(orderCode=NUMBER + 1)),
            "another amount": answered(an_opening(amount=150001)),
            "a broken code": answered(an_opening(qrCode=other_code)),
            "a page of nobody": answered(an_opening(checkoutUrl="javascript:alert(1)")),
            "wrong signature": answered(an_opening(), secret="another-secret-of-payos"),
            "no signature": answered(an_opening(), signature=None),
            "a refusal": {"status": 200, "json": {"code": "20", "desc": "Mô tả tối đa 25 kí tự"}},
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return callback_request(a_transfer(**changes))

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        links = {
            Outcome.PAID: a_link(in_link()),
            Outcome.DECLINED: a_link(status="EXPIRED"),
            Outcome.PENDING: a_link(status="PENDING"),
        }
        known = {str(word): link for word, link in links.items()}
        return answered(known.get(str(outcome), a_link(in_link(), status="UNDER_REVIEW")))

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": answered(a_link(in_link(), orderCode=NUMBER + 1)),
            "wrong signature": answered(a_link(in_link()), secret="another-secret-of-payos"),
            "no signature": answered(a_link(in_link()), signature=None),
            "a sum that is not its parts": answered(a_link(in_link(), amountPaid=150001)),
            "nothing paid": answered(a_link(in_link(amount=0))),
            "unknown": {"status": 200, "json": {"code": "101", "desc": "Mã thanh toán không tồn tại"}},
        }

    def cancel_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        status = "CANCELLED" if outcome is Outcome.DECLINED else "UNDER_REVIEW"
        return answered(a_link(status=status, cancellationReason="Huy"))

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return paid_out(
            a_payout({str(word): state for word, state in STATES.items()}.get(str(outcome), "LOST"))
        )

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        (transfer,) = a_payout()["transactions"]
        return {
            "another refund": paid_out(a_payout(referenceId="RF-other")),
            "another amount": paid_out(a_payout(transactions=[transfer | {"amount": 1}])),
            "two transfers": paid_out(a_payout(transactions=[transfer, transfer])),
            "wrong signature": paid_out(a_payout(), secret="another-secret-of-payos"),
            "the other channel's signature": paid_out(a_payout(), secret=a_section(Path())["SECRET"]),
            "no signature": paid_out(a_payout()) | {"headers": {}},
            "a refusal": paid_out(a_payout(), code="701"),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        state = {str(word): state for word, state in STATES.items()}.get(str(outcome), "LOST")
        return paid_out({"pagination": {"total": 1}, "payouts": [a_payout(state)]})

    def statement_text(self) -> str:
        return STATEMENT

    # Being told -------------------------------------------------------------------------------------

    def test_it_tells_from_whom_the_money_came(self, adapter: Payos) -> None:
        confirmation = adapter.read_callback(self.callback(Outcome.PAID))
        assert confirmation.payer == PayerAccount("0011012345678", "970403", "CTY A & B")
        assert (confirmation.number, confirmation.bank_transaction_id) == (NUMBER, TRANSACTION)

    def test_what_the_payer_typed_leads_to_no_order(self, adapter: Payos) -> None:
        assert ORDER not in adapter.read_callback(self.callback(Outcome.PAID)).reference

    def test_each_transfer_into_a_link_is_money_of_its_own(self, adapter: Payos) -> None:
        one = adapter.read_callback(self.callback(Outcome.PAID, amount=100_000))
        rest = adapter.read_callback(self.callback(Outcome.PAID, amount=50_000, reference="FT2"))
        assert one.event_id != rest.event_id
        assert one.bank_transaction_id != rest.bank_transaction_id
        assert (one.amount, rest.amount) == (dong(100_000), dong(50_000))

    def test_a_code_that_nobody_documented_is_pending(self, adapter: Payos) -> None:
        confirmation = adapter.read_callback(self.callback("unheard of", code="07"))
        assert (confirmation.outcome, confirmation.code, confirmation.amount) == (Outcome.PENDING, "07", None)
        assert confirmation.event_id != adapter.read_callback(self.callback(Outcome.PAID)).event_id

    def test_what_stands_around_the_data_is_not_believed(self, adapter: Payos) -> None:
        genuine = self.callback(Outcome.PAID)
        around = json.loads(genuine.body) | {"code": "01", "success": False, "amount": 1}
        assert adapter.read_callback(replace(genuine, body=json.dumps(around).encode())).amount == AMOUNT

    @pytest.mark.parametrize("reference", ["TF230204212323", "MA_GIAO_DICH_THU_NGHIEM"])
    def test_the_trial_message_makes_no_money(self, adapter: Payos, reference: str) -> None:
        confirmation = adapter.read_callback(
            self.callback(Outcome.PAID, reference=reference, description="VQRIO123")
        )
        assert (confirmation.outcome, confirmation.amount, confirmation.number) == (
            Outcome.PENDING,
            None,
            None,
        )
        judged = judge(confirmation, ConfirmationContext(order=None, previous=(), collection=None), NOON)
        assert (judged.disposition, judged.collects) == (Disposition.ORPHAN, False)

    @pytest.mark.parametrize("word", [None, "", "null", "undefined"])
    def test_nothing_is_signed_as_nothing(self, adapter: Payos, word: str | None) -> None:
        assert adapter.read_callback(self.callback(Outcome.PAID, desc=word)).amount == AMOUNT

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": 0},
            {"amount": -1},
            {"amount": "150000"},
            {"orderCode": str(NUMBER)},
            {"currency": "USD"},
            {"reference": ""},
            {"paymentLinkId": "a/b"},
            {"reference": "FT1&x=1"},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: Payos, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, **changes))


# payOS: what a link may hold, how it is opened, and how it is closed.
# ------------------------------------------------------------------------------------------------

ASKED_AT, CANCELLED_AT = (("GET", LINK),), (("POST", f"{LINK}/cancel"),)


def payos(folder: Path, **changes: str) -> Payos:
    """The adapter from its settings."""
    adapter = load_adapters(["payos"], {"payos": a_section(folder, **changes)})["payos"]
    assert isinstance(adapter, Payos)
    return adapter


@pytest.fixture
def adapter(tmp_path: Path) -> Payos:
    return payos(tmp_path)


@pytest.mark.parametrize("status", [*STATUSES, "UNDER_REVIEW"])
def test_an_empty_link_is_what_its_status_says(adapter: Payos, status: str) -> None:
    over = status in ("CANCELLED", "EXPIRED", "FAILED")
    assert of_link(adapter, a_link(status=status)).outcome is (Outcome.DECLINED if over else Outcome.PENDING)


@pytest.mark.parametrize("status", ["UNDERPAID", "CANCELLED", "EXPIRED", "PENDING"])
def test_money_in_a_link_is_money_whatever_became_of_the_link(adapter: Payos, status: str) -> None:
    result = of_link(adapter, a_link(in_link(amount=100_000), status=status))
    assert (result.outcome, result.amount) == (Outcome.PAID, dong(100_000))
    assert (result.bank_transaction_id, result.paid_at) == (TRANSACTION, NOON)


def test_several_transfers_are_left_to_their_callbacks(adapter: Payos) -> None:
    both = (in_link(amount=100_000), in_link(amount=50_000, reference="FT2"))
    for status in ("PAID", "CANCELLED"):
        result = of_link(adapter, a_link(*both, status=status))
        assert (result.outcome, result.amount) == (Outcome.PENDING, None)


def test_a_cancelled_link_with_money_in_it_is_paid(adapter: Payos) -> None:
    with Failing(CANCELLED_AT, answered(a_link(in_link(), status="CANCELLED"))):
        assert adapter.cancel_payment(a_query()).outcome is Outcome.PAID


def of_link(adapter: Payos, link: dict[str, Any]) -> Any:
    with Failing(ASKED_AT, answered(link)):
        return adapter.query_payment(a_query())


def test_a_link_that_was_opened_before_is_given_again(adapter: Payos) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", LINKS, json={"code": "231", "desc": "Đơn thanh toán đã tồn tại"})
        wire.add("GET", LINK, **answered(a_link(status="PENDING")))
        given = adapter.open_payment(a_request())
    assert (given.page_url, given.bank_reference) == (f"https://pay.payos.vn/web/{LINK_ID}", LINK_ID)


@pytest.mark.parametrize(
    "link",
    [
        answered(a_link(status="CANCELLED")),
        answered(a_link(in_link())),
        answered(a_link(status="PENDING", amount=150001)),
        answered(a_link(status="PENDING", orderCode=1)),
        answered(a_link(status="PENDING"), secret="another-secret-of-payos"),
    ],
)
def test_another_link_under_our_number_is_not_given(adapter: Payos, link: dict[str, Any]) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", LINKS, json={"code": "231", "desc": "exists"})
        wire.add("GET", LINK, **link)
        with pytest.raises(BankUnavailable):
            adapter.open_payment(a_request())


@pytest.mark.parametrize(
    ("length", "changes", "said"),
    [
        ("9", {}, str(NUMBER)),
        ("16", {}, ORDER),
        ("25", {}, f"Le phi {ORDER}"),
        ("9", {"description": "ABC456"}, "ABC456"),
    ],
)
def test_the_transfers_text_is_the_most_that_fits(
    tmp_path: Path, length: str, changes: dict[str, Any], said: str
) -> None:
    body = sent(payos(tmp_path, DESCRIPTION_LENGTH=length), **changes)
    assert body["description"] == said
    names = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
    assert body["signature"] == digest("&".join(f"{name}={body[name]}" for name in names))
    assert body["expiredAt"] == int(NOON.timestamp()) + 1800


def test_a_payment_that_may_be_completed_late_has_no_end(adapter: Payos) -> None:
    assert "expiredAt" not in sent(adapter, expires_at=NOON - timedelta(days=1))


@pytest.mark.parametrize(
    "changes",
    [
        {"number": -1},
        {"number": 2**53},
        {"number": 1234567890},
        {"return_url": "https://hub.test/a b"},
        {"return_url": "javascript:x"},
    ],
)
def test_what_it_cannot_carry_never_leaves(adapter: Payos, changes: dict[str, Any]) -> None:
    with responses.RequestsMock(), pytest.raises(Malformed):
        adapter.open_payment(a_request(**changes))


def sent(adapter: Payos, **changes: Any) -> Any:
    """The body of an opening; who we are stands in the headers."""
    with responses.RequestsMock() as wire:
        wire.add("POST", LINKS, **answered(an_opening()))
        adapter.open_payment(a_request(**changes))
        asked = wire.calls[0].request
    assert (asked.headers["x-client-id"], asked.headers["x-api-key"]) == (
        "client-1",
        "api-key-of-the-channel",
    )
    return json.loads(asked.body or b"")


# payOS: money that goes back by a payout.
# ------------------------------------------------------------------------------------------------


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
    assert headers["x-signature"] == digest(encoded_row(body), PAYOUT_SECRET)
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
        result = payos(tmp_path).query_refund(a_refund_query(bank_refund_id="payout1"))
    assert (result.outcome, result.code, result.bank_refund_id) == (outcome, state, "payout1")


def test_a_refund_that_nobody_knows_may_still_be_on_its_way(tmp_path: Path) -> None:
    result = _listed(tmp_path, [])
    assert (result.outcome, result.code) == (RefundOutcome.PENDING, "NOT_FOUND")


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


# payOS's adapter and its simulator over real HTTP: each verifies what the other signs.
# ------------------------------------------------------------------------------------------------

NOW = datetime.now(UTC)


@dataclass
class Circle:
    """Both sides, and the address at which the simulator listens."""

    adapter: Payos
    simulator: PayosSimulator
    book: Book
    url: str

    def opened(self) -> Payment:
        """The payment after a link was made."""
        self.adapter.open_payment(a_request())
        payment = self.book.find(str(NUMBER))
        assert payment is not None
        return payment

    def confirmation_of(self, payment: Payment) -> Confirmation:
        """What the adapter reads from the message about it."""
        (callback,) = self.simulator.callbacks(payment)
        return self.adapter.read_callback(
            CallbackRequest(callback.method, "/callbacks/payos", b"", callback.headers, callback.body, NOW)
        )


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve("http://127.0.0.1:9", simulators=[PayosSimulator], statements=tmp_path) as server:
        adapter = load_adapters(["payos"], settings_of([PayosSimulator], server.url, tmp_path))["payos"]
        simulator = server.banks["payos"]
        assert isinstance(simulator, PayosSimulator)
        assert isinstance(adapter, Payos)
        yield Circle(adapter, simulator, simulator.book, f"{server.url}/payos")


def test_a_link_has_a_page_and_a_code(circle: Circle) -> None:
    given = circle.adapter.open_payment(a_request())
    visited = requests.get(given.page_url or "", timeout=5)
    assert (visited.status_code, visited.url) == (200, f"{circle.url}/pay/{NUMBER}")
    code = read_qr(given.qr_text or "")
    assert (code.amount, code.additional["purpose"]) == (AMOUNT, f"Le phi {ORDER}")


def test_a_transfer_finds_its_link_by_its_words(circle: Circle) -> None:
    form = {"qr_text": circle.adapter.open_payment(a_request()).qr_text, "choice": "silent"}
    requests.post(f"{circle.url}/transfer", form, timeout=5, allow_redirects=False)
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PAID


def test_a_link_whose_answer_was_lost_is_given_again(circle: Circle) -> None:
    first, again = (circle.adapter.open_payment(a_request()) for _ in range(2))
    assert (again.page_url, again.bank_reference) == (first.page_url, first.bank_reference)
    assert len(circle.book.payments()) == 1


def test_who_does_not_know_the_keys_opens_nothing(circle: Circle) -> None:
    settings = replace(circle.adapter.settings, secret=b"another-checksum-key-0123456789")
    with pytest.raises(BankUnavailable, match="201"):
        replace(circle.adapter, settings=settings).open_payment(a_request())
    with pytest.raises(BankUnavailable, match="401"):
        replace(circle.adapter, settings=replace(circle.adapter.settings, api_key="x" * 20)).open_payment(
            a_request()
        )
    assert circle.book.payments() == []


@pytest.mark.parametrize("amount", [150_000, 149_000, 151_000])
def test_callback_and_answer_say_the_same(circle: Circle, amount: int) -> None:
    payment = circle.opened()
    assert circle.simulator.callbacks(payment) == []
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PENDING
    circle.book.settle(payment, "PAID", amount=amount, notify=False)
    confirmation, asked = circle.confirmation_of(payment), circle.adapter.query_payment(a_query())
    assert confirmation.outcome is asked.outcome is Outcome.PAID
    assert confirmation.amount == asked.amount == dong(amount)
    assert (
        confirmation.bank_transaction_id,
        confirmation.payer,
        confirmation.paid_at,
        confirmation.number,
    ) == (
        asked.bank_transaction_id,
        asked.payer,
        asked.paid_at,
        asked.number,
    )
    assert circle.simulator.callbacks(payment) == circle.simulator.callbacks(payment)


def test_a_cancelled_link_is_over(circle: Circle) -> None:
    circle.opened()
    assert circle.adapter.cancel_payment(a_query()).outcome is Outcome.DECLINED
    assert circle.adapter.query_payment(a_query()).code == "CANCELLED"


def test_money_that_came_before_the_cancellation_is_told(circle: Circle) -> None:
    circle.book.settle(circle.opened(), "PAID", notify=False)
    assert circle.adapter.cancel_payment(a_query()).outcome is Outcome.PAID


def test_a_link_that_nobody_made_is_no_answer(circle: Circle) -> None:
    with pytest.raises(BankUnavailable, match="101"):
        circle.adapter.query_payment(a_query())


def test_an_altered_message_is_rejected(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    (callback,) = circle.simulator.callbacks(payment)
    spoilt = callback.body.replace(b"150000", b"950000")
    with pytest.raises(CallbackRejected):
        circle.adapter.read_callback(CallbackRequest("POST", "/callbacks/payos", b"", {}, spoilt, NOW))


def test_a_refund_goes_back_where_the_money_came_from(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    payer = circle.confirmation_of(payment).payer
    for _ in range(2):
        result = circle.adapter.refund_payment(a_refund(payer=payer))
        assert (result.outcome, result.code) == (RefundOutcome.PENDING, "PROCESSING")
    assert [one.amount for one in payment.refunds] == [150_000]
    for bank_refund_id in (None, result.bank_refund_id):
        asked = a_refund_query(bank_refund_id=bank_refund_id)
        assert circle.adapter.query_refund(asked).outcome is RefundOutcome.PENDING
    requests.post(f"{circle.url}/refund/{REFUND}", {"state": "SUCCEEDED"}, timeout=5)
    assert circle.adapter.query_refund(a_refund_query()).outcome is RefundOutcome.SUCCEEDED


def test_more_than_was_paid_does_not_go_back(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    payer = circle.confirmation_of(payment).payer
    circle.adapter.refund_payment(a_refund(payer=payer))
    second = a_refund(payer=payer, refund_reference="RF-2")
    assert circle.adapter.refund_payment(second).outcome is RefundOutcome.FAILED


def test_a_refund_that_never_arrived_is_unknown_there(circle: Circle) -> None:
    assert circle.adapter.query_refund(a_refund_query()).code == "NOT_FOUND"
    with pytest.raises(BankUnavailable):
        circle.adapter.refund_payment(a_refund(payer=PayerAccount("1234567890", "970436")))


def test_the_daily_file_leads_to_the_order(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    confirmation = circle.confirmation_of(payment)
    assert confirmation.paid_at is not None
    day = (confirmation.paid_at).astimezone(UTC).date()
    content = circle.simulator.statement(day, [payment])
    (circle.adapter.settings.statements / f"{day}.csv").write_text(content or "")
    (line,) = circle.adapter.fetch_statement(day).lines
    assert (line.bank_transaction_id, line.amount, line.booked_at) == (
        confirmation.bank_transaction_id,
        confirmation.amount,
        confirmation.paid_at,
    )
    assert ORDER in line.reference


def test_the_browser_goes_back_with_what_nobody_signed(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    back = circle.simulator.return_url(payment) or ""
    assert back.startswith(f"{a_request().return_url}?code=00&id={link_id(payment)}&cancel=false&status=PAID")


def test_garbage_is_the_askers_fault(circle: Circle) -> None:
    headers = {"x-client-id": "trial-client", "x-api-key": "trial-api-key-of-payos"}
    answer = requests.post(f"{circle.url}/v2/payment-requests", b"{", headers=headers, timeout=5)
    assert answer.status_code == 400
    assert "refused" in json.loads(answer.content)


# payOS: values of every form are signed with the rest, and no signature fits two messages.
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        [],
        [1, "a", None, True],
        [[1], {"b": [{"d": "/", "c": "ế"}], "a": None}],
        {"b": 1, "a": "\\"},
        {},
        True,
        0,
        2**53 + 1,
        10**19,
        "&=",
        "x&y=1",
        "https://dvc.test/?a=1&b=2#c",
        "1+1 = 2 | %20 'x' \\ / \U0001f600 \u2028",
        "x" * 5000,
    ],
)
@pytest.mark.parametrize("name", ["zzz", "desc", "aaa", "a-b", "tên", "1"])
def test_a_value_of_any_form_is_signed_with_the_rest(adapter: Payos, name: str, value: object) -> None:
    genuine = callback_request(a_transfer(**{name: value}))
    assert adapter.read_callback(genuine).amount == AMOUNT
    body = genuine.body.replace(f'"reference": "{TRANSACTION}"'.encode(), b'"reference": "FT2"')
    assert body != genuine.body
    with pytest.raises(CallbackRejected):
        adapter.read_callback(replace(genuine, body=body))


@pytest.mark.parametrize(("written", "signed"), [("1.50", "1.5"), ("-2.0", "-2"), ("0.25", "0.25")])
def test_a_number_with_a_point_is_signed_as_javascript_writes_it(
    adapter: Payos, written: str, signed: str
) -> None:
    message = callback_request(a_transfer(zzz="@"), signed=row(a_transfer(zzz=signed)))
    assert adapter.read_callback(
        replace(message, body=message.body.replace(b'"@"', written.encode()))
    ).amount == (AMOUNT)
    exponent = replace(message, body=message.body.replace(b'"@"', b"15e-1"))
    with pytest.raises(CallbackRejected):
        adapter.read_callback(exponent)


@pytest.mark.parametrize("value", ["x&amount=1", "&zzz=", "&orderCode=1&reference=FT2", ["&code=00"]])
def test_what_could_be_signed_for_two_things_is_not_believed(adapter: Payos, value: object) -> None:
    """Though the signature is the one that every kit would make."""
    with pytest.raises(CallbackRejected):
        adapter.read_callback(callback_request(a_transfer(zzz=value)))


def test_one_signature_names_one_money(adapter: Payos) -> None:
    """The same row cut otherwise: fields that follow the reference drawn into it, or names that hold a field."""
    genuine = a_transfer(referenceOfPartner="P1")
    text = row(genuine)
    for dropped, joined in (
        ("referenceOfPartner", {"reference": f"{TRANSACTION}&referenceOfPartner=P1"}),
        ("code", {"amount": "150000&code=00"}),
        ("description", {f"desc=Thành công&description={genuine['description']}&orderCode": NUMBER}),
    ):
        recut = {name: value for name, value in genuine.items() if name != dropped} | joined
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(callback_request(recut, signed=text))


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": None},
        {"currency": ""},
        {"description": None},
        {"counterAccountNumber": 7},
        {"counterAccountName": ["x"]},
        {"counterAccountBankId": 970403},
        {"transactionDateTime": None},
        {"accountNumber": 12345678},
        {"virtualAccountName": {"x": 1}},
    ],
)
def test_money_is_not_turned_away_because_of_what_is_beside_it(
    adapter: Payos, changes: dict[str, Any]
) -> None:
    confirmation = adapter.read_callback(callback_request(a_transfer(**changes)))
    assert (confirmation.outcome, confirmation.amount, confirmation.number) == (Outcome.PAID, AMOUNT, NUMBER)


# The test cases of payOS's own kits, through the adapter's verbs.
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/payos/signatures.json").read_text("utf-8")
)


def of_kind(kind: str, *names: str) -> list[dict[str, Any]]:
    """The vectors of a kind whose inputs have all these names."""
    found = [one for one in VECTORS if one["kind"] == kind and set(names) <= set(one["inputs"])]
    assert found
    return found


BATCHES = of_kind("header-signature", "payouts")
PAYOUTS_ANSWERED = of_kind("header-signature", "transactions")
SINGLE_PAYOUTS = of_kind("header-signature", "toBin")


def test_every_vector_has_its_test() -> None:
    others = [
        *of_kind("create-payment-link-signature"),
        *of_kind("body-signature"),
        *of_kind("webhook-signature"),
    ]
    tested = [*others, *BATCHES, *PAYOUTS_ANSWERED, *SINGLE_PAYOUTS]
    assert sorted(one["expected"] for one in tested) == sorted(one["expected"] for one in VECTORS)


@pytest.mark.parametrize("vector", of_kind("create-payment-link-signature"))
def test_an_opening_is_signed_as_published(vector: dict[str, Any], tmp_path: Path) -> None:
    inputs = vector["inputs"]
    request = a_request(
        number=inputs["orderCode"],
        amount=dong(inputs["amount"]),
        description=inputs["description"],
        return_url=inputs["returnUrl"],
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", LINKS, status=500)
        with pytest.raises(BankUnavailable):
            payos_of(vector, tmp_path).open_payment(request)
        sent = json.loads(wire.calls[0].request.body or b"")
    assert sent["signature"] == vector["expected"]
    assert {name: sent[name] for name in ("orderCode", "amount", "description", "cancelUrl")} == {
        name: inputs[name] for name in ("orderCode", "amount", "description", "cancelUrl")
    }


@pytest.mark.parametrize("vector", of_kind("webhook-signature"))
def test_the_published_callback_is_believed_and_makes_no_money(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    confirmation = payos_of(vector, tmp_path).read_callback(_callback(vector, vector["inputs"]))
    assert (confirmation.outcome, confirmation.code, confirmation.reference) == (
        Outcome.PENDING,
        "TEST",
        "VQRIO123",
    )
    for name, value in vector["inputs"].items():
        other = value + 1 if isinstance(value, int) else f"{value}x"
        with pytest.raises(CallbackRejected):
            payos_of(vector, tmp_path).read_callback(_callback(vector, {**vector["inputs"], name: other}))


@pytest.mark.parametrize("vector", of_kind("body-signature"))
def test_a_published_link_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    """Asked for, and as the answer to a cancellation."""
    link = vector["inputs"]
    asked, cancelled = _asked(vector, tmp_path, link), _cancelled(vector, tmp_path, link)
    assert asked.outcome is cancelled.outcome
    assert asked.event_id != cancelled.event_id
    words = {"PENDING": Outcome.PENDING, "EXPIRED": Outcome.DECLINED, "CANCELLED": Outcome.DECLINED}
    if len(link["transactions"]) == 1:
        assert (asked.outcome, asked.amount) == (Outcome.PAID, dong(2000))
        assert asked.bank_transaction_id == "FT-REFERENCE"
        assert asked.paid_at == datetime(2025, 12, 12, 2, 0, tzinfo=UTC)
        assert asked.payer == PayerAccount("9876543210", "01202001", "NGUYEN VAN A")
    else:
        assert (asked.outcome, asked.amount) == (words.get(link["status"], Outcome.PENDING), None)


@pytest.mark.parametrize("vector", of_kind("body-signature"))
def test_every_field_of_a_link_is_signed(vector: dict[str, Any], tmp_path: Path) -> None:
    for name in vector["inputs"]:
        with pytest.raises(BankUnavailable):
            _asked(vector, tmp_path, {**vector["inputs"], name: 7})


@pytest.mark.parametrize("vector", SINGLE_PAYOUTS)
def test_a_refund_is_signed_as_published(vector: dict[str, Any], tmp_path: Path) -> None:
    inputs = vector["inputs"]
    refund = a_refund(
        refund_reference=inputs["referenceId"],
        amount=dong(inputs["amount"]),
        paid=dong(inputs["amount"]),
        description=inputs["description"],
        payer=PayerAccount(inputs["toAccountNumber"], inputs["toBin"]),
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", PAYOUTS, status=500)
        with pytest.raises(BankUnavailable):
            payos_of(vector, tmp_path, PAYOUT_CATEGORY=",".join(inputs["category"])).refund_payment(refund)
        asked = wire.calls[0].request
    assert json.loads(asked.body or b"") == inputs
    assert asked.headers["x-signature"] == vector["expected"]


@pytest.mark.parametrize("vector", PAYOUTS_ANSWERED)
def test_a_published_payout_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    result = _payout(vector, tmp_path, vector["inputs"])
    assert (result.outcome, result.code, result.bank_refund_id) == (
        RefundOutcome.SUCCEEDED,
        "SUCCEEDED",
        "batchId",
    )
    for name in vector["inputs"]:
        with pytest.raises(BankUnavailable):
            _payout(vector, tmp_path, {**vector["inputs"], name: "x"})


@pytest.mark.parametrize("vector", BATCHES)
def test_a_published_batch_is_believed_and_is_no_answer_about_a_refund(
    vector: dict[str, Any], tmp_path: Path
) -> None:
    """We never ask for batches; their signature is made alike, so it gets as far as what it says."""
    with pytest.raises(BankUnavailable, match="transactions is missing"):
        _payout(vector, tmp_path, vector["inputs"])
    with pytest.raises(BankUnavailable, match=r"trusted: $"):
        _payout(vector, tmp_path, {**vector["inputs"], "validateDestination": False})


def payos_of(vector: dict[str, Any], folder: Path, **changes: str) -> Any:
    """The adapter with the vector's secret in both channels."""
    secrets = {"SECRET": vector["secret"], "PAYOUT_SECRET": vector["secret"]}
    return load_adapters(["payos"], {"payos": a_section(folder, **secrets, **changes)})["payos"]


def _callback(vector: dict[str, Any], data: dict[str, Any]) -> CallbackRequest:
    body = json.dumps({"code": "00", "success": True, "data": data, "signature": vector["expected"]})
    return CallbackRequest("POST", "/callbacks/payos", b"", {}, body.encode(), NOON)


def _asked(vector: dict[str, Any], folder: Path, link: dict[str, Any]) -> Any:
    with responses.RequestsMock() as wire:
        wire.add("GET", f"{LINKS}/0", json=_signed(vector, link))
        return payos_of(vector, folder).query_payment(a_query(number=0))


def _cancelled(vector: dict[str, Any], folder: Path, link: dict[str, Any]) -> Any:
    with responses.RequestsMock() as wire:
        wire.add("POST", f"{LINKS}/0/cancel", json=_signed(vector, link))
        return payos_of(vector, folder).cancel_payment(a_query(number=0))


def _signed(vector: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    return {"code": "00", "desc": "success", "data": data, "signature": vector["expected"]}


def _payout(vector: dict[str, Any], folder: Path, data: dict[str, Any]) -> Any:
    asked = a_refund_query(refund_reference="referenceId", amount=dong(2000), bank_refund_id="batchId")
    with responses.RequestsMock() as wire:
        answer = {"code": "00", "desc": "success", "data": data}
        wire.add("GET", f"{PAYOUTS}/batchId", json=answer, headers={"x-signature": vector["expected"]})
        return payos_of(vector, folder).query_refund(asked)
