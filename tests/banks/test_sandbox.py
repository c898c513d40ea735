"""The open protocol: the contract with signatures of another library, and the simulator over real HTTP."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from standardwebhooks import Webhook

from bank_adapters import load_adapters
from bank_adapters.sandbox import SandboxBank
from bank_adapters.simulators.sandbox import OUTCOMES_BY_AMOUNT, as_markdown
from bank_adapters.toolkit.emv_qr import read_qr
from payment_hub.domain.banks.port import HasStatement
from payment_hub.domain.banks.values import CallbackRequest, Confirmation, Outcome, Statement
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, Malformed
from payment_hub.domain.money import Money, dong
from tests.banks.contract import CallbackContract, QueryContract, StatementContract
from tests.banks.examples import ATTEMPT, DAY, NOON, ORDER, a_query, a_request
from tests.simulators.sandbox import QuickSandbox, serve

# Messages
# ------------------------------------------------------------------------------------------------

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
BANK = "https://bank.test"

STATEMENT = (
    "statement,2026-11-22,2,155000\n"
    "transaction_id,reference,amount,currency,movement,booked_at\n"
    f"T1,{ATTEMPT},150000,VND,CREDIT,2026-11-22T05:00:00Z\n"
    "T2,typed by hand,5000,VND,CREDIT,2026-11-22T06:00:00Z\n"
)


def a_sandbox(section: dict[str, str], public_url: str = "") -> SandboxBank:
    """The adapter from its settings."""
    adapter = load_adapters(["sandbox"], {"sandbox": section}, public_url)["sandbox"]
    assert isinstance(adapter, SandboxBank)
    return adapter


def signed(
    body: bytes, *, message_id: str = "evt_1", at: datetime = NOON, secret: str = SECRET
) -> dict[str, str]:
    """Headers as the reference library of Standard Webhooks makes them."""
    signature = Webhook(secret).sign(message_id, at, body.decode())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def a_result(**changes: object) -> dict[str, object]:
    """What the bank says of a payment that was made."""
    return {
        "type": "payment.result",
        "attempt_reference": ATTEMPT,
        "order_reference": ORDER,
        "reference": ATTEMPT,
        "status": "PAID",
        "amount": "150000",
        "currency": "VND",
        "transaction_id": "T1",
        "paid_at": "2026-11-22T05:00:00Z",
    } | changes


AN_OPENING: dict[str, object] = {
    "type": "payment.opened",
    "attempt_reference": ATTEMPT,
    "bank_reference": "SBXP00000001",
    "account_bank": "970499",
    "account_number": "9000000000001",
    "account_name": "KHO BAC SANDBOX",
    "page_url": f"{BANK}/pay/{ATTEMPT}",
}


Answering = Callable[[requests.PreparedRequest], tuple[int, dict[str, str], bytes]]


def answer_of(
    content: dict[str, object] | str, *, under: str | None = None, secret: str = SECRET
) -> Answering:
    """An answer rightly signed under the id of its question, or ``under`` another, or with another secret."""
    body = content.encode() if isinstance(content, str) else json.dumps(content).encode()

    def answer(asked: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        asked_body = asked.body or ""
        Webhook(SECRET).verify(asked_body, dict(asked.headers)) if asked_body else None
        message_id = under or str(asked.headers["webhook-id"])
        return 200, signed(body, message_id=message_id, at=datetime.now(UTC), secret=secret), body

    return answer


def answering(
    *answers: tuple[str, str, dict[str, object] | str], under: str | None = None
) -> responses.RequestsMock:
    """A bank that gives these answers."""
    wire = responses.RequestsMock()
    for method, path, content in answers:
        wire.add_callback(method, BANK + path, answer_of(content, under=under))
    return wire


class CallbackReceiver:
    """Answers 200 to what the adapter believes, 401 to the rest, and 503 while it is busy."""

    def __init__(self) -> None:
        self.adapter: SandboxBank | None = None
        self.confirmations: list[Confirmation] = []
        self.refused = 0
        self.busy = 0
        """How many of the next messages are answered with 503."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.receive(
                    CallbackRequest("POST", self.path, b"", headers, body, datetime.now(UTC))
                )
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def receive(self, message: CallbackRequest) -> int:
        assert self.adapter is not None
        assert message.path == "/callbacks/sandbox"
        if self.busy:
            self.busy -= 1
            return 503
        try:
            self.confirmations.append(self.adapter.read_callback(message))
        except CallbackRejected:
            self.refused += 1
            return 401
        return 200

    def joined_to(self, bank_url: str, secret: str = SECRET) -> SandboxBank:
        section = {"URL": bank_url, "SECRET": secret, "READ_SECONDS": "3"}
        self.adapter = a_sandbox(section, self.url)
        return self.adapter


@contextmanager
def serve_callbacks() -> Iterator[CallbackReceiver]:
    """A receiver that listens on a free port of this machine."""
    receiver = CallbackReceiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()


# The contract
# ------------------------------------------------------------------------------------------------


class TestSandbox(CallbackContract, QueryContract, StatementContract):
    bank = "sandbox"
    required = frozenset({"BANK_SANDBOX_URL", "BANK_SANDBOX_SECRET"})
    signed_headers = ("webhook-id", "webhook-timestamp", "webhook-signature")
    asks_at = (("GET", f"{BANK}/payments/{ATTEMPT}"),)
    opens_at = (("POST", f"{BANK}/payments"),)

    def section(self, folder: Path) -> dict[str, str]:
        return {"URL": BANK, "SECRET": SECRET, "READ_SECONDS": "1"}

    def other_secret(self, secret: str) -> str:
        return OTHER

    def callback(self, outcome: Outcome | str, **changes: object) -> CallbackRequest:
        facts: dict[Outcome | str, dict[str, object]] = {
            Outcome.PAID: {},
            Outcome.DECLINED: {"status": "DECLINED", "transaction_id": None, "paid_at": None},
        }
        result = facts.get(outcome, {"status": "UNDER_REVIEW"})
        body = json.dumps(a_result(**{**result, **changes})).encode()
        headers = signed(body, message_id=f"evt_{outcome.replace(' ', '_')}")
        return CallbackRequest("POST", "/callbacks/sandbox", b"", headers, body, NOON)

    def aged(self, age: timedelta) -> CallbackRequest:
        genuine = self.callback(Outcome.PAID)
        return replace(genuine, headers=signed(genuine.body, at=NOON - age))

    def opening_answer(self) -> Answering:
        return answer_of(AN_OPENING)

    def unbelievable_openings(self) -> dict[str, Any]:
        return {
            "another payment": answer_of(AN_OPENING | {"attempt_reference": f"{ORDER}-2"}),
            "wrong signature": answer_of(AN_OPENING, secret=OTHER),
        }

    def query_answer(self, outcome: Outcome | str) -> Answering:
        word = str(outcome) if outcome in list(Outcome) else "UNDER_REVIEW"
        return answer_of(a_result(type="payment.status", status=word))

    def unbelievable_answers(self) -> dict[str, Any]:
        status = a_result(type="payment.status")
        return {
            "another payment": answer_of(status | {"attempt_reference": f"{ORDER}-2"}),
            "wrong signature": answer_of(status, secret=OTHER),
            "another question": answer_of(status, under="ask_of_yesterday"),
        }

    def statement_text(self) -> str:
        return STATEMENT

    def with_statement(self, adapter: HasStatement, folder: Path, text: str | None = None) -> HasStatement:
        return _Answered(adapter, ("GET", f"/statements/{DAY}", STATEMENT if text is None else text))

    def test_a_callback_about_the_order_alone_is_read_as_such(self, adapter: SandboxBank) -> None:
        assert adapter.read_callback(self.callback(Outcome.PAID, reference=ORDER)).reference == ORDER

    def test_a_callback_in_another_currency_keeps_it(self, adapter: SandboxBank) -> None:
        confirmation = adapter.read_callback(self.callback(Outcome.PAID, amount="150.00", currency="USD"))
        assert confirmation.amount == Money(15_000, "USD")

    @pytest.mark.parametrize(
        "changes",
        [
            {"amount": 150_000},
            {"amount": "150.000"},
            {"amount": "-1"},
            {"amount": None},
            {"currency": "BTC"},
            {"transaction_id": None},
            {"paid_at": "2026-11-22"},
            {"paid_at": "2026-02-30T05:00:00Z"},
            {"reference": ""},
            {"reference": "a\nb"},
            {"status": "paid"},
            {"type": "payment.open"},
        ],
    )
    def test_a_genuine_callback_that_makes_no_sense_is_malformed(
        self, adapter: SandboxBank, changes: dict[str, object]
    ) -> None:
        with pytest.raises(Malformed):
            adapter.read_callback(self.callback(Outcome.PAID, **changes))

    def test_its_instructions_say_where_to_pay(self, adapter: SandboxBank) -> None:
        given = self.opened(adapter)
        assert (given.account_bank, given.account_number, given.purpose) == ("970499", "9000000000001", ORDER)
        assert given.page_url == f"{BANK}/pay/{ATTEMPT}"
        assert given.qr_text is not None
        qr = read_qr(given.qr_text)
        assert (qr.bank_bin, qr.number, qr.additional) == ("970499", "9000000000001", {"purpose": ORDER})

    @pytest.mark.parametrize(
        "changes",
        [
            {"attempt_reference": f"{ORDER}-2"},
            {"type": "payment.status"},
            {"page_url": "http://evil.test/pay"},
            {"page_url": "javascript:alert(1)"},
            {"account_number": "12 34"},
            {"account_bank": None},
        ],
    )
    def test_an_opening_that_makes_no_sense_is_no_opening(
        self, adapter: SandboxBank, changes: dict[str, object]
    ) -> None:
        with answering(("POST", "/payments", AN_OPENING | changes)), pytest.raises(BankUnavailable):
            adapter.open_payment(a_request())

    def test_an_answer_to_another_question_is_not_believed(self, adapter: SandboxBank) -> None:
        answer = {**a_result(type="payment.status")}
        older = answering(("GET", f"/payments/{ATTEMPT}", answer), under="ask_of_yesterday")
        with older, pytest.raises(BankUnavailable):
            adapter.query_payment(a_query())
        with answering(("GET", f"/payments/{ATTEMPT}", answer)):
            assert adapter.query_payment(a_query()).outcome is Outcome.PAID

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            (STATEMENT.replace("155000", "155001"), "line 1|declares"),
            (STATEMENT.replace(",2,155000", ",3,155000"), "declares"),
            (STATEMENT.replace("2026-11-22,2", "2026-11-21,2"), "line 1, column 1"),
            (STATEMENT.replace("T2,typed by hand,5000", "T2,typed by hand,5.000"), "line 4, column 3"),
            (STATEMENT.replace("CREDIT,2026-11-22T06", "KREDIT,2026-11-22T06"), "line 4, column 5"),
            (STATEMENT.replace("T06:00:00Z", "T06:00:00"), "line 4, column 6"),
            (STATEMENT.replace("T2,typed", ",typed"), "line 4, column 1"),
            (STATEMENT.replace("typed by hand,", ""), "line 4, column 5"),
            (STATEMENT.replace("typed by hand", '"typed'), "line [45], column 1"),
            (STATEMENT.replace("amount,", "sum,"), "line 2, column 6"),
            (STATEMENT.replace("reference,", "amount,"), "line 2, column 2"),
        ],
    )
    def test_one_bad_cell_refuses_the_whole_statement(
        self, adapter: SandboxBank, tmp_path: Path, text: str, place: str
    ) -> None:
        with pytest.raises(Malformed, match=place):
            self.with_statement(adapter, tmp_path, text).fetch_statement(DAY)


class _Answered:
    """An adapter whose bank gives one answer."""

    def __init__(self, adapter: HasStatement, answer: tuple[str, str, str]) -> None:
        self._adapter, self._answer = adapter, answer

    def fetch_statement(self, day: Any) -> Any:
        with answering(self._answer):
            return self._adapter.fetch_statement(day)


# The simulator over real HTTP: opening, payment, callback, query and statement
# ------------------------------------------------------------------------------------------------

PAID, DECLINED, PENDING = Outcome.PAID, Outcome.DECLINED, Outcome.PENDING

#: ending -> what callbacks say (outcome, dong above what was asked), what a query says, the statement.
CIRCLE: dict[str, tuple[list[tuple[Outcome, int]], Outcome, list[int]]] = {
    "000": ([(PAID, 0)], PAID, [0]),
    "001": ([(DECLINED, 0)], DECLINED, []),
    "002": ([(PAID, 0)], PAID, [0]),
    "003": ([(PAID, 0)] * 3, PAID, [0]),
    "004": ([(PAID, 0)] * 2, PAID, [0]),
    "005": ([], PAID, [0]),
    "006": ([(PAID, -1000)], PAID, [-1000]),
    "007": ([(PAID, 1000)], PAID, [1000]),
    "008": ([(PAID, 0)], PAID, [0]),
    "009": ([(DECLINED, 0), (PAID, 0)], PAID, [0]),
    "010": ([(PAID, 0), (DECLINED, 0)], PAID, [0]),
    "011": ([(PAID, 0), (PAID, 1000)], PAID, [0]),
    "012": ([(PAID, 0)], PAID, [0]),
    "013": ([(PAID, 0)], PAID, []),
    "014": ([(PAID, 0)], PAID, [-1000]),
    "015": ([(PAID, 0)], PAID, [0, 0]),
    "016": ([(PENDING, 0)], PENDING, []),
    "500": ([(PAID, 0)], PAID, [0]),
}


def statement_of_today(adapter: SandboxBank) -> Statement:
    return adapter.fetch_statement((datetime.now(UTC) + timedelta(hours=7)).date())


@pytest.mark.parametrize("ending", CIRCLE)
def test_an_amount_does_what_the_table_says(ending: str, hub: CallbackReceiver) -> None:
    amount = 150_000 + int(ending)
    callbacks, answer, lines = CIRCLE[ending]
    with serve(SECRET) as bank:
        adapter = hub.joined_to(bank.url)
        request = a_request(amount=dong(amount))
        if ending == "012":
            with pytest.raises(BankUnavailable):
                adapter.open_payment(request)
        else:
            assert adapter.open_payment(request).page_url == f"{bank.url}/pay/{request.attempt_reference}"
        assert adapter.query_payment(a_query()).outcome is PENDING
        bank.pay(request.attempt_reference)
        bank.wait_until_delivered()
        assert [(one.outcome, one.amount) for one in hub.confirmations] == [
            (result, dong(amount + more)) for result, more in callbacks
        ]
        assert adapter.query_payment(a_query()).outcome is answer
        assert [line.amount for line in statement_of_today(adapter).lines] == [
            dong(amount + more) for more in lines
        ]
        assert hub.refused == (ending == "008")


def test_every_ending_of_the_published_table_is_tried() -> None:
    assert set(OUTCOMES_BY_AMOUNT) == set(CIRCLE) - {"500"}


def test_the_protocols_page_shows_the_table() -> None:
    assert as_markdown() in (Path(__file__).parents[2] / "docs/open-protocol.md").read_text("utf-8")


@pytest.mark.parametrize(("ending", "events", "transactions"), [("003", 1, 1), ("004", 2, 1), ("011", 2, 1)])
def test_repetitions_have_the_identities_that_the_table_says(
    ending: str, events: int, transactions: int, hub: CallbackReceiver
) -> None:
    with serve(SECRET) as bank:
        hub.joined_to(bank.url).open_payment(a_request(amount=dong(150_000 + int(ending))))
        bank.pay(a_request().attempt_reference)
        bank.wait_until_delivered()
    assert len({one.event_id for one in hub.confirmations}) == events
    assert len({one.bank_transaction_id for one in hub.confirmations}) == transactions


def test_what_is_not_answered_with_2xx_is_sent_again_under_the_same_id(hub: CallbackReceiver) -> None:
    hub.busy = 2
    with serve(SECRET) as bank:
        hub.joined_to(bank.url).open_payment(a_request())
        bank.pay(a_request().attempt_reference)
        bank.wait_until_delivered()
        assert bank.statuses() == [503, 503, 200]
    assert len(hub.confirmations) == 1


def test_the_ladder_ends(hub: CallbackReceiver) -> None:
    hub.busy = 100
    with serve(SECRET) as bank:
        hub.joined_to(bank.url).open_payment(a_request())
        bank.pay(a_request().attempt_reference)
        bank.wait_until_delivered()
        assert bank.statuses() == [503] * 4


def test_a_wish_overrides_the_table(hub: CallbackReceiver) -> None:
    with serve(SECRET) as bank:
        adapter = hub.joined_to(bank.url)
        adapter.open_payment(a_request())
        wish = {
            "outcome": "callback-lost",
            "amount": "149999",
            "paid_at": "2026-11-20T18:00:00Z",
            "reference": "order",
        }
        paid = requests.post(f"{bank.url}/payments/{a_request().attempt_reference}/pay", json=wish, timeout=5)
        assert paid.status_code == 200
        assert adapter.query_payment(a_query()).reference == a_request().order_reference
        (line,) = adapter.fetch_statement(datetime(2026, 11, 21, tzinfo=UTC).date()).lines
        assert (line.amount, line.reference) == (dong(149_999), a_request().order_reference)
        assert statement_of_today(adapter).lines == ()
        assert hub.confirmations == []


def test_money_that_nobody_announced_is_told_and_booked(hub: CallbackReceiver) -> None:
    with serve(SECRET, hub_url=hub.url) as bank:
        adapter = hub.joined_to(bank.url)
        sent = requests.post(
            f"{bank.url}/transfers", json={"reference": 'nop "phat", ho so 7', "amount": 70_000}, timeout=5
        )
        assert sent.status_code == 200
        bank.wait_until_delivered()
        assert [(one.reference, one.amount) for one in hub.confirmations] == [
            ('nop "phat", ho so 7', dong(70_000))
        ]
        assert statement_of_today(adapter).lines[0].reference == 'nop "phat", ho so 7'


def test_a_person_can_pay_and_decline_on_its_page(hub: CallbackReceiver) -> None:
    with serve(SECRET) as bank:
        adapter = hub.joined_to(bank.url)
        for number, choice, outcome in ((1, "pay", PAID), (2, "decline", DECLINED)):
            tried = f"{ORDER}-{number}"
            page = adapter.open_payment(a_request(attempt_reference=tried, description="<b>phi</b>")).page_url
            assert page is not None
            shown = requests.get(page, timeout=5).text
            assert "150.000 VND" in shown
            assert "&lt;b&gt;" in shown
            done = requests.post(page, data={"choice": choice}, timeout=5, allow_redirects=False)
            assert (done.status_code, done.headers["location"]) == (303, a_request().return_url)
            assert adapter.query_payment(a_query(attempt_reference=tried)).outcome is outcome
            assert requests.post(page, data={"choice": "pay"}, timeout=5).status_code == 409


def test_what_was_never_opened_is_not_known_yet(hub: CallbackReceiver) -> None:
    with serve(SECRET) as bank:
        confirmation = hub.joined_to(bank.url).query_payment(a_query())
        assert (confirmation.outcome, confirmation.code, confirmation.amount) == (PENDING, "UNKNOWN", None)
        with pytest.raises(BankUnavailable):
            hub.joined_to(bank.url).query_payment(a_query(attempt_reference="../statements/2026-11-22"))


def test_what_is_still_unknown_when_no_opening_can_arrive_any_more_was_never_opened(
    hub: CallbackReceiver,
) -> None:
    with serve(SECRET) as bank:
        query = a_query()
        late = replace(query, queried_at=query.started_at + timedelta(minutes=10, seconds=1))
        assert hub.joined_to(bank.url).query_payment(late).outcome is DECLINED


def test_a_wish_that_makes_no_sense_is_refused(hub: CallbackReceiver) -> None:
    with serve(SECRET) as bank:
        hub.joined_to(bank.url).open_payment(a_request())
        pay = f"{bank.url}/payments/{a_request().attempt_reference}/pay"
        for wish, status in (
            ({"outcome": "riches"}, 409),
            ({"amount": "x"}, 400),
            ({"paid_at": "soon"}, 400),
            ([], 400),
        ):
            assert requests.post(pay, json=wish, timeout=5).status_code == status
        assert requests.post(f"{bank.url}/payments/never/pay", json={}, timeout=5).status_code == 409
        assert requests.get(f"{bank.url}/pay/never", timeout=5).status_code == 404


def test_a_bank_without_a_callback_address_tells_nobody() -> None:
    with serve(SECRET) as bank:
        adapter = a_sandbox({"URL": bank.url, "SECRET": SECRET})
        adapter.open_payment(a_request())
        bank.pay(a_request().attempt_reference)
        assert bank.server.sender.pending() == 0
        assert bank.statuses() == []
        assert adapter.query_payment(a_query()).outcome is PAID


def test_a_hub_that_is_away_is_told_when_it_is_back(hub: CallbackReceiver) -> None:
    with serve(SECRET, hub_url="http://127.0.0.1:9") as bank:
        bank.transfer("typed by hand", 5000)
        bank.wait_until_delivered()
        assert bank.statuses() == [0] * 4
        bank.transfer("typed by hand", 5000)
        with pytest.raises(TimeoutError):
            bank.wait_until_delivered(0)


def test_it_answers_nobody_but_the_hub(hub: CallbackReceiver) -> None:
    with serve(SECRET) as bank:
        stranger = hub.joined_to(bank.url, OTHER)
        with pytest.raises(BankUnavailable, match="401"):
            stranger.open_payment(a_request())
        with pytest.raises(BankUnavailable, match="401"):
            statement_of_today(stranger)
        assert requests.get(f"{bank.url}/payments/x", timeout=5).status_code == 401
        assert requests.get(f"{bank.url}/health", timeout=5).json() == {"status": "ok"}
        assert requests.post(f"{bank.url}/payments/x/pay", data=b"[", timeout=5).status_code == 400


def test_both_sides_can_change_their_secret_one_after_the_other(hub: CallbackReceiver) -> None:
    with serve(OTHER, secret_previous=SECRET) as bank:
        section = {"URL": bank.url, "SECRET": SECRET, "SECRET_PREVIOUS": OTHER}
        hub.adapter = a_sandbox(section, hub.url)
        hub.adapter.open_payment(a_request())
        bank.pay(a_request().attempt_reference)
        bank.wait_until_delivered()
    assert [one.outcome for one in hub.confirmations] == [PAID]


def test_opening_twice_is_opening_once(hub: CallbackReceiver) -> None:
    with serve(SECRET) as bank:
        adapter = hub.joined_to(bank.url)
        assert adapter.open_payment(a_request()) == adapter.open_payment(a_request())
        with pytest.raises(BankUnavailable, match="409"):
            adapter.open_payment(a_request(amount=dong(160_000)))


class SlowToRepeat(QuickSandbox):
    """A callback that is not accepted stays on its way."""

    retries = (30,)


def test_a_restart_forgets_nothing(hub: CallbackReceiver, tmp_path: Path) -> None:
    hub.busy = 1
    with serve(SECRET, state=tmp_path, kind=SlowToRepeat) as bank:
        hub.joined_to(bank.url).open_payment(a_request())
        bank.pay(a_request().attempt_reference)
        while not bank.statuses():
            pass
    with (tmp_path / "sandbox.jsonl").open("a") as file:
        file.write('{"kind": "paym')  # the machine stopped in the middle of a line
    records = [json.loads(line) for line in (tmp_path / "sandbox.jsonl").read_text().splitlines()[:-1]]
    (pending,) = (record for record in records if record["kind"] == "pending")
    with serve(SECRET, state=tmp_path) as bank:
        adapter = hub.joined_to(bank.url)
        bank.wait_until_delivered()
        assert adapter.query_payment(a_query()).outcome is PAID
        assert [line.amount for line in statement_of_today(adapter).lines] == [dong(150_000)]
    assert [one.event_id for one in hub.confirmations] == [pending["message_id"]]
    with serve(SECRET, state=tmp_path) as bank:
        assert bank.server.sender.pending() == 0


@pytest.fixture
def hub() -> Iterator[CallbackReceiver]:
    with serve_callbacks() as receiver:
        yield receiver
