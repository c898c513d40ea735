"""Claims on keys that were chosen outside: whoever inserts first has it, and the unique constraint says who was not."""

from __future__ import annotations

from typing import Final

import psycopg

#: Raised by a statement of the hot verbs when somebody has claimed one of its keys since we looked.
AlreadyClaimed: Final = psycopg.errors.UniqueViolation


def claimed_key(error: psycopg.errors.UniqueViolation) -> str | None:
    """The constraint that names the key which was claimed."""
    return error.diag.constraint_name
