"""How the hub stands, told without keys, moments and chance, so that two runs can be compared."""

from __future__ import annotations

from typing import Any, Final

from payment_hub.hub import Hub
from tests.worlds.database import rows

_ORDERS: Final = """SELECT o.id, o.status, o.required, o.received, o.accepted, o.late, o.conflict,
    o.other_currency, o.held, o.refunded, o.held_refund,
    o.paid_back, o.paid_back_accepted, o.disputed, r.amount AS receipt, b.settled_by = o.id AS settled
FROM payment_order o JOIN obligation b ON b.id = o.obligation_id LEFT JOIN receipt r ON r.order_id = o.id
ORDER BY o.id"""

_BALANCES: Final = """SELECT order_id, bank, currency, account, sum(amount)::bigint AS amount FROM (
    SELECT order_id, bank, currency, credit AS account, amount FROM posting
    UNION ALL SELECT order_id, bank, currency, debit, -amount FROM posting
) side WHERE {only} GROUP BY order_id, bank, currency, account HAVING sum(amount) <> 0
ORDER BY order_id, bank, currency, account"""

_COLLECTIONS: Final = """SELECT bank, bank_transaction_id, order_id, amount, currency, late, accepted FROM collection
ORDER BY bank, bank_transaction_id"""

_ATTEMPTS: Final = """SELECT order_id, number, bank, state, amount, instructions IS NOT NULL AS instructed, contradicted
FROM payment_attempt ORDER BY order_id, number"""

#: What banks said of attempts. Whether one without an outcome was given up depends on whether money came before expiry.
_OUTCOMES: Final = """SELECT order_id, number, bank, state, contradicted FROM payment_attempt
WHERE state IN ('SUCCEEDED', 'FAILED') ORDER BY order_id, number"""

#: References are drawn by chance, and a number that was lost with a process leaves a gap.
_REFUNDS: Final = """SELECT r.order_id, r.refund_id, r.amount, r.reason, r.route, r.state, r.contradicted,
    (SELECT array_agg(e.event ORDER BY e.id) FROM refund_event e WHERE e.refund_id = r.id) AS events
FROM refund r ORDER BY r.order_id, r.refund_id"""

_TOLD: Final = """SELECT e.order_id, e.sequence, e.type, e.data ->> 'status' AS status, n.state FROM event e
LEFT JOIN webhook n ON n.event_id = e.id ORDER BY e.order_id, e.sequence"""

_HEARD: Final = """SELECT bank, outcome, amount, verdict, disposition FROM confirmation WHERE disposition <> 'DUPLICATE'
ORDER BY bank, event_id, verdict"""


def money_of(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    """What the money has done: the same for every order in which the same facts arrive (I10)."""
    # Which bank's money is called the excess may depend on who was first, but never how much of it there is.
    everything = _BALANCES.format(only="true").partition("\nORDER BY")[0]
    by_account = f"SELECT currency, account, sum(amount)::bigint AS amount FROM ({everything}) s"
    by_account += " GROUP BY 1, 2 HAVING sum(amount) <> 0 ORDER BY 1, 2"
    return _renumbered(
        {
            "orders": rows(hub, _ORDERS),
            "clearing": rows(hub, _BALANCES.format(only="account = 'BANK_CLEARING'")),
            "accounts": rows(hub, by_account),
            "collections": rows(hub, _COLLECTIONS),
            "outcomes": rows(hub, _OUTCOMES),
        }
    )


def state_of(hub: Hub) -> dict[str, list[dict[str, Any]]]:
    """All that two runs with the same story must have in common."""
    more = {
        "orders": rows(hub, _ORDERS),
        "attempts": rows(hub, _ATTEMPTS),
        "refunds": rows(hub, _REFUNDS),
        "charged_back": rows(hub, "SELECT order_id, amount, evidence FROM chargeback ORDER BY id"),
        "balances": rows(hub, _BALANCES.format(only="true")),
        "told": rows(hub, _TOLD),
        "heard": rows(hub, _HEARD),
        "numbers": rows(hub, "SELECT order_id, series, year, number FROM receipt ORDER BY order_id"),
        "counters": rows(hub, "SELECT series, year, last FROM receipt_counter"),
        "keys": rows(hub, "SELECT status FROM idempotency_record"),
        "versions": rows(hub, "SELECT obligation_id, version, event FROM obligation_version ORDER BY 1, 2"),
    }
    return money_of(hub) | _renumbered(more)


def _renumbered(state: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """With orders known by their place: a number that was drawn and lost with a process leaves a gap in the keys."""
    places = {row["id"]: place for place, row in enumerate(state["orders"], start=1)}
    for found in state.values():
        for row in found:
            for name in {"id", "order_id"} & row.keys():
                row[name] = places.get(row[name])
    return state
