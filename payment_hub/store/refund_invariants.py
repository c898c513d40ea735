"""The invariants of money that goes back."""

from __future__ import annotations

from typing import Final

from payment_hub.store.invariant import Invariant

#: The sums of an order from its refunds and chargebacks alone.
_SUMS: Final = """
SELECT coalesce(sum(amount) FILTER (WHERE state = 'SUCCEEDED'), 0) AS refunded,
    coalesce(sum(amount) FILTER (WHERE state NOT IN ('SUCCEEDED', 'FAILED', 'DECLINED')), 0) AS held_refund,
    coalesce(sum(amount) FILTER (WHERE state NOT IN ('PROPOSED', 'FAILED', 'DECLINED')), 0) AS given_back,
    coalesce(sum(amount) FILTER (WHERE state NOT IN ('PROPOSED', 'FAILED', 'DECLINED') AND accepted), 0)
        AS given_back_accepted,
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
        f"""SELECT o.reference, o.refunded, o.held_refund, o.given_back, sums.refunded AS really
        FROM payment_order o CROSS JOIN LATERAL ({_SUMS}) sums
        WHERE (o.refunded, o.held_refund, o.given_back, o.given_back_accepted, o.disputed)
            IS DISTINCT FROM (sums.refunded, sums.held_refund, sums.given_back, sums.given_back_accepted,
                sums.disputed)""",
    ),
    Invariant(
        "I6-refunds",
        "somebody goes on asking about every refund of unknown outcome",
        """SELECT reference, state, ask_at FROM refund
        WHERE state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')
            AND (ask_at IS NULL OR ask_at < CAST(:now AS timestamptz) - interval '1 hour')""",
    ),
    Invariant(
        "I6-refunds-officer",
        "a refund of which a bank tells nothing lies before an officer",
        """SELECT reference, state, submitted_at FROM refund WHERE officer_since IS NULL AND (
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
        f"""SELECT o.reference, o.received, o.given_back, coalesce(held.amount, 0) AS in_ledger FROM payment_order o
        LEFT JOIN LATERAL (
            SELECT sum(CASE WHEN p.credit IN ('AGENCY_PAYABLE', 'OVERPAYMENT', 'SUSPENSE') THEN p.amount ELSE 0 END
                - CASE WHEN p.debit IN ('AGENCY_PAYABLE', 'OVERPAYMENT', 'SUSPENSE') THEN p.amount ELSE 0 END) AS amount
            FROM posting p WHERE p.order_id = o.id AND p.currency = o.currency
        ) held ON true
        WHERE o.received - o.given_back <> coalesce(held.amount, 0) AND NOT {_BY_HAND}""",
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
