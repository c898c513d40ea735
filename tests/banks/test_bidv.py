"""BIDV bill collection: the contract, every way in which a message can be wrong, the vectors and the simulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
import responses

from bank_adapters import load_adapters
from bank_adapters.bidv import CODES, Bidv
from bank_adapters.simulators import bidv as far
from bank_adapters.simulators.bidv import SECRET, SERVICE, TOKEN, BidvSimulator, hashed
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Payment, WireReply, WireRequest
from payment_hub.domain.banks.values import Answer, Bill, CallbackRequest, Due, Instructions, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.contract import BankContract, CallbackContract, InquiryContract, StatementContract
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, ORDER, PUBLIC_URL, a_request
from tests.banks.jwts import CLAIMS, HS256, SPOILT, a_jwt

# Messages
# ------------------------------------------------------------------------------------------------

SIMULATOR = BidvSimulator("https://bidv.test", PUBLIC_URL)
PAID = Payment(ORDER, 150_000, {"customer_id": ORDER}, transaction_id="BIDV000001", paid_at=NOON)
BEARER = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}

HEADING = "booked_at,transaction_id,reference,amount,status\n"
STATEMENT = (
    HEADING
    + f"2026-11-22 12:00:00,BIDV000001,{ORDER},150000,PAID\n"
    + "2026-11-22 12:01:00,BIDV000002,DV0-1,70000,FAILED\n"
    + "2026-11-22 23:59:59,BIDV000003,typed by hand,5000,PAID\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a service whose files are dropped into ``folder``."""
    return {"SERVICE_ID": SERVICE, "SECRET": SECRET, "TOKEN_SECRET": TOKEN, "STATEMENTS": str(folder)}


def a_getbill(customer: str = ORDER, **changes: object) -> dict[str, object]:
    """A question about a customer."""
    question: dict[str, object] = json.loads(SIMULATOR.inquiry(customer).body)
    return question | changes


def a_paybill(
    trans: str = "BIDV000001", bill: str = ORDER, amount: str = "150000", **changes: object
) -> dict[str, object]:
    """The message that a bill was paid at noon; ``changes`` come after the signing."""
    signed = SIMULATOR.callback(PAID, at=NOON, trans_id=trans, bill_id=bill, amount=amount)
    message: dict[str, object] = json.loads(signed.body)
    return message | changes


def sent(fields: object, path: str = "/callbacks/bidv", **headers: str) -> CallbackRequest:
    """The message with these fields."""
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return CallbackRequest("POST", path, b"", BEARER | headers, body, NOON)


def asked(fields: object, **headers: str) -> CallbackRequest:
    """The same, at the address for questions."""
    return sent(fields, "/callbacks/bidv/inquiry", **headers)


# The contract
# ------------------------------------------------------------------------------------------------


class TestBidv(CallbackContract, InquiryContract, StatementContract, BankContract):
    bank = "bidv"
    required = frozenset(
        f"BANK_BIDV_{name}" for name in ("SERVICE_ID", "SECRET", "TOKEN_SECRET", "STATEMENTS")
    )
    signed_headers = ("authorization",)
    tells_paid_at = False
    tells_declined = False
    retried = frozenset({Answer.NOT_RECORDED, Answer.NO_SUCH_ORDER, Answer.WRONG_AMOUNT})
    inquiry_answers: ClassVar[dict[Due, str]] = {
        Due.PAYABLE: '"000"',
        Due.PAID: '"012"',
        Due.CLOSED: '"012"',
        Due.AMOUNT_DIFFERS: '"022"',
        Due.NO_SUCH_ORDER: '"011"',
    }

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return sent(a_paybill(**changes))

    def inquiry(self, **changes: Any) -> CallbackRequest:
        return asked(a_getbill(**changes))

    def statement_text(self) -> str:
        return STATEMENT

    # Opening ----------------------------------------------------------------------------------------

    def test_the_payer_is_told_the_orders_reference(self, adapter: Bidv) -> None:
        with responses.RequestsMock():
            assert adapter.open_payment(a_request()) == Instructions(bill_code=ORDER)

    # Being told -------------------------------------------------------------------------------------

    def test_what_is_not_signed_is_no_fact(self, adapter: Bidv) -> None:
        plain = adapter.read_callback(sent(a_paybill()))
        for changes in (
            {"customer_id": "DV00000000000000"},
            {"trans_date": "19990101000000"},
            {"trans_date": None},
            {"additionalData1": "x" * 400},
            {"payer_name": "NGUYEN VAN A"},
        ):
            assert adapter.read_callback(sent(a_paybill(**changes))) == plain
        assert (plain.paid_at, plain.payer, plain.number) == (None, None, None)
        assert (plain.reference, plain.bank_transaction_id) == (ORDER, "BIDV000001")

    @pytest.mark.parametrize(
        ("trans", "bill", "amount"),
        [
            ("BIDV000001", f"{ORDER}1", "50000"),
            ("BIDV000001", f"{ORDER}15", "0000"),
            ("BIDV000001", ORDER[:-1], f"{ORDER[-1]}150000"),
            ("BIDV00000", f"1{ORDER}", "150000"),
            ("BIDV000001D", ORDER[1:], "150000"),
            (f"BIDV000001{ORDER[:4]}", ORDER[4:], "150000"),
            (f"BIDV000001{ORDER}", "1", "50000"),
        ],
    )
    def test_a_genuine_message_cut_in_other_places_is_not_believed(
        self, adapter: Bidv, trans: str, bill: str, amount: str
    ) -> None:
        """Nothing stands between the values, so all of these have the same checksum."""
        genuine = a_paybill()
        cut = genuine | {"trans_id": trans, "bill_id": bill, "amount": amount}
        assert hashed(trans, bill, amount) == genuine["checksum"]
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(cut))

    @pytest.mark.parametrize(
        "amount",
        [
            "0",
            "-150000",
            "150000.00",
            "150,000",
            "0150000",
            "1" * 13,
            " 150000",
            "\u0661\u0665",
            "15e4",
            "VND",
        ],
    )
    def test_a_signed_amount_that_is_no_plain_dong_is_refused(self, adapter: Bidv, amount: str) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(a_paybill(amount=amount)))

    def test_an_amount_that_is_neither_text_nor_number_is_refused(self, adapter: Bidv) -> None:
        for amount in ([150_000], {"value": "150000"}, True, None, 150_000.5):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(sent(a_paybill() | {"amount": amount}))

    @pytest.mark.parametrize("trans", ["", " ", "BIDV 000001", "BIDV1\n", "B" * 101, "BIDV\u0110001"])
    def test_a_transaction_without_a_proper_number_is_refused(self, adapter: Bidv, trans: str) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(a_paybill(trans=trans)))

    def test_a_checksum_of_the_other_message_is_none_of_this_one(self, adapter: Bidv) -> None:
        for fields in (
            a_paybill(checksum=hashed(SERVICE, ORDER)),
            a_paybill(checksum=hashed("BIDV000001", ORDER, "150000", secret="other-secret-of-bidv")),
            a_paybill(checksum=hashed("BIDV000001" + ORDER + "150000" + SECRET, secret="")),
            a_paybill(checksum=""),
            a_paybill(checksum=7),
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(sent(fields))

    @pytest.mark.parametrize(
        "shown",
        [
            "",
            "Bearer",
            "Bearer ",
            f"Bearer {TOKEN}x",
            f"Bearer {TOKEN[:-1]}",
            f"Basic {TOKEN}",
            TOKEN,
            f"Bearer  {TOKEN}",
        ],
    )
    def test_without_the_token_nothing_is_believed(self, adapter: Bidv, shown: str) -> None:
        for read, message in (
            (adapter.read_callback, sent(a_paybill(), authorization=shown)),
            (adapter.read_inquiry, asked(a_getbill(), authorization=shown)),
        ):
            with pytest.raises(CallbackRejected):
                read(message)

    def test_the_token_before_still_opens_the_door(self, tmp_path: Path) -> None:
        changed = a_section(tmp_path) | {
            "TOKEN_SECRET": "a-new-token-of-bidv",
            "TOKEN_SECRET_PREVIOUS": TOKEN,
        }
        assert self.built(changed).read_callback(sent(a_paybill())).key == 0

    # Our words --------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("fields", "headers", "code"),
        [
            (a_paybill(), {"authorization": "Bearer other"}, "003"),
            (a_paybill(amount="150001", checksum=hashed("BIDV000001", ORDER, "150000")), {}, "004"),
            (a_paybill(service_id="HUB002"), {}, "006"),
            (a_paybill(bill_id=None), {}, "001"),
            (a_paybill(amount="15e4"), {}, "001"),
            (b"{", {}, "001"),
        ],
    )
    def test_a_refusal_names_the_code_of_what_is_wrong(
        self, adapter: Bidv, fields: Any, headers: dict[str, str], code: str
    ) -> None:
        reply = adapter.refuse(sent(fields, **headers))
        assert reply is not None
        assert (json.loads(reply.body)["result_code"], reply.status) == (code, 400)

    def test_a_refused_question_is_answered_by_its_own_rules(self, adapter: Bidv) -> None:
        for fields, code in (
            (a_getbill(checksum=hashed(ORDER, SERVICE)), "004"),
            (a_paybill(customer_id=None), "001"),
        ):
            reply = adapter.refuse(asked(fields))
            assert reply is not None
            assert json.loads(reply.body)["result_code"] == code

    @pytest.mark.parametrize(
        ("answer", "code", "status"),
        [
            (Answer.RECORDED, "000", 200),
            (Answer.ALREADY_RECORDED, "023", 200),
            (Answer.NO_SUCH_ORDER, "021", 400),
            (Answer.WRONG_AMOUNT, "022", 400),
            (Answer.NOT_RECORDED, "031", 400),
        ],
    )
    def test_it_answers_in_bidvs_codes(self, adapter: Bidv, answer: Answer, code: str, status: int) -> None:
        reply = adapter.acknowledge(answer, sent(a_paybill()))
        assert (json.loads(reply.body)["result_code"], reply.status) == (code, status)
        assert set(json.loads(reply.body)) == {"result_code", "result_desc"}

    def test_every_code_stands_in_the_profile(self, adapter: Bidv) -> None:
        assert adapter.profile.codes == {code: words for code, (_, words) in CODES.items()}

    # Being asked ------------------------------------------------------------------------------------

    def test_a_bill_is_told_whole(self, adapter: Bidv) -> None:
        bill = Bill(Due.PAYABLE, ORDER, ATTEMPT, AMOUNT, "Nguyễn Thị Hường", "Le phi")
        reply = adapter.answer_inquiry(adapter.read_inquiry(asked(a_getbill(f"  {ORDER}"))), bill)
        assert json.loads(reply.body) == {
            "result_code": "000",
            "result_desc": "success",
            "service_id": SERVICE,
            "customer_id": f"  {ORDER}",
            "customer_name": "Nguyễn Thị Hường",
            "customer_addr": "",
            "data": {"type": 1, "amount": "150000", "bill_id": ORDER},
        }

    @pytest.mark.parametrize("due", [due for due in Due if due is not Due.PAYABLE])
    def test_what_must_not_be_paid_is_not_described(self, adapter: Bidv, due: Due) -> None:
        bill = Bill(due, ORDER, ATTEMPT, AMOUNT, "Nguyễn Thị Hường", "Le phi")
        reply = adapter.answer_inquiry(adapter.read_inquiry(asked(a_getbill())), bill)
        assert set(json.loads(reply.body)) == {"result_code", "result_desc"}

    @pytest.mark.parametrize("amount", [None, Money(100, "USD")])
    def test_what_is_not_owed_in_dong_cannot_be_paid_here(self, adapter: Bidv, amount: Money | None) -> None:
        inquiry = adapter.read_inquiry(asked(a_getbill()))
        reply = adapter.answer_inquiry(inquiry, Bill(Due.PAYABLE, ORDER, "", amount))
        assert json.loads(reply.body)["result_code"] == "012"

    @pytest.mark.parametrize("customer", ["", "x" * 401, "DV\n1", "DV\x00", "DV\x7f"])
    def test_a_customer_that_nobody_can_type_is_refused(self, adapter: Bidv, customer: str) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_inquiry(asked(a_getbill(customer)))


# What BIDV's page leaves open is accepted; what it fixes is enforced
# ------------------------------------------------------------------------------------------------


def built(folder: Path, **more: str) -> Bidv:
    adapter = load_adapters(["bidv"], {"bidv": a_section(folder) | more})["bidv"]
    assert isinstance(adapter, Bidv)
    return adapter


@pytest.fixture
def adapter(tmp_path: Path) -> Bidv:
    return built(tmp_path)


# What the page leaves open --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trans",
    [
        "7",
        "020097040511221200002026abcdef",
        "FT26327/001234567",
        "BIDV-2026_11.22:0001",
        "B" * 100,
        "9" * 40,
        f"{ORDER}-20261122",
        f"{ORDER}20261122",
        "XDV",
    ],
)
def test_a_transaction_may_have_any_number_that_can_be_printed(adapter: Bidv, trans: str) -> None:
    confirmation = adapter.read_callback(sent(a_paybill(trans=trans)))
    assert (confirmation.bank_transaction_id, confirmation.reference, confirmation.amount) == (
        trans,
        ORDER,
        AMOUNT,
    )


@pytest.mark.parametrize("name", ["amount", "trans_id"])
def test_a_number_is_as_good_as_its_text(adapter: Bidv, name: str) -> None:
    plain = a_paybill(trans="20261122000123")
    number = plain | {name: int(str(plain[name]))}
    assert adapter.read_callback(sent(number)) == adapter.read_callback(sent(plain))


def test_a_service_or_a_customer_may_be_a_number_too(tmp_path: Path) -> None:
    adapter = built(tmp_path, SERVICE_ID="10042")
    question = {"customer_id": 123, "service_id": 10042, "checksum": hashed("10042", "123")}
    assert adapter.read_inquiry(asked(question)).reference == "123"


@pytest.mark.parametrize(
    "more", [{"fee": 0.5}, {"rate": 1e-3}, {"channel": None}, {"extra": {"a": [1.25, {}]}}]
)
def test_fields_that_nobody_wrote_down_change_nothing(adapter: Bidv, more: dict[str, Any]) -> None:
    assert adapter.read_callback(sent(a_paybill(**more))) == adapter.read_callback(sent(a_paybill()))
    assert adapter.read_inquiry(asked(a_getbill(**more))) == adapter.read_inquiry(asked(a_getbill()))


def test_a_bill_told_in_small_letters_is_still_the_order(adapter: Bidv) -> None:
    confirmation = adapter.read_callback(sent(a_paybill(bill=ORDER.lower())))
    assert (confirmation.reference, confirmation.amount) == (ORDER.lower(), AMOUNT)


@pytest.mark.parametrize("bill", ["HUB240501000123", "hs_2026/17", "1", "9" * 60])
def test_a_bill_of_nobodys_is_told_as_it_is(adapter: Bidv, bill: str) -> None:
    confirmation = adapter.read_callback(sent(a_paybill(bill=bill)))
    assert (confirmation.reference, confirmation.amount) == (bill, AMOUNT)


@pytest.mark.parametrize(
    "customer", ["Nguyễn Thị Hường", "\u0110V0D", "x" * 400, "0123 456-789/A", f"{ORDER} nộp phạt"]
)
def test_a_customer_that_we_do_not_know_is_asked_for_all_the_same(adapter: Bidv, customer: str) -> None:
    """The answer is 011, not that something is wrong with the question."""
    inquiry = adapter.read_inquiry(asked(a_getbill(customer)))
    assert inquiry.reference == customer
    reply = adapter.answer_inquiry(inquiry, Bill(Due.NO_SUCH_ORDER))
    assert (json.loads(reply.body)["result_code"], reply.status) == ("011", 400)


# What could be cut in two ways ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trans", "bill", "amount"),
    [
        ("BIDV000001", f"{ORDER}-1", "50000"),
        ("BIDV000001", f"{ORDER[:8]}-{ORDER[8:]}", "150000"),
        ("BIDV000001", f"{ORDER}.", "150000"),
        ("BIDV000001", f"x{ORDER}", "150000"),
        (f"1{ORDER}2{ORDER}", "3", "150000"),
    ],
)
def test_what_only_resembles_a_bill_of_ours_is_not_believed(
    adapter: Bidv, trans: str, bill: str, amount: str
) -> None:
    with pytest.raises(CallbackRejected):
        adapter.read_callback(sent(a_paybill(trans=trans, bill=bill, amount=amount)))


def test_every_other_cut_of_a_genuine_message_is_refused(adapter: Bidv) -> None:
    genuine = a_paybill()
    whole, believed = f"BIDV000001{ORDER}150000", 0
    for first in range(1, len(whole)):
        for second in range(first + 1, len(whole)):
            cut = {"trans_id": whole[:first], "bill_id": whole[first:second], "amount": whole[second:]}
            try:
                confirmation = adapter.read_callback(sent(genuine | cut))
            except (CallbackRejected, Malformed):
                continue
            believed += 1
            assert confirmation == adapter.read_callback(sent(genuine))
    assert believed == 1


def test_an_order_that_looks_like_another_with_its_amount_is_paid_like_any_other(adapter: Bidv) -> None:
    """DVRHC9QPY4374815 is a reference too, and 91820 an amount: of the two cuts the first is meant."""
    order, amount = "DVK08T7DVRHC9QPY", "437481591820"
    genuine = a_paybill(bill=order, amount=amount)
    confirmation = adapter.read_callback(sent(genuine))
    assert (confirmation.reference, confirmation.amount) == (order, dong(int(amount)))
    other = {"trans_id": "BIDV000001DVK08T7", "bill_id": "DVRHC9QPY4374815", "amount": "91820"}
    assert hashed(*other.values()) == genuine["checksum"]
    with pytest.raises(CallbackRejected):
        adapter.read_callback(sent(genuine | other))


def test_of_two_references_the_one_before_an_amount_is_the_bill(adapter: Bidv) -> None:
    confirmation = adapter.read_callback(sent(a_paybill(trans=f"T{ORDER}X")))
    assert (confirmation.reference, confirmation.amount) == (ORDER, AMOUNT)


# What the page fixes --------------------------------------------------------------------------------


def test_all_codes_but_success_and_paid_already_come_with_400() -> None:
    assert {code for code, (status, _) in CODES.items() if status == 200} == {"000", "023"}
    assert {status for status, _ in CODES.values()} == {200, 400}
    page = "000 001 003 004 006 011 012 021 022 023 031"
    assert " ".join(CODES) == page


@pytest.mark.parametrize("due", [Due.PAID, Due.CLOSED])
def test_nothing_to_pay_is_said_with_400(adapter: Bidv, due: Due) -> None:
    reply = adapter.answer_inquiry(adapter.read_inquiry(asked(a_getbill())), Bill(due, ORDER, "", AMOUNT))
    assert (json.loads(reply.body)["result_code"], reply.status) == ("012", 400)


def test_a_bill_names_what_is_lacking_as_text(adapter: Bidv) -> None:
    bill = Bill(Due.PAYABLE, ORDER, "", dong(9_999_999_999), 'Trần "Đức" \\ Ạ', "")
    result = json.loads(adapter.answer_inquiry(adapter.read_inquiry(asked(a_getbill())), bill).body)
    assert (result["data"]["amount"], result["customer_name"]) == ("9999999999", 'Trần "Đức" \\ Ạ')
    assert (result["service_id"], result["data"]["type"]) == (SERVICE, 1)


# Bearer JWT -----------------------------------------------------------------------------------------

KEY = "hub-bidv-jwt-signing-key-0000001"


def test_a_signed_token_opens_the_door_where_that_is_agreed(tmp_path: Path) -> None:
    adapter = built(tmp_path, TOKEN_SECRET=KEY, BEARER="jwt")
    shown = f"Bearer {a_jwt(HS256, CLAIMS, KEY)}"
    assert adapter.read_callback(sent(a_paybill(), authorization=shown)).amount == AMOUNT
    rotated = built(tmp_path, TOKEN_SECRET="another-key-of-the-bank", TOKEN_SECRET_PREVIOUS=KEY, BEARER="jwt")
    assert rotated.read_inquiry(asked(a_getbill(), authorization=shown)).reference == ORDER


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_spoilt_token_opens_nothing(tmp_path: Path, spoilt: str) -> None:
    adapter = built(tmp_path, TOKEN_SECRET=KEY, BEARER="jwt")
    message = sent(a_paybill(), authorization=f"Bearer {SPOILT[spoilt](KEY)}")
    with pytest.raises(CallbackRejected):
        adapter.read_callback(message)
    reply = adapter.refuse(message)
    assert reply is not None
    assert (json.loads(reply.body)["result_code"], reply.status) == ("003", 400)


def test_a_signed_token_and_an_agreed_word_are_never_taken_for_each_other(tmp_path: Path) -> None:
    signed, agreed = built(tmp_path, TOKEN_SECRET=KEY, BEARER="jwt"), built(tmp_path, TOKEN_SECRET=KEY)
    for adapter, shown in ((signed, KEY), (agreed, a_jwt(HS256, CLAIMS, KEY))):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(a_paybill(), authorization=f"Bearer {shown}"))


def test_no_secret_is_ever_written_out(tmp_path: Path) -> None:
    result = repr(built(tmp_path, TOKEN_SECRET=KEY, BEARER="jwt"))
    assert KEY not in result
    assert a_section(tmp_path)["SECRET"] not in result


# Recorded vectors, and a whole payment with the simulator
# ------------------------------------------------------------------------------------------------

VECTORS: dict[str, dict[str, Any]] = {
    vector["kind"]: vector
    for vector in json.loads((Path(__file__).parent / "vectors/bidv/signatures.json").read_text("utf-8"))
}


def bank_of(vector: dict[str, Any], folder: Path) -> Any:
    """The adapter with the service and the secret of a vector."""
    section = {
        "SERVICE_ID": vector["inputs"]["service_id"],
        "SECRET": vector["secret"],
        "TOKEN_SECRET": TOKEN,
        "STATEMENTS": str(folder),
    }
    return load_adapters(["bidv"], {"bidv": section})["bidv"]


def message(vector: dict[str, Any], path: str, **changes: str) -> CallbackRequest:
    body = {**vector["inputs"], "checksum": vector["expected"]} | changes
    return CallbackRequest("POST", path, b"", BEARER, json.dumps(body).encode(), NOON)


def test_the_question_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["getbill-checksum"]
    adapter = bank_of(vector, tmp_path)
    inquiry = adapter.read_inquiry(message(vector, "/callbacks/bidv/inquiry"))
    assert (inquiry.reference, inquiry.amount, inquiry.key) == ("HS0001", None, 0)
    for changes in (
        {"customer_id": "HS0002"},
        {"checksum": vector["expected"][::-1]},
        {"service_id": "HUB002"},
    ):
        with pytest.raises(CallbackRejected):
            adapter.read_inquiry(message(vector, "/callbacks/bidv/inquiry", **changes))


def test_the_payment_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["paybill-checksum"]
    adapter = bank_of(vector, tmp_path)
    confirmation = adapter.read_callback(message(vector, "/callbacks/bidv"))
    assert (confirmation.reference, confirmation.amount, confirmation.outcome) == (
        "HUB240501000123",
        dong(150_000),
        Outcome.PAID,
    )
    assert (confirmation.bank_transaction_id, confirmation.event_id, confirmation.paid_at) == (
        "BIDV000001",
        "paybill:BIDV000001",
        None,
    )
    for changes in ({"amount": "150001"}, {"trans_id": "BIDV000002"}, {"bill_id": "HUB240501000124"}):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(message(vector, "/callbacks/bidv", **changes))
    upper = adapter.read_callback(message(vector, "/callbacks/bidv", checksum=vector["expected"].upper()))
    assert upper == confirmation


def test_both_sides_understand_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve("http://127.0.0.1:9", simulators=[far.BidvSimulator], statements=tmp_path) as server:
        section = settings_of([far.BidvSimulator], server.url, tmp_path)["bidv"]
        adapter: Any = load_adapters(["bidv"], {"bidv": section})["bidv"]
        simulator = server.banks["bidv"]
        due = Due.CLOSED

        def hub(request: WireRequest, _: str) -> WireReply:
            inquiry = adapter.read_inquiry(_arrived(request))
            reply = adapter.answer_inquiry(inquiry, Bill(due, ORDER, "", AMOUNT, "NGUYEN VAN A", "Le phi"))
            return WireReply(reply.status, reply.body)

        monkeypatch.setattr(far, "send_request", hub)
        assert simulator.pay_bill(ORDER) is None
        due = Due.PAYABLE
        payment = simulator.pay_bill(ORDER)
        assert isinstance(payment, Payment)
        simulator.book.settle(payment, "PAID", notify=False)
        (callback,) = simulator.callbacks(payment)
        confirmation = adapter.read_callback(_arrived(callback))
        assert (confirmation.reference, confirmation.amount, confirmation.bank_transaction_id) == (
            ORDER,
            AMOUNT,
            payment.transaction_id,
        )
        for answer in Answer:
            reply = adapter.acknowledge(answer, _arrived(callback))
            accepted = answer in (Answer.RECORDED, Answer.ALREADY_RECORDED)
            assert simulator.accepts(WireReply(reply.status, reply.body)) is accepted
        (tmp_path / "bidv" / f"{DAY}.csv").write_text(simulator.statement(DAY, [payment]) or "", "utf-8")
        (line,) = adapter.fetch_statement(DAY).lines
        assert (line.reference, line.bank_transaction_id, line.amount) == (
            ORDER,
            payment.transaction_id,
            AMOUNT,
        )


def test_of_a_payment_that_failed_bidv_says_nothing(tmp_path: Path) -> None:
    with serve("http://127.0.0.1:9", simulators=[far.BidvSimulator], statements=tmp_path) as server:
        simulator = server.banks["bidv"]
        payment = simulator.book.settle(
            simulator.book.remember(Payment(ORDER, 150_000)), "DECLINED", notify=False
        )
        assert simulator.callbacks(payment) == []


def _arrived(request: WireRequest) -> CallbackRequest:
    return CallbackRequest(request.method, request.path, request.query, request.headers, request.body, NOON)
