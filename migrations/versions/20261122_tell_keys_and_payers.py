"""keep what a callback was parsed to, which key signed it, and from which account the money came"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_keys_and_payers"
down_revision = "20261122_reconciliation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("callback", sa.Column("parsed", postgresql.JSONB(), nullable=True))
    op.add_column("confirmation", sa.Column("payer", postgresql.JSONB(), nullable=True))
    op.add_column("confirmation", sa.Column("key", sa.SmallInteger(), nullable=True))
    op.create_index(
        "ix_confirmation_key_before",
        "confirmation",
        ["bank", "judged_at"],
        postgresql_where=sa.text("key = 1"),
    )
    op.create_index(
        "ix_confirmation_repeated",
        "confirmation",
        ["bank", "event_id", "id"],
        postgresql_where=sa.text("disposition = 'DUPLICATE'"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_confirmation_repeated", "confirmation")
    op.drop_index("ix_confirmation_key_before", "confirmation")
    op.drop_column("confirmation", "key")
    op.drop_column("confirmation", "payer")
    op.drop_column("callback", "parsed")
