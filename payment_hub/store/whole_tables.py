"""For the few questions that really read whole tables: let them, and let them take the time that it takes."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def whole_tables(session: Session) -> None:
    """Until the transaction ends, plans may read tables from end to end, and no statement is cut off.

    ``hub.connect`` forbids both for the requests that people and banks wait for.
    """
    session.execute(text("SET LOCAL enable_seqscan = on"))
    session.execute(text("SET LOCAL statement_timeout = 0"))
