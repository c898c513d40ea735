"""The sandbox bank over real HTTP: opened, paid, told, asked and found in the statement."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from bank_adapters.sandbox import SandboxBank
from bank_adapters.simulators.sandbox import OUTCOMES_BY_AMOUNT, as_markdown
from payment_hub.domain.banks.values import Outcome, Statement
from payment_hub.domain.errors import BankUnavailable
from payment_hub.domain.money import dong
from tests.banks.callback_door import Door, open_door
from tests.banks.examples import ORDER, a_query, a_request
from tests.banks.sandbox_messages import OTHER, SECRET, a_sandbox
from tests.simulators.sandbox import QuickSandbox, serve

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
def test_an_amount_does_what_the_table_says(ending: str, hub: Door) -> None:
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
        assert [(one.outcome, one.amount) for one in hub.heard] == [
            (said, dong(amount + more)) for said, more in callbacks
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
    ending: str, events: int, transactions: int, hub: Door
) -> None:
    with serve(SECRET) as bank:
        hub.joined_to(bank.url).open_payment(a_request(amount=dong(150_000 + int(ending))))
        bank.pay(a_request().attempt_reference)
        bank.wait_until_delivered()
    assert len({one.event_id for one in hub.heard}) == events
    assert len({one.bank_transaction_id for one in hub.heard}) == transactions


def test_what_is_not_answered_with_2xx_is_sent_again_under_the_same_id(hub: Door) -> None:
    hub.busy = 2
    with serve(SECRET) as bank:
        hub.joined_to(bank.url).open_payment(a_request())
        bank.pay(a_request().attempt_reference)
        bank.wait_until_delivered()
        assert bank.statuses() == [503, 503, 200]
    assert len(hub.heard) == 1


def test_the_ladder_ends(hub: Door) -> None:
    hub.busy = 100
    with serve(SECRET) as bank:
        hub.joined_to(bank.url).open_payment(a_request())
        bank.pay(a_request().attempt_reference)
        bank.wait_until_delivered()
        assert bank.statuses() == [503] * 4


def test_a_wish_overrides_the_table(hub: Door) -> None:
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
        assert hub.heard == []


def test_money_that_nobody_announced_is_told_and_booked(hub: Door) -> None:
    with serve(SECRET, hub_url=hub.url) as bank:
        adapter = hub.joined_to(bank.url)
        sent = requests.post(
            f"{bank.url}/transfers", json={"reference": 'nop "phat", ho so 7', "amount": 70_000}, timeout=5
        )
        assert sent.status_code == 200
        bank.wait_until_delivered()
        assert [(one.reference, one.amount) for one in hub.heard] == [('nop "phat", ho so 7', dong(70_000))]
        assert statement_of_today(adapter).lines[0].reference == 'nop "phat", ho so 7'


def test_a_person_can_pay_and_decline_on_its_page(hub: Door) -> None:
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


def test_what_was_never_opened_is_not_known_yet(hub: Door) -> None:
    with serve(SECRET) as bank:
        said = hub.joined_to(bank.url).query_payment(a_query())
        assert (said.outcome, said.code, said.amount) == (PENDING, "UNKNOWN", None)
        with pytest.raises(BankUnavailable):
            hub.joined_to(bank.url).query_payment(a_query(attempt_reference="../statements/2026-11-22"))


def test_what_is_still_unknown_when_no_opening_can_arrive_any_more_was_never_opened(hub: Door) -> None:
    with serve(SECRET) as bank:
        query = a_query()
        late = replace(query, queried_at=query.started_at + timedelta(minutes=10, seconds=1))
        assert hub.joined_to(bank.url).query_payment(late).outcome is DECLINED


def test_a_wish_that_makes_no_sense_is_refused(hub: Door) -> None:
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


def test_a_hub_that_is_away_is_told_when_it_is_back(hub: Door) -> None:
    with serve(SECRET, hub_url="http://127.0.0.1:9") as bank:
        bank.transfer("typed by hand", 5000)
        bank.wait_until_delivered()
        assert bank.statuses() == [0] * 4
        bank.transfer("typed by hand", 5000)
        with pytest.raises(TimeoutError):
            bank.wait_until_delivered(0)


def test_it_answers_nobody_but_the_hub(hub: Door) -> None:
    with serve(SECRET) as bank:
        stranger = hub.joined_to(bank.url, OTHER)
        with pytest.raises(BankUnavailable, match="401"):
            stranger.open_payment(a_request())
        with pytest.raises(BankUnavailable, match="401"):
            statement_of_today(stranger)
        assert requests.get(f"{bank.url}/payments/x", timeout=5).status_code == 401
        assert requests.get(f"{bank.url}/health", timeout=5).json() == {"status": "ok"}
        assert requests.post(f"{bank.url}/payments/x/pay", data=b"[", timeout=5).status_code == 400


def test_both_sides_can_change_their_secret_one_after_the_other(hub: Door) -> None:
    with serve(OTHER, secret_previous=SECRET) as bank:
        section = {"URL": bank.url, "SECRET": SECRET, "SECRET_PREVIOUS": OTHER}
        hub.adapter = a_sandbox(section, hub.url)
        hub.adapter.open_payment(a_request())
        bank.pay(a_request().attempt_reference)
        bank.wait_until_delivered()
    assert [one.outcome for one in hub.heard] == [PAID]


def test_opening_twice_is_opening_once(hub: Door) -> None:
    with serve(SECRET) as bank:
        adapter = hub.joined_to(bank.url)
        assert adapter.open_payment(a_request()) == adapter.open_payment(a_request())
        with pytest.raises(BankUnavailable, match="409"):
            adapter.open_payment(a_request(amount=dong(160_000)))


class SlowToRepeat(QuickSandbox):
    """A callback that is not accepted stays on its way."""

    retries = (30,)


def test_a_restart_forgets_nothing(hub: Door, tmp_path: Path) -> None:
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
    assert [one.event_id for one in hub.heard] == [pending["message_id"]]
    with serve(SECRET, state=tmp_path) as bank:
        assert bank.server.sender.pending() == 0


@pytest.fixture
def hub() -> Iterator[Door]:
    with open_door() as door:
        yield door
