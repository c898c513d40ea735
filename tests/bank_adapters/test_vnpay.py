"""VNPAY 2.1.0: the contract, the published vectors through the adapter's own verbs, and the query interface."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from bank_adapters.vnpay import OUTCOMES, STATUSES, Vnpay
from payment_hub.domain.bank_port import Answer, BankAdapter, CallbackRequest, Movement, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.bank_adapters.contract import AMOUNT, ATTEMPT, DAY, NOON, BankAdapterContract, a_request

SECRET, TERMINAL = "HUBTESTSECRETHUBTESTSECRET123456", "DEMOTMN1"
API = "https://vnpay.test/merchant_webapi/api/transaction"
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors/vnpay/signatures.json").read_text("utf-8")
)

HEADING = "THOI_GIAN_GD,MA_GIAO_DICH,SO_HOA_DON,MA_DON_HANG,NGAN_HANG,TRANG_THAI,SO_TIEN_TRUOC_KM\n"
STATEMENT = (
    HEADING
    + f"22/11/2026 12:00:00,14422574,,{ATTEMPT},NCB,00,150000\n"
    + "22/11/2026 12:01:00,14422575,,K0-1,NCB,02,70000\n"
    + "22/11/2026 23:59:59,14422576,,typed by hand,VCB,00,5000\n"
)


def an_ipn(**changes: str) -> dict[str, str]:
    """The fields of a payment of 150,000 dong made at noon, as VNPAY names them."""
    return {
        "vnp_Amount": "15000000",
        "vnp_BankCode": "NCB",
        "vnp_BankTranNo": "VNP14422574",
        "vnp_CardType": "ATM",
        "vnp_OrderInfo": "Le phi ho so 000.00.01: 2026",
        "vnp_PayDate": "20261122120000",
        "vnp_ResponseCode": "00",
        "vnp_TmnCode": TERMINAL,
        "vnp_TransactionNo": "14422574",
        "vnp_TransactionStatus": "00",
        "vnp_TxnRef": ATTEMPT,
    } | changes


def signed(fields: dict[str, str], secret: str = SECRET, digest: str = "sha512") -> str:
    """The raw query with its hash, as Python's own form encoder and hmac make it."""
    query = urlencode(sorted((name, value) for name, value in fields.items() if value))
    return f"{query}&vnp_SecureHash={hmac.new(secret.encode(), query.encode(), digest).hexdigest()}"


def called_back(query: str) -> CallbackRequest:
    return CallbackRequest("GET", "/callbacks/vnpay", query.encode(), {}, b"", NOON)


class TestVnpay(BankAdapterContract):
    bank = "vnpay"
    required = frozenset(
        f"BANK_VNPAY_{name}" for name in ("PAY_URL", "API_URL", "TMN_CODE", "SECRET", "STATEMENTS")
    )
    asks_at = (("POST", API),)

    def section(self, folder: Path) -> dict[str, str]:
        pay = "https://vnpay.test/paymentv2/vpcpay.html"
        return {
            "PAY_URL": pay,
            "API_URL": API,
            "TMN_CODE": TERMINAL,
            "SECRET": SECRET,
            "STATEMENTS": str(folder),
        }

    def callback(self, outcome: Outcome | str, **changes: object) -> CallbackRequest:
        facts: dict[Outcome | str, dict[str, str]] = {
            Outcome.PAID: {},
            Outcome.DECLINED: {
                "vnp_ResponseCode": "24",
                "vnp_TransactionStatus": "02",
                "vnp_TransactionNo": "0",
            },
        }
        return called_back(signed(an_ipn(**facts.get(outcome, {"vnp_ResponseCode": "42"}))))

    def spelled_differently(self, one: CallbackRequest, other: CallbackRequest) -> bool:
        """Hex digits may be of either case, in the hash and in ``%3A``; ``vnp_x`` alone is signed."""
        return _meaning(one.query) == _meaning(other.query)

    def with_statement(self, adapter: BankAdapter, folder: Path, text: str | None = None) -> BankAdapter:
        (folder / f"{DAY}.csv").write_text(STATEMENT if text is None else text, "utf-8")
        return adapter

    # Paying -----------------------------------------------------------------------------------------

    def test_the_address_is_signed_as_a_stranger_would(self, adapter: BankAdapter) -> None:
        page = adapter.open_payment(a_request(bank_choice="VNPAYQR", language="en")).page_url
        assert page is not None
        address, fields = urlsplit(page), dict(parse_qsl(urlsplit(page).query))
        assert (
            f"{address.scheme}://{address.netloc}{address.path}" == "https://vnpay.test/paymentv2/vpcpay.html"
        )
        given = fields.pop("vnp_SecureHash")
        assert signed(fields).endswith(given)
        assert fields["vnp_Amount"] == "15000000"
        assert fields["vnp_TxnRef"] == ATTEMPT
        assert (fields["vnp_CreateDate"], fields["vnp_ExpireDate"]) == ("20261122120000", "20261122123000")
        assert (fields["vnp_Locale"], fields["vnp_BankCode"], fields["vnp_CurrCode"]) == (
            "en",
            "VNPAYQR",
            "VND",
        )

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
    def test_what_encoders_write_differently_is_not_sent(
        self, adapter: BankAdapter, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.open_payment(a_request(**changes))

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize("code", [*OUTCOMES, "42", "98"])
    @pytest.mark.parametrize("status", [*STATUSES, "03", "42"])
    def test_it_is_paid_or_declined_only_when_both_codes_say_so(
        self, adapter: BankAdapter, code: str, status: str
    ) -> None:
        said = adapter.read_callback(
            called_back(signed(an_ipn(vnp_ResponseCode=code, vnp_TransactionStatus=status)))
        )
        declined = {"09", "10", "11", "12", "13", "24", "51", "65", "75", "79", "99"}
        expected = Outcome.PENDING
        if (code, status) == ("00", "00"):
            expected = Outcome.PAID
        elif code in declined and status == "02":
            expected = Outcome.DECLINED
        assert said.outcome is expected

    def test_hex_of_either_case_is_the_same_hash(self, adapter: BankAdapter) -> None:
        query, _, given = signed(an_ipn()).rpartition("=")
        assert adapter.read_callback(called_back(f"{query}={given.upper()}")).outcome is Outcome.PAID

    def test_the_order_of_the_fields_does_not_matter(self, adapter: BankAdapter) -> None:
        pairs = signed(an_ipn()).split("&")
        assert adapter.read_callback(called_back("&".join(reversed(pairs)))).amount == AMOUNT

    def test_fields_without_a_value_are_not_hashed(self, adapter: BankAdapter) -> None:
        said = adapter.read_callback(called_back(signed(an_ipn(vnp_PayDate="")) + "&vnp_PayDate="))
        assert (said.outcome, said.paid_at) == (Outcome.PAID, None)

    def test_no_bank_transaction_is_named_when_no_money_was_taken(self, adapter: BankAdapter) -> None:
        assert adapter.read_callback(self.callback(Outcome.DECLINED)).bank_transaction_id is None

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda query: query + "&vnp_TxnRef=K0-1",
            lambda query: query + "&vnp_Amount=15000000",
            lambda query: query + "&" + query.rpartition("&")[2],
            lambda query: query.rpartition("&")[0],
            lambda query: query.rpartition("=")[0] + "=",
            lambda query: query + "&vnp_SecureHashType=SHA256",
            lambda query: query + "&vnp_SecureHashType=HmacSHA512",
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
    def test_a_spoilt_query_is_rejected(self, adapter: BankAdapter, spoil: Callable[[str], str]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(spoil(signed(an_ipn()))))

    @pytest.mark.parametrize("digest", ["md5", "sha1", "sha256"])
    def test_weaker_hashes_are_never_accepted(self, adapter: BankAdapter, digest: str) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(an_ipn(), digest=digest)))
        plain = "&".join(f"{name}={value}" for name, value in sorted(an_ipn().items()))
        legacy = hashlib.new(digest, (SECRET + plain).encode()).hexdigest()
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(f"{urlencode(an_ipn())}&vnp_SecureHash={legacy}"))

    def test_another_terminals_message_is_rejected(self, adapter: BankAdapter) -> None:
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
            {"vnp_PayDate": "20261322120000"},
            {"vnp_PayDate": "2026112212000"},
            {"vnp_PayDate": "00010101000000"},
            {"vnp_TransactionNo": "0"},
            {"vnp_TransactionNo": ""},
            {"vnp_TransactionStatus": ""},
            {"vnp_ResponseCode": "0"},
            {"vnp_TxnRef": ""},
        ],
    )
    def test_a_genuine_message_that_makes_no_sense_is_malformed(
        self, adapter: BankAdapter, changes: dict[str, str]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(called_back(signed(an_ipn(**changes))))

    def test_what_the_browser_brings_back_is_read_alike(self, adapter: BankAdapter) -> None:
        assert isinstance(adapter, Vnpay)
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
    def test_it_answers_in_vnpays_own_codes(self, adapter: BankAdapter, answer: Answer, code: str) -> None:
        said = json.loads(adapter.acknowledge(answer).body)
        assert said["RspCode"] == code
        assert set(said) == {"RspCode", "Message"}

    # The files --------------------------------------------------------------------------------------

    def test_the_file_of_a_day_shows_what_moved(self, adapter: BankAdapter, tmp_path: Path) -> None:
        statement = self.with_statement(adapter, tmp_path).fetch_statement(DAY)
        assert statement.raw == STATEMENT.encode()
        first, second = statement.lines
        assert (first.bank_transaction_id, first.reference, first.amount) == ("14422574", ATTEMPT, AMOUNT)
        assert (first.movement, first.booked_at) == (Movement.CREDIT, NOON)
        assert (second.line, second.reference, second.booked_at.hour) == (2, "typed by hand", 16)

    def test_a_file_that_is_not_there_yet_is_waited_for(self, adapter: BankAdapter) -> None:
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
        self, adapter: BankAdapter, tmp_path: Path, old: str, new: str, place: str
    ) -> None:
        assert old in STATEMENT
        with pytest.raises(Malformed, match=place):
            self.with_statement(adapter, tmp_path, STATEMENT.replace(old, new)).fetch_statement(DAY)


def _meaning(query: bytes) -> object:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return query
    return sorted((name, value.lower() if name == "vnp_SecureHash" else value) for name, value in pairs)
