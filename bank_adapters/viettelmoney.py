"""Viettel Money (ViettelPay, gateway 2.0): a signed address for the citizen, a question back before the money is taken,
a signed result, and an interface for queries and full refunds.

Read from two clients that agree (a shop's in Go, a one-stop portal's in Java). check_sum is base64 of an HMAC-SHA1 over
an access code and the values in the order of their names, with nothing between them: so every field has a form of its
own here, and our references must stand where they belong. Behind them only the amount and Viettel's number could be cut
in two ways: where the number has not the agreed length, nothing is made of either, and Viettel is queried. Amounts are
whole dong; order_id is our attempt's reference, billcode our order's. Viettel asks (verify) at
``/callbacks/<bank>/inquiry``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import urlencode

from bank_adapters.toolkit.http_client import HttpClient, reading_answer
from bank_adapters.toolkit.json_fields import Fields, read_object, text
from bank_adapters.toolkit.limits import fitting, require_payable, require_refundable
from bank_adapters.toolkit.settings import (
    RotatingSecret,
    number_between,
    parse_folder,
    parse_key,
    parse_url,
    read_section,
    setting,
    text_matching,
)
from bank_adapters.toolkit.signatures import Spelling, hmac_base64, hmac_hex, require_hmac
from bank_adapters.toolkit.signed_fields import as_signed, read_query, require_ours_whole
from bank_adapters.toolkit.statements import CollectorFile
from payment_hub.domain.banks.profile import BankProfile, Certainty, Fact, Limits, PaymentMethod
from payment_hub.domain.banks.values import (
    Answer,
    Bill,
    CallbackReply,
    CallbackRequest,
    Confirmation,
    Due,
    Inquiry,
    Instructions,
    Outcome,
    PayerAccount,
    PaymentQuery,
    PaymentRequest,
    RefundAnswer,
    RefundOutcome,
    RefundRequest,
    Statement,
)
from payment_hub.domain.errors import CallbackRejected, Malformed
from payment_hub.domain.money import Money

VERSION: Final = "2.0"
OK: Final = "00"

#: payment_status. Only with error_code 00 is a 1 money; -1 has not begun, and 3 is Viettel's own "not known".
OUTCOMES: Final = {
    "1": Outcome.PAID,
    "2": Outcome.DECLINED,
    "5": Outcome.DECLINED,
    **dict.fromkeys(("-1", "0", "3"), Outcome.PENDING),
}

#: error_code of a refund. 176 may be one that went through before, 813 and 927 broke off on the way: nobody knows.
_S, _F, _P = RefundOutcome.SUCCEEDED, RefundOutcome.FAILED, RefundOutcome.PENDING
REFUNDS: Final = {
    OK: (_S, "refunded"),
    "M01": (_F, "the partner is not known"),
    "M05": (_F, "refunds are not set up"),
    "218": (_F, "the transaction was not named"),
    "KG3": (_F, "no such payment"),
    "27": (_F, "the payment is another partner's"),
    "KG8": (_F, "wrong amount"),
    "176": (_P, "the payment's state does not allow it: refunded already, not known, or too old"),
    "485": (_F, "the payment had failed"),
    "655": (_F, "not enough is known of the payer"),
    "457": (_F, "not enough is known of the payer"),
    "17": (_F, "the payer's account cannot receive"),
    "159": (_F, "this sort of account gets no refunds"),
    "813": (_P, "an error on the way"),
    "927": (_P, "an error on the way"),
}

#: error_code of what we answer to a result, and our status.
ANSWERS: Final = {
    Answer.RECORDED: (200, OK),
    Answer.ALREADY_RECORDED: (200, OK),
    Answer.NO_SUCH_ORDER: (200, "01"),
    Answer.WRONG_AMOUNT: (200, OK),  # the money is here, and is kept
    Answer.NOT_RECORDED: (503, "03"),
}

#: error_code of what we answer to a question: 01 is another order than ours, 03 any other reason.
INQUIRY_ANSWERS: Final = {
    Due.PAYABLE: OK,
    Due.PAID: "03",
    Due.CLOSED: "03",
    Due.AMOUNT_DIFFERS: "01",
    Due.NO_SUCH_ORDER: "01",
}

WRONG_CHECK_SUM: Final = "02"

#: Where our answers have nothing to say: the payer goes on to the address that the payment was opened with.
NOWHERE: Final = {"return_url": "", "return_bill_code": "", "return_other_info": ""}
NOTHING: Final = {"billcode": "", "trans_amount": ""}

#: What each message signs: the values in the order of their names.
PAYMENT_SIGNS: Final = "billcode command merchant_code order_id trans_amount version"
VERIFY_SIGNS: Final = "billcode merchant_code order_id trans_amount"
VERIFY_ANSWER_SIGNS: Final = "billcode error_code merchant_code order_id trans_amount"
RESULT_SIGNS: Final = (
    "billcode cust_msisdn error_code merchant_code order_id payment_status trans_amount vt_transaction_id"
)
RESULT_REPLY_SIGNS: Final = "error_code merchant_code order_id"
QUERY_SIGNS: Final = "cmd merchant_code order_id version"
QUERY_ANSWER_SIGNS: Final = "error_code merchant_code order_id payment_status version vt_transaction_id"
REFUND_SIGNS: Final = "cmd merchant_code order_id originalRequestId refundType trans_amount version"
REFUND_ANSWER_SIGNS: Final = "error_code merchant_code order_id version"

#: No file of Viettel's is known: these are our own names, to which a collector's export is brought.
COLLECTOR_FILE: Final = CollectorFile(
    columns={name: name for name in ("booked_at", "transaction_id", "reference", "amount", "status")},
    time_pattern="%Y-%m-%d %H:%M:%S",
    moved={"1": True, "2": False, "5": False},
)

#: What we send ourselves. A reference has at most nine attempts: with a second digit nobody could say where it ends and
#: the status begins.
_REFERENCE: Final = r"[A-Za-z0-9]{1,30}(-[1-9])?"


#: The form of every field that stands in a signature, as wide as it can be without a doubt where money begins.
_FORMS: Final = {
    name: re.compile(form, re.ASCII)
    for name, form in {
        "billcode": r"[A-Za-z0-9_.-]{1,50}",
        "cust_msisdn": r"[0-9*+xX]{0,20}",
        "error_code": r"[A-Za-z0-9_]{0,20}",
        "merchant_code": r".+",
        "order_id": r"[A-Za-z0-9_.-]{1,50}",
        "payment_status": r"-1|[0-9]",
        "trans_amount": r"[1-9][0-9]{0,11}",
        "version": re.escape(VERSION),
        "vt_transaction_id": r"[A-Za-z0-9_.-]{0,64}",
    }.items()
}
_TELEPHONE: Final = re.compile(r"84[0-9]{9}|0[0-9]{9}", re.ASCII)

PROFILE: Final = BankProfile(
    title="Viettel Money payment gateway 2.0",
    methods=(PaymentMethod.PAGE,),
    facts=(
        Fact("fields and check_sum of all messages", "two clients", Certainty.OFFICIAL),
        Fact("status and error codes; refunds are full ones", "two clients", Certainty.OFFICIAL),
        Fact("verify and result: a form, answered in JSON", "a one-stop portal", Certainty.OFFICIAL),
        Fact("the check_sum of a refund's answer", "one client's comment", Certainty.ONE_SOURCE),
        Fact(
            "what an answer to a query, and our answer to verify, sign", "the general rule", Certainty.HEARSAY
        ),
        Fact("a transaction has 18 digits; else it is queried", "one example", Certainty.HEARSAY),
        Fact("an older portal writes hex: a setting, never both", "one portal", Certainty.ONE_SOURCE),
        Fact("the file of a day", "our own form", Certainty.HEARSAY),
    ),
    limits=Limits(part_refunds=False),
    codes={
        "00": "paid",
        "V01": "wrong check_sum",
        **dict.fromkeys(("22", "V02"), "wrong one-time password"),
        "V03": "the one-time password has expired",
        "V04": "an error inside Viettel",
        "V05": "the partner did not confirm the payment",
        "V06": "cancelled by the payer",
        **dict.fromkeys(("21", "685"), "wrong PIN"),
        "16": "not enough money",
        "W04": "no answer in time",
        "S_MAINTAIN": "the gateway is under maintenance",
        "99": "unknown error",
        "M01": "the partner is not registered",
        "M02": "the partner has no account to receive money",
        "M03": "this way of paying does not fit",
        "M04": "the QR picture cannot be read",
        "813": "the gateway cannot be reached",
        "status -1, 0, 3": "nothing was begun, being worked on, not known",
        "status 1": "paid",
        "status 2, 5": "failed, cancelled by the payer",
        **{f"refund {code}": meaning for code, (_, meaning) in REFUNDS.items()},
    },
)


def signing(fields: str, needed: str) -> Callable[[str], str]:
    """A setting that names signed fields in their order: some of ``fields``, and ``needed`` among them."""

    def read(names: str) -> str:
        if not {*needed.split()} <= {*names.split()} <= {*fields.split()}:
            raise ValueError(f"must name some of {fields}, and of these {needed}")
        return names

    return read


@dataclass(frozen=True, slots=True)
class Settings(RotatingSecret):
    """``BANK_VIETTELMONEY_*``."""

    pay_url: str = setting(parse_url, "the page to which citizens are sent")
    api_url: str = setting(parse_url, "the interface for queries and refunds")
    merchant_code: str = setting(text_matching("[A-Za-z0-9_]{1,30}"), "our code at Viettel")
    access_secret: str = setting(text_matching("[A-Za-z0-9_-]{8,128}"), "the access code", secret=True)
    secret: bytes = setting(parse_key, "the hash key", secret=True)
    secret_previous: bytes | None = setting(parse_key, "the one before", default=None, secret=True)
    statements: Path = setting(parse_folder, "the folder into which daily files are dropped")
    spelling: str = setting(text_matching("base64|hex"), "how check_sum is written", default="base64")
    transaction_digits: int = setting(
        number_between(0, 40),
        "digits of a vt_transaction_id, as agreed; 0: ask about every payment",
        default=18,
    )
    query_answer_signs: str = setting(
        signing(QUERY_ANSWER_SIGNS, "order_id error_code payment_status vt_transaction_id"),
        "what the answer to a query signs, in this order",
        default=QUERY_ANSWER_SIGNS,
    )
    verify_answer_signs: str = setting(
        signing(VERIFY_ANSWER_SIGNS, "order_id error_code"),
        "what our answer to verify signs, in this order",
        default=VERIFY_ANSWER_SIGNS,
    )
    read_seconds: int = setting(number_between(1, 60), "how long Viettel may be silent", default=10)


def build(bank: str, section: Mapping[str, str]) -> ViettelMoney:
    """The adapter of ``bank`` from its section of the settings. Raises BankSettingsError."""
    settings = read_section(Settings, bank, section)
    return ViettelMoney(bank, settings, HttpClient(bank, read_seconds=settings.read_seconds))


@dataclass(frozen=True, slots=True)
class ViettelMoney:
    """One merchant code at Viettel."""

    code: str
    settings: Settings
    http: HttpClient
    profile: ClassVar[BankProfile] = PROFILE

    def open_payment(self, request: PaymentRequest) -> Instructions:
        """A signed address; Viettel learns of the payment only when the citizen goes there. Raises Malformed."""
        require_payable(PROFILE.limits, request)
        fields = {
            "billcode": fitting(request.order_reference, _REFERENCE),
            "command": "PAYMENT",
            "merchant_code": self.settings.merchant_code,
            "order_id": fitting(request.attempt_reference, _REFERENCE),
            "trans_amount": str(request.amount),
            "version": VERSION,
            "desc": fitting(request.description, "[A-Za-z0-9 .:_-]{1,255}"),
            "locale": "Vi",
            "return_url": request.return_url,
            "cancel_url": request.return_url,
        }
        query = urlencode({**fields, "check_sum": self._sign(fields, PAYMENT_SIGNS)})
        return Instructions(page_url=f"{self.settings.pay_url}?{query}")

    def read_inquiry(self, request: CallbackRequest) -> Inquiry:
        """verify: may this order be paid with this amount?"""
        fields, key = self._read(request, VERIFY_SIGNS)
        return Inquiry(
            reference=fields["order_id"],
            amount=Money.parse(fields["trans_amount"]),
            fields={name: fields[name] for name in ("billcode", "order_id", "trans_amount")},
            key=key,
        )

    def answer_inquiry(self, inquiry: Inquiry, bill: Bill) -> CallbackReply:
        """The fields of the request, with our error_code, signed."""
        return self._reply(self.settings.verify_answer_signs, INQUIRY_ANSWERS[bill.due], inquiry.fields)

    def read_callback(self, request: CallbackRequest) -> Confirmation:
        """The result. Under a number of another length than agreed it is PENDING: nobody can say where the amount ends,
        but the answer to a question, which names no amount, will tell the number."""
        fields, key = self._read(request, RESULT_SIGNS)
        number = fields["vt_transaction_id"]
        if len(number) != self.settings.transaction_digits or not number.isdecimal():
            return self._confirmation("result", {**fields, "vt_transaction_id": ""}, None, key)
        return self._confirmation("result", fields, Money.parse(fields["trans_amount"]), key)

    def acknowledge(self, answer: Answer, request: CallbackRequest) -> CallbackReply:
        """error_code with our signature."""
        status, code = ANSWERS[answer]
        order_id = read_query(request.body)["order_id"]
        return self._reply(RESULT_REPLY_SIGNS, code, {"order_id": order_id, **NOWHERE}, status)

    def refuse(self, request: CallbackRequest) -> CallbackReply | None:
        """02. Nothing unverified is repeated: signed by us it could become part of another message."""
        if request.path.endswith("/inquiry"):
            return self._reply(self.settings.verify_answer_signs, WRONG_CHECK_SUM, NOTHING)
        return self._reply(RESULT_REPLY_SIGNS, WRONG_CHECK_SUM, NOWHERE)

    def query_payment(self, query: PaymentQuery) -> Confirmation:
        """Ask with TRANS_INQUIRY. The answer names no amount: it is the one that our own signature opened it with."""
        with reading_answer(self.code):
            question = {"cmd": "TRANS_INQUIRY", "order_id": query.attempt_reference}
            fields, key = self._call(question, QUERY_SIGNS, self.settings.query_answer_signs)
            return self._confirmation("query", fields, query.amount, key)

    def refund_payment(self, request: RefundRequest) -> RefundAnswer:
        """Refund a whole payment; requested again for the same payment, Viettel refuses with 176. Raises Malformed and
        BankUnavailable."""
        require_refundable(PROFILE.limits, request)
        question = {
            "cmd": "REFUND_PAYMENT",
            "order_id": fitting(request.attempt_reference, _REFERENCE),
            "originalRequestId": fitting(request.bank_transaction_id, "[A-Za-z0-9_.-]{1,64}"),
            "refundType": "0",
            "trans_amount": str(request.amount),
            "trans_content": fitting(request.description, "[A-Za-z0-9 .:_-]{1,100}"),
        }
        with reading_answer(self.code):
            fields, _ = self._call(question, REFUND_SIGNS, REFUND_ANSWER_SIGNS)
        code = fields["error_code"]
        outcome, _ = REFUNDS.get(code, (RefundOutcome.PENDING, ""))
        return RefundAnswer(outcome, code)

    def fetch_statement(self, day: date) -> Statement:
        """The file dropped for ``day``. Raises BankUnavailable while it is not there."""
        return COLLECTOR_FILE.of_day(self.settings.statements, day, self.code)

    def _confirmation(
        self, event: str, fields: Mapping[str, str], amount: Money | None, key: int
    ) -> Confirmation:
        reference, code, status = (fields[name] for name in ("order_id", "error_code", "payment_status"))
        transaction, payer = fields["vt_transaction_id"] or None, fields.get("cust_msisdn", "")
        if fields.get("billcode") != reference.partition("-")[0]:
            payer = ""  # nobody can say where the one ends and the other begins
        outcome = OUTCOMES.get(status, Outcome.PENDING)
        if outcome is Outcome.PAID and (code != OK or amount is None):
            outcome = Outcome.PENDING  # the two codes contradict each other, or the amount is no fact
        if outcome is Outcome.PAID and transaction is None:
            raise Malformed("paid, but without a transaction number")
        return Confirmation(
            bank=self.code,
            event_id=f"{event}:{reference}:{transaction or 0}:{status}/{code}",
            reference=reference,
            outcome=outcome,
            amount=amount,
            bank_transaction_id=transaction,
            code=f"{status}/{code}",
            payer=PayerAccount(payer) if _TELEPHONE.fullmatch(payer) else None,
            key=key,
        )

    def _read(self, request: CallbackRequest, signs: str) -> tuple[Mapping[str, str], int]:
        """The signed fields of a form that Viettel sent to our merchant code, and the place of its key."""
        if request.method != "POST" or request.query:
            raise CallbackRejected
        fields = read_query(request.body)
        signed = {name: fields.get(name, "") for name in signs.split()}
        return signed, self._require(signed, signs, fields.get("check_sum"))

    def _call(
        self, params: Mapping[str, str], signs: str, answer_signs: str
    ) -> tuple[Mapping[str, str], int]:
        """Sign and send a question; the signed fields of an answer about our own order."""
        question = {"version": VERSION, "merchant_code": self.settings.merchant_code, **params}
        sent = {**question, "check_sum": self._sign(question, signs)}
        answer: Fields = read_object(
            self.http.post_form(self.settings.api_url, sent).body, decimals_as_text=True
        )
        fields = {name: as_signed(answer.get(name)) for name in answer_signs.split()}
        key = self._require(fields, answer_signs, text(answer, "check_sum"))
        if fields["order_id"] != params["order_id"]:
            raise Malformed("the answer is about another payment")
        return fields, key

    def _require(self, fields: Mapping[str, str], signs: str, given: str | None) -> int:
        """The place of the key under which ``fields``, each of its own form, are signed. Raises CallbackRejected."""
        merchant = self.settings.merchant_code
        well_formed = all(_FORMS[name].fullmatch(value) for name, value in fields.items())
        if not well_formed or fields.get("merchant_code", merchant) != merchant:
            raise CallbackRejected
        before, _, after = signs.partition("order_id")
        around = ["".join(fields[name] for name in names.split()) for names in (before, after)]
        require_ours_whole(around[0], fields["order_id"], around[1], tail="-[1-9]")
        spelling: Spelling = "hex" if self.settings.spelling == "hex" else "base64"
        return require_hmac("sha1", self.settings.secrets, self._message(fields, signs), given, spelling)

    def _message(self, fields: Mapping[str, str], signs: str) -> bytes:
        return (self.settings.access_secret + "".join(fields[name] for name in signs.split())).encode()

    def _sign(self, fields: Mapping[str, str], signs: str) -> str:
        write = hmac_hex if self.settings.spelling == "hex" else hmac_base64
        return write("sha1", self.settings.secret, self._message(fields, signs))

    def _reply(self, signs: str, code: str, more: Mapping[str, str], status: int = 200) -> CallbackReply:
        reply = {"error_code": code, "merchant_code": self.settings.merchant_code, "order_id": "", **more}
        return CallbackReply(status, json.dumps({**reply, "check_sum": self._sign(reply, signs)}).encode())
