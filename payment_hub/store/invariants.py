"""What an invariant of money is: a rule, and a question that finds what breaks it.

The invariants of money that goes back.

The invariants of money as set-based questions; each answers with the rows that break it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payment_hub.store.connections import allow_seq_scan
from payment_hub.store.tables.orders import STATUS
from payment_hub.store.tables.payments import AWAITING


@dataclass(frozen=True, slots=True)
class Invariant:
    """A name of the rule, what it says, and a query that finds what breaks it. ``:now`` may be used."""

    name: str
    meaning: str
    sql: str


#: The sums of an order from its refunds and chargebacks alone.
_SUMS: Final = """
SELECT coalesce(sum(amount) FILTER (WHERE state = 'SUCCEEDED'), 0) AS refunded,
    coalesce(sum(amount) FILTER (WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'DECLINED')), 0) AS held_refund,
    coalesce(sum(amount) FILTER (WHERE state NOT IN ('PROPOSED', 'FAILED', 'DECLINED')), 0) AS paid_back,
    coalesce(sum(amount) FILTER (WHERE state NOT IN ('PROPOSED', 'FAILED', 'DECLINED') AND accepted), 0)
        AS paid_back_accepted,
    coalesce(bool_or(disputed), false) AS disputed
FROM (
    SELECT r.amount, r.state, c.accepted, false AS disputed FROM refund r JOIN collection c ON c.id = r.collection_id
    WHERE r.order_id = o.id
    UNION ALL
    SELECT k.amount - k.excess, 'SUCCEEDED', c.accepted, true
    FROM chargeback k JOIN collection c ON c.id = k.collection_id
    WHERE k.order_id = o.id
) went"""

#: Whose postings an operator has corrected by hand; their book tells another story than their facts.
_BY_HAND: Final = """EXISTS (SELECT FROM posting v JOIN posting w ON w.id = v.reverses
    WHERE w.order_id = o.id AND w.source_type <> 'refund')"""

REFUND_INVARIANTS: Final[tuple[Invariant, ...]] = (
    Invariant(
        "I2-sums",
        "what an order has given back and reserved is the sum of its refunds and of what banks took back",
        f"""SELECT o.reference, o.refunded, o.held_refund, o.paid_back, sums.refunded AS really
        FROM payment_order o CROSS JOIN LATERAL ({_SUMS}) sums
        WHERE (o.refunded, o.held_refund, o.paid_back, o.paid_back_accepted, o.disputed)
            IS DISTINCT FROM (sums.refunded, sums.held_refund, sums.paid_back, sums.paid_back_accepted,
                sums.disputed)""",
    ),
    Invariant(
        "I6-refunds",
        "somebody goes on asking about every refund of unknown outcome",
        """SELECT reference, state, query_at FROM refund
        WHERE state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')
            AND (query_at IS NULL OR query_at < CAST(:now AS timestamptz) - interval '1 hour')""",
    ),
    Invariant(
        "I6-refunds-officer",
        "a refund of which a bank tells nothing lies before an officer",
        """SELECT reference, state, submitted_at FROM refund WHERE escalated_at IS NULL AND (
            state = 'UNKNOWN' AND submitted_at < CAST(:now AS timestamptz) - interval '3 days'
            OR state = 'PENDING' AND submitted_at < CAST(:now AS timestamptz) - interval '9 days'
            OR state = 'APPROVED' AND route = 'BANK' AND changed_at < CAST(:now AS timestamptz) - interval '3 days')""",
    ),
    Invariant(
        "I16-refunds",
        "each step of a refund of which its portal is told has exactly one event",
        """SELECT r.reference, told.steps, happened.steps AS expected FROM refund r
        CROSS JOIN LATERAL (
            SELECT array_agg(upper(substr(e.type, 22)) ORDER BY upper(substr(e.type, 22))) AS steps FROM event e
            WHERE e.order_id = r.order_id AND e.type LIKE 'payment_order.refund_%'
                AND e.data -> 'refund' ->> 'reference' = r.reference
        ) told
        CROSS JOIN LATERAL (
            SELECT array_agg(step ORDER BY step) AS steps FROM (
                SELECT DISTINCT CASE event WHEN 'RETURNED' THEN 'SUCCEEDED' ELSE event END AS step FROM refund_event f
                WHERE f.refund_id = r.id AND event IN ('PROPOSED', 'APPROVED', 'DECLINED', 'RETURNED', 'FAILED')
            ) of
        ) happened
        WHERE told.steps IS DISTINCT FROM happened.steps""",
    ),
    Invariant(
        "I11",
        "of no bank transaction is more given back, or taken back, than it brought to its own order",
        """SELECT c.id, c.bank, c.amount, sum(went.amount) AS went FROM collection c
        JOIN (
            SELECT collection_id, order_id, amount, currency FROM refund WHERE state NOT IN ('FAILED', 'DECLINED')
            UNION ALL SELECT collection_id, order_id, amount - excess, currency FROM chargeback
        ) went ON went.collection_id = c.id
        GROUP BY c.id
        HAVING sum(went.amount) > c.amount
            OR bool_or((went.order_id, went.currency) IS DISTINCT FROM (c.order_id, c.currency))""",
    ),
    Invariant(
        "I11-two-people",
        "whoever approves a refund has not proposed it, and none leaves without approval",
        """SELECT reference, proposed_by, approved_by, state FROM refund
        WHERE approved_by = proposed_by OR approved_by IS NULL AND state NOT IN ('PROPOSED', 'DECLINED')""",
    ),
    Invariant(
        "I11-one-live",
        "one refund of the same money for the same reason is under way",
        """SELECT collection_id, reason, count(*) FROM refund WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'DECLINED')
        GROUP BY collection_id, reason HAVING count(*) > 1""",
    ),
    Invariant(
        "I11-history",
        "a refund stands where its history leads",
        """SELECT r.reference, r.state FROM refund r
        WHERE r.state IS DISTINCT FROM (
            SELECT e.state FROM refund_event e WHERE e.refund_id = r.id ORDER BY e.id DESC LIMIT 1)
            OR (SELECT e.event FROM refund_event e WHERE e.refund_id = r.id ORDER BY e.id LIMIT 1)
                IS DISTINCT FROM 'PROPOSED'""",
    ),
    Invariant(
        "I12-refunds",
        "a refund on its way or done has left its accounts once, and one that is done has been paid once",
        """SELECT r.reference, r.state, moved.went, moved.paid FROM refund r CROSS JOIN LATERAL (
            SELECT coalesce(sum(p.amount) FILTER (WHERE p.source_type = 'refund' AND p.credit = 'REFUND_CLEARING'
                    AND NOT EXISTS (SELECT FROM posting v WHERE v.reverses = p.id)), 0) AS went,
                coalesce(sum(p.amount) FILTER (WHERE p.source_type = 'refund_paid' AND p.debit = 'REFUND_CLEARING'
                    AND p.credit = CASE WHEN r.route IN ('BANK', 'TRANSFER') THEN 'BANK_CLEARING'
                        ELSE 'SETTLEMENT_CASH' END), 0) AS paid
            FROM posting p WHERE p.source_type IN ('refund', 'refund_paid') AND p.source_id = r.id
        ) moved
        WHERE moved.went <> CASE WHEN r.state IN ('PROPOSED', 'FAILED', 'DECLINED') THEN 0 ELSE r.amount END
            OR moved.paid <> CASE WHEN r.state = 'SUCCEEDED' THEN r.amount ELSE 0 END""",
    ),
    Invariant(
        "I12-chargebacks",
        "what a bank took back is credited to its clearing account, no more and no less",
        """SELECT k.id, k.bank, k.amount, coalesce(sum(p.amount), 0) AS posted FROM chargeback k
        LEFT JOIN posting p ON p.source_type = 'chargeback' AND p.source_id = k.id AND p.credit = 'BANK_CLEARING'
            AND (p.bank, p.currency) = (k.bank, k.currency)
        GROUP BY k.id HAVING k.amount - k.excess <> coalesce(sum(p.amount), 0)""",
    ),
    Invariant(
        "I24",
        "what stands in an order's accounts is what came for it less what went, so no money is out of sight",
        f"""SELECT o.reference, o.received, o.paid_back, coalesce(held.amount, 0) AS in_ledger FROM payment_order o
        LEFT JOIN LATERAL (
            SELECT sum(CASE WHEN p.credit IN ('AGENCY_PAYABLE', 'OVERPAYMENT', 'SUSPENSE') THEN p.amount ELSE 0 END
                - CASE WHEN p.debit IN ('AGENCY_PAYABLE', 'OVERPAYMENT', 'SUSPENSE') THEN p.amount ELSE 0 END) AS amount
            FROM posting p WHERE p.order_id = o.id AND p.currency = o.currency
        ) held ON true
        WHERE o.received - o.paid_back <> coalesce(held.amount, 0) AND NOT {_BY_HAND}""",
    ),
    Invariant(
        "I24-refunds",
        "the clearing account of refunds holds what is on its way back",
        """SELECT coalesce(held.currency, told.currency) AS currency, held.amount AS in_ledger, told.amount AS told
        FROM (
            SELECT currency, sum(CASE WHEN credit = 'REFUND_CLEARING' THEN amount ELSE -amount END) AS amount
            FROM posting WHERE 'REFUND_CLEARING' IN (debit, credit) GROUP BY currency
        ) held FULL JOIN (
            SELECT currency, sum(amount) AS amount FROM refund
            WHERE state IN ('APPROVED', 'SUBMITTING', 'PENDING', 'UNKNOWN', 'HANDED_IN') GROUP BY currency
        ) told ON told.currency = held.currency
        WHERE coalesce(held.amount, 0) <> coalesce(told.amount, 0)""",
    ),
)


#: At most so many rows of one violation are listed; one is already a catastrophe.
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, and rows that show it."""

    invariant: str
    meaning: str
    rows: tuple[dict[str, Any], ...]


def violations(session: Session, now: datetime) -> list[Violation]:
    """Ask all questions in one transaction."""
    allow_seq_scan(session)
    found = []
    for invariant in INVARIANTS:
        query = text(f"SELECT * FROM ({invariant.sql}) AS broken LIMIT {LISTED}")
        rows = session.execute(query, {"now": now} if ":now" in invariant.sql else {}).mappings().all()
        if rows:
            found.append(Violation(invariant.name, invariant.meaning, tuple(dict(row) for row in rows)))
    return found


INVARIANTS: Final[tuple[Invariant, ...]] = (
    Invariant(
        "I1",
        "the stored status is what the facts amount to",
        f"""SELECT reference, status, derived FROM (
            SELECT o.reference, o.status, {STATUS} AS derived FROM (
                SELECT p.reference, p.status, p.required, p.cancelled_at, p.expired_at,
                    coalesce((SELECT sum(r.amount) FROM refund r
                        WHERE r.order_id = p.id AND r.state = 'SUCCEEDED'), 0)
                    + coalesce((SELECT sum(k.amount - k.excess) FROM chargeback k
                        WHERE k.order_id = p.id), 0) AS refunded,
                    coalesce((SELECT sum(c.amount) FROM collection c
                        WHERE c.order_id = p.id AND c.currency = p.currency), 0) AS received
                FROM payment_order p
            ) o
        ) judged WHERE status <> derived""",
    ),
    Invariant(
        "I2",
        "refunded and held money never exceeds what was received",
        """SELECT reference, received, refunded, held_refund FROM payment_order
        WHERE refunded < 0 OR held_refund < 0 OR refunded + held_refund > received""",
    ),
    Invariant(
        "I3",
        "received is the sum of the distinct bank transactions, and accepted the sum of those that may settle",
        """SELECT o.reference, o.received, o.accepted, sum(c.amount) AS collected FROM payment_order o
        LEFT JOIN collection c ON c.order_id = o.id AND c.currency = o.currency
        GROUP BY o.id
        HAVING o.received <> coalesce(sum(c.amount), 0)
            OR o.accepted <> coalesce(sum(c.amount) FILTER (WHERE c.accepted), 0)""",
    ),
    Invariant(
        "I3-flags",
        "an order is marked late, or as having money in another currency, just when such money came for it",
        """SELECT o.reference, o.late, o.other_currency FROM payment_order o
        LEFT JOIN collection c ON c.order_id = o.id
        GROUP BY o.id
        HAVING o.late <> coalesce(bool_or(c.late), false)
            OR o.other_currency <> coalesce(bool_or(c.currency <> o.currency), false)""",
    ),
    Invariant(
        "I4",
        "at most one attempt of an order is under way",
        """SELECT order_id, count(*) FROM payment_attempt WHERE state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')
        GROUP BY order_id HAVING count(*) > 1""",
    ),
    Invariant(
        "I5",
        "an attempt's reference is its order's with its own number, stored before the bank was asked",
        """SELECT p.reference FROM payment_attempt p JOIN payment_order o ON o.id = p.order_id
        WHERE p.reference <> o.reference || '-' || p.number""",
    ),
    Invariant(
        "I6",
        "somebody goes on asking about every attempt of unknown outcome, or told to be paid and not proven",
        f"""SELECT reference, state, awaiting, query_at FROM payment_attempt
        WHERE (state IN ('SUBMITTING', 'UNKNOWN') OR {AWAITING})
            AND query_at < CAST(:now AS timestamptz) - interval '1 hour'""",
    ),
    Invariant(
        "I6-officer",
        "an outcome that is unknown for three days lies before an officer",
        f"""SELECT reference, state, unknown_at FROM payment_attempt
        WHERE (state = 'UNKNOWN' OR {AWAITING}) AND escalated_at IS NULL
            AND coalesce(unknown_at, started_at) < CAST(:now AS timestamptz) - interval '3 days'""",
    ),
    Invariant(
        "I6-money",
        "no attempt has succeeded for which its bank has collected nothing",
        """SELECT p.reference, p.bank FROM payment_attempt p
        WHERE p.state = 'SUCCEEDED'
            AND NOT EXISTS (SELECT FROM collection c WHERE c.order_id = p.order_id AND c.bank = p.bank)""",
    ),
    Invariant(
        "I7",
        "every verified callback is judged within ten minutes",
        """SELECT c.id, c.bank, c.received_at FROM callback c
        WHERE c.verified AND c.received_at < CAST(:now AS timestamptz) - interval '10 minutes'
            AND NOT EXISTS (SELECT FROM confirmation f WHERE f.callback_id = c.id)""",
    ),
    Invariant(
        "I8",
        "an event told with other content is kept as a conflict and applied once",
        """SELECT bank, event_id, count(DISTINCT digest) AS contents FROM confirmation
        WHERE disposition <> 'DUPLICATE' GROUP BY bank, event_id
        HAVING count(*) FILTER (WHERE disposition IN ('APPLIED', 'ORPHAN')) > 1""",
    ),
    Invariant(
        "I9",
        "an unverified callback never becomes a confirmation",
        """SELECT f.id, c.bank FROM confirmation f JOIN callback c ON c.id = f.callback_id WHERE NOT c.verified""",
    ),
    Invariant(
        "I12",
        "all that a bank collected is debited to its clearing account, no more and no less",
        """SELECT c.id, c.bank, c.amount, coalesce(sum(p.amount), 0) AS posted FROM collection c
        LEFT JOIN posting p ON p.source_type = 'collection' AND p.source_id = c.id AND p.debit = 'BANK_CLEARING'
            AND (p.bank, p.currency) = (c.bank, c.currency)
        GROUP BY c.id HAVING c.amount <> coalesce(sum(p.amount), 0)""",
    ),
    Invariant(
        "I13",
        "a reversal mirrors the posting that it reverses",
        """SELECT r.id FROM posting r JOIN posting p ON p.id = r.reverses
        WHERE (r.debit, r.credit, r.amount, r.currency) IS DISTINCT FROM (p.credit, p.debit, p.amount, p.currency)""",
    ),
    Invariant(
        "I14",
        "a bank's clearing account holds what it collected, less what left it",
        """SELECT coalesce(held.bank, told.bank) AS bank, held.amount AS in_ledger, told.amount AS told FROM (
            SELECT bank, currency, sum(CASE WHEN debit = 'BANK_CLEARING' THEN amount ELSE -amount END) AS amount
            FROM posting WHERE 'BANK_CLEARING' IN (debit, credit) GROUP BY bank, currency
        ) held FULL JOIN (
            SELECT bank, currency, sum(amount) AS amount FROM (
                SELECT bank, currency, amount FROM collection
                UNION ALL
                SELECT bank, currency, -amount FROM refund WHERE state = 'SUCCEEDED' AND route IN ('BANK', 'TRANSFER')
                UNION ALL
                SELECT bank, currency, excess - amount FROM chargeback
                UNION ALL
                SELECT p.bank, p.currency, CASE WHEN p.debit = 'BANK_CLEARING' THEN -p.amount ELSE p.amount END
                FROM posting v JOIN posting p ON p.id = v.reverses WHERE 'BANK_CLEARING' IN (p.debit, p.credit)
            ) facts GROUP BY bank, currency
        ) told ON told.bank = held.bank AND told.currency = held.currency
        WHERE coalesce(held.amount, 0) <> coalesce(told.amount, 0)""",
    ),
    Invariant(
        "I16",
        "each change of an order has exactly one event, numbered without gaps, and the last one shows how it stands",
        """SELECT o.reference, o.sequence, count(e.id) AS events FROM payment_order o
        LEFT JOIN event e ON e.order_id = o.id GROUP BY o.id
        HAVING count(e.id) <> o.sequence OR max(e.sequence) <> o.sequence OR NOT coalesce(
            bool_and(e.data ->> 'status' = o.status AND e.data -> 'received' ->> 'amount' = o.received::text)
                FILTER (WHERE e.sequence = o.sequence), false)""",
    ),
    Invariant(
        "I16-webhooks",
        "every webhook ends, or is tried again when it is due",
        """SELECT event_id, state, due_at FROM webhook
        WHERE state = 'PENDING' AND due_at < CAST(:now AS timestamptz) - interval '1 day'""",
    ),
    Invariant(
        "R1",
        "receipt numbers of an agency's series and year have no gaps",
        """SELECT c.agency_id, c.series, c.year, c.last, count(r.id) AS receipts FROM receipt_counter c
        LEFT JOIN receipt r ON (r.agency_id, r.series, r.year) = (c.agency_id, c.series, c.year)
        GROUP BY c.agency_id, c.series, c.year, c.last HAVING count(r.id) <> c.last OR max(r.number) <> c.last""",
    ),
    Invariant(
        "R2",
        "an order has a receipt just when it settled its obligation, over the amount required, which has come",
        """SELECT o.reference, r.number, b.settled_by FROM payment_order o
        JOIN obligation b ON b.id = o.obligation_id LEFT JOIN receipt r ON r.order_id = o.id
        WHERE (r.id IS NOT NULL) <> coalesce(b.settled_by = o.id, false)
            OR (r.amount, r.currency, r.agency_id) IS DISTINCT FROM (o.required, o.currency, b.agency_id)
                AND r.id IS NOT NULL
            OR r.id IS NOT NULL AND o.accepted < o.required""",
    ),
    Invariant(
        "R2-obligation",
        "an obligation is settled by one of its own orders",
        """SELECT b.reference, b.settled_by FROM obligation b
        LEFT JOIN payment_order o ON o.id = b.settled_by AND o.obligation_id = b.id
        WHERE b.settled_by IS NOT NULL AND o.id IS NULL""",
    ),
    Invariant(
        "R3",
        "what is owed to the agency for a settled order is what was required, as far as it is still here",
        """SELECT o.reference, o.required, coalesce(sum(CASE WHEN p.credit = 'AGENCY_PAYABLE' THEN p.amount
                WHEN p.debit = 'AGENCY_PAYABLE' THEN -p.amount END), 0) AS payable
        FROM payment_order o JOIN receipt r ON r.order_id = o.id
        LEFT JOIN posting p ON p.order_id = o.id
        WHERE NOT EXISTS (SELECT FROM posting v JOIN posting w ON w.id = v.reverses
            WHERE w.order_id = o.id AND w.source_type = 'collection')
        GROUP BY o.id HAVING least(o.required, o.received - o.paid_back) <> coalesce(sum(
            CASE WHEN p.credit = 'AGENCY_PAYABLE' THEN p.amount
                WHEN p.debit = 'AGENCY_PAYABLE' THEN -p.amount END), 0)""",
    ),
    Invariant(
        "R3-unsettled",
        "no more is owed to the agency for an order that has not settled than the money that may settle it",
        """SELECT o.reference, o.accepted,
            sum(p.amount * CASE WHEN p.credit = 'AGENCY_PAYABLE' THEN 1 ELSE -1 END) AS payable
        FROM payment_order o JOIN posting p ON p.order_id = o.id AND 'AGENCY_PAYABLE' IN (p.debit, p.credit)
        WHERE NOT EXISTS (SELECT FROM receipt r WHERE r.order_id = o.id)
        GROUP BY o.id HAVING o.accepted - o.paid_back_accepted < sum(
            p.amount * CASE WHEN p.credit = 'AGENCY_PAYABLE' THEN 1 ELSE -1 END)""",
    ),
    Invariant(
        "V1",
        "an obligation's versions have no gaps, the last one is its own, and says whether it is withdrawn",
        """SELECT b.reference, b.version, b.withdrawn, count(v.id) AS versions FROM obligation b
        LEFT JOIN obligation_version v ON v.obligation_id = b.id
        GROUP BY b.id
        HAVING count(v.id) <> b.version OR coalesce(max(v.version), 0) <> b.version
            OR b.withdrawn <> coalesce(bool_or(v.event = 'WITHDRAWN') FILTER (WHERE v.version = b.version), false)""",
    ),
    *REFUND_INVARIANTS,
)
