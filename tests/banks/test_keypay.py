"""KeyPay v3: the contract, callbacks that prove nothing but that something happened, and what is asked instead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.keypay import KeyPay
from bank_adapters.simulators.keypay import CLIENT, KEY_1, KEY_2, OPENING, KeyPaySimulator, signed
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Payment, Simulator, WireReply
from payment_hub.domain.banks.port import CanQueryRefund, TakesCallbacks
from payment_hub.domain.banks.values import (
    Answer,
    CallbackRequest,
    Instructions,
    Outcome,
    PaymentQuery,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.contract import (
    BankContract,
    CallbackContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    StatementContract,
)
from tests.banks.examples import (
    AMOUNT,
    ATTEMPT,
    DAY,
    NOON,
    ORDER,
    PUBLIC_URL,
    TRANSACTION,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)
from tests.banks.faults import Failing

# Messages
# ------------------------------------------------------------------------------------------------

SIMULATOR = KeyPaySimulator("https://keypay.test", PUBLIC_URL)
PAID = Payment(ATTEMPT, 150_000, transaction_id=TRANSACTION, paid_at=NOON)
CREATE, DETAIL = "https://keypay.test/create", "https://keypay.test/detail"
REFUNDS, REFUND_DETAIL = "https://keypay.test/refund", "https://keypay.test/refund-detail"
PAGE = "https://keypay.test/pay?token=7#top"
GIVEN_BACK = "RKP0001"

STATEMENT = (
    "booked_at,transaction_id,reference,amount,status\n"
    f"2026-11-22 12:00:00,{TRANSACTION},{ATTEMPT},150000,PAID\n"
    "2026-11-22 12:01:00,KP2,DV0-1,70000,FAILED\n"
    "2026-11-22 23:59:59,KP3,typed by hand,5000,PAID\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a client whose files are dropped into ``folder``, with words for what KeyPay never wrote down."""
    return {
        "CREATE_URL": CREATE,
        "DETAIL_URL": DETAIL,
        "REFUND_URL": REFUNDS,
        "REFUND_DETAIL_URL": REFUND_DETAIL,
        "CLIENT_ID": CLIENT,
        "SECRET": KEY_1,
        "SECRET_RECEIVED": KEY_2,
        "DECLINED_STATUS": "2",
        "REFUNDED_STATUS": "0",
        "UNREFUNDED_STATUS": "2",
        "STATEMENTS": str(folder),
    }


def a_callback(key: str = KEY_2, **changes: Any) -> dict[str, Any]:
    """The message that a payment of 150,000 dong was made, signed with ``key``."""
    fields = json.loads(SIMULATOR.callback(PAID, at=NOON, **{"status": 0, **changes}).body)
    return {**fields, "check_sum": signed(key, *(str(fields[name]) for name in OPENING))}


def sent(fields: object) -> CallbackRequest:
    """The callback with these fields."""
    headers = {"content-type": "application/json"}
    return CallbackRequest("POST", "/callbacks/keypay", b"", headers, json.dumps(fields).encode(), NOON)


def answer(values: tuple[str, ...], **data: Any) -> dict[str, Any]:
    """An answer signed over ``values``, as words for ``responses``."""
    return {"json": {"error": "0", "msg": "success", "data": {**data, "check_sum": signed(KEY_2, *values)}}}


def created(reference: str = ATTEMPT, **changes: Any) -> dict[str, Any]:
    """The answer to an opening."""
    data = {
        "transaction_code": TRANSACTION,
        "url_pay": PAGE,
        "qrcode_pay": "data:image/png;base64,AA==",
    } | changes
    return answer((CLIENT, "PAY", reference), **data)


def detail(reference: str = ATTEMPT, **changes: Any) -> dict[str, Any]:
    """The answer to a question."""
    data = {"transaction_code": TRANSACTION, "trans_amount": "150000", "status": 0} | changes
    return answer((CLIENT, "PAY", reference), **data)


def given_back(reason: str, **changes: Any) -> dict[str, Any]:
    """The answer to a refund."""
    data = {"transaction_refund_code": GIVEN_BACK, "status": 0} | changes
    return answer(("150000", CLIENT, "REFUND", reason, ATTEMPT), **data)


def refund_detail(code: str = GIVEN_BACK, **changes: Any) -> dict[str, Any]:
    """The answer to a question about a refund."""
    data = {"transaction_refund_code": code, "status": 0} | changes
    return answer((CLIENT, "REFUND_DETAIL", code), **data)


# The contract
# ------------------------------------------------------------------------------------------------

STATUSES: dict[Any, str] = {
    Outcome.PAID: "0",
    Outcome.DECLINED: "2",
    RefundOutcome.SUCCEEDED: "0",
    RefundOutcome.FAILED: "2",
}


class TestKeyPay(
    CallbackContract, QueryContract, RefundContract, RefundQueryContract, StatementContract, BankContract
):
    bank = "keypay"
    required = frozenset(
        f"BANK_KEYPAY_{name}"
        for name in (
            *("CREATE_URL", "DETAIL_URL", "REFUND_URL", "REFUND_DETAIL_URL"),
            *("CLIENT_ID", "SECRET", "SECRET_RECEIVED", "STATEMENTS"),
        )
    )
    opens_at = (("POST", CREATE),)
    asks_at = (("POST", DETAIL),)
    refunds_at = (("POST", REFUNDS),)
    refund_asks_at = (("POST", REFUND_DETAIL),)
    secret_names = ("SECRET_RECEIVED",)
    tells_declined = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opening_answer(self) -> dict[str, Any]:
        return created()

    def unbelievable_openings(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": created(f"{ORDER}-2"),
            "no page": created(url_pay=None),
            "a page of no web": created(url_pay="javascript:alert(1)"),
            "an error": {"json": {"error": "3", "msg": "duplicate", "data": None}},
            "an error that is none": {"json": {"error": 0, "data": None}},
        }

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return sent(a_callback(**changes))

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        return detail(status=STATUSES.get(outcome, "1" if outcome is Outcome.PENDING else "77"))

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        signed_by_key_1 = detail()["json"]
        signed_by_key_1["data"]["check_sum"] = signed(KEY_1, CLIENT, "PAY", ATTEMPT)
        return {
            "another payment": detail(f"{ORDER}-2"),
            "wrong signature": {"json": signed_by_key_1},
            "paid without a number": detail(transaction_code=None),
            "no amount": detail(trans_amount=None),
            "no status": detail(status=None),
            "an error": {"json": {"error": "1", "msg": "not found"}},
            "no data": {"json": {"error": "0"}},
        }

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return given_back(a_refund().description, status=STATUSES.get(outcome, "1"))

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another refund": given_back("Hoan phi khac"),
            "no number": given_back("", transaction_refund_code=None),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        return refund_detail(status=STATUSES.get(outcome, "1"))

    def statement_text(self) -> str:
        return STATEMENT

    @pytest.fixture(autouse=True)
    def knows_the_refunds_number(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """KeyPay is asked about a refund by its own number, which it gave when it took it."""
        numbered = partial(a_refund_query, bank_refund_id=GIVEN_BACK)
        monkeypatch.setattr("tests.banks.contract.refunds.a_refund_query", numbered)

    # What a callback is -----------------------------------------------------------------------------

    def test_it_reads_that_a_payment_was_made(self, adapter: TakesCallbacks) -> None:
        """It reads that something happened: neither status nor number is signed."""
        confirmation = adapter.read_callback(self.callback(Outcome.PAID))
        assert (confirmation.outcome, confirmation.reference, confirmation.amount) == (
            Outcome.PENDING,
            ATTEMPT,
            AMOUNT,
        )
        assert (
            confirmation.bank_transaction_id,
            confirmation.paid_at,
            confirmation.code,
            confirmation.key,
        ) == (None, None, "", 0)

    def test_the_key_before_is_still_believed(self, tmp_path: Path) -> None:
        confirmation = self.keyed(tmp_path, "rotated").read_callback(self.callback(Outcome.PAID))
        assert (confirmation.reference, confirmation.key) == (ATTEMPT, 1)

    @pytest.mark.parametrize(
        "unsigned", [{"status": 1}, {"status": "0"}, {"transaction_code": "KP9"}, {"paid": True}]
    )
    def test_a_failed_payment_cannot_be_rewritten_into_a_paid_one(
        self, adapter: KeyPay, unsigned: dict[str, Any]
    ) -> None:
        plain = adapter.read_callback(sent(a_callback()))
        assert adapter.read_callback(sent(a_callback() | unsigned)) == plain

    def test_our_own_question_is_no_callback(self, adapter: KeyPay) -> None:
        """The same values are signed in both directions, by different keys."""
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(a_callback(KEY_1)))

    def test_callbacks_may_be_agreed_to_come_under_key_1_and_then_under_no_other(
        self, tmp_path: Path
    ) -> None:
        older = a_section(tmp_path) | {"CALLBACKS_BY": "key1"}
        assert self.built(older).read_callback(sent(a_callback(KEY_1))).key == 0
        with pytest.raises(CallbackRejected):
            self.built(older).read_callback(sent(a_callback()))
        rotated = older | {"SECRET": "hub-keypay-key-1-000002", "SECRET_PREVIOUS": KEY_1}
        assert self.built(rotated).read_callback(sent(a_callback(KEY_1))).key == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": "HUB02"},
            {"command": "REFUND"},
            {"version": "2.0"},
            {"trans_amount": "0"},
            {"trans_amount": "150000.00"},
            {"trans_amount": "-1"},
            {"trans_amount": ""},
            {"transaction_id": ""},
            {"transaction_id": "DV 1"},
            {"transaction_id": f"{ATTEMPT}|3.0"},
        ],
    )
    def test_a_signed_message_that_is_not_about_a_payment_of_ours_is_refused(
        self, adapter: KeyPay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(a_callback(**changes)))

    def test_a_number_is_as_good_as_its_text(self, adapter: KeyPay) -> None:
        assert adapter.read_callback(sent(a_callback(trans_amount=150_000))).amount == AMOUNT

    @pytest.mark.parametrize("answer", Answer)
    def test_it_answers_in_keypays_words(self, adapter: KeyPay, answer: Answer) -> None:
        result = json.loads(adapter.acknowledge(answer, sent(a_callback())).body)
        assert result["return_code"] == (-1 if answer is Answer.NOT_RECORDED else 0)
        refusal = adapter.refuse(sent({}))
        assert refusal is not None
        assert (refusal.status, json.loads(refusal.body)["return_code"]) == (200, -1)

    # What is asked instead --------------------------------------------------------------------------

    def test_the_page_is_the_one_that_keypay_names(self, adapter: KeyPay) -> None:
        assert self.opened(adapter) == Instructions(page_url=PAGE, bank_reference=TRANSACTION)
        with Failing(self.opens_at, created(transaction_code=None)):
            assert adapter.open_payment(a_request()).bank_reference is None

    def test_what_is_paid_is_what_keypay_says_was_paid(self, adapter: KeyPay) -> None:
        with Failing(self.asks_at, detail(trans_amount=149_000)):
            confirmation = adapter.query_payment(a_query())
        assert (confirmation.outcome, confirmation.amount, confirmation.bank_transaction_id) == (
            Outcome.PAID,
            dong(149_000),
            TRANSACTION,
        )

    @pytest.mark.parametrize("status", ["1", "2", "00", "-1", "PAID", "success"])
    def test_without_a_contract_no_other_word_means_anything(self, tmp_path: Path, status: str) -> None:
        unsaid = {name: text for name, text in a_section(tmp_path).items() if not name.endswith("_STATUS")}
        adapter = self.built(unsaid)
        with Failing(self.asks_at, detail(status=status)):
            assert adapter.query_payment(a_query()).outcome is Outcome.PENDING
        with Failing(self.refund_asks_at, refund_detail(status=status)):
            assert (
                adapter.query_refund(a_refund_query(bank_refund_id=GIVEN_BACK)).outcome
                is RefundOutcome.PENDING
            )

    def test_paid_can_never_be_set_to_mean_failed(self, tmp_path: Path) -> None:
        adapter = self.built(a_section(tmp_path) | {"DECLINED_STATUS": "0"})
        with Failing(self.asks_at, detail()):
            assert adapter.query_payment(a_query()).outcome is Outcome.PAID

    def test_a_refund_with_an_error_is_neither_made_nor_refused(self, adapter: KeyPay) -> None:
        with Failing(self.refunds_at, {"json": {"error": "5", "msg": "refunded already"}}):
            result = adapter.refund_payment(a_refund())
        assert (result.outcome, result.code, result.bank_refund_id) == (RefundOutcome.PENDING, "5", None)

    def test_a_refund_without_a_number_is_never_asked_about(self, adapter: CanQueryRefund) -> None:
        """That says nothing about the bank's health: nothing has left."""
        with pytest.raises(Malformed, match="no number"):
            adapter.query_refund(a_refund_query())


# What KeyPay's page leaves open is neither refused nor guessed
# ------------------------------------------------------------------------------------------------

ASKS, REFUND_ASKS = (("POST", DETAIL),), (("POST", REFUND_DETAIL),)


def built(folder: Path, **more: str) -> KeyPay:
    adapter = load_adapters(["keypay"], {"keypay": a_section(folder) | more})["keypay"]
    assert isinstance(adapter, KeyPay)
    return adapter


@pytest.fixture
def adapter(tmp_path: Path) -> KeyPay:
    return built(tmp_path)


def with_more(answer: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """An answer with fields that nobody wrote down, in it and in its data."""
    whole = answer["json"]
    return {"json": {**more, **whole, "data": {**more, **whole["data"]}}}


@pytest.mark.parametrize(
    "more", [{"rate": 0.5}, {"fee": 1e3}, {"paid_by": "Nguyễn Văn Á"}, {"x": [None, {}]}]
)
def test_fields_that_nobody_wrote_down_change_nothing(adapter: KeyPay, more: dict[str, Any]) -> None:
    assert adapter.read_callback(sent(a_callback(**more))) == adapter.read_callback(sent(a_callback()))
    with Failing(ASKS, with_more(detail(), more)):
        assert adapter.query_payment(a_query()).outcome is Outcome.PAID
    with Failing((("POST", CREATE),), with_more(created(), more)):
        assert adapter.open_payment(a_request()).page_url
    with Failing((("POST", REFUNDS),), with_more(given_back(a_refund().description, status="0"), more)):
        assert adapter.refund_payment(a_refund()).outcome is RefundOutcome.SUCCEEDED


@pytest.mark.parametrize("number", ["7", 7, "KP/2026.11:22-0001", "9" * 100])
def test_keypays_own_numbers_may_be_any_that_can_be_printed(adapter: KeyPay, number: object) -> None:
    with Failing(ASKS, detail(transaction_code=number)):
        assert adapter.query_payment(a_query()).bank_transaction_id == str(number)
    with Failing((("POST", CREATE),), created(transaction_code=number)):
        assert adapter.open_payment(a_request()).bank_reference == str(number)
    taken = given_back(a_refund().description, status="1", transaction_refund_code=number)
    with Failing((("POST", REFUNDS),), taken):
        assert adapter.refund_payment(a_refund()).bank_refund_id == str(number)


@pytest.mark.parametrize("fee", ["", "0", 0, "1100"])
def test_a_fee_is_signed_as_it_is_written(adapter: KeyPay, fee: object) -> None:
    confirmation = adapter.read_callback(sent(a_callback(addition_fee=fee)))
    assert (confirmation.reference, confirmation.amount, confirmation.outcome) == (
        ATTEMPT,
        AMOUNT,
        Outcome.PENDING,
    )


@pytest.mark.parametrize("amount", [1, 999_999_999_999])
def test_the_smallest_and_the_largest_amount_are_read(adapter: KeyPay, amount: int) -> None:
    assert adapter.read_callback(sent(a_callback(trans_amount=str(amount)))).amount == dong(amount)


def test_one_word_for_given_back_and_for_failed_is_neither(tmp_path: Path) -> None:
    adapter = built(tmp_path, REFUNDED_STATUS="3", UNREFUNDED_STATUS="3")
    with Failing(REFUND_ASKS, refund_detail(status="3")):
        result = adapter.query_refund(a_refund_query(bank_refund_id=GIVEN_BACK))
    assert (result.outcome, result.code) == (RefundOutcome.PENDING, "3")


def test_no_secret_is_ever_written_out(tmp_path: Path) -> None:
    result, section = repr(built(tmp_path)), a_section(tmp_path)
    assert section["SECRET"] not in result
    assert section["SECRET_RECEIVED"] not in result


# Recorded vectors, and a whole payment with the simulator
# ------------------------------------------------------------------------------------------------

VECTORS: dict[str, dict[str, Any]] = {
    vector["kind"]: vector
    for vector in json.loads((Path(__file__).parent / "vectors/keypay/signatures.json").read_text("utf-8"))
}


def bank_of(vector: dict[str, Any], folder: Path, **more: str) -> Any:
    """The adapter with the client and the key of a vector, whichever of the two it is."""
    section = {
        "CREATE_URL": CREATE,
        "DETAIL_URL": DETAIL,
        "REFUND_URL": REFUNDS,
        "REFUND_DETAIL_URL": REFUND_DETAIL,
        "CLIENT_ID": vector["inputs"].get("client_id", "HUB01"),
        "SECRET": vector["secret"],
        "SECRET_RECEIVED": vector["secret"],
        "STATEMENTS": str(folder),
    }
    return load_adapters(["keypay"], {"keypay": section | more})["keypay"]


def asked_with(address: str, ask: Callable[[], object]) -> dict[str, Any]:
    """What is sent to a bank that does not answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", address, status=500)
        with pytest.raises(BankUnavailable):
            ask()
        fields: dict[str, Any] = json.loads(wire.calls[0].request.body or b"")
        return fields


def test_the_payment_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["create-check_sum"]
    adapter = bank_of(vector, tmp_path, SECRET_RECEIVED="another-key-of-keypay", UNIT_CODE="G22.99")
    request = a_request(attempt_reference=vector["inputs"]["transaction_id"])
    asked = asked_with(CREATE, lambda: adapter.open_payment(request))
    assert asked["check_sum"] == vector["expected"]
    assert {name: asked[name] for name in vector["inputs"]} == vector["inputs"]
    assert asked["bill_info"] == {
        "MaDichVu": "2",
        "MaDonVi": "G22.99",
        "MaCoQuanQD": "G22.99",
        "MaHoSo": ORDER,
        "NoiDungThanhToan": request.description,
        "DSKhoanNop": [{"NoiDung": request.description, "SoTien": "150000"}],
    }
    assert (asked["return_url"], asked["currency_code"], asked["environment"]) == (
        request.return_url,
        "VND",
        "1",
    )


def test_the_callback_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["callback-check_sum"]
    adapter = bank_of(vector, tmp_path, SECRET="another-key-of-keypay")
    genuine = {**vector["inputs"], "status": 0, "check_sum": vector["expected"]}
    confirmation = adapter.read_callback(sent(genuine))
    assert (confirmation.reference, confirmation.amount, confirmation.outcome) == (
        "HUB240501000123",
        dong(150_000),
        Outcome.PENDING,
    )
    for name, value in vector["inputs"].items():
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(genuine | {name: f"{value}0"}))


def test_the_question_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["detail-check_sum"]
    query = PaymentQuery("", vector["inputs"]["transaction_id"], AMOUNT, NOON, NOON)
    adapter = bank_of(vector, tmp_path)
    asked = asked_with(DETAIL, lambda: adapter.query_payment(query))
    assert asked == {**vector["inputs"], "check_sum": vector["expected"]}


def test_the_refund_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["refund-check_sum"]
    fields = vector["inputs"]
    refund = a_refund(attempt_reference=fields["transaction_id"], description=fields["reason"])
    adapter = bank_of(vector, tmp_path)
    asked = asked_with(REFUNDS, lambda: adapter.refund_payment(refund))
    assert asked == {**fields, "check_sum": vector["expected"]}


@pytest.mark.parametrize("digest", ["md5", "sha256"])
def test_what_older_keypay_signed_is_refused(tmp_path: Path, digest: str) -> None:
    """Hashes with the secret inside: the older scheme is never talked back in."""
    vector = VECTORS["query-md5"]
    assert hashlib.md5(vector["string_to_sign"].encode()).hexdigest() == vector["expected"]
    adapter = bank_of(vector, tmp_path)
    fields = dict(VECTORS["callback-check_sum"]["inputs"])
    plain = vector["secret"] + "".join(str(fields[name]) for name in sorted(fields))
    for old in (vector["expected"], hashlib.new(digest, plain.encode()).hexdigest()):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent({**fields, "status": 0, "check_sum": old}))
        data = {"transaction_code": "KP0001", "trans_amount": "150000", "status": 0, "check_sum": old}
        with responses.RequestsMock() as wire:
            wire.add("POST", DETAIL, json={"error": "0", "data": data})
            with pytest.raises(BankUnavailable):
                adapter.query_payment(a_query())


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Any, Simulator]]:
    """The adapter and the bank that it speaks with, over HTTP."""
    with serve("http://127.0.0.1:9", simulators=[KeyPaySimulator], statements=tmp_path) as server:
        section = settings_of([KeyPaySimulator], server.url, tmp_path)["keypay"]
        yield load_adapters(["keypay"], {"keypay": section})["keypay"], server.banks["keypay"]


def settled(both: tuple[Any, Simulator], outcome: str) -> Payment:
    """The payment after the adapter has opened it and the payer has done what ``outcome`` says."""
    adapter, simulator = both
    adapter.open_payment(a_request())
    payment = simulator.book.find(ATTEMPT)
    assert payment is not None
    return simulator.book.settle(payment, outcome, notify=False)


def test_a_payment_is_opened_once(both: tuple[Any, Simulator]) -> None:
    adapter, simulator = both
    with pytest.raises(BankUnavailable):
        adapter.query_payment(a_query())
    opened = [adapter.open_payment(a_request()) for _ in range(2)]
    assert opened[0] == opened[1]
    assert opened[0].page_url == f"{simulator.url}/pay/{ATTEMPT}"
    with pytest.raises(BankUnavailable):
        adapter.open_payment(a_request(amount=dong(1_000)))
    assert adapter.query_payment(a_query()).outcome is Outcome.PENDING


def test_what_was_paid_is_told_asked_and_booked(both: tuple[Any, Simulator], tmp_path: Path) -> None:
    adapter, simulator = both
    payment = settled(both, "PAID")
    (callback,) = simulator.callbacks(payment)
    arrived = CallbackRequest("POST", callback.path, b"", callback.headers, callback.body, NOON)
    assert adapter.read_callback(arrived).reference == ATTEMPT
    assert simulator.accepts(WireReply(200, adapter.acknowledge(Answer.RECORDED, arrived).body))
    assert not simulator.accepts(WireReply(200, adapter.refuse(arrived).body))
    paid, number = adapter.query_payment(a_query()), payment.transaction_id
    assert (paid.outcome, paid.amount, paid.bank_transaction_id) == (Outcome.PAID, AMOUNT, number)
    (tmp_path / "keypay" / f"{DAY}.csv").write_text(simulator.statement(DAY, [payment]) or "", "utf-8")
    (line,) = adapter.fetch_statement(DAY).lines
    assert (line.reference, line.bank_transaction_id, line.amount) == (ATTEMPT, number, AMOUNT)


def test_a_refund_is_asked_for_once_and_then_about(both: tuple[Any, Simulator]) -> None:
    adapter, _ = both
    payment = settled(both, "PAID")
    first, again = (adapter.refund_payment(a_refund()) for _ in range(2))
    assert [first.outcome, again.outcome] == [RefundOutcome.PENDING] * 2
    assert (again.code, again.bank_refund_id) == ("5", None)
    asked = a_refund_query(bank_refund_id=first.bank_refund_id)
    for state in ("PENDING", "SUCCEEDED", "FAILED"):
        payment.refunds[0].state = state
        assert adapter.query_refund(asked).outcome.value == state


def test_a_payment_that_failed_is_declined_by_the_word_that_was_agreed(both: tuple[Any, Simulator]) -> None:
    adapter, _ = both
    settled(both, "DECLINED")
    assert adapter.query_payment(a_query()).outcome is Outcome.DECLINED
