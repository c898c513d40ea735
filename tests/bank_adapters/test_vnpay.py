"""VNPAY 2.1.0: the contract, and every form of the IPN."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from bank_adapters.vnpay import OUTCOMES, STATUSES, Vnpay
from payment_hub.domain.bank_port import Answer, BankAdapter, CallbackRequest, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.bank_adapters.contract import BankAdapterContract
from tests.bank_adapters.examples import AMOUNT, DAY
from tests.bank_adapters.vnpay_messages import API, SECRET, STATEMENT, a_section, an_ipn, called_back, signed


class TestVnpay(BankAdapterContract):
    bank = "vnpay"
    required = frozenset(
        f"BANK_VNPAY_{name}" for name in ("PAY_URL", "API_URL", "TMN_CODE", "SECRET", "STATEMENTS")
    )
    asks_at = (("POST", API),)

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

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

    @pytest.mark.parametrize("named", ["MD5", "SHA256", "HmacSHA512"])
    def test_a_message_that_names_its_hash_is_rejected_even_when_it_signs_the_name(
        self, adapter: BankAdapter, named: str
    ) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(called_back(signed(an_ipn(vnp_SecureHashType=named))))

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


def _meaning(query: bytes) -> object:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        return query
    return sorted((name, value.lower() if name == "vnp_SecureHash" else value) for name, value in pairs)
