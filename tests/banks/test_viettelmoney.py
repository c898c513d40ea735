"""Viettel Money: the contract, and every way in which a signed message can be cut, mixed up or spoilt."""

from __future__ import annotations

import base64
import dataclasses
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
import responses

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.simulators import viettelmoney as far
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Payment, Simulator, WireReply, WireRequest
from bank_adapters.simulators.viettelmoney import ACCESS, MERCHANT, SECRET, ViettelMoneySimulator
from bank_adapters.simulators.viettelmoney import signed as check_sum_over
from bank_adapters.viettelmoney import OUTCOMES, REFUNDS, ViettelMoney
from payment_hub.domain.banks.values import (
    Answer,
    Bill,
    CallbackRequest,
    Confirmation,
    Due,
    Outcome,
    PayerAccount,
    PaymentQuery,
    RefundOutcome,
)
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from payment_hub.domain.references import new_reference
from tests.banks.contract import (
    BankContract,
    CallbackContract,
    InquiryContract,
    QueryContract,
    RefundContract,
    StatementContract,
)
from tests.banks.examples import AMOUNT, ATTEMPT, DAY, NOON, ORDER, PUBLIC_URL, a_query, a_refund, a_request
from tests.banks.faults import Failing

# Messages
# ------------------------------------------------------------------------------------------------

PAGE = "https://viettel.test/PaymentGateway/payment"
API = "https://viettel.test/PaymentAPI/webresources/postData"
NUMBER = "261122120000000123"
SIMULATOR = ViettelMoneySimulator("https://viettel.test", PUBLIC_URL)
PAID = Payment(ATTEMPT, 150_000, {"billcode": ORDER}, transaction_id=NUMBER, paid_at=NOON)

STATEMENT = (
    "booked_at,transaction_id,reference,amount,status\n"
    f"2026-11-22 12:00:00,{NUMBER},{ATTEMPT},150000,1\n"
    "2026-11-22 12:01:00,261122120100000124,DV0-1,70000,2\n"
    "2026-11-22 23:59:59,261122235959000125,typed by hand,5000,1\n"
)


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a merchant code whose files are dropped into ``folder``."""
    return {
        "PAY_URL": PAGE,
        "API_URL": API,
        "MERCHANT_CODE": MERCHANT,
        "ACCESS_SECRET": ACCESS,
        "SECRET": SECRET,
        "STATEMENTS": str(folder),
    }


def built(folder: Path, **more: str) -> ViettelMoney:
    """The adapter with these settings and ``more``."""
    adapter = load_adapters(["viettelmoney"], {"viettelmoney": a_section(folder) | more})["viettelmoney"]
    assert isinstance(adapter, ViettelMoney)
    return adapter


def read(adapter: ViettelMoney, **changes: str) -> Confirmation:
    """What the adapter makes of a genuine result."""
    return adapter.read_callback(sent(signed(a_result(**changes))))


def check_sum(fields: Mapping[str, str], secret: str = SECRET) -> str:
    """The signature over the values in the order of their names."""
    return check_sum_over(*(fields[name] for name in sorted(fields)), secret=secret)


def a_result(**changes: str) -> dict[str, str]:
    """The fields of a payment of 150,000 dong, not signed yet."""
    return unsigned(SIMULATOR.callback(PAID, at=NOON)) | changes


def a_question(**changes: str) -> dict[str, str]:
    """The fields of verify, not signed yet."""
    plain = {"billcode": ORDER, "merchant_code": MERCHANT, "order_id": ATTEMPT, "trans_amount": "150000"}
    return unsigned(SIMULATOR.inquiry(plain)) | changes


def unsigned(form: WireRequest) -> dict[str, str]:
    """The fields of a form that the simulator signed, without the signature."""
    fields = dict(parse_qsl(form.body.decode()))
    del fields["check_sum"]
    return fields


def signed(fields: Mapping[str, str], secret: str = SECRET) -> dict[str, str]:
    """With its check_sum."""
    return {**fields, "check_sum": check_sum(fields, secret)}


def sent(fields: Mapping[str, str] | bytes, path: str = "/callbacks/viettelmoney") -> CallbackRequest:
    """The form with these fields."""
    body = fields if isinstance(fields, bytes) else urlencode(fields).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return CallbackRequest("POST", path, b"", headers, body, NOON)


def asked(fields: Mapping[str, str] | bytes) -> CallbackRequest:
    """The same, at the address for questions."""
    return sent(fields, "/callbacks/viettelmoney/inquiry")


def answered(**changes: Any) -> dict[str, Any]:
    """The answer to a query, as words for ``responses``."""
    fields = {
        "merchant_code": MERCHANT,
        "order_id": ATTEMPT,
        "error_code": "00",
        "vt_transaction_id": NUMBER,
        "payment_status": "1",
        "version": "2.0",
    } | changes
    return {"json": signed(fields)}


def refunded(**changes: Any) -> dict[str, Any]:
    """The answer to a refund, as words for ``responses``."""
    fields = {"merchant_code": MERCHANT, "order_id": ATTEMPT, "error_code": "00", "version": "2.0"} | changes
    return {"json": {**signed(fields), "error_msg": "", "refund_request_id": "R1"}}


# The contract
# ------------------------------------------------------------------------------------------------

#: What Viettel says of a payment: its status, its error_code, and whether it has a number.
SAID: dict[Outcome | str, dict[str, str]] = {
    Outcome.PAID: {},
    Outcome.DECLINED: {"payment_status": "5", "error_code": "V06", "vt_transaction_id": ""},
    Outcome.PENDING: {"payment_status": "0", "vt_transaction_id": ""},
    "unheard of": {"payment_status": "9"},
}


class TestViettelMoney(
    CallbackContract, InquiryContract, QueryContract, RefundContract, StatementContract, BankContract
):
    bank = "viettelmoney"
    required = frozenset(
        f"BANK_VIETTELMONEY_{name}"
        for name in ("PAY_URL", "API_URL", "MERCHANT_CODE", "ACCESS_SECRET", "SECRET", "STATEMENTS")
    )
    asks_at = refunds_at = (("POST", API),)
    tells_paid_at = False
    inquiry_answers: ClassVar[dict[Due, str]] = {
        Due.PAYABLE: '"error_code": "00"',
        Due.PAID: '"error_code": "03"',
        Due.CLOSED: '"error_code": "03"',
        Due.AMOUNT_DIFFERS: '"error_code": "01"',
        Due.NO_SUCH_ORDER: '"error_code": "01"',
    }

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        return sent(signed(a_result(**SAID[outcome] | changes)))

    def inquiry(self, **changes: Any) -> CallbackRequest:
        return asked(signed(a_question(**changes)))

    def query_answer(self, outcome: Outcome | str) -> dict[str, Any]:
        return answered(**SAID[outcome])

    def unbelievable_answers(self) -> dict[str, dict[str, Any]]:
        genuine = answered()["json"]
        return {
            "another payment": answered(order_id=f"{ORDER}-2"),
            "another merchant": answered(merchant_code="OTHER"),
            "another version": answered(version="1.0"),
            "wrong signature": {"json": genuine | {"check_sum": check_sum(a_result())}},
            "no signature": {"json": {name: genuine[name] for name in genuine if name != "check_sum"}},
            "another's signature": {"json": genuine | signed({"order_id": ATTEMPT}, secret="other-hash-key")},
            "paid without a number": answered(vt_transaction_id=""),
            "a number of two words": answered(vt_transaction_id="123 45"),
            "a status of two digits": answered(payment_status="11"),
        }

    def refund_answer(self, outcome: RefundOutcome | str) -> dict[str, Any]:
        codes: dict[RefundOutcome | str, str] = {
            RefundOutcome.SUCCEEDED: "00",
            RefundOutcome.FAILED: "17",
            RefundOutcome.PENDING: "813",
        }
        return refunded(error_code=codes.get(outcome, "ZZ9"))

    def unbelievable_refund_answers(self) -> dict[str, dict[str, Any]]:
        return {
            "another refund": refunded(order_id=f"{ORDER}-2"),
            "wrong signature": {"json": refunded()["json"] | {"error_code": "17"}},
            "an answer to a query": answered(),
        }

    def statement_text(self) -> str:
        return STATEMENT

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("status", [*OUTCOMES, "4", "9"])
    @pytest.mark.parametrize("code", ["00", "V06", "99", "ZZ"])
    def test_it_is_paid_only_when_both_codes_say_so(
        self, adapter: ViettelMoney, status: str, code: str
    ) -> None:
        confirmation = adapter.read_callback(sent(signed(a_result(payment_status=status, error_code=code))))
        expected = {
            "1": Outcome.PAID if code == "00" else Outcome.PENDING,
            "2": Outcome.DECLINED,
            "5": Outcome.DECLINED,
        }
        assert confirmation.outcome is expected.get(status, Outcome.PENDING)
        assert confirmation.code == f"{status}/{code}"

    def test_who_paid_is_told(self, adapter: ViettelMoney) -> None:
        assert adapter.read_callback(sent(signed(a_result()))).payer == PayerAccount("84900000000")
        assert adapter.read_callback(sent(signed(a_result(cust_msisdn="")))).payer is None

    @pytest.mark.parametrize(
        "cut",
        [
            {"order_id": f"{ATTEMPT}1", "trans_amount": "50000"},
            {"order_id": f"{ATTEMPT}11", "payment_status": "5", "trans_amount": "0000"},
            {"order_id": ORDER, "payment_status": "-1", "trans_amount": "1150000"},
            {"error_code": f"00{MERCHANT}{ORDER}", "merchant_code": "", "order_id": "-1"},
            {"trans_amount": f"150000{NUMBER}", "vt_transaction_id": ""},
        ],
    )
    def test_a_genuine_message_cut_in_other_places_is_not_believed(
        self, adapter: ViettelMoney, cut: dict[str, str]
    ) -> None:
        """Nothing stands between the values, so all of these have the same check_sum."""
        genuine = signed(a_result())
        assert check_sum(a_result(**cut)) == genuine["check_sum"]
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(genuine | cut))

    def test_what_was_pending_cannot_be_cut_into_paid(self, adapter: ViettelMoney) -> None:
        genuine = signed(a_result(payment_status="0"))
        cut = {"order_id": f"{ATTEMPT}0", "payment_status": "1", "trans_amount": "50000"}
        assert check_sum(a_result(**cut)) == genuine["check_sum"]
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(genuine | cut))

    @pytest.mark.parametrize("digest", ["md5", "sha256", "sha512"])
    def test_no_other_digest_and_no_other_key_is_accepted(self, adapter: ViettelMoney, digest: str) -> None:
        fields = a_result()
        text = ACCESS + "".join(fields[name] for name in sorted(fields))
        other = base64.b64encode(hmac.digest(SECRET.encode(), text.encode(), digest)).decode()
        for message in ({**fields, "check_sum": other}, signed(fields, "hub-viettel-hash-key-000002")):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(sent(message))

    def test_hex_is_believed_only_where_it_is_agreed_and_base64_then_not(self, tmp_path: Path) -> None:
        plain = signed(a_result())
        spelled = plain | {"check_sum": base64.b64decode(plain["check_sum"]).hex()}
        older = self.built(a_section(tmp_path) | {"SPELLING": "hex"})
        newer = self.built(a_section(tmp_path))
        assert older.read_callback(sent(spelled)) == newer.read_callback(sent(plain))
        for adapter, other in ((older, plain), (newer, spelled)):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(sent(other))

    @pytest.mark.parametrize(
        "transform", [str.upper, str.swapcase, lambda text: text.rstrip("="), lambda text: f"{text}="]
    )
    def test_base64_has_one_spelling(self, adapter: ViettelMoney, transform: Any) -> None:
        genuine = signed(a_result())
        with pytest.raises(CallbackRejected):
            adapter.read_callback(sent(genuine | {"check_sum": transform(genuine["check_sum"])}))

    @pytest.mark.parametrize(
        "changes",
        [
            {"trans_amount": "0"},
            {"trans_amount": "150000.0"},
            {"trans_amount": "-1"},
            {"trans_amount": ""},
            {"trans_amount": "\u0661"},
            {"vt_transaction_id": "2" * 65},
            {"vt_transaction_id": "26 11"},
            {"payment_status": ""},
            {"payment_status": "10"},
            {"error_code": "o k"},
            {"error_code": "0" * 21},
            {"order_id": ""},
            {"order_id": "\u0110V-1"},
            {"order_id": f"{ORDER}-12"},
            {"cust_msisdn": "NGUYEN VAN A"},
            {"merchant_code": "OTHER"},
        ],
    )
    def test_a_genuine_message_whose_fields_have_no_proper_form_is_refused(
        self, adapter: ViettelMoney, changes: dict[str, str]
    ) -> None:
        with pytest.raises((CallbackRejected, Malformed)):
            adapter.read_callback(sent(signed(a_result(**changes))))


# The hub's answers and queries
# ------------------------------------------------------------------------------------------------

ASKS_AT = (("POST", API),)


# Our words --------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", Answer)
def test_our_answer_is_signed_and_names_the_order(adapter: ViettelMoney, answer: Answer) -> None:
    result = json.loads(adapter.acknowledge(answer, sent(signed(a_result()))).body)
    names = ("error_code", "merchant_code", "order_id")
    assert result["check_sum"] == check_sum({name: result[name] for name in names})
    assert result["order_id"] == ATTEMPT
    assert set(result) == {*names, "check_sum", "return_url", "return_bill_code", "return_other_info"}
    codes = {Answer.NO_SUCH_ORDER: "01", Answer.NOT_RECORDED: "03"}
    assert result["error_code"] == codes.get(answer, "00")


def test_a_refusal_signs_nothing_that_a_stranger_wrote(adapter: ViettelMoney) -> None:
    """Else he could have us sign ``02HUB`` and whatever makes a result of it."""
    forged = a_result(order_id=f"X84900000000{'00'}{MERCHANT}{ATTEMPT}1150000{NUMBER}")
    plain = adapter.refuse(sent(b""))
    for path, fields in ((sent, forged), (sent, {"order_id": "<script>"}), (sent, {})):
        assert adapter.refuse(path(fields)) == plain
    assert plain is not None
    result = json.loads(plain.body)
    assert (result["error_code"], result["order_id"], plain.status) == ("02", "", 200)
    assert result["check_sum"] == check_sum({"error_code": "02", "merchant_code": MERCHANT, "order_id": ""})


def test_a_refused_question_is_answered_with_02(adapter: ViettelMoney) -> None:
    reply = adapter.refuse(asked(signed(a_question()) | {"trans_amount": "1"}))
    assert reply is not None
    result = json.loads(reply.body)
    assert (result["error_code"], result["order_id"], result["trans_amount"]) == ("02", "", "")


@pytest.mark.parametrize("due", Due)
def test_our_answer_to_a_question_repeats_it_and_is_signed(adapter: ViettelMoney, due: Due) -> None:
    reply = adapter.answer_inquiry(
        adapter.read_inquiry(asked(signed(a_question()))), Bill(due, ORDER, ATTEMPT, AMOUNT)
    )
    result = json.loads(reply.body)
    given = result.pop("check_sum")
    assert given == check_sum(result)
    assert {**result, "error_code": ""} == {**a_question(), "error_code": ""}


def test_a_question_cut_in_other_places_is_not_believed(adapter: ViettelMoney) -> None:
    genuine = signed(a_question())
    for cut in (
        {"order_id": f"{ATTEMPT}1", "trans_amount": "50000"},
        {"order_id": f"{ATTEMPT}15", "trans_amount": "0000"},
    ):
        assert check_sum(a_question(**cut)) == genuine["check_sum"]
        with pytest.raises(CallbackRejected):
            adapter.read_inquiry(asked(genuine | cut))


# Asking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["10", "12", "99"])
def test_a_tenth_attempt_could_be_read_as_another_and_is_not_sent(adapter: ViettelMoney, number: str) -> None:
    with responses.RequestsMock(), pytest.raises(Malformed):
        adapter.open_payment(a_request(attempt_reference=f"{ORDER}-{number}"))


def test_the_amount_of_an_answer_is_the_one_that_we_signed(adapter: ViettelMoney) -> None:
    with Failing(ASKS_AT, answered(trans_amount="1")), pytest.raises(BankUnavailable):
        adapter.query_payment(a_query())
    with Failing(ASKS_AT, {"json": answered()["json"] | {"trans_amount": "1"}}):
        assert adapter.query_payment(a_query()).amount == AMOUNT


@pytest.mark.parametrize("code", ["V01", "M01", "S_MAINTAIN"])
def test_a_question_that_viettel_refuses_is_unanswered(adapter: ViettelMoney, code: str) -> None:
    refusal = {"merchant_code": MERCHANT, "order_id": ATTEMPT, "error_code": code, "version": "2.0"}
    with Failing(ASKS_AT, {"json": signed(refusal)}), pytest.raises(BankUnavailable):
        adapter.query_payment(a_query())


@pytest.mark.parametrize(("code", "outcome"), [(code, outcome) for code, (outcome, _) in REFUNDS.items()])
def test_a_refund_has_failed_only_when_viettel_says_why(
    adapter: ViettelMoney, code: str, outcome: RefundOutcome
) -> None:
    with Failing(ASKS_AT, refunded(error_code=code)):
        result = adapter.refund_payment(a_refund())
    assert (result.outcome, result.code, result.bank_refund_id) == (outcome, code, None)
    doubtful = {"176", "813", "927"}
    assert (outcome is RefundOutcome.PENDING) is (code in doubtful)


def test_an_unsigned_answer_with_a_good_code_is_no_refund(adapter: ViettelMoney) -> None:
    bare = {"error_code": "00", "merchant_code": MERCHANT, "order_id": ATTEMPT, "version": "2.0"}
    with Failing(ASKS_AT, {"json": bare}), pytest.raises(BankUnavailable):
        adapter.refund_payment(a_refund())


# Settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"QUERY_ANSWER_SIGNS": "error_code merchant_code order_id"},
        {"QUERY_ANSWER_SIGNS": "order_id error_code payment_status vt_transaction_id amount"},
        {"VERIFY_ANSWER_SIGNS": "billcode"},
        {"SPELLING": "raw"},
        {"TRANSACTION_DIGITS": "41"},
    ],
)
def test_a_setting_that_would_leave_facts_unsigned_is_refused(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    with pytest.raises(BankSettingsError):
        load_adapters(["viettelmoney"], {"viettelmoney": a_section(tmp_path) | changes})


def test_a_body_that_repeats_a_field_is_rejected(adapter: ViettelMoney) -> None:
    body = urlencode([*signed(a_result()).items(), ("order_id", ATTEMPT)]).encode()
    with pytest.raises(CallbackRejected):
        adapter.read_callback(sent(body))


# Values are signed with nothing between them: of all ways to cut a genuine message one is accepted
# ------------------------------------------------------------------------------------------------


def cuts(genuine: dict[str, str], names: list[str]) -> list[dict[str, str]]:
    """The message with the borders between two neighbours, or among three, moved to every place."""
    found = []
    for left in range(len(names) - 1):
        for right in range(left + 1, min(left + 3, len(names))):
            whole = "".join(genuine[name] for name in names[left : right + 1])
            inner = [genuine[name] for name in names[left + 1 : right]]
            for first in range(len(whole) + 1):
                for second in range(first, len(whole) + 1) if inner else [first]:
                    parts = [whole[:first], *([whole[first:second]] if inner else []), whole[second:]]
                    found.append(genuine | dict(zip(names[left : right + 1], parts, strict=True)))
    return found


@pytest.mark.parametrize("merchant", ["HUBDV", "DV", "CDV0", MERCHANT])
def test_a_merchant_code_like_a_reference_costs_nobody_his_payment(tmp_path: Path, merchant: str) -> None:
    adapter = built(tmp_path, MERCHANT_CODE=merchant)
    for chance in range(400):
        order = new_reference(NOON, chance)
        result = read(adapter, billcode=order, order_id=f"{order}-1", merchant_code=merchant)
        assert (result.outcome, result.reference) == (Outcome.PAID, f"{order}-1")


@pytest.mark.parametrize("status", ["0", "1", "2", "3", "-1"])
@pytest.mark.parametrize("merchant", [MERCHANT, "1", "00"])
def test_no_cut_of_a_genuine_result_says_anything_else(tmp_path: Path, status: str, merchant: str) -> None:
    adapter = built(tmp_path, MERCHANT_CODE=merchant)
    genuine = a_result(payment_status=status, merchant_code=merchant)
    given = check_sum(genuine)
    believed = adapter.read_callback(sent(genuine | {"check_sum": given}))
    different = 0
    for cut in cuts(genuine, sorted(genuine)):
        try:
            confirmation = adapter.read_callback(sent(cut | {"check_sum": given}))
        except CallbackRejected:
            continue
        different += confirmation != believed
        assert confirmation.reference == ATTEMPT
        assert confirmation.outcome in (believed.outcome, Outcome.PENDING)
        if confirmation.outcome is Outcome.PAID:
            assert confirmation in (believed, dataclasses.replace(believed, payer=None))
    assert different, "a cut that means nothing is kept and asked about"


@pytest.mark.parametrize("merchant", [MERCHANT, "1"])
def test_a_question_has_one_cut(tmp_path: Path, merchant: str) -> None:
    adapter = built(tmp_path, MERCHANT_CODE=merchant)
    genuine = a_question(merchant_code=merchant)
    given, heard = check_sum(genuine), set()
    for cut in cuts(genuine, sorted(genuine)):
        try:
            result = adapter.read_inquiry(asked(cut | {"check_sum": given}))
        except CallbackRejected:
            continue
        heard.add((result.reference, result.amount))
    assert heard == {(ATTEMPT, AMOUNT)}


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": ORDER},
        {"order_id": f"{ORDER}-"},
        {"order_id": f"{ORDER}-0"},
        {"order_id": f"{ORDER}-12"},
        {"order_id": f"X{ATTEMPT}"},
        {"order_id": f"X.{ATTEMPT}.1"},
        {"order_id": "X", "vt_transaction_id": f"1{ATTEMPT}"},
        {"billcode": ATTEMPT},
        {"order_id": f"{ORDER[:8]}-{ORDER[8:]}-1"},
        {"order_id": f"{ORDER[:8]}.{ORDER[8:]}-1", "billcode": "HS0001"},
    ],
)
def test_what_holds_a_reference_of_ours_elsewhere_is_not_believed(
    tmp_path: Path, changes: dict[str, str]
) -> None:
    with pytest.raises(CallbackRejected):
        read(built(tmp_path), **changes)


# What Viettel's page leaves open is neither refused nor guessed
# ------------------------------------------------------------------------------------------------


@pytest.fixture
def adapter(tmp_path: Path) -> ViettelMoney:
    return built(tmp_path)


def is_asked_about(said: Confirmation) -> bool:
    """Kept, but neither paid nor failed, and without a value that could be a piece of another one."""
    return (said.outcome, said.reference, said.amount, said.bank_transaction_id) == (
        Outcome.PENDING,
        ATTEMPT,
        None,
        None,
    )


# The number of a transaction ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", [*("1" * n for n in (1, 6, 17, 19, 40)), "VT26112200000123", "2611-22_0.1", ""]
)
def test_paid_under_a_number_of_another_length_is_kept_and_asked_about(
    adapter: ViettelMoney, number: str
) -> None:
    assert is_asked_about(read(adapter, vt_transaction_id=number))


@pytest.mark.parametrize("digits", [1, 12, 13, 19, 40])
def test_the_agreed_length_makes_it_a_fact(tmp_path: Path, digits: int) -> None:
    adapter = built(tmp_path, TRANSACTION_DIGITS=str(digits))
    result = read(adapter, vt_transaction_id="7" * digits)
    assert (result.outcome, result.amount, result.bank_transaction_id) == (Outcome.PAID, AMOUNT, "7" * digits)
    assert is_asked_about(read(adapter, vt_transaction_id="7" * (digits + 1)))


def test_where_no_length_is_agreed_every_payment_is_asked_about(tmp_path: Path) -> None:
    adapter = built(tmp_path, TRANSACTION_DIGITS="0")
    for number in (NUMBER, "", "1"):
        assert is_asked_about(read(adapter, vt_transaction_id=number))


@pytest.mark.parametrize("number", ["1", "12345", "1" * 40, "VT26112200000123", NUMBER])
def test_in_an_answer_the_number_can_be_cut_in_one_way_alone(adapter: ViettelMoney, number: str) -> None:
    """Behind our own order_id stand a status, the version and the number: no amount."""
    with Failing(ASKS_AT, answered(vt_transaction_id=number)):
        confirmation = adapter.query_payment(a_query())
    assert (confirmation.outcome, confirmation.amount, confirmation.bank_transaction_id) == (
        Outcome.PAID,
        AMOUNT,
        number,
    )


@pytest.mark.parametrize("number", ["1", "VT-2611.22_000123", "1" * 64])
def test_money_under_any_such_number_can_be_given_back(adapter: ViettelMoney, number: str) -> None:
    with Failing(ASKS_AT, refunded()):
        result = adapter.refund_payment(a_refund(bank_transaction_id=number))
    assert result.outcome is RefundOutcome.SUCCEEDED


@pytest.mark.parametrize(
    ("status", "outcome"), [("2", "DECLINED"), ("5", "DECLINED"), ("0", "PENDING"), ("3", "PENDING")]
)
def test_a_status_is_believed_whatever_the_number(adapter: ViettelMoney, status: str, outcome: str) -> None:
    for number in ("", "12", NUMBER):
        assert read(adapter, payment_status=status, vt_transaction_id=number).outcome == outcome


# Who paid, and why not ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "payer"),
    [
        ("84900000000", "84900000000"),
        ("0900000000", "0900000000"),
        ("8490****000", None),
        ("900000000", None),
        ("849000000001", None),
        ("", None),
    ],
)
def test_a_payer_is_told_only_by_a_whole_telephone_number(
    adapter: ViettelMoney, number: str, payer: str | None
) -> None:
    result = read(adapter, cust_msisdn=number)
    assert (result.outcome, result.amount) == (Outcome.PAID, AMOUNT)
    assert result.payer == (PayerAccount(payer) if payer else None)


@pytest.mark.parametrize(
    "cut", [(f"{ORDER}8", "4900000000"), (f"{ORDER}84", "900000000"), ("HS0001", "84900000000")]
)
def test_a_payer_is_told_only_behind_a_billcode_that_is_the_orders(
    adapter: ViettelMoney, cut: tuple[str, str]
) -> None:
    result = read(adapter, billcode=cut[0], cust_msisdn=cut[1])
    assert (result.outcome, result.amount, result.payer) == (Outcome.PAID, AMOUNT, None)


@pytest.mark.parametrize("code", ["", "0", "000", "w04", "S_MAINTAIN", "VERY_LONG_CODE_000001"[:20]])
def test_a_code_that_nobody_wrote_down_is_neither_paid_nor_refused(adapter: ViettelMoney, code: str) -> None:
    assert read(adapter, error_code=code).outcome is Outcome.PENDING


@pytest.mark.parametrize("order", ["HUB_2026.11-22", "a", "9" * 50])
def test_an_order_of_nobodys_is_told_as_it_is(adapter: ViettelMoney, order: str) -> None:
    result = read(adapter, order_id=order, billcode=order)
    assert (result.reference, result.amount, result.bank_transaction_id) == (order, AMOUNT, NUMBER)


@pytest.mark.parametrize("more", [{"error_msg": "Thành công & xong"}, {"fee": "0.5"}, {"return_url": ""}])
def test_fields_that_nobody_wrote_down_change_nothing(adapter: ViettelMoney, more: dict[str, str]) -> None:
    assert adapter.read_callback(sent(signed(a_result()) | more)) == read(adapter)


# What the page fixes --------------------------------------------------------------------------------


def test_every_code_of_a_refund_is_known() -> None:
    page = "M01 M05 218 KG3 27 KG8 176 485 655 457 17 159 813 927"
    assert list(REFUNDS) == ["00", *page.split()]


def test_every_code_of_a_payment_is_known(adapter: ViettelMoney) -> None:
    page = "00 22 V01 V02 V03 V04 V05 V06 21 685 16 W04 S_MAINTAIN 99 M01 M02 M03 M04 813"
    assert set(page.split()) <= set(adapter.profile.codes)


@pytest.mark.parametrize("amount", [1, 999_999_999_999])
def test_the_largest_and_the_smallest_amount_are_read(adapter: ViettelMoney, amount: int) -> None:
    assert read(adapter, trans_amount=str(amount)).amount == dong(amount)


def test_an_answer_may_hold_more_than_was_written_down(adapter: ViettelMoney) -> None:
    for more in ({"fee": 0.5}, {"error_msg": "Thành công"}, {"return_other_info": None}, {"x": [1.5, {}]}):
        with Failing(ASKS_AT, {"json": {**more, **answered()["json"]}}):
            assert adapter.query_payment(a_query()).outcome is Outcome.PAID


def test_an_answer_that_is_not_about_our_order_is_none(adapter: ViettelMoney) -> None:
    for other in (f"{ORDER}-2", ORDER, f"{ATTEMPT}1", ""):
        with Failing(ASKS_AT, answered(order_id=other)), pytest.raises(BankUnavailable):
            adapter.query_payment(a_query())


def test_no_secret_is_ever_written_out(tmp_path: Path) -> None:
    section: dict[str, Any] = a_section(tmp_path)
    result = repr(built(tmp_path))
    assert section["SECRET"] not in result
    assert section["ACCESS_SECRET"] not in result


# Recorded vectors, and a whole payment with the simulator
# ------------------------------------------------------------------------------------------------

VECTORS: dict[str, dict[str, Any]] = {
    vector["kind"]: vector
    for vector in json.loads(
        (Path(__file__).parent / "vectors/viettelmoney/signatures.json").read_text("utf-8")
    )
}


def bank_of(vector: dict[str, Any], folder: Path) -> Any:
    """The adapter with the merchant code and the keys of a vector."""
    merchant = vector["inputs"]["merchant_code"]
    code, _, _ = vector["string_to_sign"].partition(next(iter(map(str, vector["inputs"].values()))))
    section = {
        "PAY_URL": "https://viettel.test/PaymentGateway/payment",
        "API_URL": API,
        "MERCHANT_CODE": merchant,
        "ACCESS_SECRET": code,
        "SECRET": vector["secret"],
        "STATEMENTS": str(folder),
    }
    return load_adapters(["viettelmoney"], {"viettelmoney": section})["viettelmoney"]


def message(vector: dict[str, Any], **changes: object) -> CallbackRequest:
    fields = {**vector["inputs"], "check_sum": vector["expected"]} | changes
    return CallbackRequest("POST", "/", b"", {}, urlencode(fields).encode(), NOON)


def asked_with(adapter: Any, ask: Any) -> dict[str, str]:
    """The form that the adapter sends to a bank that does not answer."""
    with responses.RequestsMock() as wire:
        wire.add("POST", API, status=500)
        with pytest.raises(BankUnavailable):
            ask(adapter)
        body = wire.calls[0].request.body
        assert isinstance(body, bytes)
        return dict(parse_qsl(body.decode("ascii")))


def test_the_address_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["payment-check_sum"]
    fields = vector["inputs"]
    request = a_request(order_reference=fields["billcode"], attempt_reference=fields["order_id"])
    page = bank_of(vector, tmp_path).open_payment(request).page_url
    given = dict(parse_qsl(urlsplit(page).query))
    assert given["check_sum"] == vector["expected"]
    assert {name: given[name] for name in fields} == {name: str(value) for name, value in fields.items()}


def test_the_question_of_the_vector_is_believed(tmp_path: Path) -> None:
    vector = VECTORS["verify-check_sum"]
    adapter = bank_of(vector, tmp_path)
    inquiry = adapter.read_inquiry(message(vector))
    assert (inquiry.reference, inquiry.amount, inquiry.key) == ("HUB240501000123", dong(150_000), 0)
    for changes in ({"trans_amount": 15_000}, {"order_id": "HUB240501000124"}, {"billcode": "HS0002"}):
        with pytest.raises(CallbackRejected):
            adapter.read_inquiry(message(vector, **changes))


def test_the_result_of_the_vector_is_believed_and_answered_as_in_the_other(tmp_path: Path) -> None:
    vector, reply = VECTORS["notify-check_sum"], VECTORS["notify-reply-check_sum"]
    adapter = bank_of(vector, tmp_path)
    confirmation = adapter.read_callback(message(vector))
    assert (confirmation.outcome, confirmation.amount, confirmation.reference) == (
        Outcome.PAID,
        dong(150_000),
        "HUB240501000123",
    )
    assert confirmation.bank_transaction_id == "170501083211000001"
    answer = json.loads(adapter.acknowledge(Answer.RECORDED, message(vector)).body)
    assert answer["check_sum"] == reply["expected"]
    for name, value in vector["inputs"].items():
        with pytest.raises(CallbackRejected):
            adapter.read_callback(message(vector, **{name: f"{value}0"}))


def test_the_query_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["inquiry-check_sum"]
    query = PaymentQuery("", vector["inputs"]["order_id"], AMOUNT, NOON, NOON)
    sent = asked_with(bank_of(vector, tmp_path), lambda adapter: adapter.query_payment(query))
    assert sent == {**vector["inputs"], "check_sum": vector["expected"]}


def test_the_refund_of_the_vector_is_signed_alike(tmp_path: Path) -> None:
    vector = VECTORS["refund-check_sum"]
    fields = vector["inputs"]
    refund = a_refund(attempt_reference=fields["order_id"], bank_transaction_id=fields["originalRequestId"])
    sent = asked_with(bank_of(vector, tmp_path), lambda adapter: adapter.refund_payment(refund))
    assert sent["check_sum"] == vector["expected"]
    assert {name: sent[name] for name in fields} == {name: str(value) for name, value in fields.items()}


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[Any, Simulator]]:
    """The adapter and the bank that it speaks with, over HTTP."""
    with serve("http://127.0.0.1:9", simulators=[far.ViettelMoneySimulator], statements=tmp_path) as server:
        section = settings_of([far.ViettelMoneySimulator], server.url, tmp_path)["viettelmoney"]
        adapter = load_adapters(["viettelmoney"], {"viettelmoney": section})["viettelmoney"]
        yield adapter, server.banks["viettelmoney"]


def hub_that_says(adapter: Any, due: Due) -> Callable[[WireRequest, str], WireReply]:
    """Where Viettel asks, and hears ``due``."""

    def hub(request: WireRequest, _: str) -> WireReply:
        inquiry = adapter.read_inquiry(_arrived(request))
        reply = adapter.answer_inquiry(inquiry, Bill(due, ORDER, ATTEMPT, AMOUNT))
        return WireReply(reply.status, reply.body)

    return hub


def test_the_page_opens_for_a_genuine_address_that_the_hub_confirms(
    both: tuple[Any, Simulator], monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter, simulator = both
    page = adapter.open_payment(a_request()).page_url
    assert adapter.query_payment(a_query()).code == "-1/00"
    for due in set(Due) - {Due.PAYABLE}:
        monkeypatch.setattr(far, "send_request", hub_that_says(adapter, due))
        assert requests.get(page, timeout=5).status_code == 404
    monkeypatch.setattr(far, "send_request", hub_that_says(adapter, Due.PAYABLE))
    cheap = page.replace("trans_amount=150000", "trans_amount=1")
    assert requests.get(cheap, timeout=5).status_code == 404
    assert requests.get(page, timeout=5).url == f"{simulator.url}/pay/{ATTEMPT}"
    assert adapter.query_payment(a_query()).outcome is Outcome.PENDING


def test_what_was_paid_is_told_found_given_back_and_booked(
    both: tuple[Any, Simulator], tmp_path: Path
) -> None:
    adapter, simulator = both
    requests.get(adapter.open_payment(a_request()).page_url, timeout=5)
    payment = simulator.book.find(ATTEMPT)
    assert payment is not None
    simulator.book.settle(payment, "PAID", notify=False)
    (callback,), number = simulator.callbacks(payment), payment.transaction_id
    for result in (adapter.read_callback(_arrived(callback)), adapter.query_payment(a_query())):
        assert (result.outcome, result.amount, result.bank_transaction_id) == (Outcome.PAID, AMOUNT, number)
    assert simulator.accepts(WireReply(200, adapter.acknowledge(Answer.RECORDED, _arrived(callback)).body))
    assert not simulator.accepts(WireReply(200, adapter.refuse(_arrived(callback)).body))
    outcomes = [adapter.refund_payment(a_refund(bank_transaction_id=number)).outcome for _ in range(2)]
    assert outcomes == [RefundOutcome.SUCCEEDED, RefundOutcome.PENDING]
    (tmp_path / "viettelmoney" / f"{DAY}.csv").write_text(simulator.statement(DAY, [payment]) or "", "utf-8")
    (line,) = adapter.fetch_statement(DAY).lines
    assert (line.reference, line.bank_transaction_id, line.amount) == (ATTEMPT, number, AMOUNT)


def test_a_cancelled_payment_is_declined(both: tuple[Any, Simulator]) -> None:
    adapter, simulator = both
    requests.get(adapter.open_payment(a_request()).page_url, timeout=5)
    payment = simulator.book.find(ATTEMPT)
    assert payment is not None
    simulator.book.settle(payment, "DECLINED", notify=False)
    (callback,) = simulator.callbacks(payment)
    for result in (adapter.read_callback(_arrived(callback)), adapter.query_payment(a_query())):
        assert (result.outcome, result.bank_transaction_id, result.code) == (Outcome.DECLINED, None, "5/V06")


def _arrived(request: WireRequest) -> CallbackRequest:
    return CallbackRequest(request.method, request.path, request.query, request.headers, request.body, NOON)
