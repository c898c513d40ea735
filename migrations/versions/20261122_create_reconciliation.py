"""create reconciliation"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_reconciliation"
down_revision = "20261122_hub"
branch_labels = None
depends_on = None

#: Tables that only grow; ``refuse_change`` is the hub's own.
APPEND_ONLY = (
    "statement_file",
    "statement_line",
    "ledger_file",
    "ledger_entry",
    "finding",
    "discrepancy_event",
)

#: What may still change while it lives, but never goes away; a run that has ended does not change either.
NEVER_DELETED = ("reconciliation_run", "discrepancy")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "statement_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'REFUSED') = (reason IS NOT NULL)", name=op.f("ck_statement_file_reason")
        ),
        sa.CheckConstraint("state IN ('ACCEPTED', 'REFUSED')", name=op.f("ck_statement_file_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_file")),
        sa.UniqueConstraint("bank", "day", "sha256", name=op.f("uq_statement_file_bank_day_sha256")),
        info={"append_only": True},
    )
    op.create_table(
        "ledger_file",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(state = 'REFUSED') = (reason IS NOT NULL)", name=op.f("ck_ledger_file_reason")),
        sa.CheckConstraint("state IN ('ACCEPTED', 'REFUSED')", name=op.f("ck_ledger_file_state")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_ledger_file_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_file")),
        sa.UniqueConstraint("agency_id", "day", "sha256", name=op.f("uq_ledger_file_agency_id_day_sha256")),
        info={"append_only": True},
    )
    op.create_table(
        "reconciliation_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("repeats", sa.BigInteger(), nullable=True),
        sa.Column("totals", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("files", postgresql.JSON(astext_type=sa.Text()), nullable=True),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'COMMITTED') = (totals IS NOT NULL)", name=op.f("ck_reconciliation_run_totals")
        ),
        sa.CheckConstraint(
            "(state = 'FAILED') = (reason IS NOT NULL)", name=op.f("ck_reconciliation_run_reason")
        ),
        sa.CheckConstraint(
            "(state = 'REPEATED') = (repeats IS NOT NULL)", name=op.f("ck_reconciliation_run_repeats")
        ),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'RUNNING', 'COMMITTED', 'REPEATED', 'FAILED')",
            name=op.f("ck_reconciliation_run_state"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agency.id"], name=op.f("fk_reconciliation_run_agency_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["repeats"],
            ["reconciliation_run.id"],
            name=op.f("fk_reconciliation_run_repeats"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_run")),
    )
    op.create_index("ix_reconciliation_run_day_scope", "reconciliation_run", ["day", "scope"], unique=False)
    op.create_index(
        "uq_reconciliation_run_key",
        "reconciliation_run",
        ["key"],
        unique=True,
        postgresql_where=sa.text("state = 'COMMITTED'"),
    )
    op.create_index(
        "uq_reconciliation_run_one_running",
        "reconciliation_run",
        ["scope"],
        unique=True,
        postgresql_where=sa.text("state = 'RUNNING'"),
    )
    op.create_index(
        "uq_reconciliation_run_one_under_way",
        "reconciliation_run",
        ["scope", "day"],
        unique=True,
        postgresql_where=sa.text("state IN ('PLANNED', 'RUNNING')"),
    )
    op.create_table(
        "statement_line",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("bank_transaction_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("repeated", sa.Boolean(), nullable=False),
        sa.CheckConstraint("movement IN ('CREDIT', 'DEBIT', 'FEE')", name=op.f("ck_statement_line_movement")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["statement_file.id"], name=op.f("fk_statement_line_file_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_line")),
        sa.UniqueConstraint(
            "bank",
            "bank_transaction_id",
            "day",
            "amount",
            "currency",
            "movement",
            "reference",
            "occurrence",
            name="uq_statement_line_identity",
        ),
        info={"append_only": True},
    )
    op.create_index(
        "ix_statement_line_repeated",
        "statement_line",
        ["bank", "bank_transaction_id"],
        unique=False,
        postgresql_where=sa.text("repeated"),
    )
    op.create_index("ix_statement_line_bank_day", "statement_line", ["bank", "day"], unique=False)
    op.create_table(
        "finding",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("order_reference", sa.Text(), nullable=True),
        sa.Column("hub_items", sa.Integer(), nullable=False),
        sa.Column("hub_amount", sa.BigInteger(), nullable=False),
        sa.Column("hub_currency", sa.Text(), nullable=True),
        sa.Column("other_items", sa.Integer(), nullable=False),
        sa.Column("other_amount", sa.BigInteger(), nullable=False),
        sa.Column("other_currency", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('UNEXPLAINED_DEBIT', 'MISSING_IN_HUB', 'MISSING_AT_BANK', 'DUPLICATE_AT_BANK', 'CURRENCY_MISMATCH', 'AMOUNT_MISMATCH', 'STATEMENT_REFUSED', 'STATEMENT_MISSING', 'BOOKED_WITHOUT_RECEIPT', 'MISSING_AT_AGENCY', 'DUPLICATE_AT_AGENCY', 'AGENCY_CURRENCY_MISMATCH', 'AGENCY_AMOUNT_MISMATCH', 'LEDGER_REFUSED', 'LEDGER_MISSING', 'UNIDENTIFIED_PAYMENT', 'WRONG_CURRENCY', 'CONFLICTING_CONFIRMATIONS', 'PAID_TWICE', 'OVERPAID', 'UNDERPAID', 'HELD')",
            name=op.f("ck_finding_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agency.id"], name=op.f("fk_finding_agency_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["reconciliation_run.id"], name=op.f("fk_finding_run_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
        sa.UniqueConstraint("run_id", "case_key", "kind", name=op.f("uq_finding_run_id_case_key_kind")),
        info={"append_only": True},
    )
    op.create_table(
        "discrepancy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("finding_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("proposed_by", sa.Text(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("auto_resolved_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(state = 'RESOLVED') = (approved_by IS NOT NULL)", name=op.f("ck_discrepancy_approved")
        ),
        sa.CheckConstraint(
            "decision IN ('BANK_CORRECTS', 'AGENCY_CORRECTS', 'HUB_CORRECTS', 'REFUND_PAYER', 'ACCEPT_AS_IT_IS')",
            name=op.f("ck_discrepancy_decision"),
        ),
        sa.CheckConstraint(
            "state IN ('OPEN', 'PROPOSED', 'RESOLVED', 'AUTO_RESOLVED')", name=op.f("ck_discrepancy_state")
        ),
        sa.CheckConstraint(
            "proposed_by IS NULL OR approved_by IS NULL OR proposed_by <> approved_by",
            name=op.f("ck_discrepancy_four_eyes"),
        ),
        sa.ForeignKeyConstraint(
            ["agency_id"], ["agency.id"], name=op.f("fk_discrepancy_agency_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["finding.id"], name=op.f("fk_discrepancy_finding_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["auto_resolved_by"],
            ["reconciliation_run.id"],
            name=op.f("fk_discrepancy_auto_resolved_by"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
    )
    op.create_index("ix_discrepancy_agency_id_id", "discrepancy", ["agency_id", "id"], unique=False)
    op.create_index("ix_discrepancy_scope_case_key", "discrepancy", ["scope", "case_key"], unique=False)
    op.create_index(
        "uq_discrepancy_one_live",
        "discrepancy",
        ["scope", "case_key"],
        unique=True,
        postgresql_where=sa.text("state IN ('OPEN', 'PROPOSED')"),
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("entry_number", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("receipt_number", sa.Text(), nullable=True),
        sa.Column("case_key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("repeated", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_ledger_entry_agency_id")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["ledger_file.id"], name=op.f("fk_ledger_entry_file_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["payment_order.id"], name=op.f("fk_ledger_entry_order_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint(
            "agency_id",
            "day",
            "entry_number",
            "reference",
            "amount",
            "currency",
            name="uq_ledger_entry_identity",
        ),
        info={"append_only": True},
    )
    op.create_index(
        "ix_ledger_entry_repeated",
        "ledger_entry",
        ["agency_id", "case_key"],
        unique=False,
        postgresql_where=sa.text("repeated"),
    )
    op.create_index("ix_ledger_entry_agency_id_day", "ledger_entry", ["agency_id", "day"], unique=False)
    op.create_index("ix_ledger_entry_case_key", "ledger_entry", ["agency_id", "case_key"], unique=False)
    op.create_table(
        "discrepancy_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("discrepancy_id", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "event IN ('DETECTED', 'RESOLUTION_PROPOSED', 'APPROVED', 'DECLINED', 'AUTO_RESOLVED')",
            name=op.f("ck_discrepancy_event_event"),
        ),
        sa.ForeignKeyConstraint(
            ["discrepancy_id"],
            ["discrepancy.id"],
            name=op.f("fk_discrepancy_event_discrepancy_id"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["reconciliation_run.id"],
            name=op.f("fk_discrepancy_event_run_id"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy_event")),
        info={"append_only": True},
    )
    op.create_index(
        "ix_discrepancy_event_discrepancy_id", "discrepancy_event", ["discrepancy_id"], unique=False
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table in NEVER_DELETED:
        op.execute(
            f"CREATE TRIGGER never_deleted BEFORE DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER ended BEFORE UPDATE ON reconciliation_run FOR EACH ROW "
        "WHEN (OLD.state IN ('COMMITTED', 'REPEATED', 'FAILED')) EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_discrepancy_event_discrepancy_id", table_name="discrepancy_event")
    op.drop_table("discrepancy_event")
    op.drop_index("ix_ledger_entry_case_key", table_name="ledger_entry")
    op.drop_index("ix_ledger_entry_agency_id_day", table_name="ledger_entry")
    op.drop_index("ix_ledger_entry_repeated", table_name="ledger_entry", postgresql_where=sa.text("repeated"))
    op.drop_table("ledger_entry")
    op.drop_index(
        "uq_discrepancy_one_live",
        table_name="discrepancy",
        postgresql_where=sa.text("state IN ('OPEN', 'PROPOSED')"),
    )
    op.drop_index("ix_discrepancy_scope_case_key", table_name="discrepancy")
    op.drop_index("ix_discrepancy_agency_id_id", table_name="discrepancy")
    op.drop_table("discrepancy")
    op.drop_table("finding")
    op.drop_index("ix_statement_line_bank_day", table_name="statement_line")
    op.drop_index(
        "ix_statement_line_repeated", table_name="statement_line", postgresql_where=sa.text("repeated")
    )
    op.drop_table("statement_line")
    op.drop_index(
        "uq_reconciliation_run_one_under_way",
        table_name="reconciliation_run",
        postgresql_where=sa.text("state IN ('PLANNED', 'RUNNING')"),
    )
    op.drop_index(
        "uq_reconciliation_run_one_running",
        table_name="reconciliation_run",
        postgresql_where=sa.text("state = 'RUNNING'"),
    )
    op.drop_index(
        "uq_reconciliation_run_key",
        table_name="reconciliation_run",
        postgresql_where=sa.text("state = 'COMMITTED'"),
    )
    op.drop_index("ix_reconciliation_run_day_scope", table_name="reconciliation_run")
    op.drop_table("reconciliation_run")
    op.drop_table("ledger_file")
    op.drop_table("statement_file")
