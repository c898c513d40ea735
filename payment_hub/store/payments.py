"""Questions about payment attempts, and what is shown of them.

The timers of attempts: whose bank is to be asked now, by whom alone, and when again.

Outcomes that nobody knows: which they are, how long they lasted, and the last use of every bank's keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payment_hub.domain.access import Caller
from payment_hub.domain.money import Money
from payment_hub.domain.payments import (
    UNDER_WAY,
    AttemptState,
    AttemptView,
    Awaiting,
    Expectation,
    InstructionsView,
)
from payment_hub.domain.routing import Choice, RoutingFacts, Rule
from payment_hub.store.access import visible_agency
from payment_hub.store.tables import Agency, BankChoice, PaymentAttempt, PaymentOrder
from payment_hub.store.tables.payments import AWAITING


def attempts_of_order(session: Session, order_id: int) -> Sequence[PaymentAttempt]:
    """All attempts of an order, the latest first."""
    asked = (
        select(PaymentAttempt)
        .where(PaymentAttempt.order_id == order_id)
        .order_by(PaymentAttempt.number.desc())
    )
    return session.scalars(asked).all()


def under_way(attempts: Sequence[PaymentAttempt]) -> PaymentAttempt | None:
    """The one attempt of an order whose outcome is still to come; the database allows no second."""
    return next((attempt for attempt in attempts if attempt.state in UNDER_WAY), None)


def undecided(attempts: Sequence[PaymentAttempt]) -> PaymentAttempt | None:
    """The attempt because of which no other may start: of unknown outcome, or of money told and not ours yet."""
    return next((attempt for attempt in attempts if is_awaiting(attempt)), None) or next(
        (attempt for attempt in attempts if attempt.state in (AttemptState.SUBMITTING, AttemptState.UNKNOWN)),
        None,
    )


def is_awaiting(attempt: PaymentAttempt) -> bool:
    """Whether the bank tells of money that is not ours yet: held, or paid where our contract wants a second word."""
    if attempt.awaiting == Awaiting.CAPTURE:
        return attempt.state not in (AttemptState.SUCCEEDED, AttemptState.FAILED)
    return attempt.awaiting == Awaiting.CONFIRMATION and attempt.state != AttemptState.SUCCEEDED


def find_attempt(session: Session, reference: str) -> PaymentAttempt:
    """The attempt with this reference, which must exist."""
    return session.scalars(select(PaymentAttempt).where(PaymentAttempt.reference == reference)).one()


def attempt_view(
    session: Session, attempt: PaymentAttempt, promise: Expectation, now: datetime
) -> AttemptView:
    """The attempt as callers see it; ``promise`` is what may be expected_by of its bank."""
    order_reference = session.scalars(
        select(PaymentOrder.reference).where(PaymentOrder.id == attempt.order_id)
    ).one()
    given = attempt.instructions or {}
    return AttemptView(
        reference=attempt.reference,
        order_reference=order_reference,
        bank=attempt.bank,
        state=AttemptState.UNKNOWN if is_awaiting(attempt) else AttemptState(attempt.state),
        amount=Money(attempt.amount, attempt.currency),
        instructions=InstructionsView(
            qr_text=given.get("qr_text"),
            page_url=given.get("page_url"),
            account_number=given.get("account_number"),
            account_name=given.get("account_name"),
            account_bank=given.get("account_bank"),
            purpose=given.get("purpose"),
            app_link=given.get("app_link"),
            bill_code=given.get("bill_code"),
        ),
        started_at=attempt.started_at,
        expected_by=expected_by(attempt, promise, now),
    )


def expected_by(attempt: PaymentAttempt, promise: Expectation, now: datetime) -> datetime | None:
    """When the outcome will be known, as we promise; None when it is known, or waits for the payer."""
    silent = attempt.state in (AttemptState.SUBMITTING, AttemptState.UNKNOWN)
    if not silent and not is_awaiting(attempt):
        return None
    return promise.expected_by(attempt.unknown_at or attempt.started_at, attempt.query_at, now)


def become_unknown(attempt: PaymentAttempt, promise: Expectation, now: datetime) -> None:
    """From now on nobody knows the outcome; when it will be known is expected_by once, and kept to be measured."""
    if attempt.unknown_at is None:
        attempt.unknown_at = now
        attempt.expected_by = promise.expected_by(now, attempt.query_at, now)


def preference_of(session: Session, agency_id: int) -> tuple[str, ...]:
    """The banks that an agency would rather be paid through, the most wanted first."""
    found = session.scalar(select(Agency.bank_preference).where(Agency.id == agency_id))
    return tuple(found or ())


def remember_choice(
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
    """The references of an order's attempts, each with what was chosen for it then, oldest first."""
    asked = (
        select(PaymentAttempt.reference, BankChoice.bank, BankChoice.rule, BankChoice.offered)
        .join(BankChoice, BankChoice.attempt_id == PaymentAttempt.id)
        .where(PaymentAttempt.order_id == order_id)
        .order_by(PaymentAttempt.number)
    )
    return [(row.reference, Choice(row.bank, Rule(row.rule), row.offered)) for row in session.execute(asked)]


#: Somebody who asked so short a time ago has asked for everybody.
JUST_QUERIED: Final = timedelta(seconds=2)

_COLUMNS: Final = """p.id, p.order_id, p.bank, p.reference, p.amount, p.currency, p.started_at, p.bank_reference,
    p.queries, p.state, p.awaiting, p.unknown_at, p.query_at,
    (SELECT reference FROM payment_order o WHERE o.id = p.order_id) AS order_reference"""

#: What is asked about: money that is told comes before all that waits for a payer. Each has its own partial index.
_ASKED_ABOUT: Final = (f"({AWAITING})", "state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')")

#: From bank to bank by the index, so that it costs the same however many attempts wait.
_BANKS_DUE: Final = """WITH RECURSIVE named AS (
        (SELECT bank FROM payment_attempt WHERE {which} ORDER BY bank LIMIT 1)
        UNION ALL
        SELECT (SELECT bank FROM payment_attempt WHERE {which} AND bank > named.bank ORDER BY bank LIMIT 1)
        FROM named WHERE named.bank IS NOT NULL
    )
    SELECT bank, first.query_at FROM named, LATERAL (
        SELECT query_at FROM payment_attempt p WHERE {which} AND p.bank = named.bank ORDER BY query_at LIMIT 1
    ) first WHERE first.query_at <= :now"""

_CLAIM_DUE: Final = f"""UPDATE payment_attempt p SET query_at = :leased_until, queried_at = :now
    FROM (
        SELECT id FROM payment_attempt WHERE bank = :bank AND {{which}} AND query_at <= :now
        ORDER BY query_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE p.id = due.id
    RETURNING {_COLUMNS}"""

_DUE_BANKS: Final = tuple(text(_BANKS_DUE.format(which=which)) for which in _ASKED_ABOUT)
_DUE: Final = tuple(text(_CLAIM_DUE.format(which=which)) for which in _ASKED_ABOUT)

_CLAIM_OF_ORDER: Final = text(
    f"""UPDATE payment_attempt p SET queried_at = :now
    FROM (
        SELECT id FROM payment_attempt
        WHERE order_id = (SELECT id FROM payment_order WHERE reference = :reference)
            AND (queried_at IS NULL OR queried_at <= :just_queried OR queried_at > :now)
            AND (state = 'UNKNOWN' OR state = 'SUBMITTING' AND query_at <= :now OR {AWAITING}
                OR state = 'PENDING' AND bank <> :leaving_for)
        FOR UPDATE SKIP LOCKED
    ) due
    WHERE p.id = due.id
    RETURNING {_COLUMNS}"""
)

#: A moment that somebody has set since it was claimed stands: a callback wants that the bank is asked at once.
_ASK_AT: Final = text(
    f"""UPDATE payment_attempt SET queries = queries + CAST(:counts AS int),
        query_at = CASE WHEN query_at = :leased_until THEN CAST(:moment AS timestamptz) ELSE query_at END,
        unknown_at = CASE WHEN state = 'SUBMITTING' THEN coalesce(unknown_at, :now) ELSE unknown_at END,
        expected_by = CASE WHEN state = 'SUBMITTING' THEN coalesce(expected_by, :expected_by) ELSE expected_by END,
        escalated_at = coalesce(escalated_at, CASE WHEN :overdue AND (state = 'UNKNOWN' OR {AWAITING})
            THEN CAST(:now AS timestamptz) END),
        state = CASE
            WHEN state = 'SUBMITTING' THEN 'UNKNOWN'
            WHEN state = 'PENDING' AND awaiting IS NULL AND :give_up THEN 'ABANDONED'
            ELSE state END
    WHERE id = :id AND (state IN ('SUBMITTING', 'PENDING', 'UNKNOWN') OR {AWAITING})"""
)

_HOLD: Final = text(
    """UPDATE payment_attempt SET awaiting = 'CAPTURE',
        moving_until = coalesce(CAST(:until AS timestamptz), moving_until),
        unknown_at = CASE WHEN unknown_at IS NOT NULL AND resolved_at IS NULL THEN unknown_at ELSE :now END,
        expected_by = CASE WHEN unknown_at IS NOT NULL AND resolved_at IS NULL THEN expected_by ELSE :expected_by END,
        resolved_at = NULL
    WHERE id = :id AND state NOT IN ('SUCCEEDED', 'FAILED') AND awaiting IS DISTINCT FROM 'CONFIRMATION'
        AND (moving_until IS NULL OR moving_until <= :now OR moving_until > :longest)
    RETURNING id"""
)

_UNPROVEN: Final = text(
    """SELECT amount, currency FROM confirmation
    WHERE order_id = :order AND attempt_id = :attempt AND verdict = 'NEEDS_INQUIRY' AND amount IS NOT NULL"""
)


def banks_due(session: Session, now: datetime) -> list[str]:
    """The banks that are to be asked about something now, enabled or not; who has waited longest comes first."""
    found: dict[str, datetime] = {}
    for question in _DUE_BANKS:
        for bank, query_at in session.execute(question, {"now": now}):
            found[bank] = min(query_at, found.get(bank, query_at))
    return sorted(found, key=lambda bank: (found[bank], bank))


def claim_due(session: Session, bank: str, now: datetime, leased_until: datetime) -> Row[Any] | None:
    """The attempt about which the bank is to be asked first, if any; nobody else gets it before ``leased_until``."""
    asked = {"bank": bank, "now": now, "leased_until": leased_until}
    for claim in _DUE:
        found = session.execute(claim, asked).one_or_none()
        if found is not None:
            return found
    return None


def claim_of_order(
    session: Session, reference: str, now: datetime, leaving_for: str | None
) -> Sequence[Row[Any]]:
    """The attempts of one order that are asked about before anything else is done with it.

    Those of unknown outcome, and those whose instructions the payer leaves for the bank ``leaving_for``; none of which
    somebody has asked about just now. Their timers stay as they are.
    """
    asked = {
        "reference": reference,
        "now": now,
        "just_queried": now - JUST_QUERIED,
        "leaving_for": leaving_for,
    }
    return session.execute(_CLAIM_OF_ORDER, asked).all()


def schedule_query(
    session: Session,
    claimed: Row[Any],
    moment: datetime,
    *,
    counts: bool,
    now: datetime,
    expected_by: datetime,
    overdue: bool,
    give_up: bool,
) -> None:
    """Set when the bank is to be asked next about what was ``claimed``, if there is anything left to ask.

    ``counts`` says whether this was a query. An unanswered intent becomes UNKNOWN, with ``expected_by`` as what callers
    are shown; ``overdue`` escalates it to officers. With ``give_up`` instructions that no payer followed are ABANDONED:
    the bank's callback or its statement still shows money that comes after all. UNKNOWN is never given up.
    """
    values = {
        "id": claimed.id,
        "leased_until": claimed.query_at,
        "moment": moment,
        "counts": counts,
        "now": now,
    }
    session.execute(_ASK_AT, values | {"expected_by": expected_by, "overdue": overdue, "give_up": give_up})


def hold(
    session: Session, attempt_id: int, *, now: datetime, longest: datetime, moves: bool, expected_by: datetime
) -> bool:
    """Keep that the bank holds money for this attempt, before anything is sent: a crash or a silence leaves something
    to ask about. Whether nobody else takes or leaves it now; who ``moves`` it keeps all others off until ``longest``.
    """
    asked = {"id": attempt_id, "now": now, "longest": longest, "expected_by": expected_by}
    asked["until"] = longest if moves else None
    return session.execute(_HOLD, asked).scalar_one_or_none() is not None


def awaited_amounts(session: Session, order_id: int, attempt_id: int) -> set[tuple[int, str]]:
    """What the bank's callbacks have said that was paid, while nothing proves it."""
    found = session.execute(_UNPROVEN, {"order": order_id, "attempt": attempt_id})
    return {(row.amount, row.currency) for row in found}


#: An attempt without an outcome that it should have. Each half has its own partial index.
_OPEN: Final = f"""
    SELECT id FROM payment_attempt
    WHERE unknown_at IS NOT NULL AND state IN ('SUBMITTING', 'PENDING', 'UNKNOWN') AND state <> 'PENDING'
    UNION SELECT id FROM payment_attempt WHERE {AWAITING}"""

_LIST: Final = text(
    f"""SELECT p.id, p.reference, o.reference AS order_reference, a.code AS agency, p.bank, p.state, p.awaiting,
        p.amount, p.currency, p.queries, p.query_at, coalesce(p.unknown_at, p.started_at) AS unknown_at, p.escalated_at
    FROM payment_attempt p JOIN payment_order o ON o.id = p.order_id JOIN agency a ON a.id = o.agency_id
    WHERE p.id IN ({_OPEN}) AND (CAST(:agency AS bigint) IS NULL OR o.agency_id = :agency)
        AND (CAST(:portal AS bigint) IS NULL OR o.portal_id = :portal)
        AND (NOT :overdue OR p.escalated_at IS NOT NULL) AND p.id > :after
    ORDER BY p.id LIMIT :limit"""
)

_WAITING: Final = text(
    f"""SELECT bank, count(*) AS open, count(escalated_at) AS overdue, min(unknown_at) AS oldest_at
    FROM payment_attempt WHERE id IN ({_OPEN}) GROUP BY bank"""
)

_KNOWN: Final = text(
    """SELECT bank, array_agg(seconds) AS waits, count(*) FILTER (WHERE kept) AS kept FROM (
        SELECT bank, extract(epoch FROM coalesce(resolved_at, changed_at) - unknown_at)::int AS seconds,
            coalesce(resolved_at, changed_at) <= expected_by AS kept
        FROM payment_attempt
        WHERE unknown_at IS NOT NULL AND changed_at > :since
            AND (resolved_at IS NOT NULL OR state = 'SUCCEEDED' OR
                state = 'FAILED' AND awaiting IS DISTINCT FROM 'CONFIRMATION')
        ORDER BY changed_at DESC LIMIT :most
    ) known GROUP BY bank"""
)

_OVERDUE: Final = text(f"SELECT count(escalated_at) FROM payment_attempt WHERE id IN ({_OPEN})")

#: The last messages of all banks are read backwards; a bank that is not among so many has not signed lately.
_LOOKED_THROUGH: Final = 100_000

_KEYS: Final = text(
    """SELECT
    (SELECT judged_at FROM confirmation WHERE bank = :bank AND key = 0
        AND id > (SELECT coalesce(max(id), 0) - :looked FROM confirmation) ORDER BY id DESC LIMIT 1) AS current_at,
    (SELECT max(judged_at) FROM confirmation WHERE bank = :bank AND key = 1) AS previous_at"""
)

#: More waits than this in a day are figures of a catastrophe, whatever they are exactly.
_MOST: Final = 10_000


def list_unresolved(
    session: Session, caller: Caller, *, overdue: bool, after: int, limit: int
) -> Sequence[Mapping[Any, Any]]:
    """The attempts of unknown outcome that the caller may see, the oldest first."""
    seen = {"agency": visible_agency(caller), "portal": caller.portal_id}
    asked = seen | {"overdue": overdue, "after": after, "limit": limit}
    return session.execute(_LIST, asked).mappings().all()


def unresolved_by_bank(session: Session) -> Sequence[Mapping[Any, Any]]:
    """For each bank: how many outcomes are unknown, how many of them lie before an officer, and since when."""
    return session.execute(_WAITING).mappings().all()


def overdue_by_bank(session: Session) -> int:
    """How many unknown outcomes lie before an officer."""
    return int(session.execute(_OVERDUE).scalar_one())


def resolved_by_bank(session: Session, since: datetime) -> Sequence[Mapping[Any, Any]]:
    """For each bank: seconds from unknown to known of what became known after ``since``, and promises kept."""
    return session.execute(_KNOWN, {"since": since, "most": _MOST}).mappings().all()


def key_use(session: Session, bank: str) -> Mapping[Any, Any]:
    """When the bank last signed with the current key and with the one before."""
    return session.execute(_KEYS, {"bank": bank, "looked": _LOOKED_THROUGH}).mappings().one()
