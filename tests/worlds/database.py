"""What tests read from the database, and write to it, past the hub's operations."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from payment_hub.hub import Hub


def rows(hub: Hub, sql: str, **values: Any) -> list[dict[str, Any]]:
    """What the statement returns."""
    with hub.transaction() as session:
        return [dict(row) for row in session.execute(text(sql), values).mappings()]


def scalar(hub: Hub, sql: str, **values: Any) -> Any:
    """The single value that the statement returns."""
    with hub.transaction() as session:
        return session.execute(text(sql), values).scalar_one()


def execute(hub: Hub, sql: str, **values: Any) -> None:
    """Do what no operation does."""
    with hub.transaction() as session:
        session.execute(text(sql), values)


def balances(hub: Hub) -> dict[str, int]:
    """What stands in each account: credits less debits, the empty ones left out."""
    sql = """SELECT account, sum(amount)::bigint AS amount FROM (
            SELECT debit AS account, -amount AS amount FROM posting UNION ALL SELECT credit, amount FROM posting
        ) s GROUP BY account HAVING sum(amount) <> 0"""
    return {line["account"]: line["amount"] for line in rows(hub, sql)}


def attempts(hub: Hub) -> list[tuple[str, str, int]]:
    """Bank, state and amount of every attempt, oldest first."""
    found = rows(hub, "SELECT bank, state, amount FROM payment_attempt ORDER BY id")
    return [(row["bank"], row["state"], row["amount"]) for row in found]


def count(hub: Hub, table: str) -> int:
    """How many rows a table has."""
    return int(scalar(hub, f"SELECT count(*) FROM {table}"))
