"""Napas e-commerce: the contract, the envelope of a result, and the two calls of an opening."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
import requests
import responses

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.napas import OUTCOMES, Napas
from bank_adapters.simulators.napas import CLIENT, LOGIN, PASSWORD, SECRET, NapasSimulator, result
from bank_adapters.simulators.napas import sealed as seal
from bank_adapters.simulators.server import serve, settings_of
from bank_adapters.simulators.simulator import Payment
from payment_hub.domain.banks.port import BankAdapter
from payment_hub.domain.banks.values import CallbackRequest, Instructions, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import dong
from tests.banks.contract import BankContract, CallbackContract, StatementContract
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, ORDER, TRANSACTION, a_request
from tests.banks.faults import FAILURES
from tests.banks.texts import AWKWARD

# Messages
# ------------------------------------------------------------------------------------------------

API = "https://napas.test/api"
TOKEN, DATA_KEY = f"{API}/oauth/token", f"{API}/rest/version/32/merchant/HUBTEST/datakey"
PAID = Payment(ATTEMPT, 150_000, outcome="PAID", transaction_id=TRANSACTION, paid_at=NOON)
RESULTS = {Outcome.PAID: "SUCCESS", Outcome.DECLINED: "FAILURE"}


def a_section(folder: Path) -> dict[str, str]:
    """The settings of a client whose files are dropped into ``folder``."""
    return {
        "URL": API,
        "CLIENT_ID": CLIENT,
        "SECRET": SECRET,
        "LOGIN": LOGIN,
        "PASSWORD_SECRET": PASSWORD,
        "PAGE_URL": "https://pay.agency.test/napas#{fields}",
        "STATEMENTS": str(folder),
    }


def built(section: dict[str, str]) -> Any:
    """The adapter from a section of settings."""
    return load_adapters(["napas"], {"napas": section})["napas"]


def opened(adapter: BankAdapter) -> Instructions:
    """The instructions for ``a_request()`` from a Napas that answers."""
    with responses.RequestsMock() as wire:
        wire.add("POST", TOKEN, json={"access_token": "T0k.en-1"})
        wire.add("POST", DATA_KEY, json={"dataKey": "AE52", "napasKey": "MIGf/A=:MIIB+B"})
        return adapter.open_payment(a_request())


def a_result(**changes: Any) -> dict[str, Any]:
    """A payment of 150,000 dong, inside the envelope; a field that is None is left out."""
    fields = result(PAID)["paymentResult"] | changes
    return {"paymentResult": {name: value for name, value in fields.items() if value is not None}}


def callback_request(fields: object) -> CallbackRequest:
    return CallbackRequest("POST", "/callbacks/napas", b"", {}, json.dumps(fields).encode(), NOON)


# The contract
# ------------------------------------------------------------------------------------------------


class TestNapas(CallbackContract, StatementContract, BankContract):
    bank = "napas"
    required = frozenset(
        f"BANK_NAPAS_{name}"
        for name in ["URL", "CLIENT_ID", "SECRET", "LOGIN", "PASSWORD_SECRET", "PAGE_URL", "STATEMENTS"]
    )
    tells_paid_at = False
    opens_at = (("POST", TOKEN),)

    def section(self, folder: Path) -> dict[str, str]:
        return a_section(folder)

    def opened(self, adapter: BankAdapter) -> Instructions:
        return opened(adapter)

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        word = RESULTS.get(outcome, "UNHEARD_OF") if isinstance(outcome, Outcome) else "UNHEARD_OF"
        return callback_request(seal(a_result(result=word, **changes)))

    def statement_text(self) -> str:
        return (
            "booked_at,transaction_id,reference,amount,status\n"
            f"2026-11-22 12:00:00,{TRANSACTION},{ATTEMPT},150000,SUCCESS\n"
            "2026-11-22 12:01:00,FT2,DV0-1,70000,FAILURE\n"
            "2026-11-22 23:59:59,FT3,typed by hand,5000,SUCCESS\n"
        )

    # Being told -------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "spoil",
        [
            {"checksum": None},
            {"checksum": 7},
            {"checksum": ""},
            {"data": None},
            {"data": ["x"]},
            {"data": "not base64"},
            {"data": base64.b64encode(b'{"paymentResult": {"result": "SUCCESS"}}').decode()},
        ],
    )
    def test_an_envelope_that_is_not_sealed_is_rejected(self, adapter: Napas, spoil: dict[str, Any]) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback_request(seal(a_result()) | spoil))

    def test_the_secret_alone_or_before_the_data_is_no_checksum(self, adapter: Napas) -> None:
        data = seal(a_result())["data"]
        for hashed in (data, SECRET, SECRET + data, data + SECRET + data):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(
                    callback_request({"data": data, "checksum": hashlib.sha256(hashed.encode()).hexdigest()})
                )

    @pytest.mark.parametrize("digest", ["md5", "sha1", "sha512"])
    def test_no_other_digest_is_accepted(self, adapter: Napas, digest: str) -> None:
        data = seal(a_result())["data"]
        with pytest.raises(CallbackRejected):
            adapter.read_callback(
                callback_request(
                    {"data": data, "checksum": hashlib.new(digest, (data + SECRET).encode()).hexdigest()}
                )
            )

    def test_hex_of_either_case_is_the_same_checksum(self, adapter: Napas) -> None:
        sealed = seal(a_result())
        lower = callback_request(sealed | {"checksum": sealed["checksum"].lower()})
        assert adapter.read_callback(lower) == adapter.read_callback(callback_request(sealed))

    def test_a_form_field_holds_the_same_result(self, adapter: Napas) -> None:
        body = urlencode({"napasResult": json.dumps(seal(a_result()))}).encode()
        in_a_form = CallbackRequest("POST", "/callbacks/napas", b"", {}, body, NOON)
        assert adapter.read_callback(in_a_form) == adapter.read_callback(callback_request(seal(a_result())))
        for spoilt in (
            body[:-3],
            body + b"&napasResult=%7B%7D",
            body.replace(b"napasResult", b"result"),
            b"a=%ff",
        ):
            with pytest.raises(CallbackRejected):
                adapter.read_callback(CallbackRequest("POST", "/callbacks/napas", b"", {}, spoilt, NOON))

    def test_another_clients_result_is_rejected(self, adapter: Napas) -> None:
        with pytest.raises(CallbackRejected):
            adapter.read_callback(callback_request(seal(a_result(merchantId="OTHER"))))

    @pytest.mark.parametrize(
        "operation", ["REFUND", "REFUND_DOMESTIC", "PURCHASE_OTP", "CREATE_TOKEN", "PAY"]
    )
    @pytest.mark.parametrize("result", [*OUTCOMES, "UNKNOWN"])
    def test_only_a_payments_success_is_paid(self, adapter: Napas, operation: str, result: str) -> None:
        confirmation = adapter.read_callback(
            callback_request(seal(a_result(apiOperation=operation, result=result)))
        )
        expected = (
            OUTCOMES.get(result, Outcome.PENDING) if operation in {"PAY", "PURCHASE_OTP"} else Outcome.PENDING
        )
        assert confirmation.outcome is expected
        assert confirmation.code == f"{result}/SUCCESS"

    @pytest.mark.parametrize("written", ["150000", "150000.0", "150000.00", 150000])
    def test_whole_dong_are_read_however_they_are_written(self, adapter: Napas, written: object) -> None:
        order = {"id": ATTEMPT, "amount": written, "currency": "VND"}
        assert adapter.read_callback(callback_request(seal(a_result(order=order)))).amount == AMOUNT

    @pytest.mark.parametrize(
        "changes",
        [
            {"order": {"id": ATTEMPT, "amount": "150000.50", "currency": "VND"}},
            {"order": {"id": ATTEMPT, "amount": "-150000", "currency": "VND"}},
            {"order": {"id": ATTEMPT, "amount": "0", "currency": "VND"}},
            {"order": {"id": ATTEMPT, "amount": "150,000", "currency": "VND"}},
            {"order": {"id": ATTEMPT, "amount": "150000", "currency": "USD"}},
            {"order": {"id": ATTEMPT, "amount": "150000"}},
            {"order": {"id": ATTEMPT, "currency": "VND"}},
            {"order": {"amount": "150000", "currency": "VND"}},
            {"order": None},
            {"result": None},
            {"transaction": None},
            {"transaction": {"acquirer": {"transactionId": ""}}},
            {"transaction": {"acquirer": {"transactionId": "0"}}},
            {"transaction": {"acquirer": {"transactionId": "1"}, "amount": "149999"}},
            {"transaction": {"acquirer": {"transactionId": "1"}, "amount": "15000000"}},
            {"transaction": {"acquirer": {"transactionId": "1"}, "amount": "150000", "currency": "JPY"}},
            {"apiOperation": ["PAY"]},
        ],
    )
    def test_a_genuine_result_that_makes_no_sense_is_malformed(
        self, adapter: Napas, changes: dict[str, Any]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(callback_request(seal(a_result(**changes))))

    def test_a_sealed_text_that_is_no_result_is_malformed(self, adapter: Napas) -> None:
        nothing: list[object] = [{}, [], "x", {"tokenResult": {}}, {"paymentResult": []}]
        for content in nothing:
            with pytest.raises(Malformed):
                adapter.read_callback(callback_request(seal(content)))
        data = "not base64"
        checksum = hashlib.sha256((data + SECRET).encode()).hexdigest()
        with pytest.raises(Malformed):
            adapter.read_callback(callback_request({"data": data, "checksum": checksum}))


# Napas: the two calls of an opening, and the page on which its form stands.
# ------------------------------------------------------------------------------------------------


class TestOpeningAtNapas:
    @pytest.fixture
    def adapter(self, tmp_path: Path) -> Any:
        return built(a_section(tmp_path))

    # Opening ----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_data_key_is_never_a_guess(self, adapter: Napas, failure: str) -> None:
        given = FAILURES[failure]
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "T0k.en-1"})
            wire.add("POST", DATA_KEY, **given if isinstance(given, dict) else {"body": given})
            with pytest.raises(BankUnavailable):
                adapter.open_payment(a_request())

    @pytest.mark.parametrize(
        "answer",
        [
            {"dataKey": "AE52"},
            {"napasKey": "MIGf"},
            {"dataKey": "AE52", "napasKey": "<script>"},
            {"dataKey": "AE52", "napasKey": "MIGf", "order": {"id": "DV0-1"}},
            {"dataKey": "AE52", "napasKey": "M" * 3500},
        ],
    )
    def test_keys_that_make_no_sense_are_no_keys(self, adapter: Napas, answer: dict[str, Any]) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "T0k.en-1"})
            wire.add("POST", DATA_KEY, json=answer)
            with pytest.raises(BankUnavailable):
                adapter.open_payment(a_request())

    def test_it_asks_for_a_token_and_then_for_the_orders_key(self, adapter: Napas) -> None:
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "T0k.en-1"})
            wire.add("POST", DATA_KEY, json={"dataKey": "AE52", "napasKey": "MIGf"})
            adapter.open_payment(a_request())
            first, second = (call.request for call in wire.calls)
        assert parse_qs(str((first.body or b"").decode())) == {  # type: ignore[union-attr]
            "grant_type": ["password"],
            "client_id": ["HUBTEST"],
            "client_secret": [SECRET],
            "username": ["hubtest"],
            "password": [PASSWORD],
        }
        assert second.headers["Authorization"] == "Bearer T0k.en-1"
        assert json.loads(second.body or b"") == {
            "apiOperation": "DATA_KEY",
            "order": {"id": ATTEMPT, "amount": "150000", "currency": "VND"},
            "inputParameters": {
                "clientIP": "203.113.131.1",
                "deviceId": "0123456789",
                "environment": "WebApp",
                "cardScheme": "AtmCard",
                "enable3DSecure": "false",
            },
        }

    def test_keys_are_as_long_as_a_certificate(self, adapter: Napas) -> None:
        key = "MIGf" + "A" * 216 + ":" + "MIIB+/" * 200
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "e" * 1500})
            wire.add("POST", DATA_KEY, json={"dataKey": "AE52", "napasKey": key})
            page = adapter.open_payment(a_request()).page_url or ""
        assert dict(parse_qsl(page.partition("#")[2]))["napasKey"] == key

    def test_the_token_may_stand_in_the_address(self, tmp_path: Path) -> None:
        adapter = built({**a_section(tmp_path), "TOKEN_PLACE": "query"})
        with responses.RequestsMock() as wire:
            wire.add("POST", TOKEN, json={"access_token": "T0k&en=1"})
            wire.add("POST", DATA_KEY, json={"dataKey": "AE52", "napasKey": "MIGf"})
            adapter.open_payment(a_request())
            asked = wire.calls[1].request
        assert parse_qs(urlsplit(str(asked.url)).query) == {"access_token": ["T0k&en=1"]}
        assert "Authorization" not in asked.headers

    def test_the_page_is_told_what_the_form_needs(self, adapter: Napas) -> None:
        page = opened(adapter).page_url or ""
        assert page.startswith("https://pay.agency.test/napas#")
        fields = dict(parse_qsl(page.partition("#")[2]))
        assert (fields["dataKey"], fields["napasKey"]) == ("AE52", "MIGf/A=:MIIB+B")
        assert (fields["orderId"], fields["orderAmount"], fields["orderCurrency"]) == (
            ATTEMPT,
            "150000",
            "VND",
        )
        assert (fields["orderReference"], fields["apiOperation"], fields["channel"]) == (ORDER, "PAY", "6014")
        assert SECRET not in page

    @pytest.mark.parametrize(
        "page",
        [
            "https://pay.agency.test/napas",
            "https://pay.agency.test/{fields}",
            "https://pay.agency.test/napas?{fields}&{fields}",
            "http://pay.agency.test/napas?{fields}",
            "{fields}",
            "https://pay.agency.test@evil.test/napas?{fields}",
        ],
    )
    def test_a_page_without_a_place_for_the_form_is_refused(self, tmp_path: Path, page: str) -> None:
        with pytest.raises(BankSettingsError, match="PAGE_URL"):
            built({**a_section(tmp_path), "PAGE_URL": page})

    def test_nothing_is_taken_from_where_the_payer_sits(self, adapter: Napas) -> None:
        with responses.RequestsMock(), pytest.raises(Malformed):
            adapter.open_payment(a_request(payer_ip="a&b", amount=dong(1)))


# The recorded vector, and a payment with the simulator
# ------------------------------------------------------------------------------------------------

(VECTOR,) = json.loads((Path(__file__).parent / "vectors/napas/signatures.json").read_text("utf-8"))


def bank_of(folder: Path) -> Any:
    """The adapter with the secret of the vector."""
    section = {
        "URL": "https://napas.test/api",
        "CLIENT_ID": CLIENT,
        "SECRET": VECTOR["secret"],
        "LOGIN": LOGIN,
        "PASSWORD_SECRET": PASSWORD,
        "PAGE_URL": "https://pay.agency.test/napas#{fields}",
        "STATEMENTS": str(folder),
    }
    return load_adapters(["napas"], {"napas": section})["napas"]


@pytest.mark.parametrize("case", [str.upper, str.lower])
def test_the_vectors_checksum_is_believed_and_its_data_says_nothing(tmp_path: Path, case: Any) -> None:
    """Malformed is said of a genuine message alone; one bit more and it is rejected."""
    fields = {"data": VECTOR["inputs"]["data"], "checksum": case(VECTOR["expected"])}
    with pytest.raises(Malformed):
        bank_of(tmp_path).read_callback(callback_request(fields))
    with pytest.raises(CallbackRejected):
        bank_of(tmp_path).read_callback(callback_request({**fields, "data": f"{fields['data']}="}))


def test_both_sides_understand_each_other(tmp_path: Path) -> None:
    with serve("http://127.0.0.1:9", simulators=[NapasSimulator], statements=tmp_path) as server:
        section = settings_of([NapasSimulator], server.url, tmp_path)["napas"]
        adapter: Any = load_adapters(["napas"], {"napas": section})["napas"]
        simulator = server.banks["napas"]
        page = adapter.open_payment(a_request()).page_url
        arrived = requests.get(page, timeout=5)
        assert arrived.url == f"{server.url}/napas/pay/{ATTEMPT}"
        assert requests.get(page.replace("orderAmount=150000", "orderAmount=1"), timeout=5).status_code == 404
        payment = simulator.book.find(ATTEMPT)
        assert payment is not None
        simulator.book.settle(payment, "PAID", notify=False)
        (callback,) = simulator.callbacks(payment)
        confirmation = adapter.read_callback(
            CallbackRequest("POST", "/", b"", callback.headers, callback.body, NOON)
        )
        assert (confirmation.outcome, confirmation.amount, confirmation.reference) == (
            Outcome.PAID,
            dong(150_000),
            ATTEMPT,
        )
        assert confirmation.bank_transaction_id == payment.transaction_id


# As other systems write the same messages
# ------------------------------------------------------------------------------------------------


def read_result(folder: Path, form: bool = False, data: bytes | None = None, **changes: Any) -> Any:
    sealed = seal(a_result(**changes))
    if data is not None:
        checksum = hashlib.sha256(data + SECRET.encode()).hexdigest()
        sealed = {"data": data.decode(), "checksum": checksum}
    message = callback_request(sealed)
    if form:
        body = urlencode({"napasResult": json.dumps(sealed)}).encode()
        message = CallbackRequest("POST", "/callbacks/napas", b"", {}, body, NOON)
    return built(a_section(folder)).read_callback(message)


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"response": {"gatewayCode": "Approved - ok"}},
        {"response": {"gatewayCode": 0}},
        {"transaction": {"acquirer": {"transactionId": 42}}},
        {"transaction": {"acquirer": {"transactionId": "42"}, "amount": 150_000.0, "currency": "VND"}},
        {"sourceOfFunds": AWKWARD, "fee": 0.5, "cards": ["x" * 3000] * 2},
    ],
)
def test_a_success_of_napas_is_paid_whatever_stands_beside_it(
    tmp_path: Path, form: bool, changes: dict[str, Any]
) -> None:
    result = read_result(tmp_path, form, **changes)
    assert (result.outcome, result.amount, result.reference) == (Outcome.PAID, AMOUNT, ATTEMPT)


@pytest.mark.parametrize("result", ["success", "In progress", "SUCCESS_LATER", "Success"])
def test_a_word_that_napas_never_wrote_is_pending(tmp_path: Path, result: str) -> None:
    assert read_result(tmp_path, result=result).outcome is Outcome.PENDING


def test_base64_in_lines_is_base64(tmp_path: Path) -> None:
    lines = base64.encodebytes(json.dumps(a_result()).encode())
    for data in (lines, lines.replace(b"\n", b"\r\n")):
        assert read_result(tmp_path, data=data).outcome is Outcome.PAID
    with pytest.raises(Malformed):
        read_result(tmp_path, data=lines.replace(b"\n", b"!"))
