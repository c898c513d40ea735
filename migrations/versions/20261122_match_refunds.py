"""what debits in statements name, and what can be wrong with money that went back"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261122_match_refunds"
down_revision = "20261122_choices"
branch_labels = None
depends_on = None

KINDS = (
    "'UNEXPLAINED_DEBIT', 'MISSING_IN_HUB', 'MISSING_AT_BANK', 'DUPLICATE_AT_BANK', 'CURRENCY_MISMATCH', "
    "'AMOUNT_MISMATCH', 'STATEMENT_REFUSED', 'STATEMENT_MISSING', 'BOOKED_WITHOUT_RECEIPT', 'MISSING_AT_AGENCY', "
    "'DUPLICATE_AT_AGENCY', 'AGENCY_CURRENCY_MISMATCH', 'AGENCY_AMOUNT_MISMATCH', 'LEDGER_REFUSED', 'LEDGER_MISSING', "
    "'UNIDENTIFIED_PAYMENT', 'WRONG_CURRENCY', 'CONFLICTING_CONFIRMATIONS', 'PAID_TWICE', 'OVERPAID', 'UNDERPAID', 'HELD'"
)
NEW_KINDS = "'FAILED_REFUND_DEBITED', 'DUPLICATE_REFUND', 'REFUND_MISSING_AT_BANK', 'REFUND_AMOUNT_MISMATCH'"
NAMED = ("order_reference", "refund_reference")
INDEXES = (
    ("ix_statement_line_debit", "statement_line", ["bank", "day"], "movement = 'DEBIT'"),
    *(
        (f"ix_statement_line_{name}", "statement_line", [name], f"{name} IS NOT NULL")
        for name in ("order_reference", "refund_reference")
    ),
    ("ix_refund_bank_refund_id", "refund", ["bank", "bank_refund_id"], None),
    ("ix_refund_returned", "refund", ["bank", "changed_at"], "state = 'SUCCEEDED'"),
    ("ix_chargeback_stated_at", "chargeback", ["bank", "stated_at"], None),
    ("ix_chargeback_evidence", "chargeback", ["bank", "evidence"], None),
)


def upgrade() -> None:
    """Apply. Debits that came before name nothing but their transaction."""
    for name in NAMED:
        op.add_column("statement_line", sa.Column(name, sa.Text(), nullable=True))
    op.add_column(
        "statement_file",
        sa.Column("shows_debits", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    for name, table, columns, where in INDEXES:
        op.create_index(name, table, columns, postgresql_where=sa.text(where) if where else None)
    _kinds(f"{KINDS}, {NEW_KINDS}")


def _kinds(kinds: str) -> None:
    op.drop_constraint("ck_finding_kind", "finding")
    op.create_check_constraint(op.f("ck_finding_kind"), "finding", f"kind IN ({kinds})")


def downgrade() -> None:
    """Take back."""
    _kinds(KINDS)
    for name, table, _, _ in reversed(INDEXES):
        op.drop_index(name, table)
    op.drop_column("statement_file", "shows_debits")
    for name in NAMED:
        op.drop_column("statement_line", name)
