"""Debits and what went back, paired off in SQL against the pure twin, on random facts of two orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from payment_hub.domain.calendar import bounds, business_day
from reconciliation.store import debits
from tests.conftest import emptied
from tests.reconciliation.model import Certainty, Debit, Outflow, pair_off

DAYS: Final = [date(2026, 3, 2) + timedelta(days=n) for n in range(3)]
MONEY: Final = {"T1": 1, "T2": 1, "T3": 2}
ORDERS: Final = {"DVA": 1, "DVB": 2}
KEYS: Final = {money: key for key, money in enumerate(MONEY, start=1)}

days = st.sampled_from(DAYS)
amounts = st.sampled_from([10_000, 20_000])
money = st.sampled_from(sorted(MONEY))
named_by_bank = st.sampled_from([None, None, "B1", "B2", "T1"])
states = st.sampled_from(["SUCCEEDED", "SUCCEEDED", "UNKNOWN", "PENDING", "SUBMITTING", "FAILED", "APPROVED"])


@dataclass(frozen=True)
class Refunded:
    """A refund as it is planted."""

    money: str
    amount: int
    state: str
    sent_on: date
    by_bank: str | None
    route: str


refunds = st.lists(
    st.builds(
        Refunded, money, amounts, states, days, named_by_bank, st.sampled_from(["BANK", "BANK", "TRANSFER"])
    ),
    max_size=5,
)
chargebacks = st.lists(
    st.tuples(money, amounts, st.sampled_from(["B1", "B3", "T1", "letter"])),
    max_size=2,
    unique_by=lambda one: (one[0], one[2]),
)
some_debits = st.lists(
    st.builds(
        Debit,
        day=days,
        transaction=st.sampled_from(["B1", "B2", "B3", "T1", "T2", "T3", "X1", "X2"]),
        reference=st.sampled_from(["", "some text"]),
        occurrence=st.sampled_from([1, 2]),
        amount=amounts,
        currency=st.just("VND"),
        refund_reference=st.sampled_from([None, None, "RF1", "RF2"]),
        order_reference=st.sampled_from([None, None, "DVA", "DVB"]),
    ),
    max_size=7,
    unique_by=lambda one: (one.transaction, one.day, one.amount, one.reference, one.occurrence),
)

WORLD: Final = """
INSERT INTO agency (id, code, name, receipt_template, receipt_series, account_number, account_bank, account_name,
    created_at) OVERRIDING SYSTEM VALUE VALUES (1, 'B1', 'Agency', '01BLP', 'AA26E', '1', '970436', 'KBNN', now());
INSERT INTO portal (id, code, name, created_at) OVERRIDING SYSTEM VALUE VALUES (1, 'p', 'P', now());
INSERT INTO obligation (id, agency_id, reference, kind, created_at)
OVERRIDING SYSTEM VALUE SELECT n, 1, 'QD-' || n, 'traffic_fine', now() FROM generate_series(1, 2) n;
INSERT INTO payment_order (id, reference, obligation_id, obligation_version, agency_id, portal_id, required, currency,
    issued_at, expires_at)
OVERRIDING SYSTEM VALUE SELECT n, (ARRAY['DVA', 'DVB'])[n], n, 1, 1, 1, 1, 'VND', now(), now()
FROM generate_series(1, 2) n;
INSERT INTO statement_file (id, bank, day, sha256, raw, state, lines, received_at)
OVERRIDING SYSTEM VALUE VALUES (1, 'sandbox', '2026-03-02', 'x', '', 'ACCEPTED', 0, now())"""

COLLECTED: Final = """
INSERT INTO collection (id, bank, bank_transaction_id, order_id, agency_id, reference, amount, currency, late, accepted,
    collected_at, received_at, day)
OVERRIDING SYSTEM VALUE VALUES (:key, 'sandbox', :money, :order, 1, '', 1000000, 'VND', false, true, now(), now(),
    '2026-03-02')"""

REFUND: Final = """
INSERT INTO refund (id, reference, order_id, refund_id, request_sha256, collection_id, agency_id, bank, amount,
    currency, reason, note, route, proposed_by, state, approved_by, bank_refund_id, submitted_at,
    proposed_at, changed_at)
OVERRIDING SYSTEM VALUE VALUES (:n, :reference, :order, :reference, '', :key, 1, 'sandbox', :amount, 'VND', :reason, '',
    :route, 'a', :state, 'b', :by_bank, :at, :at, :at)"""

CHARGEBACK: Final = """
INSERT INTO chargeback (id, collection_id, order_id, bank, amount, currency, evidence, stated_by, stated_at)
OVERRIDING SYSTEM VALUE VALUES (:n, :key, :order, 'sandbox', :amount, 'VND', :evidence, 'a', :at)"""

LINE: Final = """
INSERT INTO statement_line (file_id, line, bank, bank_transaction_id, day, amount, currency, movement, reference,
    occurrence, booked_at, repeated, refund_reference, order_reference)
VALUES (1, :n, 'sandbox', :transaction, :day, :amount, 'VND', 'DEBIT', :reference, :occurrence, now(), false,
    :refund_reference, :order_reference)"""


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("examples", [40, pytest.param(1000, marks=pytest.mark.deep)])
def test_sql_pairs_off_what_the_pure_rules_pair_off(examples: int, engine: Engine) -> None:
    @settings(deadline=None, max_examples=examples)
    @given(refunded=refunds, taken=chargebacks, lines=some_debits)
    def pairs_off_the_same(
        refunded: Sequence[Refunded], taken: Sequence[tuple[str, int, str]], lines: Sequence[Debit]
    ) -> None:
        emptied(engine)
        with Session(engine) as session:
            gone = plant(session, refunded, taken)
            for n, line in enumerate(lines):
                session.execute(
                    text(LINE), {"n": n, **{name: getattr(line, name) for name in Debit.__slots__}}
                )
            expected = pair_off(gone, lines, MONEY, ORDERS)
            for day in DAYS:
                assert cases_of(session, day) == {
                    line: case for line, case in expected.items() if line.day == day
                }

    pairs_off_the_same()


def cases_of(session: Session, day: date) -> dict[Debit, str]:
    """What SQL makes of the lines of a day."""
    starts_at, ends_at = bounds(day)
    asked = {
        "bank": "sandbox",
        "day": day,
        "starts_before": starts_at - timedelta(days=1),
        "ends_at": ends_at,
    }
    session.execute(text("CREATE TEMPORARY TABLE candidate (case_key text) ON COMMIT DROP"))
    debits.pair_off(session, asked)
    query = f"""SELECT h.case_key, l.bank_transaction_id AS transaction, {
        ", ".join(f"l.{name}" for name in Debit.__slots__ if name != "transaction")
    } FROM debit_case h JOIN statement_line l ON l.id = h.id WHERE h.day = :day"""
    found = {}
    for row in session.execute(text(query), {"day": day}).mappings():
        found[Debit(**{name: row[name] for name in Debit.__slots__})] = row["case_key"]
    for name in (
        "candidate",
        "unread_line",
        "debit",
        "touched_order",
        "outflow",
        "possible_match",
        "paired",
        "debit_case",
    ):
        session.execute(text(f"DROP TABLE {name}"))
    return found


def plant(
    session: Session, refunded: Sequence[Refunded], taken: Sequence[tuple[str, int, str]]
) -> list[Outflow]:
    """Refunds, chargebacks and what they are of; the same for the pure rules."""
    for statement in WORLD.split(";"):
        session.execute(text(statement))
    for name, order in MONEY.items():
        session.execute(text(COLLECTED), {"key": KEYS[name], "money": name, "order": order})
    reasons = ("PAID_TWICE", "OVERPAID", "PAID_LATE", "NOT_OWED", "OTHER")
    gone = []
    for n, one in enumerate(refunded, start=1):
        at = datetime(one.sent_on.year, one.sent_on.month, one.sent_on.day, 5, tzinfo=UTC)
        values: dict[str, Any] = {"n": n, "reference": f"RF{n}", "at": at, "reason": reasons[n - 1]}
        values |= {"order": MONEY[one.money], "key": KEYS[one.money]}
        values |= {name: getattr(one, name) for name in ("amount", "state", "by_bank", "route")}
        session.execute(text(REFUND), values)
        certainty = certainty_of(one)
        of = (MONEY[one.money], one.money, one.amount, "VND")
        gone.append(Outflow(f"RF{n}", *of, one.sent_on, certainty, (False, n), f"RF{n}", one.by_bank))
    at = datetime(2026, 3, 3, tzinfo=UTC)
    for n, (name, amount, evidence) in enumerate(taken, start=1):
        values = {
            "n": n,
            "key": KEYS[name],
            "order": MONEY[name],
            "amount": amount,
            "evidence": evidence,
            "at": at,
        }
        session.execute(text(CHARGEBACK), values)
        of = (MONEY[name], name, amount, "VND")
        gone.append(Outflow(f"chargeback {n}", *of, date.min, Certainty.DONE, (True, n), None, evidence))
    return gone


def certainty_of(one: Refunded) -> Certainty | None:
    """Who comes first. What was not sent is nobody's debit; a transfer may be made as soon as it is approved."""
    match one.state:
        case "SUCCEEDED":
            return Certainty.DONE
        case "FAILED":
            return Certainty.FAILED
        case "APPROVED":
            return Certainty.UNRESOLVED if one.route == "TRANSFER" else None
        case _:
            return Certainty.UNRESOLVED if one.route == "BANK" else None


@pytest.mark.parametrize(
    "moment", [datetime(2026, 3, 2, 16, 59, 59, tzinfo=UTC), datetime(2026, 3, 2, 17, tzinfo=UTC)]
)
def test_sql_and_python_agree_on_the_day(migrated: Engine, moment: datetime) -> None:
    with migrated.connect() as connection:
        query = f"SELECT (CAST(:at AS timestamptz) AT TIME ZONE {debits.HUB_TIME})::date"
        assert connection.execute(text(query), {"at": moment}).scalar_one() == business_day(moment)
