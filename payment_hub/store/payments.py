"""SQL of payment attempts: reading them, claiming those to be queried, and listing unknown outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import TextClause, select, text
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller, KeyUse
from payment_hub.domain.money import Money
from payment_hub.domain.payments import (
    ATTEMPT_LIFE,
    DECIDED,
    UNANSWERED,
    UNDER_WAY,
    AttemptEvent,
    AttemptState,
    AttemptView,
    Awaiting,
    Expectation,
    InstructionsView,
    OutcomeFigures,
)
from payment_hub.domain.routing import Choice, RoutingFacts, Rule
from payment_hub.domain.settlement import Verdict
from payment_hub.store.access import visible_agency
from payment_hub.store.named_sql import named
from payment_hub.store.tables import Agency, BankChoice, PaymentAttempt, PaymentOrder
from payment_hub.store.tables.base import one_of, state_after
from payment_hub.store.tables.payments import AWAITING

#: A query that began so short a time ago is not repeated.
JUST_QUERIED: Final = timedelta(seconds=2)

#: The last messages of all banks are read backwards; a bank that is not among so many has not signed lately.
_LOOKED_THROUGH: Final = 100_000

#: More waits than this in a day show an incident, whatever the exact figures are.
_MOST_WAITS: Final = 10_000


class ClaimedAttempt(NamedTuple):
    """An attempt that this process alone queries until its lease ends."""

    id: int
    order_id: int
    bank: str
    reference: str
    amount: int
    currency: str
    started_at: datetime
    bank_reference: str | None
    queries: int
    state: str
    awaiting: str | None
    unknown_at: datetime | None
    query_at: datetime
    """The end of the lease, where the attempt was claimed by its timer."""
    order_reference: str


class UnresolvedAttempt(NamedTuple):
    """An attempt without the outcome that it should have."""

    id: int
    reference: str
    order_reference: str
    agency: str
    bank: str
    state: str
    awaiting: str | None
    amount: int
    currency: str
    queries: int
    query_at: datetime
    unknown_at: datetime
    escalated_at: datetime | None


def _statements(due: str) -> dict[str, TextClause]:
    """The statements of ``payments.sql``; ``due`` says which attempts the timers' statements look at."""
    order_reference = "(SELECT reference FROM payment_order o WHERE o.id = p.order_id) AS order_reference"
    columns = [f"p.{name}" for name in ClaimedAttempt._fields if name != "order_reference"]
    unresolved = f"""SELECT id FROM payment_attempt WHERE unknown_at IS NOT NULL AND {one_of("state", UNANSWERED)}
        UNION SELECT id FROM payment_attempt WHERE {AWAITING}"""
    statements = named(
        "payment_hub.store",
        "sql/payments.sql",
        due=due,
        claimed=", ".join([*columns, order_reference]),
        unresolved=unresolved,
        awaiting=f"({AWAITING})",
        under_way=UNDER_WAY,
        decided=DECIDED,
        unanswered=ATTEMPT_LIFE.sources(AttemptEvent.NO_ANSWER),
        given_up=ATTEMPT_LIFE.sources(AttemptEvent.GIVEN_UP),
        state_after_no_answer=state_after(ATTEMPT_LIFE, AttemptEvent.NO_ANSWER),
        state_after_give_up=state_after(ATTEMPT_LIFE, AttemptEvent.GIVEN_UP),
        submitting=AttemptState.SUBMITTING,
        pending=AttemptState.PENDING,
        unknown=AttemptState.UNKNOWN,
        succeeded=AttemptState.SUCCEEDED,
        failed=AttemptState.FAILED,
        confirmation=Awaiting.CONFIRMATION,
        capture=Awaiting.CAPTURE,
        needs_inquiry=Verdict.NEEDS_INQUIRY,
    )
    return {name: text(sql) for name, sql in statements.items()}


#: Reported or held money is queried before attempts that wait for their payers. Each half has its own partial index.
DUE: Final = (_statements(f"({AWAITING})"), _statements(one_of("state", UNDER_WAY)))
SQL: Final = DUE[0]


def attempts_of_order(session: Session, order_id: int) -> Sequence[PaymentAttempt]:
    """All attempts of an order, the latest first."""
    query = (
        select(PaymentAttempt)
        .where(PaymentAttempt.order_id == order_id)
        .order_by(PaymentAttempt.number.desc())
    )
    return session.scalars(query).all()


def under_way(attempts: Sequence[PaymentAttempt]) -> PaymentAttempt | None:
    """The one attempt of an order whose outcome is still to come; the database allows no second."""
    return next((attempt for attempt in attempts if attempt.state in UNDER_WAY), None)


def undecided(attempts: Sequence[PaymentAttempt]) -> PaymentAttempt | None:
    """The attempt that keeps others from starting: its outcome is unknown, or it awaits a confirmation or capture."""
    awaiting = (attempt for attempt in attempts if is_awaiting(attempt))
    unanswered = (attempt for attempt in attempts if attempt.state in UNANSWERED)
    return next(awaiting, None) or next(unanswered, None)


def is_awaiting(attempt: PaymentAttempt) -> bool:
    """Whether the bank has reported money that is not proved yet: held by the bank, or paid without a confirmation."""
    if attempt.awaiting == Awaiting.CAPTURE:
        return attempt.state not in DECIDED
    return attempt.awaiting == Awaiting.CONFIRMATION and attempt.state != AttemptState.SUCCEEDED


def find_attempt(session: Session, reference: str) -> PaymentAttempt:
    """The attempt with this reference, which must exist."""
    return session.scalars(select(PaymentAttempt).where(PaymentAttempt.reference == reference)).one()


def attempt_view(
    session: Session, attempt: PaymentAttempt, expectation: Expectation, now: datetime
) -> AttemptView:
    """The attempt as callers see it."""
    order_reference = session.scalars(
        select(PaymentOrder.reference).where(PaymentOrder.id == attempt.order_id)
    ).one()
    instructions = attempt.instructions or {}
    return AttemptView(
        reference=attempt.reference,
        order_reference=order_reference,
        bank=attempt.bank,
        state=AttemptState.UNKNOWN if is_awaiting(attempt) else AttemptState(attempt.state),
        amount=Money(attempt.amount, attempt.currency),
        instructions=InstructionsView(
            qr_text=instructions.get("qr_text"),
            page_url=instructions.get("page_url"),
            account_number=instructions.get("account_number"),
            account_name=instructions.get("account_name"),
            account_bank=instructions.get("account_bank"),
            purpose=instructions.get("purpose"),
            app_link=instructions.get("app_link"),
            bill_code=instructions.get("bill_code"),
        ),
        started_at=attempt.started_at,
        expected_by=expected_by(attempt, expectation, now),
    )


def expected_by(attempt: PaymentAttempt, expectation: Expectation, now: datetime) -> datetime | None:
    """When the outcome is expected; None when it is decided or waits for the payer."""
    if attempt.state not in UNANSWERED and not is_awaiting(attempt):
        return None
    return expectation.expected_by(attempt.unknown_at or attempt.started_at, attempt.query_at, now)


def mark_unknown(attempt: PaymentAttempt, expectation: Expectation, now: datetime) -> None:
    """Keep since when the outcome is unknown, and the moment that callers are shown, to be measured later."""
    if attempt.unknown_at is None:
        attempt.unknown_at = now
        attempt.expected_by = expectation.expected_by(now, attempt.query_at, now)


def preference_of(session: Session, agency_id: int) -> tuple[str, ...]:
    """The banks that an agency prefers, the most preferred first."""
    return tuple(session.scalar(select(Agency.bank_preference).where(Agency.id == agency_id)) or ())


def record_choice(
    session: Session, attempt: PaymentAttempt, facts: RoutingFacts, choice: Choice, now: datetime
) -> None:
    """Keep why the attempt goes through its bank."""
    session.add(
        BankChoice(
            order_id=attempt.order_id,
            attempt_id=attempt.id,
            bank=attempt.bank,
            rule=choice.rule,
            offered=choice.offered,
            facts=facts.as_json(),
            chosen_at=now,
        )
    )


def choices_of(session: Session, order_id: int) -> list[tuple[str, Choice]]:
    """The references of an order's attempts, each with the choice of its bank, oldest first."""
    query = (
        select(PaymentAttempt.reference, BankChoice.bank, BankChoice.rule, BankChoice.offered)
        .join(BankChoice, BankChoice.attempt_id == PaymentAttempt.id)
        .where(PaymentAttempt.order_id == order_id)
        .order_by(PaymentAttempt.number)
    )
    return [(row.reference, Choice(row.bank, Rule(row.rule), row.offered)) for row in session.execute(query)]


def banks_due(session: Session, now: datetime) -> list[str]:
    """The banks with an attempt that is due for a query, enabled or not, the longest overdue first."""
    first_due: dict[str, datetime] = {}
    for statements in DUE:
        for bank, query_at in session.execute(statements["banks_due"], {"now": now}):
            first_due[bank] = min(query_at, first_due.get(bank, query_at))
    return sorted(first_due, key=lambda bank: (first_due[bank], bank))


def claim_due(session: Session, bank: str, now: datetime, leased_until: datetime) -> ClaimedAttempt | None:
    """The attempt that the bank is queried about first, if any; no other process gets it before ``leased_until``."""
    params = {"bank": bank, "now": now, "leased_until": leased_until}
    for statements in DUE:
        row = session.execute(statements["claim_due"], params).mappings().one_or_none()
        if row is not None:
            return ClaimedAttempt(**row)
    return None


def claim_of_order(
    session: Session, reference: str, now: datetime, leaving_for: str | None
) -> list[ClaimedAttempt]:
    """The attempts of one order that are queried before anything else is done with it, unless they were just queried.

    Those of unknown outcome, and pending ones when the payer leaves for the bank ``leaving_for``.
    """
    params = {
        "reference": reference,
        "now": now,
        "just_queried": now - JUST_QUERIED,
        "leaving_for": leaving_for,
    }
    return [ClaimedAttempt(**row) for row in session.execute(SQL["claim_of_order"], params).mappings()]


def schedule_query(
    session: Session,
    claimed: ClaimedAttempt,
    next_at: datetime,
    *,
    counts: bool,
    now: datetime,
    expected_by: datetime,
    overdue: bool,
    give_up: bool,
) -> None:
    """Set when the bank is queried next about a claimed attempt, if its outcome is still to come.

    ``counts`` says whether the bank was really queried. An unanswered intent becomes UNKNOWN and is shown
    ``expected_by``; ``overdue`` escalates it to officers. With ``give_up`` pending instructions become ABANDONED: a
    callback or the bank statement still shows money that comes later. UNKNOWN is never given up.
    """
    session.execute(
        SQL["schedule_query"],
        {
            "id": claimed.id,
            "leased_until": claimed.query_at,
            "next_at": next_at,
            "counts": counts,
            "now": now,
            "expected_by": expected_by,
            "overdue": overdue,
            "give_up": give_up,
        },
    )


def hold(
    session: Session, attempt_id: int, *, now: datetime, longest: datetime, moves: bool, expected_by: datetime
) -> bool:
    """Record that the bank holds money for this attempt, before anything is sent: after a crash a query follows.

    False while another process captures or cancels it. With ``moves`` this process alone may do so until ``longest``.
    """
    params = {
        "id": attempt_id,
        "now": now,
        "longest": longest,
        "expected_by": expected_by,
        "until": longest if moves else None,
    }
    return session.execute(SQL["hold"], params).scalar_one_or_none() is not None


def awaited_amounts(session: Session, order_id: int, attempt_id: int) -> set[tuple[int, str]]:
    """The amounts, in minor units with their currency, that callbacks reported and no query has confirmed."""
    rows = session.execute(SQL["awaited_amounts"], {"order": order_id, "attempt": attempt_id})
    return {(row.amount, row.currency) for row in rows}


def list_unresolved(
    session: Session, caller: Caller, *, overdue: bool, after: int, limit: int
) -> list[UnresolvedAttempt]:
    """The attempts of unknown outcome that the caller may see, the oldest first."""
    params = {
        "agency": visible_agency(caller),
        "portal": caller.portal_id,
        "overdue": overdue,
        "after": after,
        "limit": limit,
    }
    return [UnresolvedAttempt(**row) for row in session.execute(SQL["list_unresolved"], params).mappings()]


def measure_outcomes(session: Session, since: datetime) -> list[OutcomeFigures]:
    """The figures of each bank with outcomes that are unknown now or were resolved after ``since``, by name."""
    figures = {
        row["bank"]: OutcomeFigures(**row) for row in session.execute(SQL["unresolved_by_bank"]).mappings()
    }
    params = {"since": since, "most": _MOST_WAITS}
    for row in session.execute(SQL["resolved_by_bank"], params).mappings():
        unresolved = figures.get(row["bank"], OutcomeFigures(row["bank"]))
        figures[row["bank"]] = replace(unresolved, waits=tuple(sorted(row["waits"])), kept=row["kept"])
    return [figures[bank] for bank in sorted(figures)]


def count_overdue(session: Session) -> int:
    """How many unknown outcomes are escalated to officers."""
    return int(session.execute(SQL["count_overdue"]).scalar_one())


def key_use(session: Session, bank: str) -> KeyUse:
    """When the bank last signed with the current key and with the one before."""
    params = {"bank": bank, "looked_through": _LOOKED_THROUGH}
    return KeyUse(bank, **session.execute(SQL["key_use"], params).mappings().one())
