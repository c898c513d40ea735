"""OnePay: the contract, and every form of return, IPN and answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
import responses

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.onepay import CODES, OUTCOMES, OnePay
from bank_adapters.simulators.onepay import (
    ACCESS_CODE,
    ASKER,
    MERCHANT,
    PASSWORD,
    SECRET,
    OnePaySimulator,
    signature,
)
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import OMITTED, Book, Payment, WireReply
from payment_hub.domain.banks.port import CanRefund
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Movement,
    Outcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.contract import CallbackContract, QueryContract, ReturnContract, StatementContract
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, ORDER, PUBLIC_URL, a_query, a_request
from tests.banks.texts import AWKWARD, ENCODERS

# Messages
# ------------------------------------------------------------------------------------------------

SIMULATOR = OnePaySimulator("https://onepay.test", PUBLIC_URL)
OPENED = {"vpc_OrderInfo": f"Thanh toan {ORDER}"}
PAID = Payment(ATTEMPT, 150_000, OPENED, transaction_id="1625746", paid_at=NOON)
PAGE = "https://onepay.test/paygate/vpcpay.op"
QUERIES = "https://onepay.test/msp/api/v1/vpc/invoices/queries"

HEADING = (
    "BANK_ID,MERCHANT_ID,TRAN_DATE,TRANSACTION_ID,MERCHANT_TRANS_REF,ORDER_REF,AMOUNT,TRANSACTION_STATE\n"
)
STATEMENT = (
    HEADING
    + f"970436,{MERCHANT},22/11/2026 12:00:00,1625746,{ATTEMPT},x,150000,0\n"
    + f"970436,{MERCHANT},22/11/2026 12:01:00,1625747,K0-1,x,70000,99\n"
    + f"970436,{MERCHANT},22/11/2026 23:59:59,1625748,typed by hand,x,5000,0\n"
)


def a_result(**changes: str) -> dict[str, str]:
    """The fields of a payment of 150,000 dong, not signed yet."""
    callback = SIMULATOR.callback(PAID, at=NOON, vpc_AdditionData="970436", vpc_Message=OMITTED)
    fields = dict(parse_qsl(callback.query.decode()))
    del fields["vpc_SecureHash"]
    return fields | changes


def signed(fields: dict[str, str], secret: str = SECRET) -> str:
    """The raw query with its hash."""
    return urlencode({**fields, "vpc_SecureHash": signature(fields, secret)})


def answered(fields: dict[str, str], secret: str = SECRET) -> dict[str, Any]:
    """An answer to queryDR, as words for ``responses``."""
    return {"body": signed(fields, secret), "content_type": "text/plain"}


def called_back(query: str, method: str = "GET") -> CallbackRequest:
    """The IPN with this query, or with it as a form."""
    raw = query.encode()
    posted = method == "POST"
    return CallbackRequest(
        method, "/callbacks/onepay", b"" if posted else raw, {}, raw if posted else b"", NOON
    )


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a merchant whose files are dropped into ``folder``."""
    return {
        "PAY_URL": PAGE,
        "QUERY_URL": QUERIES,
        "MERCHANT": MERCHANT,
        "ACCESS_CODE": ACCESS_CODE,
        "SECRET": SECRET,
        "QUERY_USER": ASKER,
        "QUERY_PASSWORD": PASSWORD,
        "STATEMENTS": str(folder),
    }


def a_onepay(section: dict[str, str]) -> OnePay:
    """The adapter from its settings."""
    adapter = load_adapters(["onepay"], {"onepay": section})["onepay"]
    assert isinstance(adapter, OnePay)
    return adapter


# The contract
# ------------------------------------------------------------------------------------------------

WORDS: dict[Outcome | str, dict[str, str]] = {
    Outcome.PAID: {},
    Outcome.DECLINED: {"vpc_TxnResponseCode": "99", "vpc_TransactionNo": ""},
    Outcome.PENDING: {"vpc_TxnResponseCode": "300"},
}
UNHEARD_OF = {"vpc_TxnResponseCode": "777"}
FOUND = {"vpc_DRExists": "Y"}


class TestOnePay(CallbackContract, ReturnContract, QueryContract, StatementContract):
    bank = "onepay"
    required = frozenset(f"BANK_ONEPAY_{name}" for name in a_section(Path("/tmp")))
    asks_at = (("POST", QUERIES),)
    tells_paid_at: ClassVar[bool] = False

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return called_back(signed(a_result(**{**WORDS.get(outcome, UNHEARD_OF), **changes})))

    def is_sent_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200

    def returned(self, outcome: Outcome | str) -> bytes:
        return self.callback(outcome).query

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        return answered({**FOUND, **a_result(**WORDS.get(outcome, UNHEARD_OF))})

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another payment": answered({**FOUND, **a_result(vpc_MerchTxnRef="DVAAAAAAAAAAAAAA-1")}),
            "another merchant": answered({**FOUND, **a_result(vpc_Merchant="OTHER")}),
            "wrong signature": answered({**FOUND, **a_result()}, "00" * 16),
            "no signature": {"body": "vpc_DRExists=Y&vpc_TxnResponseCode=0"},
            "no word whether it exists": answered(a_result()),
            "an odd word whether it exists": answered({**a_result(), "vpc_DRExists": "?"}),
        }

    def statement_text(self) -> str:
        return STATEMENT

    # The page -----------------------------------------------------------------------------------------

    def test_the_address_is_signed_as_a_stranger_would(self, adapter: OnePay) -> None:
        page = adapter.open_payment(a_request(language="en")).page_url or ""
        fields = dict(parse_qsl(urlsplit(page).query, strict_parsing=True))
        given = fields.pop("vpc_SecureHash")
        assert page.startswith(f"{PAGE}?")
        assert given == signature(fields) == given.upper()
        assert (fields["vpc_Amount"], fields["vpc_MerchTxnRef"]) == ("15000000", ATTEMPT)
        assert (fields["vpc_Locale"], fields["vpc_Currency"], fields["vpc_Command"]) == ("en", "VND", "pay")
        assert fields["vpc_TicketNo"] == "203.113.131.1"
        assert PASSWORD not in page

    @pytest.mark.parametrize(
        "changes",
        [
            {"description": "Lệ phí"},
            {"description": "a&vpc_TxnResponseCode=0"},
            {"description": "x" * 35},
            {"attempt_reference": "A B"},
            {"attempt_reference": "A" * 35},
            {"return_url": "https://hub.test/a?b=1&vpc_TxnResponseCode=0"},
            {"return_url": "https://hub.test/ a"},
            {"return_url": "https://hub.test/é"},
            {"payer_ip": "1.2.3.4&x"},
            {"amount": dong(0)},
            {"amount": dong(10**10)},
            {"amount": Money(100, "USD")},
        ],
    )
    def test_what_could_be_read_in_two_ways_is_not_sent(
        self, adapter: OnePay, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))

    # Being told ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize("code", [*OUTCOMES, "00", "0 ", "f", "D", "777", "No Value Returned"])
    def test_only_0_is_paid_and_silence_is_no_refusal(self, adapter: OnePay, code: str) -> None:
        confirmation = adapter.read_callback(called_back(signed(a_result(vpc_TxnResponseCode=code))))
        waits = {"3", "6", "7", "100", "300", "?"}
        if code == "0":
            assert confirmation.outcome is Outcome.PAID
        else:
            assert confirmation.outcome is (
                Outcome.DECLINED if code in CODES.keys() - waits else Outcome.PENDING
            )

    def test_an_ipn_may_be_posted_as_a_form(self, adapter: OnePay) -> None:
        query = signed(a_result())
        posted = adapter.read_callback(called_back(query, "POST"))
        assert posted == adapter.read_callback(called_back(query))

    def test_a_message_in_two_places_is_rejected(self, adapter: OnePay) -> None:
        raw = signed(a_result()).encode()
        for method in ("GET", "POST"):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(CallbackRequest(method, "/callbacks/onepay", raw, {}, raw, NOON))

    def test_only_vpc_and_user_fields_are_signed_and_read(self, adapter: OnePay) -> None:
        plain = adapter.read_callback(called_back(signed(a_result())))
        more = signed(a_result()) + "&AgainLink=x&vpc_Card=&vpc_SecureHashType=SHA256"
        assert adapter.read_callback(called_back(more)) == plain
        assert adapter.read_callback(called_back(signed(a_result(user_Note="x y")))) == plain
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(a_result()) + "&user_Note=x"))

    def test_hex_of_either_case_is_the_same_hash(self, adapter: OnePay) -> None:
        query, _, given = signed(a_result()).rpartition("=")
        assert adapter.read_callback(called_back(f"{query}={given.lower()}")).outcome is Outcome.PAID

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda query: query + "&vpc_MerchTxnRef=K0-1",
            lambda query: query + "&" + query.rpartition("&")[2],
            lambda query: query.rpartition("&")[0],
            lambda query: query.rpartition("=")[0] + "=",
            lambda query: query + "&vpc_Note",
            lambda query: query.replace("970436", "%ff"),
        ],
    )
    def test_a_spoilt_query_is_rejected(self, adapter: OnePay, spoil: Callable[[str], str]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(spoil(signed(a_result()))))

    def test_one_value_cannot_be_cut_into_two(self, adapter: OnePay) -> None:
        """What is signed is the same for two fields and for one whose value holds both."""
        whole = a_result(vpc_Message="x", vpc_OrderInfo="y")
        cut = {**whole, "vpc_Message": "x&vpc_OrderInfo=y"}
        del cut["vpc_OrderInfo"]
        assert signature(cut) == signature({**cut, "vpc_Message": "x", "vpc_OrderInfo": "y"})
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(cut)))

    def test_another_merchants_message_is_rejected(self, adapter: OnePay) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(a_result(vpc_Merchant="OTHER"))))

    def test_our_own_address_is_no_message(self, adapter: OnePay) -> None:
        page = adapter.open_payment(a_request()).page_url or ""
        with pytest.raises(Malformed):
            adapter.read_callback(called_back(urlsplit(page).query))

    @pytest.mark.parametrize(
        "changes",
        [
            {"vpc_Amount": "15000050"},
            {"vpc_Amount": "150000.00"},
            {"vpc_Amount": ""},
            {"vpc_Amount": "0"},
            {"vpc_TransactionNo": "0"},
            {"vpc_TransactionNo": ""},
            {"vpc_TransactionNo": "a b"},
            {"vpc_TxnResponseCode": ""},
            {"vpc_MerchTxnRef": ""},
            {"vpc_CurrencyCode": "USD"},
            {"vpc_Currency": "USD"},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: OnePay, changes: dict[str, str]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(called_back(signed(a_result(**changes))))

    @pytest.mark.parametrize("answer", Answer)
    def test_it_is_told_in_one_line(self, adapter: OnePay, answer: Answer) -> None:
        reply = adapter.acknowledge(answer, self.callback(Outcome.PAID))
        heard = answer is not Answer.NOT_RECORDED
        line = b"responsecode=1&desc=confirm-success" if heard else b"responsecode=0&desc=confirm-fail"
        assert (reply.body, reply.content_type) == (line, "text/plain")
        refusal = adapter.refuse(self.callback(Outcome.PAID))
        assert refusal is not None
        assert refusal.body == b"responsecode=0&desc=confirm-fail"


# OnePay's adapter and its simulator over real HTTP: each verifies what the other signs.
# ------------------------------------------------------------------------------------------------


@dataclass
class Circle:
    """Both sides, and the address at which the simulator listens."""

    adapter: OnePay
    simulator: OnePaySimulator
    book: Book
    url: str

    def opened(self) -> Payment:
        """The payment after the citizen's browser went where the adapter sent it."""
        visited = requests.get(self.adapter.open_payment(a_request()).page_url or "", timeout=5)
        assert (visited.status_code, visited.url) == (200, f"{self.url}/pay/{ATTEMPT}")
        payment = self.book.find(ATTEMPT)
        assert payment is not None
        return payment

    def confirmation_of(self, payment: Payment) -> Confirmation:
        """What the adapter reads from the IPN about it."""
        (callback,) = self.simulator.callbacks(payment)
        accepted = CallbackRequest(
            callback.method, "/callbacks/onepay", callback.query, {}, callback.body, NOON
        )
        return self.adapter.read_callback(accepted)


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve("http://127.0.0.1:9", simulators=[OnePaySimulator], statements=tmp_path) as server:
        adapter = a_onepay(settings_of([OnePaySimulator], server.url, tmp_path)["onepay"])
        simulator = server.banks["onepay"]
        assert isinstance(simulator, OnePaySimulator)
        yield Circle(adapter, simulator, simulator.book, f"{server.url}/onepay")


def test_an_address_that_was_changed_opens_nothing(circle: Circle) -> None:
    page = circle.adapter.open_payment(a_request()).page_url or ""
    assert requests.get(page.replace("15000000", "1500000"), timeout=5).status_code == 404
    assert requests.get(page.rpartition("&")[0], timeout=5).status_code == 404
    assert circle.book.payments() == []


@pytest.mark.parametrize("outcome", ["PAID", "DECLINED"])
def test_callback_return_and_answer_say_the_same(circle: Circle, outcome: str) -> None:
    assert circle.adapter.query_payment(a_query()).code == "N"
    payment = circle.opened()
    assert circle.simulator.callbacks(payment) == []
    waiting = circle.adapter.query_payment(a_query())
    assert (waiting.outcome, waiting.code) == (Outcome.PENDING, "100")
    circle.book.settle(payment, outcome, notify=False)
    confirmation, asked = circle.confirmation_of(payment), circle.adapter.query_payment(a_query())
    back = (circle.simulator.return_url(payment) or "").partition("?")
    assert back[0] == a_request().return_url
    assert circle.adapter.read_return(back[2].encode()) == confirmation
    assert confirmation.outcome is asked.outcome is Outcome[outcome]
    assert (confirmation.amount, confirmation.bank_transaction_id) == (
        asked.amount,
        asked.bank_transaction_id,
    )
    assert (confirmation.amount, confirmation.reference, confirmation.key) == (AMOUNT, ATTEMPT, 0)
    assert circle.simulator.callbacks(payment) == circle.simulator.callbacks(payment)


@pytest.mark.parametrize(
    "changes", [{"SECRET": "0F" * 16}, {"QUERY_PASSWORD": "another"}, {"ACCESS_CODE": "X"}]
)
def test_a_stranger_is_told_nothing(circle: Circle, tmp_path: Path, changes: dict[str, str]) -> None:
    circle.opened()
    stranger = a_onepay({**OnePaySimulator.settings(circle.url, tmp_path), **changes})
    with pytest.raises(BankUnavailable):
        stranger.query_payment(a_query())


def test_another_secrets_message_is_rejected(circle: Circle, tmp_path: Path) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    stranger = a_onepay({**OnePaySimulator.settings(circle.url, tmp_path), "SECRET": "0F" * 16})
    with pytest.raises(CallbackRejected):
        Circle(stranger, circle.simulator, circle.book, circle.url).confirmation_of(payment)


def test_what_is_recorded_is_not_sent_again(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    request = CallbackRequest(
        "GET", "/callbacks/onepay", circle.simulator.callbacks(payment)[0].query, {}, b"", NOON
    )
    for answer in Answer:
        reply = circle.adapter.acknowledge(answer, request)
        accepted = circle.simulator.accepts(WireReply(reply.status, reply.body))
        assert accepted is (answer is not Answer.NOT_RECORDED)


def test_the_file_of_the_day_is_read(circle: Circle, tmp_path: Path) -> None:
    payment, day = circle.opened(), date(2026, 11, 22)
    circle.book.settle(payment, "PAID", notify=False)
    text = circle.simulator.statement(day, [payment]) or ""
    (tmp_path / "onepay" / f"{day}.csv").write_text(text, "utf-8")
    (line,) = circle.adapter.fetch_statement(day).lines
    assert (line.reference, line.amount, line.bank_transaction_id) == (
        ATTEMPT,
        AMOUNT,
        payment.transaction_id,
    )


# OnePay's vectors byte by byte, queryDR, and the file of the day.
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/onepay/signatures.json").read_text("utf-8")
)
(RETURN,) = [vector for vector in VECTORS if vector["kind"] == "return-hash"]
(PAY,) = [vector for vector in VECTORS if vector["kind"] == "pay-hash"]


def bank_of(vector: dict[str, Any], folder: Path) -> OnePay:
    """The adapter with the merchant and the secret of a vector."""
    its = {"SECRET": vector["secret"], "MERCHANT": vector["inputs"]["vpc_Merchant"]}
    return a_onepay({**a_section(folder), **its})


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_published_return_is_believed(tmp_path: Path, method: str) -> None:
    query = urlencode({**RETURN["inputs"], "vpc_SecureHash": RETURN["expected"]})
    bank = bank_of(RETURN, tmp_path)
    confirmation = bank.read_callback(called_back(query, method))
    assert confirmation == bank.read_return(query.encode())
    assert (confirmation.outcome, confirmation.amount, confirmation.code, confirmation.key) == (
        Outcome.PAID,
        dong(1),
        "0",
        0,
    )
    assert (confirmation.reference, confirmation.bank_transaction_id) == (
        "201803210919102006754784",
        "1625746",
    )
    assert confirmation.paid_at is None


def test_a_key_that_is_not_decoded_makes_another_hash(tmp_path: Path) -> None:
    text = {**a_section(tmp_path), "MERCHANT": "ONEPAY", "SECRET": RETURN["secret"].encode().hex()}
    query = urlencode({**RETURN["inputs"], "vpc_SecureHash": RETURN["expected"]})
    with pytest.raises(CallbackRejected):
        a_onepay(text).read_callback(called_back(query))


def test_our_address_is_the_vectors_and_what_we_add(tmp_path: Path) -> None:
    given = PAY["inputs"]
    request = a_request(
        attempt_reference=given["vpc_MerchTxnRef"],
        amount=dong(int(given["vpc_Amount"]) // 100),
        description=given["vpc_OrderInfo"],
    )
    page = bank_of(PAY, tmp_path).open_payment(request).page_url or ""
    fields = dict(parse_qsl(urlsplit(page).query, strict_parsing=True))
    assert fields.pop("vpc_SecureHash") == signature(fields, PAY["secret"])
    known = {name: value for name, value in fields.items() if name in given}
    assert "&".join(f"{name}={value}" for name, value in known.items()) == PAY["string_to_sign"]
    assert signature(known, PAY["secret"]) == PAY["expected"]
    assert fields.keys() - given.keys() == {"vpc_AccessCode", "vpc_Locale", "vpc_ReturnURL", "vpc_TicketNo"}


def test_a_question_is_a_signed_form(adapter: OnePay) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, **answered({"vpc_DRExists": "Y", **a_result()}))
        adapter.query_payment(a_query())
        fields = dict(parse_qsl(bytes(wire.calls[0].request.body or b"").decode(), strict_parsing=True))  # type: ignore[arg-type]
    assert fields.pop("vpc_SecureHash") == signature(fields)
    assert fields == {
        "vpc_Command": "queryDR",
        "vpc_Version": "2",
        "vpc_MerchTxnRef": ATTEMPT,
        "vpc_Merchant": MERCHANT,
        "vpc_AccessCode": ACCESS_CODE,
        "vpc_User": ASKER,
        "vpc_Password": PASSWORD,
    }


def test_a_payment_that_onepay_does_not_know_is_pending(adapter: OnePay) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, **answered({"vpc_DRExists": "N"}))
        confirmation = adapter.query_payment(a_query())
    assert (confirmation.outcome, confirmation.code, confirmation.reference) == (
        Outcome.PENDING,
        "N",
        ATTEMPT,
    )


def test_an_answer_with_bare_spaces_and_a_line_end_is_read(adapter: OnePay) -> None:
    fields = {"vpc_DRExists": "Y", **a_result(vpc_Message="Transaction was successful")}
    plain = "&".join(f"{name}={value}" for name, value in fields.items())
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, body=f"{plain}&vpc_SecureHash={signature(fields)}\n")
        confirmation = adapter.query_payment(a_query())
    assert (confirmation.outcome, confirmation.amount, confirmation.key) == (Outcome.PAID, AMOUNT, 0)


def test_an_answer_and_a_callback_are_different_messages(adapter: OnePay) -> None:
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, **answered({"vpc_DRExists": "Y", **a_result()}))
        asked = adapter.query_payment(a_query())
    confirmation = adapter.read_callback(
        called_back(urlencode({**a_result(), "vpc_SecureHash": signature(a_result())}))
    )
    assert asked.event_id != confirmation.event_id
    assert (asked.bank_transaction_id, asked.amount) == (
        confirmation.bank_transaction_id,
        confirmation.amount,
    )


def test_an_answer_under_the_key_before_is_believed(tmp_path: Path) -> None:
    rotated = a_onepay({**a_section(tmp_path), "SECRET": "0F" * 16, "SECRET_PREVIOUS": SECRET})
    with responses.RequestsMock() as wire:
        wire.add("POST", QUERIES, **answered({"vpc_DRExists": "Y", **a_result()}))
        assert rotated.query_payment(a_query()).key == 1


@pytest.mark.parametrize("secret", ["A3EF", "x" * 32, "A3EFDFABA8653DF2342E8DAC29B51AF", "A3 " * 16])
def test_a_secret_must_be_hex(tmp_path: Path, secret: str) -> None:
    with pytest.raises(BankSettingsError, match="BANK_ONEPAY_SECRET") as refusal:
        a_onepay({**a_section(tmp_path), "SECRET": secret})
    assert secret not in str(refusal.value)


def test_the_replies_are_settings(tmp_path: Path) -> None:
    adapter = a_onepay({**a_section(tmp_path), "UNRECORDED_REPLY": "responsecode=0&desc=other"})
    reply = adapter.refuse(CallbackRequest("GET", "/callbacks/onepay", b"", {}, b"", NOON))
    assert reply is not None
    assert reply.body == b"responsecode=0&desc=other"


def test_no_refund_is_promised(adapter: OnePay) -> None:
    assert not isinstance(adapter, CanRefund)


def test_the_file_of_a_day_shows_what_moved(adapter: OnePay, tmp_path: Path) -> None:
    (tmp_path / f"{DAY}.csv").write_text(STATEMENT, "utf-8")
    first, second = adapter.fetch_statement(DAY).lines
    assert (first.bank_transaction_id, first.reference, first.amount) == ("1625746", ATTEMPT, AMOUNT)
    assert (first.movement, first.booked_at) == (Movement.CREDIT, NOON)
    assert (second.line, second.reference) == (4, "typed by hand")


def test_a_word_that_nobody_knows_refuses_the_file(adapter: OnePay, tmp_path: Path) -> None:
    (tmp_path / f"{DAY}.csv").write_text(STATEMENT.replace(",5000,0", ",5000,Approved"), "utf-8")
    with pytest.raises(Malformed, match="line 4, column 8"):
        adapter.fetch_statement(DAY)


@pytest.fixture
def adapter(tmp_path: Path) -> OnePay:
    return a_onepay(a_section(tmp_path))


# As other systems write the same messages
# ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("text", AWKWARD)
def test_onepay_signs_texts_as_they_are(tmp_path: Path, encoder: str, text: str) -> None:
    fields = a_result(vpc_OrderInfo=text, vpc_Message=text[:40], user_Note=text[:40])
    sent = {**fields, "vpc_SecureHash": signature(fields)}
    query = "&".join(f"{name}={ENCODERS[encoder](value)}" for name, value in sent.items())
    confirmation = a_onepay(a_section(tmp_path)).read_callback(called_back(query))
    assert (confirmation.outcome, confirmation.amount) == (Outcome.PAID, AMOUNT)


@pytest.mark.parametrize("value", ["a&vpc_Amount=1", "a&user_x=", "&vpc_CurrencyCode=USD", "a&b&vpc_x=1=2"])
def test_a_value_in_which_a_field_begins_is_rejected(tmp_path: Path, value: str) -> None:
    query = signed(a_result(vpc_OrderInfo=value))
    with pytest.raises(CallbackRejected):
        a_onepay(a_section(tmp_path)).read_callback(called_back(query))


@pytest.mark.parametrize("amount", ["0", "", "15000050"])
def test_a_declined_payment_needs_no_readable_amount(tmp_path: Path, amount: str) -> None:
    result = a_result(vpc_TxnResponseCode="99", vpc_Amount=amount, vpc_CurrencyCode="USD")
    confirmation = a_onepay(a_section(tmp_path)).read_callback(called_back(signed(result)))
    assert (confirmation.outcome, confirmation.amount) == (Outcome.DECLINED, None)
