"""choices of a bank, their health and announced downtimes, and what is known of outcomes that nobody knows"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_choices"
down_revision = "20261122_refunds"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
UNDER_WAY = "state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"
AWAITING = "awaiting = 'CONFIRMATION' AND state <> 'SUCCEEDED' OR awaiting = 'CAPTURE' AND state NOT IN ('SUCCEEDED', 'FAILED')"
OPERATIONS = "operation IN ('OPEN', 'QUERY', 'REFUND')"
RULES = (
    "rule IN ('REQUESTED', 'ONLY_ONE', 'AGENCYS_PREFERENCE', 'BEST_HEALTH', 'CHEAPEST_FOR_PAYER', 'CHEAPEST', "
    "'SETTLES_FIRST', 'FIRST_NAMED', 'NONE_OFFERED')"
)
VERDICTS = (
    "'SETTLES', 'OVERPAYS', 'UNDERPAYS', 'PAID_TWICE', 'TOO_LATE', 'NO_SUCH_ORDER', 'WRONG_CURRENCY', "
    "'CONTRADICTS', 'DECLINED', 'STILL_PENDING', 'DUPLICATE'"
)
ATTEMPT_MOMENTS = ("queried_at", "moving_until", "unknown_at", "expected_by", "resolved_at", "escalated_at")


def upgrade() -> None:
    """Apply."""
    op.add_column("agency", sa.Column("bank_preference", postgresql.ARRAY(sa.Text()), nullable=True))
    _attempts()
    _choices()
    _banks()
    _verdicts(f"{VERDICTS}, 'NEEDS_INQUIRY'")


def _attempts() -> None:
    op.add_column("payment_attempt", sa.Column("awaiting", sa.Text(), nullable=True))
    for name in ATTEMPT_MOMENTS:
        op.add_column("payment_attempt", sa.Column(name, MOMENT, nullable=True))
    op.create_check_constraint(
        op.f("ck_payment_attempt_awaiting"), "payment_attempt", "awaiting IN ('CONFIRMATION', 'CAPTURE')"
    )
    op.drop_index("ix_payment_attempt_query_at", "payment_attempt")
    for name, columns, where in (
        ("query_at", ["bank", "query_at"], UNDER_WAY),
        ("awaiting", ["bank", "query_at"], AWAITING),
        ("unknown_at", ["unknown_at"], f"unknown_at IS NOT NULL AND {UNDER_WAY}"),
        ("resolved", ["changed_at"], "unknown_at IS NOT NULL"),
    ):
        op.create_index(
            f"ix_payment_attempt_{name}", "payment_attempt", columns, postgresql_where=sa.text(where)
        )


def _choices() -> None:
    op.create_table(
        "bank_choice",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("offered", sa.Integer(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("chosen_at", MOMENT, nullable=False),
        sa.CheckConstraint(RULES, name=op.f("ck_bank_choice_rule")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_bank_choice_order_id")),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempt.id"], name=op.f("fk_bank_choice_attempt_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_choice")),
        sa.UniqueConstraint("attempt_id", name=op.f("uq_bank_choice_attempt_id")),
    )
    op.create_table(
        "attempt_ending",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempt.id"], name=op.f("fk_attempt_ending_attempt_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt_ending")),
    )
    for table in ("bank_choice", "attempt_ending"):
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _banks() -> None:
    op.create_table(
        "bank_health",
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="CLOSED", nullable=False),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("since", MOMENT, nullable=True),
        sa.Column("probe_until", MOMENT, nullable=True),
        sa.Column("about", sa.Text(), nullable=True),
        sa.CheckConstraint(OPERATIONS, name=op.f("ck_bank_health_operation")),
        sa.CheckConstraint("state IN ('CLOSED', 'OPEN', 'HALF_OPEN')", name=op.f("ck_bank_health_state")),
        sa.PrimaryKeyConstraint("bank", "operation", name=op.f("pk_bank_health")),
    )
    op.create_table(
        "bank_downtime",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("announced_by", sa.Text(), nullable=False),
        sa.Column("announced_at", MOMENT, nullable=False),
        sa.Column("cancelled_by", sa.Text(), nullable=True),
        sa.Column("cancelled_at", MOMENT, nullable=True),
        sa.CheckConstraint(OPERATIONS, name=op.f("ck_bank_downtime_operation")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_bank_downtime_ends_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_downtime")),
    )
    op.create_index(
        "ix_bank_downtime_ends_at",
        "bank_downtime",
        ["ends_at"],
        postgresql_where=sa.text("cancelled_at IS NULL"),
    )


def _verdicts(verdicts: str) -> None:
    op.drop_constraint("ck_confirmation_verdict", "confirmation")
    op.create_check_constraint(op.f("ck_confirmation_verdict"), "confirmation", f"verdict IN ({verdicts})")


def downgrade() -> None:
    """Take back."""
    _verdicts(VERDICTS)
    op.drop_table("bank_downtime")
    op.drop_table("bank_health")
    op.drop_table("attempt_ending")
    op.drop_table("bank_choice")
    for name in ("query_at", "awaiting", "unknown_at", "resolved"):
        op.drop_index(f"ix_payment_attempt_{name}", "payment_attempt")
    op.create_index(
        "ix_payment_attempt_query_at", "payment_attempt", ["query_at"], postgresql_where=sa.text(UNDER_WAY)
    )
    for name in ("awaiting", *ATTEMPT_MOMENTS):
        op.drop_column("payment_attempt", name)
    op.drop_column("agency", "bank_preference")
