"""refunds: what is proposed, decided, sent and answered"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_refunds"
down_revision = "20261122_keys_and_payers"
branch_labels = None
depends_on = None

APPEND_ONLY = ("refund_event", "chargeback")
LIVE = "state IN ('PROPOSED', 'APPROVED', 'SUBMITTING', 'PENDING', 'UNKNOWN', 'HANDED_IN')"
QUERIED = "state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"
STATES = (
    "state IN ('PROPOSED', 'APPROVED', 'SUBMITTING', 'PENDING', 'UNKNOWN', 'HANDED_IN', 'SUCCEEDED', 'FAILED', "
    "'DECLINED')"
)
EVENTS = (
    "event IN ('PROPOSED', 'APPROVED', 'DECLINED', 'SUBMITTED', 'ACCEPTED', 'NO_ANSWER', 'NOT_SENT', 'HANDED_IN', 'RETURNED', "
    "'FAILED', 'CONTRADICTED')"
)
REASONS = "reason IN ('PAID_TWICE', 'OVERPAID', 'PAID_LATE', 'NOT_OWED', 'DOSSIER_REFUSED', 'WRONG_PAYMENT', 'OTHER')"
PAID_BACK = (
    "paid_back BETWEEN refunded AND refunded + held_refund AND paid_back_accepted BETWEEN 0 AND paid_back"
)
EXCESS = "verdict IN ('OVERPAYS', 'PAID_TWICE', 'TOO_LATE', 'UNDERPAYS') AND disposition = 'APPLIED'"
AGENCY_COLUMNS = ("refund_limit", "refund_unseen", "credited_after_days", "voucher_form")
#: What was asked for, which never changes.
REQUESTED = (
    "reference", "order_id", "refund_id", "request_sha256", "collection_id", "agency_id", "bank", "amount", "currency",
    "reason", "note", "proposed_by", "proposed_at",
)  # fmt: skip
ORDER_COLUMNS = ("paid_back", "paid_back_accepted", "disputed")


def upgrade() -> None:
    """Apply."""
    _rules_of_agencies()
    _sums_of_orders()
    _refunds()
    _what_happened()
    op.create_index("ix_confirmation_excess", "confirmation", ["judged_at"], postgresql_where=sa.text(EXCESS))
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        f"CREATE TRIGGER as_it_was_requested BEFORE UPDATE ON refund FOR EACH ROW WHEN "
        f"(({', '.join(f'OLD.{name}' for name in REQUESTED)}) IS DISTINCT FROM ({', '.join(f'NEW.{name}' for name in REQUESTED)})) "
        "EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER never_deleted BEFORE DELETE ON refund FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _rules_of_agencies() -> None:
    op.add_column("agency", sa.Column("refund_limit", sa.BigInteger()))
    op.add_column(
        "agency", sa.Column("refund_unseen", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("agency", sa.Column("credited_after_days", sa.Integer(), server_default=sa.text("1")))
    op.add_column(
        "agency", sa.Column("voucher_form", sa.Text(), server_default=sa.text("'C1-04/NS'"), nullable=False)
    )
    op.create_check_constraint(op.f("ck_agency_refund_limit"), "agency", "refund_limit >= 0")
    op.create_check_constraint(op.f("ck_agency_credited_after_days"), "agency", "credited_after_days >= 0")


def _sums_of_orders() -> None:
    for name in ("paid_back", "paid_back_accepted"):
        op.add_column(
            "payment_order",
            sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        )
    op.add_column(
        "payment_order",
        sa.Column("disputed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_check_constraint(op.f("ck_payment_order_paid_back"), "payment_order", PAID_BACK)


def _refunds() -> None:
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("refund_id", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("payee", postgresql.JSONB(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("bank_refund_id", sa.Text(), nullable=True),
        sa.Column("voucher", postgresql.JSONB(), nullable=True),
        sa.Column("contradicted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("queries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("query_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_amount")),
        sa.CheckConstraint(REASONS, name=op.f("ck_refund_reason")),
        sa.CheckConstraint(
            "route IN ('BANK', 'TRANSFER', 'TREASURY', 'AGENCY')", name=op.f("ck_refund_route")
        ),
        sa.CheckConstraint(STATES, name=op.f("ck_refund_state")),
        sa.CheckConstraint("approved_by <> proposed_by", name=op.f("ck_refund_two_people")),
        sa.CheckConstraint(
            "approved_by IS NOT NULL OR state IN ('PROPOSED', 'DECLINED')",
            name=op.f("ck_refund_approved_before_it_leaves"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_refund_order_id")),
        sa.ForeignKeyConstraint(["collection_id"], ["collection.id"], name=op.f("fk_refund_collection_id")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_refund_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("reference", name=op.f("uq_refund_reference")),
        sa.UniqueConstraint("order_id", "refund_id", name=op.f("uq_refund_order_id_refund_id")),
    )
    live, queried = sa.text(LIVE), sa.text(QUERIED)
    op.create_index(
        "uq_refund_one_live", "refund", ["collection_id", "reason"], unique=True, postgresql_where=live
    )
    op.create_index("ix_refund_collection_id", "refund", ["collection_id"])
    op.create_index("ix_refund_agency_id_id", "refund", ["agency_id", "id"])
    op.create_index("ix_refund_live", "refund", ["state", "id"], postgresql_where=live)
    op.create_index("ix_refund_query_at", "refund", ["query_at"], postgresql_where=queried)


def _what_happened() -> None:
    op.create_table(
        "refund_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("refund_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("note", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(EVENTS, name=op.f("ck_refund_event_event")),
        sa.CheckConstraint(STATES, name=op.f("ck_refund_event_state")),
        sa.ForeignKeyConstraint(["refund_id"], ["refund.id"], name=op.f("fk_refund_event_refund_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_event")),
    )
    op.create_index("ix_refund_event_refund_id", "refund_event", ["refund_id"])
    op.create_table(
        "chargeback",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("collection_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("excess", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("stated_by", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0 AND excess BETWEEN 0 AND amount", name=op.f("ck_chargeback_amount")),
        sa.ForeignKeyConstraint(
            ["collection_id"], ["collection.id"], name=op.f("fk_chargeback_collection_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_chargeback_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chargeback")),
        sa.UniqueConstraint("collection_id", "evidence", name=op.f("uq_chargeback_collection_id_evidence")),
    )
    op.create_index("ix_chargeback_order_id", "chargeback", ["order_id"])


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_confirmation_excess", "confirmation")
    for table in ("chargeback", "refund_event", "refund"):
        op.drop_table(table)
    op.drop_constraint(op.f("ck_payment_order_paid_back"), "payment_order", type_="check")
    for name in ORDER_COLUMNS:
        op.drop_column("payment_order", name)
    for name in ("refund_limit", "credited_after_days"):
        op.drop_constraint(op.f(f"ck_agency_{name}"), "agency", type_="check")
    for name in AGENCY_COLUMNS:
        op.drop_column("agency", name)
