"""VNPAY 2.1.0: the contract, and every form of the IPN."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote_plus, urlencode, urlsplit

import pytest
import requests
import responses

from bank_adapters import load_adapters
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Book, Payment, WireReply
from bank_adapters.simulators.vnpay import (
    ANSWERED,
    SECRET,
    TERMINAL,
    VnpaySimulator,
    encoded,
    hashed,
    signed,
    signed_answer,
)
from bank_adapters.toolkit.bank_time import read_vietnam_time
from bank_adapters.toolkit.signed_fields import joined
from bank_adapters.vnpay import ANSWER_SIGNS, OUTCOMES, QUERY_SIGNS, STATUSES, Vnpay, canonical_query
from payment_hub.domain.banks.values import (
    Answer,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Movement,
    Outcome,
    PaymentQuery,
    RefundAnswer,
    RefundOutcome,
    RefundRequest,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.contract import (
    CallbackContract,
    QueryContract,
    RefundContract,
    RefundQueryContract,
    ReturnContract,
    StatementContract,
)
from tests.banks.examples import (
    AMOUNT,
    ATTEMPT,
    DAY,
    NOON,
    PUBLIC_URL,
    a_query,
    a_refund,
    a_refund_query,
    a_request,
)
from tests.banks.texts import AWKWARD, ENCODERS, UNREADABLE_MOMENTS

# Messages
# ------------------------------------------------------------------------------------------------

SIMULATOR = VnpaySimulator("https://vnpay.test", PUBLIC_URL)
OPENED = {"vnp_OrderInfo": "Le phi ho so 000.00.01: 2026"}
PAID = Payment(ATTEMPT, 150_000, OPENED, transaction_id="14422574", paid_at=NOON)
API = "https://vnpay.test/merchant_webapi/api/transaction"

ANSWER = ANSWERED["refund"]

HEADING = "THOI_GIAN_GD,MA_GIAO_DICH,SO_HOA_DON,MA_DON_HANG,NGAN_HANG,TRANG_THAI,SO_TIEN_TRUOC_KM\n"
STATEMENT = (
    HEADING
    + f"22/11/2026 12:00:00,14422574,,{ATTEMPT},NCB,00,150000\n"
    + "22/11/2026 12:01:00,14422575,,K0-1,NCB,02,70000\n"
    + "22/11/2026 23:59:59,14422576,,typed by hand,VCB,00,5000\n"
)


def an_ipn(**changes: str) -> dict[str, str]:
    """The fields of a payment of 150,000 dong made at noon, not signed yet."""
    fields = dict(parse_qsl(SIMULATOR.callback(PAID, at=NOON).query.decode()))
    del fields["vnp_SecureHash"]
    return fields | changes


def a_movement(command: str, **changes: Any) -> dict[str, Any]:
    """An answer to ``command`` about the payment of 150,000 dong made at noon."""
    return {
        "vnp_ResponseId": "8f1c2a",
        "vnp_Command": command,
        "vnp_ResponseCode": "00",
        "vnp_Message": "Success",
        "vnp_TmnCode": TERMINAL,
        "vnp_TxnRef": ATTEMPT,
        "vnp_Amount": "15000000",
        "vnp_BankCode": "NCB",
        "vnp_PayDate": "20261122120000",
        "vnp_TransactionNo": "14422999",
        "vnp_TransactionType": "01",
        "vnp_TransactionStatus": "00",
        "vnp_OrderInfo": "Le phi",
    } | changes


def answered(fields: dict[str, Any], secret: str = SECRET, *, signed_as: str = "") -> dict[str, Any]:
    """The answer with its hash, as words for ``responses``."""
    return {"json": signed_answer(signed_as or fields["vnp_Command"], fields, secret)}


def signed_with(digest: str) -> str:
    """The query under the same key, but with another digest."""
    query = encoded(an_ipn())
    return f"{query}&vnp_SecureHash={hmac.new(SECRET.encode(), query.encode(), digest).hexdigest()}"


def called_back(query: str) -> CallbackRequest:
    """The IPN with this query."""
    return CallbackRequest("GET", "/callbacks/vnpay", query.encode(), {}, b"", NOON)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a terminal whose files are dropped into ``folder``."""
    pay = "https://vnpay.test/paymentv2/vpcpay.html"
    return {"PAY_URL": pay, "API_URL": API, "TMN_CODE": TERMINAL, "SECRET": SECRET, "STATEMENTS": str(folder)}


def a_vnpay(section: dict[str, str]) -> Vnpay:
    """The adapter from its settings."""
    adapter = load_adapters(["vnpay"], {"vnpay": section})["vnpay"]
    assert isinstance(adapter, Vnpay)
    return adapter


# The contract
# ------------------------------------------------------------------------------------------------

#: What VNPAY says of a payment, in both of its codes.
WORDS: dict[Outcome | str, dict[str, str]] = {
    Outcome.PAID: {},
    Outcome.DECLINED: {"vnp_ResponseCode": "24", "vnp_TransactionStatus": "02", "vnp_TransactionNo": "0"},
    Outcome.PENDING: {"vnp_TransactionStatus": "01"},
}
#: vnp_TransactionStatus of a refund.
REFUNDS: dict[RefundOutcome | str, str] = {
    RefundOutcome.SUCCEEDED: "00",
    RefundOutcome.PENDING: "05",
    RefundOutcome.FAILED: "09",
}


class TestVnpay(
    CallbackContract, ReturnContract, QueryContract, RefundContract, RefundQueryContract, StatementContract
):
    bank = "vnpay"
    required = frozenset(
        f"BANK_VNPAY_{name}" for name in ("PAY_URL", "API_URL", "TMN_CODE", "SECRET", "STATEMENTS")
    )
    asks_at = refunds_at = refund_asks_at = (("POST", API),)
    retried = frozenset({Answer.NO_SUCH_ORDER, Answer.WRONG_AMOUNT, Answer.NOT_RECORDED})
    refund_outcomes = frozenset({RefundOutcome.PENDING, RefundOutcome.FAILED})

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return called_back(signed(an_ipn(**WORDS.get(outcome, {"vnp_ResponseCode": "42"}), **changes)))

    def is_sent_again(self, reply: CallbackReply) -> bool:
        return reply.status != 200 or json.loads(reply.body)["RspCode"] not in ("00", "02")

    def returned(self, outcome: Outcome | str) -> bytes:
        return self.callback(outcome).query

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        status = WORDS.get(outcome, {"vnp_TransactionStatus": "42"}).get("vnp_TransactionStatus", "00")
        return answered(a_movement("querydr", vnp_TransactionStatus=status))

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        return unbelievable("querydr")

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        status = REFUNDS.get(outcome, "42")
        return answered(a_movement("refund", vnp_TransactionType="02", vnp_TransactionStatus=status))

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return unbelievable("refund") | {
            "another size": answered(a_movement("refund", vnp_TransactionType="03")),
            "another amount": answered(a_movement("refund", vnp_TransactionType="02", vnp_Amount="5000000")),
        }

    def refund_query_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        status, moment = REFUNDS.get(outcome, "42"), "20261122130002"
        fields = {"vnp_TransactionType": "02", "vnp_TransactionStatus": status, "vnp_PayDate": moment}
        return answered(a_movement("querydr", **fields))

    def statement_text(self) -> str:
        return STATEMENT

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("code", [*OUTCOMES, "42", "98"])
    @pytest.mark.parametrize("status", [*STATUSES, "03", "42"])
    def test_it_is_paid_or_declined_only_when_both_codes_say_so(
        self, adapter: Vnpay, code: str, status: str
    ) -> None:
        confirmation = adapter.read_callback(
            called_back(signed(an_ipn(vnp_ResponseCode=code, vnp_TransactionStatus=status)))
        )
        declined = {"09", "10", "11", "12", "13", "24", "51", "65", "75", "79", "99"}
        expected = Outcome.PENDING
        if (code, status) == ("00", "00"):
            expected = Outcome.PAID
        elif code in declined and status == "02":
            expected = Outcome.DECLINED
        assert confirmation.outcome is expected

    def test_hex_of_either_case_is_the_same_hash(self, adapter: Vnpay) -> None:
        query, _, given = signed(an_ipn()).rpartition("=")
        assert adapter.read_callback(called_back(f"{query}={given.upper()}")).outcome is Outcome.PAID

    def test_the_order_of_the_fields_does_not_matter(self, adapter: Vnpay) -> None:
        pairs = signed(an_ipn()).split("&")
        assert adapter.read_callback(called_back("&".join(reversed(pairs)))).amount == AMOUNT

    def test_fields_without_a_value_are_not_hashed(self, adapter: Vnpay) -> None:
        confirmation = adapter.read_callback(called_back(signed(an_ipn(vnp_PayDate="")) + "&vnp_PayDate="))
        assert (confirmation.outcome, confirmation.paid_at) == (Outcome.PAID, None)

    def test_no_bank_transaction_is_named_when_no_money_was_taken(self, adapter: Vnpay) -> None:
        assert adapter.read_callback(self.callback(Outcome.DECLINED)).bank_transaction_id is None

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda query: query + "&vnp_TxnRef=K0-1",
            lambda query: query + "&vnp_Amount=15000000",
            lambda query: query + "&" + query.rpartition("&")[2],
            lambda query: query.rpartition("&")[0],
            lambda query: query.rpartition("=")[0] + "=",
            lambda query: query + "&vnp_Note",
            lambda query: query + "&",
            lambda query: query + "&=",
            lambda query: query + "&vnp_Note=x",
            lambda query: query.replace("NCB", "%ff"),
            lambda query: query.replace("NCB", "N%00B"),
            lambda query: query + "&vnp_Note=" + "x" * 9000,
            lambda query: query.replace("vnp_TxnRef", "vnp_Txn%52ef"),
        ],
    )
    def test_a_spoilt_query_is_rejected(self, adapter: Vnpay, spoil: Callable[[str], str]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(spoil(signed(an_ipn()))))

    @pytest.mark.parametrize("named", ["MD5", "SHA256", "HmacSHA512"])
    def test_the_name_of_a_hash_is_outside_of_the_hash_and_chooses_nothing(
        self, adapter: Vnpay, named: str
    ) -> None:
        plain = signed(an_ipn())
        beside = adapter.read_callback(called_back(f"{plain}&vnp_SecureHashType={named}"))
        assert beside == adapter.read_callback(called_back(plain))
        digest = {"MD5": "md5", "SHA256": "sha256"}.get(named, "sha1")
        for other in (
            signed(an_ipn(vnp_SecureHashType=named)),
            f"{signed_with(digest)}&vnp_SecureHashType={named}",
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(called_back(other))

    @pytest.mark.parametrize("digest", ["md5", "sha1", "sha256"])
    def test_weaker_hashes_are_never_accepted(self, adapter: Vnpay, digest: str) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed_with(digest)))
        plain = "&".join(f"{name}={value}" for name, value in sorted(an_ipn().items()))
        legacy = hashlib.new(digest, (SECRET + plain).encode()).hexdigest()
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(f"{urlencode(an_ipn())}&vnp_SecureHash={legacy}"))

    def test_another_terminals_message_is_rejected(self, adapter: Vnpay) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(an_ipn(vnp_TmnCode="OTHERTMN"))))

    @pytest.mark.parametrize(
        "changes",
        [
            {"vnp_Amount": "15000050"},
            {"vnp_Amount": "150000.00"},
            {"vnp_Amount": "-15000000"},
            {"vnp_Amount": "015000000"},
            {"vnp_Amount": "00"},
            {"vnp_Amount": ""},
            {"vnp_Amount": "\uff11\uff15\uff10\uff10\uff10"},
            {"vnp_Amount": "1" * 12 + "00"},
            {"vnp_TransactionNo": "0"},
            {"vnp_TransactionNo": ""},
            {"vnp_TransactionStatus": ""},
            {"vnp_ResponseCode": ""},
            {"vnp_ResponseCode": "0 0"},
            {"vnp_TxnRef": ""},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: Vnpay, changes: dict[str, str]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(called_back(signed(an_ipn(**changes))))

    def test_what_the_browser_brings_back_is_read_alike(self, adapter: Vnpay) -> None:
        assert adapter.read_return(signed(an_ipn()).encode()) == adapter.read_callback(
            called_back(signed(an_ipn()))
        )

    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (Answer.RECORDED, "00"),
            (Answer.NO_SUCH_ORDER, "01"),
            (Answer.ALREADY_RECORDED, "02"),
            (Answer.WRONG_AMOUNT, "04"),
            (Answer.NOT_RECORDED, "99"),
        ],
    )
    def test_it_answers_in_vnpays_own_codes(self, adapter: Vnpay, answer: Answer, code: str) -> None:
        reply = adapter.acknowledge(answer, self.callback(Outcome.PAID))
        result = json.loads(reply.body)
        assert (reply.status, result["RspCode"]) == (200, code)
        assert set(result) == {"RspCode", "Message"}

    def test_what_it_does_not_believe_it_calls_a_wrong_checksum(self, adapter: Vnpay) -> None:
        reply = adapter.refuse(self.callback(Outcome.PAID))
        assert reply is not None
        assert json.loads(reply.body) == {"RspCode": "97", "Message": "Fail checksum"}


def unbelievable(command: str) -> dict[str, dict[str, Any]]:
    """Answers to ``command`` that are about something else, or signed by somebody else."""
    return {
        "another payment": answered(a_movement(command, vnp_TxnRef="DVAAAAAAAAAAAAAA-1")),
        "another terminal": answered(a_movement(command, vnp_TmnCode="OTHERTMN")),
        "another question": answered(a_movement(command, vnp_Command="pay"), signed_as=command),
        "wrong signature": answered(a_movement(command), "ANOTHERSECRETANOTHERSECRET123456"),
        "the other command's signature": answered(
            a_movement(command), signed_as="refund" if command == "querydr" else "querydr"
        ),
    }


# VNPAY: the address for the citizen and the file of the day.
# ------------------------------------------------------------------------------------------------


def test_the_address_is_signed_as_a_stranger_would(adapter: Vnpay) -> None:
    page = adapter.open_payment(a_request(bank_choice="VNPAYQR", language="en")).page_url
    assert page is not None
    fields = dict(parse_qsl(urlsplit(page).query))
    assert page.startswith("https://vnpay.test/paymentv2/vpcpay.html?")
    given = fields.pop("vnp_SecureHash")
    assert signed(fields).endswith(given)
    assert fields["vnp_Amount"] == "15000000"
    assert fields["vnp_TxnRef"] == ATTEMPT
    assert (fields["vnp_CreateDate"], fields["vnp_ExpireDate"]) == ("20261122120000", "20261122123000")
    assert (fields["vnp_Locale"], fields["vnp_BankCode"], fields["vnp_CurrCode"]) == ("en", "VNPAYQR", "VND")


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "Lệ phí"},
        {"description": "phi (1)"},
        {"description": "a&b"},
        {"description": ""},
        {"attempt_reference": "A B"},
        {"attempt_reference": "A/1"},
        {"return_url": "https://hub.test/~x"},
        {"return_url": "https://hub.test/(1)"},
        {"return_url": "https://hub.test/é"},
        {"bank_choice": "NCB&vnp_Amount=1"},
        {"amount": dong(0)},
        {"amount": dong(-1)},
        {"amount": dong(10**10)},
        {"amount": Money(100, "USD")},
    ],
)
def test_what_encoders_write_differently_is_not_sent(adapter: Vnpay, changes: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        adapter.open_payment(a_request(**changes))


def test_the_file_of_a_day_shows_what_moved(adapter: Vnpay, tmp_path: Path) -> None:
    statement = with_file(adapter, tmp_path, STATEMENT).fetch_statement(DAY)
    assert statement.raw == STATEMENT.encode()
    first, second = statement.lines
    assert (first.bank_transaction_id, first.reference, first.amount) == ("14422574", ATTEMPT, AMOUNT)
    assert (first.movement, first.booked_at) == (Movement.CREDIT, NOON)
    assert (second.line, second.reference, second.booked_at.hour) == (4, "typed by hand", 16)


def test_a_file_that_is_not_there_yet_is_waited_for(adapter: Vnpay) -> None:
    with pytest.raises(BankUnavailable):
        adapter.fetch_statement(date(2026, 11, 23))


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("150000\n", "150.000\n", "line 2, column 7"),
        ("22/11/2026 12:00:00", "2026-11-22 12:00:00", "line 2, column 1"),
        ("22/11/2026 12:00:00", "31/11/2026 12:00:00", "line 2, column 1"),
        (",00,5000", ",07,5000", "line 4, column 6"),
        ("14422576", "", "line 4, column 2"),
        ("NCB,00", "NCB,00,00", "line 2, column 8"),
        ("TRANG_THAI", "STATUS", "line 1, column 7"),
    ],
)
def test_one_bad_cell_refuses_the_whole_file(
    adapter: Vnpay, tmp_path: Path, old: str, new: str, place: str
) -> None:
    assert old in STATEMENT
    with pytest.raises(Malformed, match=place):
        with_file(adapter, tmp_path, STATEMENT.replace(old, new)).fetch_statement(DAY)


def with_file(adapter: Vnpay, folder: Path, text: str) -> Vnpay:
    """The adapter after VNPAY dropped ``text`` as the file of DAY."""
    (folder / f"{DAY}.csv").write_text(text, "utf-8")
    return adapter


@pytest.fixture
def adapter(tmp_path: Path) -> Vnpay:
    return a_vnpay(a_section(tmp_path))


# Refunds: the request byte by byte, and the meaning of each answer
# ------------------------------------------------------------------------------------------------

SUCCEEDED, FAILED, PENDING = RefundOutcome.SUCCEEDED, RefundOutcome.FAILED, RefundOutcome.PENDING
ASKED = (
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy"
)
ASKED += " CreateDate IpAddr OrderInfo"


def refund_of(fields: dict[str, str]) -> RefundRequest:
    """The refund that a vector is about."""
    amount = dong(int(fields["vnp_Amount"]) // 100)
    return a_refund(
        refund_reference=fields["vnp_RequestId"],
        attempt_reference=fields["vnp_TxnRef"],
        bank_transaction_id=fields["vnp_TransactionNo"],
        amount=amount,
        paid=amount,
        payment_started_at=read_vietnam_time(fields["vnp_TransactionDate"]),
        description=fields["vnp_OrderInfo"],
        requested_by=fields["vnp_CreateBy"],
        queried_at=read_vietnam_time(fields["vnp_CreateDate"]),
    )


def test_the_request_has_the_checksum_of_an_independent_program(tmp_path: Path) -> None:
    (vector,) = of_kind("refund-request-hash")
    sent = sent_by(bank_of(vector, tmp_path), refund_of(vector["inputs"]))
    assert "|".join(sent[f"vnp_{name}"] for name in ASKED.split()) == vector["string_to_sign"]
    assert sent == {**vector["inputs"], "vnp_SecureHash": vector["expected"]}


def test_the_documented_answer_is_believed_with_the_amount_as_it_came(tmp_path: Path) -> None:
    (vector,) = of_kind("refund-response-hash")
    (asked,) = of_kind("refund-request-hash")
    bank, fields = bank_of(vector, tmp_path), {**vector["inputs"], "vnp_SecureHash": vector["expected"]}
    assert refunded(bank, {"json": fields}, refund_of(asked["inputs"])) == RefundAnswer(
        PENDING, "00/05", "14422999"
    )
    for amount in ("150000", 150_000, "15000001", ""):
        with pytest.raises(BankUnavailable):
            refunded(bank, {"json": {**fields, "vnp_Amount": amount}}, refund_of(asked["inputs"]))


def test_every_signed_field_of_an_answer_matters(adapter: Vnpay) -> None:
    genuine = answered(a_movement("refund", vnp_TransactionType="02"))["json"]
    for name in ANSWER.split():
        with pytest.raises(BankUnavailable):
            refunded(adapter, {"json": {**genuine, f"vnp_{name}": "7"}})


@pytest.mark.parametrize(("amount", "kind"), [(AMOUNT, "02"), (dong(149_999), "03"), (dong(1), "03")])
def test_a_part_is_called_a_part(adapter: Vnpay, amount: Money, kind: str) -> None:
    sent = sent_by(adapter, a_refund(amount=amount))
    assert (sent["vnp_TransactionType"], sent["vnp_Amount"]) == (kind, f"{amount}00")


def test_a_missing_transaction_number_is_sent_as_0(adapter: Vnpay) -> None:
    assert sent_by(adapter, a_refund(bank_transaction_id=""))["vnp_TransactionNo"] == "0"


def test_the_same_refund_is_the_same_request(adapter: Vnpay) -> None:
    one, again, other = (
        sent_by(adapter, a_refund(refund_reference=name))["vnp_RequestId"]
        for name in ("RF1-1", "RF1-1", "RF11")
    )
    assert one == again != other


@pytest.mark.parametrize(
    "changes",
    [
        {"refund_reference": "R" * 33},
        {"refund_reference": "RF 1"},
        {"requested_by": "cán bộ"},
        {"requested_by": "a|b"},
        {"description": "a|b"},
        {"bank_transaction_id": "1|2"},
        {"attempt_reference": "A B"},
        {"amount": dong(10**10), "paid": dong(10**10)},
        {"amount": Money(100, "USD"), "paid": Money(100, "USD")},
    ],
)
def test_what_the_checksum_could_not_tell_apart_is_not_sent(adapter: Vnpay, changes: dict[str, Any]) -> None:
    with responses.RequestsMock(), pytest.raises(Malformed):
        adapter.refund_payment(a_refund(**changes))


@pytest.mark.parametrize(
    ("code", "status", "outcome"),
    [
        ("00", "05", PENDING),
        ("00", "06", PENDING),
        ("00", "00", PENDING),
        ("00", "", PENDING),
        ("00", "42", PENDING),
        ("00", "09", FAILED),
        ("91", "", FAILED),
        ("95", "", FAILED),
        ("94", "", PENDING),
        ("94", "09", PENDING),
        ("99", "", PENDING),
        ("42", "", PENDING),
    ],
)
def test_only_a_proof_is_a_failure(adapter: Vnpay, code: str, status: str, outcome: RefundOutcome) -> None:
    fields = {"vnp_ResponseCode": code, "vnp_TransactionStatus": status, "vnp_TransactionType": "02"}
    assert refunded(adapter, answered(a_movement("refund", **fields))).outcome is outcome


@pytest.mark.parametrize("code", ["02", "03", "97"])
def test_a_refused_request_proves_nothing_about_an_earlier_one(adapter: Vnpay, code: str) -> None:
    with pytest.raises(BankUnavailable, match=code):
        refunded(adapter, answered(a_movement("refund", vnp_ResponseCode=code)))


def test_the_payments_own_number_is_no_number_of_the_refund(adapter: Vnpay) -> None:
    result = answered(a_movement("refund", vnp_TransactionType="02", vnp_TransactionNo="14422574"))
    assert refunded(adapter, result, a_refund(bank_transaction_id="14422574")).bank_refund_id is None
    assert refunded(adapter, result).bank_refund_id == "14422574"


def test_an_answer_under_the_key_before_is_believed(tmp_path: Path) -> None:
    rotated = a_vnpay(
        {
            **a_section(tmp_path),
            "SECRET": "NEWSECRETNEWSECRET",
            "SECRET_PREVIOUS": a_section(tmp_path)["SECRET"],
        }
    )
    result = answered(a_movement("refund", vnp_TransactionType="02", vnp_TransactionStatus="05"))
    assert refunded(rotated, result).outcome is PENDING


# Asking ---------------------------------------------------------------------------------------------

SENT = NOON + timedelta(hours=1)


@pytest.mark.parametrize(
    ("told", "known", "outcome"),
    [
        ({"vnp_TransactionStatus": "00"}, None, SUCCEEDED),
        ({"vnp_TransactionStatus": "05"}, None, PENDING),
        ({"vnp_TransactionStatus": "06"}, None, PENDING),
        ({"vnp_TransactionStatus": "09"}, None, FAILED),
        ({"vnp_TransactionStatus": "02"}, None, PENDING),
        ({"vnp_TransactionType": "01", "vnp_Amount": "15000000"}, None, PENDING),
        ({"vnp_TransactionType": "02"}, None, PENDING),
        ({"vnp_Amount": "4000000"}, None, PENDING),
        ({"vnp_TransactionNo": "14422999"}, "14422999", SUCCEEDED),
        ({"vnp_TransactionNo": "14422998"}, "14422999", PENDING),
        ({"vnp_PayDate": "20261122125901"}, None, SUCCEEDED),
        ({"vnp_PayDate": "20261122125859"}, None, PENDING),
        ({"vnp_PayDate": "20261122125859", "vnp_TransactionStatus": "09"}, None, PENDING),
        ({"vnp_PayDate": "20261122125859"}, "14422999", SUCCEEDED),
        ({"vnp_PayDate": ""}, None, PENDING),
        ({"vnp_PayDate": "00010101000000"}, None, PENDING),
        ({"vnp_ResponseCode": "91"}, None, PENDING),
        ({"vnp_ResponseCode": "99"}, None, PENDING),
    ],
)
def test_an_earlier_refund_never_speaks_for_a_later_one(
    adapter: Vnpay, told: dict[str, str], known: str | None, outcome: RefundOutcome
) -> None:
    movement = {"vnp_TransactionType": "03", "vnp_Amount": "5000000", "vnp_PayDate": "20261122130002"}
    asked = a_refund_query(amount=dong(50_000), submitted_at=SENT, bank_refund_id=known)
    with responses.RequestsMock() as wire:
        wire.add("POST", API, **answered(a_movement("querydr", **{**movement, **told})))
        assert adapter.query_refund(asked).outcome is outcome
        sent = json.loads(wire.calls[0].request.body or b"")
    assert (sent["vnp_Command"], sent["vnp_TransactionDate"]) == ("querydr", "20261122120000")


@pytest.mark.parametrize("changes", [{"vnp_TxnRef": "DVAAAAAAAAAAAAAA-1"}, {"vnp_ResponseCode": "97"}])
def test_an_answer_about_a_refund_that_makes_no_sense_is_no_answer(
    adapter: Vnpay, changes: dict[str, str]
) -> None:
    result = answered(a_movement("querydr", **{"vnp_TransactionType": "02", **changes}))
    with responses.RequestsMock() as wire:
        wire.add("POST", API, **result)
        with pytest.raises(BankUnavailable):
            adapter.query_refund(a_refund_query())


def sent_by(adapter: Vnpay, request: RefundRequest) -> dict[str, str]:
    """What goes over the wire, to a bank that fails then."""
    with responses.RequestsMock() as wire:
        wire.add("POST", API, status=500)
        with pytest.raises(BankUnavailable):
            adapter.refund_payment(request)
        sent: dict[str, str] = json.loads(wire.calls[0].request.body or b"")
        return sent


def refunded(adapter: Vnpay, answer: dict[str, Any], request: RefundRequest | None = None) -> RefundAnswer:
    """What the adapter makes of an answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", API, **answer)
        return adapter.refund_payment(request or a_refund())


# VNPAY's adapter and its simulator over real HTTP: each verifies what the other signs.
# ------------------------------------------------------------------------------------------------


@dataclass
class Circle:
    """Both sides, and the address at which the simulator listens."""

    adapter: Vnpay
    simulator: VnpaySimulator
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
            callback.method, "/callbacks/vnpay", callback.query, {}, callback.body, NOON
        )
        return self.adapter.read_callback(accepted)


@pytest.fixture
def circle(tmp_path: Path) -> Iterator[Circle]:
    with serve("http://127.0.0.1:9", simulators=[VnpaySimulator], statements=tmp_path) as server:
        adapter = a_vnpay(settings_of([VnpaySimulator], server.url, tmp_path)["vnpay"])
        simulator = server.banks["vnpay"]
        assert isinstance(simulator, VnpaySimulator)
        yield Circle(adapter, simulator, simulator.book, f"{server.url}/vnpay")


def test_an_address_that_was_changed_opens_nothing(circle: Circle) -> None:
    page = circle.adapter.open_payment(a_request()).page_url or ""
    assert requests.get(page.replace("15000000", "1500000"), timeout=5).status_code == 404
    assert requests.get(page.rpartition("&")[0], timeout=5).status_code == 404
    assert circle.book.payments() == []


@pytest.mark.parametrize("outcome", ["PAID", "DECLINED"])
def test_callback_return_and_answer_say_the_same(circle: Circle, outcome: str) -> None:
    payment = circle.opened()
    assert circle.simulator.callbacks(payment) == []
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PENDING
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


def test_a_payment_of_another_moment_is_not_found(circle: Circle) -> None:
    circle.opened()
    assert circle.adapter.query_payment(a_query(attempt_reference="DV0-1")).code == "91"
    assert circle.adapter.query_payment(a_query(started_at=a_query().queried_at)).code == "91"


def test_another_secret_is_refused_on_both_sides(circle: Circle, tmp_path: Path) -> None:
    payment = circle.opened()
    stranger = a_vnpay(
        {**VnpaySimulator.settings(circle.url, tmp_path), "SECRET": "ANOTHERSECRETANOTHERSECRET"}
    )
    page = stranger.open_payment(a_request(attempt_reference="DV0-1")).page_url or ""
    assert requests.get(page, timeout=5).status_code == 404
    with pytest.raises(BankUnavailable):
        stranger.query_payment(a_query())
    circle.book.settle(payment, "PAID", notify=False)
    with pytest.raises(CallbackRejected):
        Circle(stranger, circle.simulator, circle.book, circle.url).confirmation_of(payment)


@pytest.mark.parametrize("amount", [AMOUNT, dong(50_000)])
@pytest.mark.parametrize("end", ["SUCCEEDED", "FAILED"])
def test_a_refund_is_accepted_and_becomes_what_it_becomes(circle: Circle, amount: Money, end: str) -> None:
    payment = circle.opened()
    assert circle.adapter.refund_payment(a_refund()).outcome is RefundOutcome.FAILED
    circle.book.settle(payment, "PAID", notify=False)
    sent_at = datetime.now(UTC)
    accepted = circle.adapter.refund_payment(a_refund(amount=amount))
    assert accepted.outcome is RefundOutcome.PENDING
    assert accepted.bank_refund_id not in (None, payment.transaction_id)
    assert circle.adapter.refund_payment(a_refund(amount=amount)).code == "94"
    (refund,) = payment.refunds
    asked = a_refund_query(amount=amount, submitted_at=sent_at, bank_refund_id=accepted.bank_refund_id)
    assert circle.adapter.query_refund(asked).outcome is RefundOutcome.PENDING
    refund.state = end
    assert circle.adapter.query_refund(asked).outcome is RefundOutcome[end]
    assert circle.adapter.query_payment(a_query()).outcome is Outcome.PENDING
    too_much = circle.adapter.refund_payment(a_refund(refund_reference="RF2", amount=AMOUNT))
    assert too_much.outcome is RefundOutcome.PENDING


def test_only_its_own_two_words_end_the_messages(circle: Circle) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    request = CallbackRequest(
        "GET", "/callbacks/vnpay", circle.simulator.callbacks(payment)[0].query, {}, b"", NOON
    )
    replies = {answer: circle.adapter.acknowledge(answer, request) for answer in Answer}
    accepted = {
        answer for answer, one in replies.items() if circle.simulator.accepts(WireReply(one.status, one.body))
    }
    assert accepted == {Answer.RECORDED, Answer.ALREADY_RECORDED}
    refusal = circle.adapter.refuse(request)
    assert refusal is not None
    assert not circle.simulator.accepts(WireReply(refusal.status, refusal.body))


def test_the_file_of_the_day_is_read(circle: Circle, tmp_path: Path) -> None:
    payment = circle.opened()
    circle.book.settle(payment, "PAID", notify=False)
    day = (payment.paid_at or NOON).astimezone(UTC).date()
    text = circle.simulator.statement(day, [payment]) or ""
    (tmp_path / "vnpay" / f"{day}.csv").write_text(text, "utf-8")
    (line,) = circle.adapter.fetch_statement(day).lines
    assert (line.reference, line.amount, line.bank_transaction_id) == (
        ATTEMPT,
        AMOUNT,
        payment.transaction_id,
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"RspCode": "99"}'])
def test_what_is_no_answer_ends_nothing(circle: Circle, body: bytes) -> None:
    assert not circle.simulator.accepts(WireReply(200, body))


def test_the_interface_knows_two_commands(circle: Circle) -> None:
    interface = f"{circle.url}/merchant_webapi/api/transaction"
    assert requests.post(interface, json={"vnp_Command": "pay"}, timeout=5).json()["vnp_ResponseCode"] == "03"
    assert (
        requests.post(interface, json={"vnp_Command": "refund"}, timeout=5).json()["vnp_ResponseCode"] == "97"
    )
    assert requests.get(interface, timeout=5).status_code == 404


# VNPAY's published and cross-implementation vectors, and its query interface, byte by byte.
# ------------------------------------------------------------------------------------------------

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/vnpay/signatures.json").read_text("utf-8")
)


def of_kind(kind: str) -> list[dict[str, Any]]:
    found = [vector for vector in VECTORS if vector["kind"] == kind]
    assert found
    return found


def bank_of(vector: Mapping[str, Any], folder: Path) -> Vnpay:
    """The adapter with the terminal and the secret of a vector."""
    section = {
        "PAY_URL": "https://vnpay.test/paymentv2/vpcpay.html",
        "API_URL": API,
        "TMN_CODE": vector["inputs"]["vnp_TmnCode"],
        "SECRET": vector["secret"],
        "SERVER_IP": vector["inputs"].get("vnp_IpAddr", "10.0.0.5"),
        "STATEMENTS": str(folder),
    }
    return a_vnpay(section)


@pytest.mark.parametrize("vector", of_kind("pay-url-hash"))
def test_the_pay_address_has_the_published_hash(vector: dict[str, Any], tmp_path: Path) -> None:
    fields = vector["inputs"]
    expires = fields.get("vnp_ExpireDate")
    request = a_request(
        attempt_reference=fields["vnp_TxnRef"],
        amount=dong(int(fields["vnp_Amount"]) // 100),
        description=fields["vnp_OrderInfo"],
        payer_ip=fields["vnp_IpAddr"],
        started_at=read_vietnam_time(fields["vnp_CreateDate"]),
        expires_at=read_vietnam_time(expires) if expires else NOON,
        return_url=fields["vnp_ReturnUrl"],
        bank_choice=fields.get("vnp_BankCode"),
    )
    page = bank_of(vector, tmp_path).open_payment(request).page_url
    assert page is not None
    query, _, given = page.partition("?")[2].rpartition("&vnp_SecureHash=")
    if expires:
        assert (query, given) == (vector["string_to_sign"], vector["expected"].lower())
    else:  # we always say until when: without it the rest is the vector's
        rest = "&".join(pair for pair in query.split("&") if not pair.startswith("vnp_ExpireDate="))
        assert rest == vector["string_to_sign"]
        assert given == _hmac(vector["secret"], query)
        assert _hmac(vector["secret"], rest) == vector["expected"].lower()


@pytest.mark.parametrize("vector", of_kind("ipn-or-return-hash"))
def test_a_published_message_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    query = f"{urlencode(vector['inputs'])}&vnp_SecureHash={vector['expected']}"
    confirmation = bank_of(vector, tmp_path).read_callback(_ipn(query))
    assert confirmation.reference == "1716257871703"
    assert confirmation.amount == dong(10_000)
    assert confirmation.bank_transaction_id == "14422574"
    assert confirmation.paid_at == datetime(2024, 5, 21, 2, 18, 6, tzinfo=UTC)
    assert confirmation.outcome is (
        Outcome.PAID if vector["inputs"]["vnp_ResponseCode"] == "00" else Outcome.PENDING
    )


def test_the_legacy_vector_is_refused(tmp_path: Path) -> None:
    (vector,) = of_kind("ipn-hash-md5")
    legacy = hashlib.md5(vector["string_to_sign"].encode()).hexdigest()
    assert legacy == vector["expected"]
    query = f"{urlencode(vector['inputs'])}&vnp_SecureHash={legacy}"
    with pytest.raises(CallbackRejected):
        bank_of(vector, tmp_path).read_callback(_ipn(query))


@pytest.mark.parametrize("vector", of_kind("hash-of-query"))
def test_a_query_is_encoded_as_published(vector: dict[str, Any]) -> None:
    fields = {name: values[0] for name, values in parse_qs(vector["inputs"]["raw_query"]).items()}
    assert canonical_query(fields) == vector["string_to_sign"]
    assert _hmac(vector["secret"], vector["string_to_sign"]) == vector["expected"]


@pytest.mark.parametrize("vector", of_kind("querydr-request-hash"))
def test_a_question_has_the_published_hash(
    vector: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = vector["inputs"]
    monkeypatch.setattr("secrets.token_hex", lambda _: fields["vnp_RequestId"])
    asked = PaymentQuery(
        "HUB240501000123",
        fields["vnp_TxnRef"],
        dong(150_000),
        read_vietnam_time(fields["vnp_TransactionDate"]),
        read_vietnam_time(fields["vnp_CreateDate"]),
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", API, status=500)
        with pytest.raises(BankUnavailable):
            bank_of(vector, tmp_path).query_payment(asked)
        sent = json.loads(wire.calls[0].request.body or b"")
    assert joined(sent, QUERY_SIGNS.split(), "vnp_") == vector["string_to_sign"]
    assert sent["vnp_SecureHash"] == vector["expected"]


@pytest.mark.parametrize("vector", of_kind("querydr-response-hash"))
def test_an_answer_as_documented_is_believed(vector: dict[str, Any], tmp_path: Path) -> None:
    result = _answered(vector, tmp_path, {**vector["inputs"], "vnp_SecureHash": vector["expected"]})
    assert (result.outcome, result.amount, result.bank_transaction_id) == (
        Outcome.PAID,
        dong(150_000),
        "14422574",
    )
    assert result.paid_at == datetime(2024, 5, 1, 1, 32, 11, tzinfo=UTC)


def test_absent_promotion_fields_keep_their_places(tmp_path: Path) -> None:
    (vector,) = of_kind("querydr-response-hash")
    fields = {name: value for name, value in vector["inputs"].items() if "Promotion" not in name}
    assert (
        _answered(vector, tmp_path, {**fields, "vnp_SecureHash": vector["expected"]}).outcome is Outcome.PAID
    )


@pytest.mark.parametrize("status", [*STATUSES, "42"])
def test_a_status_means_the_same_in_an_answer(status: str, tmp_path: Path) -> None:
    expected = {"00": Outcome.PAID, "02": Outcome.DECLINED}.get(status, Outcome.PENDING)
    assert _resigned(tmp_path, vnp_TransactionStatus=status).outcome is expected


def test_a_refund_is_no_answer_about_the_payment(tmp_path: Path) -> None:
    assert _resigned(tmp_path, vnp_TransactionType="02").outcome is Outcome.PENDING


def test_a_payment_that_vnpay_does_not_know_is_pending(tmp_path: Path) -> None:
    result = _resigned(tmp_path, vnp_ResponseCode="91", vnp_TransactionStatus=None, vnp_Amount=None)
    assert (result.outcome, result.code) == (Outcome.PENDING, "91")


@pytest.mark.parametrize("code", ["02", "03", "94", "97", "99", "42"])
def test_a_question_that_vnpay_refuses_is_unanswered(code: str, tmp_path: Path) -> None:
    with pytest.raises(BankUnavailable, match=code):
        _resigned(tmp_path, vnp_ResponseCode=code)


@pytest.mark.parametrize(
    "changes",
    [
        {"vnp_TxnRef": "HUB240501000124"},
        {"vnp_TmnCode": "OTHERTMN"},
        {"vnp_Amount": "15000050"},
        {"vnp_Amount": True},
        {"vnp_Message": "a|b"},
        {"vnp_Message": ["x"]},
        {"vnp_TransactionNo": "0"},
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(changes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BankUnavailable):
        _resigned(tmp_path, **changes)


def test_numbers_may_be_written_as_json_numbers(tmp_path: Path) -> None:
    result = _resigned(tmp_path, vnp_Amount=15_000_000, vnp_TransactionNo=14422574)
    assert (result.amount, result.bank_transaction_id) == (dong(150_000), "14422574")


def test_every_signed_field_of_the_recorded_answer_matters(tmp_path: Path) -> None:
    (vector,) = of_kind("querydr-response-hash")
    for name in ANSWER_SIGNS.split():
        altered = {**vector["inputs"], f"vnp_{name}": "7", "vnp_SecureHash": vector["expected"]}
        with pytest.raises(BankUnavailable):
            _answered(vector, tmp_path, altered)


def _resigned(folder: Path, **changes: Any) -> Any:
    (vector,) = of_kind("querydr-response-hash")
    fields = vector["inputs"] | changes
    names = [f"vnp_{name}" for name in ANSWER_SIGNS.split()]
    message = "|".join("" if fields.get(name) is None else str(fields[name]) for name in names)
    return _answered(vector, folder, {**fields, "vnp_SecureHash": _hmac(vector["secret"], message)})


def _answered(vector: Mapping[str, Any], folder: Path, answer: Mapping[str, Any]) -> Any:
    asked = PaymentQuery(
        "HUB240501000123", "HUB240501000123", dong(150_000), NOON, NOON + timedelta(minutes=30)
    )
    with responses.RequestsMock() as wire:
        wire.add("POST", API, json=dict(answer))
        return bank_of(vector, folder).query_payment(asked)


def _ipn(query: str) -> CallbackRequest:
    return CallbackRequest("GET", "/callbacks/vnpay", query.encode(), {}, b"", NOON)


def _hmac(secret: str, message: str) -> str:
    return hmac.new(secret.encode(), message.encode(), "sha512").hexdigest()


# As other systems write the same messages
# ------------------------------------------------------------------------------------------------


def an_encoded_ipn(encoded: Callable[[str], str], **changes: str) -> str:
    """The query as a sender with this encoder signs and sends it."""
    filled = {name: value for name, value in an_ipn(**changes).items() if value}
    query = "&".join(f"{name}={encoded(value)}" for name, value in sorted(filled.items()))
    return f"{query}&vnp_SecureHash={hashed(query)}"


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("text", AWKWARD)
def test_vnpay_is_believed_whatever_its_encoder(adapter: Vnpay, encoder: str, text: str) -> None:
    query = an_encoded_ipn(ENCODERS[encoder], vnp_OrderInfo=text, vnp_NewField=text[:40])
    confirmation = adapter.read_callback(called_back(query))
    assert (confirmation.outcome, confirmation.amount) == (Outcome.PAID, AMOUNT)
    altered = query.replace("vnp_Amount=15000000", "vnp_Amount=1500000")
    for spoilt in (altered, query.replace("vnp_NewField", "vnp_NewFields"), f"{query}&vnp_More=1"):
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(spoilt))


@pytest.mark.parametrize("moment", UNREADABLE_MOMENTS)
def test_money_is_accepted_whatever_its_time(adapter: Vnpay, moment: str) -> None:
    optional = {"vnp_BankTranNo": "", "vnp_CardType": "", "vnp_BankCode": "", "vnp_PayDate": moment}
    confirmation = adapter.read_callback(called_back(an_encoded_ipn(quote_plus, **optional)))
    assert (confirmation.outcome, confirmation.amount, confirmation.paid_at) == (Outcome.PAID, AMOUNT, None)
    answer = a_movement("querydr", vnp_PayDate=moment, vnp_PromotionRate=0.5)
    with responses.RequestsMock() as wire:
        wire.add("POST", API, **answered(answer))
        assert adapter.query_payment(a_query()).outcome is Outcome.PAID


@pytest.mark.parametrize("code", ["0", "100", "A1"])
def test_an_undocumented_code_is_pending(adapter: Vnpay, code: str) -> None:
    for changes in ({"vnp_ResponseCode": code}, {"vnp_TransactionStatus": code}):
        confirmation = adapter.read_callback(called_back(an_encoded_ipn(quote_plus, **changes)))
        assert (confirmation.outcome, code in confirmation.code) == (Outcome.PENDING, True)


@pytest.mark.parametrize("amount", ["0", "", "15000050"])
def test_a_declined_payment_needs_no_readable_amount(adapter: Vnpay, amount: str) -> None:
    declined = {"vnp_ResponseCode": "24", "vnp_TransactionStatus": "02", "vnp_Amount": amount}
    confirmation = adapter.read_callback(called_back(an_encoded_ipn(quote_plus, **declined)))
    assert (confirmation.outcome, confirmation.amount) == (Outcome.DECLINED, None)
