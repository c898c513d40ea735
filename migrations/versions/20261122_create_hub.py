"""create the hub"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from payment_hub.store.tables.webhooks import Xid8

revision = "20261122_hub"
down_revision = None
branch_labels = None
depends_on = None

#: Tables that only grow. The trigger holds for every role, the owner and superusers included.
APPEND_ONLY = (
    "callback",
    "obligation_version",
    "collection",
    "event",
    "posting",
    "receipt",
    "confirmation",
    "webhook_delivery",
)

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "agency",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tax_code", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("late_policy", sa.Text(), server_default="ACCEPT", nullable=False),
        sa.Column("part_payments", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("receipt_template", sa.Text(), nullable=False),
        sa.Column("receipt_series", sa.Text(), nullable=False),
        sa.Column("account_number", sa.Text(), nullable=False),
        sa.Column("account_bank", sa.Text(), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "late_policy IN ('ACCEPT', 'REFUND', 'SUSPENSE')", name=op.f("ck_agency_late_policy")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
        sa.UniqueConstraint("code", name=op.f("uq_agency_code")),
    )
    op.create_table(
        "callback",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("query", sa.LargeBinary(), nullable=False),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("source_ip", sa.Text(), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback")),
    )
    op.create_index("ix_callback_received_at", "callback", ["received_at"], unique=False)
    op.create_index(
        "ix_callback_unverified",
        "callback",
        ["bank", "received_at"],
        unique=False,
        postgresql_where=sa.text("NOT verified"),
    )
    op.create_table(
        "idempotency_record",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("headers", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_record")),
    )
    op.create_index("ix_idempotency_record_expires_at", "idempotency_record", ["expires_at"], unique=False)
    op.create_table(
        "portal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("webhook_url", sa.Text(), nullable=True),
        sa.Column("webhook_key_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal")),
        sa.UniqueConstraint("code", name=op.f("uq_portal_code")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("lookup", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("portal_id", sa.BigInteger(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('PORTAL', 'AGENCY', 'OFFICER', 'OPERATOR')", name=op.f("ck_api_key_role")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_api_key_agency_id")),
        sa.ForeignKeyConstraint(["portal_id"], ["portal.id"], name=op.f("fk_api_key_portal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("lookup", name=op.f("uq_api_key_lookup")),
    )
    op.create_table(
        "obligation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.Column("row_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('fee', 'hospital_bill', 'tuition', 'traffic_fine')", name=op.f("ck_obligation_kind")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_obligation_agency_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
        sa.UniqueConstraint("agency_id", "reference", name=op.f("uq_obligation_agency_id_reference")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_table(
        "receipt_counter",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_receipt_counter_agency_id")),
        sa.PrimaryKeyConstraint("agency_id", "series", "year", name=op.f("pk_receipt_counter")),
        postgresql_with={"fillfactor": "20"},
    )
    op.create_table(
        "obligation_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("obligation_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("payer_name", sa.Text(), nullable=False),
        sa.Column("identifiers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("account_number", sa.Text(), nullable=False),
        sa.Column("account_bank", sa.Text(), nullable=False),
        sa.Column("account_name", sa.Text(), nullable=False),
        sa.Column("treasury_chapter", sa.Text(), nullable=True),
        sa.Column("treasury_sub_item", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("stated_by", sa.Text(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "event IN ('REGISTERED', 'AMENDED', 'WITHDRAWN', 'RESTORED')",
            name=op.f("ck_obligation_version_event"),
        ),
        sa.CheckConstraint(
            "amount >= 0 AND amount <= 1000000000000", name=op.f("ck_obligation_version_amount")
        ),
        sa.ForeignKeyConstraint(
            ["obligation_id"], ["obligation.id"], name=op.f("fk_obligation_version_obligation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation_version")),
        sa.UniqueConstraint(
            "obligation_id", "version", name=op.f("uq_obligation_version_obligation_id_version")
        ),
    )
    op.create_index("ix_obligation_version_due_on", "obligation_version", ["due_on"], unique=False)
    op.create_table(
        "payment_order",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("obligation_id", sa.BigInteger(), nullable=False),
        sa.Column("obligation_version", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("portal_id", sa.BigInteger(), nullable=False),
        sa.Column("required", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("accepted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("held_refund", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("late", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("conflict", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("other_currency", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("sequence", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "status",
            sa.Text(),
            sa.Computed(
                "CASE\n    WHEN received >= required AND received - refunded >= required THEN 'PAID'\n    WHEN received = 0 AND cancelled_at IS NOT NULL THEN 'CANCELLED'\n    WHEN received = 0 AND expired_at IS NOT NULL THEN 'EXPIRED'\n    WHEN received = 0 THEN 'OPEN'\n    WHEN refunded = 0 THEN 'UNDERPAID'\n    WHEN received = refunded THEN 'REFUNDED'\n    ELSE 'PARTLY_REFUNDED' END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "is_open",
            sa.Boolean(),
            sa.Computed(
                "required > 0 AND received = 0 AND cancelled_at IS NULL AND expired_at IS NULL",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("accepted >= 0 AND accepted <= received", name=op.f("ck_payment_order_accepted")),
        sa.CheckConstraint(
            "refunded >= 0 AND held_refund >= 0 AND refunded + held_refund <= received",
            name=op.f("ck_payment_order_refunds"),
        ),
        sa.CheckConstraint(
            "required >= 0 AND required <= 1000000000000", name=op.f("ck_payment_order_required")
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_payment_order_agency_id")),
        sa.ForeignKeyConstraint(
            ["obligation_id"], ["obligation.id"], name=op.f("fk_payment_order_obligation_id")
        ),
        sa.ForeignKeyConstraint(["portal_id"], ["portal.id"], name=op.f("fk_payment_order_portal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_order")),
        sa.UniqueConstraint("reference", name=op.f("uq_payment_order_reference")),
        postgresql_with={"fillfactor": "85"},
    )
    op.create_index("ix_payment_order_agency_id_id", "payment_order", ["agency_id", "id"], unique=False)
    op.create_index(
        "ix_payment_order_expires_at",
        "payment_order",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("is_open"),
    )
    op.create_index("ix_payment_order_obligation_id", "payment_order", ["obligation_id"], unique=False)
    op.create_index("ix_payment_order_portal_id_id", "payment_order", ["portal_id", "id"], unique=False)
    op.create_index(
        "uq_payment_order_one_open",
        "payment_order",
        ["obligation_id"],
        unique=True,
        postgresql_where=sa.text("is_open"),
    )
    op.create_table(
        "collection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("bank_transaction_id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("collected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_collection_amount")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_collection_agency_id")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_collection_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection")),
        sa.UniqueConstraint(
            "bank", "bank_transaction_id", name=op.f("uq_collection_bank_bank_transaction_id")
        ),
    )
    op.create_index("ix_collection_bank_day", "collection", ["bank", "day"], unique=False)
    op.create_index("ix_collection_order_id", "collection", ["order_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("txid", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("portal_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_event_agency_id")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_event_order_id")),
        sa.ForeignKeyConstraint(["portal_id"], ["portal.id"], name=op.f("fk_event_portal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("order_id", "sequence", name=op.f("uq_event_order_id_sequence")),
    )
    op.create_index("ix_event_agency_id_txid_id", "event", ["agency_id", "txid", "id"], unique=False)
    op.create_index("ix_event_portal_id_txid_id", "event", ["portal_id", "txid", "id"], unique=False)
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("instructions", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("bank_reference", sa.Text(), nullable=True),
        sa.Column("contradicted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("query_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('SUBMITTING', 'PENDING', 'UNKNOWN', 'SUCCEEDED', 'FAILED', 'ABANDONED')",
            name=op.f("ck_payment_attempt_state"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_payment_attempt_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_attempt")),
        sa.UniqueConstraint("order_id", "number", name=op.f("uq_payment_attempt_order_id_number")),
        sa.UniqueConstraint("reference", name=op.f("uq_payment_attempt_reference")),
    )
    op.create_index(
        "ix_payment_attempt_contradicted",
        "payment_attempt",
        ["changed_at"],
        unique=False,
        postgresql_where=sa.text("contradicted"),
    )
    op.create_index(
        "ix_payment_attempt_query_at",
        "payment_attempt",
        ["query_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"),
    )
    op.create_index(
        "uq_payment_attempt_one_under_way",
        "payment_attempt",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"),
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("source_type", sa.Text(), nullable=False),
        sa.Column("source_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("bank", sa.Text(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reverses", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "credit IN ('BANK_CLEARING', 'AGENCY_PAYABLE', 'SUSPENSE', 'OVERPAYMENT', 'REFUND_CLEARING', 'FEE_EXPENSE', 'SETTLEMENT_CASH')",
            name=op.f("ck_posting_credit"),
        ),
        sa.CheckConstraint(
            "debit IN ('BANK_CLEARING', 'AGENCY_PAYABLE', 'SUSPENSE', 'OVERPAYMENT', 'REFUND_CLEARING', 'FEE_EXPENSE', 'SETTLEMENT_CASH')",
            name=op.f("ck_posting_debit"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_posting_amount")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_posting_two_accounts")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_posting_agency_id")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_posting_order_id")),
        sa.ForeignKeyConstraint(["reverses"], ["posting.id"], name=op.f("fk_posting_reverses")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
        sa.UniqueConstraint(
            "source_type", "source_id", "kind", name=op.f("uq_posting_source_type_source_id_kind")
        ),
    )
    op.create_index("ix_posting_day", "posting", ["day"], unique=False)
    op.create_index("ix_posting_order_id", "posting", ["order_id"], unique=False)
    op.create_index(
        "uq_posting_reverses",
        "posting",
        ["reverses"],
        unique=True,
        postgresql_where=sa.text("reverses IS NOT NULL"),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 9999999", name=op.f("ck_receipt_number")),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name=op.f("fk_receipt_agency_id")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_receipt_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint(
            "agency_id", "series", "year", "number", name=op.f("uq_receipt_agency_id_series_year_number")
        ),
        sa.UniqueConstraint("order_id", name=op.f("uq_receipt_order_id")),
    )
    op.create_index("ix_receipt_agency_id_day", "receipt", ["agency_id", "day"], unique=False)
    op.create_table(
        "confirmation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("callback_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("bank", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("attempt_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("bank_transaction_id", sa.Text(), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("disposition", sa.Text(), nullable=False),
        sa.Column("judged_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "disposition IN ('APPLIED', 'DUPLICATE', 'CONFLICT', 'ORPHAN')",
            name=op.f("ck_confirmation_disposition"),
        ),
        sa.CheckConstraint(
            "outcome IN ('PAID', 'DECLINED', 'PENDING')", name=op.f("ck_confirmation_outcome")
        ),
        sa.CheckConstraint(
            "source IN ('CALLBACK', 'QUERY', 'STATEMENT')", name=op.f("ck_confirmation_source")
        ),
        sa.CheckConstraint(
            "verdict IN ('SETTLES', 'OVERPAYS', 'UNDERPAYS', 'PAID_TWICE', 'TOO_LATE', 'NO_SUCH_ORDER', 'WRONG_CURRENCY', 'CONTRADICTS', 'DECLINED', 'STILL_PENDING', 'DUPLICATE')",
            name=op.f("ck_confirmation_verdict"),
        ),
        sa.ForeignKeyConstraint(
            ["attempt_id"], ["payment_attempt.id"], name=op.f("fk_confirmation_attempt_id")
        ),
        sa.ForeignKeyConstraint(["callback_id"], ["callback.id"], name=op.f("fk_confirmation_callback_id")),
        sa.ForeignKeyConstraint(["order_id"], ["payment_order.id"], name=op.f("fk_confirmation_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_confirmation")),
    )
    op.create_index("ix_confirmation_order_id", "confirmation", ["order_id"], unique=False)
    op.create_index("uq_confirmation_callback_id", "confirmation", ["callback_id"], unique=True)
    op.create_index(
        "uq_confirmation_applied",
        "confirmation",
        ["bank", "event_id"],
        unique=True,
        postgresql_where=sa.text("disposition IN ('APPLIED', 'ORPHAN')"),
    )
    op.create_index(
        "uq_confirmation_contradicting",
        "confirmation",
        ["bank", "event_id", "digest"],
        unique=True,
        postgresql_where=sa.text("disposition = 'CONFLICT'"),
    )
    op.create_index(
        "ix_confirmation_conflict",
        "confirmation",
        ["judged_at"],
        unique=False,
        postgresql_where=sa.text("disposition = 'CONFLICT'"),
    )
    op.create_table(
        "webhook",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("portal_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), server_default="PENDING", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('PENDING', 'DELIVERED', 'DEAD', 'CANCELLED')", name=op.f("ck_webhook_state")
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_webhook_event_id")),
        sa.ForeignKeyConstraint(["portal_id"], ["portal.id"], name=op.f("fk_webhook_portal_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_webhook")),
    )
    op.create_index(
        "ix_webhook_due_at",
        "webhook",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_webhook_delivery_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempt")),
    )
    op.create_index("ix_webhook_delivery_event_id", "webhook_delivery", ["event_id"], unique=False)
    op.execute(REFUSE_CHANGE)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_webhook_delivery_event_id", table_name="webhook_delivery")
    op.drop_table("webhook_delivery")
    op.drop_index("ix_webhook_due_at", table_name="webhook", postgresql_where=sa.text("state = 'PENDING'"))
    op.drop_table("webhook")
    op.drop_index("ix_confirmation_conflict", table_name="confirmation")
    op.drop_index("uq_confirmation_contradicting", table_name="confirmation")
    op.drop_index("uq_confirmation_applied", table_name="confirmation")
    op.drop_index("uq_confirmation_callback_id", table_name="confirmation")
    op.drop_index("ix_confirmation_order_id", table_name="confirmation")
    op.drop_table("confirmation")
    op.drop_index("ix_receipt_agency_id_day", table_name="receipt")
    op.drop_table("receipt")
    op.drop_index("uq_posting_reverses", table_name="posting")
    op.drop_index("ix_posting_order_id", table_name="posting")
    op.drop_index("ix_posting_day", table_name="posting")
    op.drop_table("posting")
    op.drop_index(
        "uq_payment_attempt_one_under_way",
        table_name="payment_attempt",
        postgresql_where=sa.text("state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"),
    )
    op.drop_index("ix_payment_attempt_contradicted", table_name="payment_attempt")
    op.drop_index(
        "ix_payment_attempt_query_at",
        table_name="payment_attempt",
        postgresql_where=sa.text("state IN ('SUBMITTING', 'PENDING', 'UNKNOWN')"),
    )
    op.drop_table("payment_attempt")
    op.drop_index("ix_event_portal_id_txid_id", table_name="event")
    op.drop_index("ix_event_agency_id_txid_id", table_name="event")
    op.drop_table("event")
    op.drop_index("ix_collection_order_id", table_name="collection")
    op.drop_index("ix_collection_bank_day", table_name="collection")
    op.drop_table("collection")
    op.drop_index(
        "uq_payment_order_one_open", table_name="payment_order", postgresql_where=sa.text("is_open")
    )
    op.drop_index("ix_payment_order_portal_id_id", table_name="payment_order")
    op.drop_index("ix_payment_order_obligation_id", table_name="payment_order")
    op.drop_index(
        "ix_payment_order_expires_at", table_name="payment_order", postgresql_where=sa.text("is_open")
    )
    op.drop_index("ix_payment_order_agency_id_id", table_name="payment_order")
    op.drop_table("payment_order")
    op.drop_index("ix_obligation_version_due_on", table_name="obligation_version")
    op.drop_table("obligation_version")
    op.drop_table("receipt_counter")
    op.drop_table("obligation")
    op.drop_table("api_key")
    op.drop_table("portal")
    op.drop_index("ix_idempotency_record_expires_at", table_name="idempotency_record")
    op.drop_table("idempotency_record")
    op.drop_index("ix_callback_unverified", table_name="callback", postgresql_where=sa.text("NOT verified"))
    op.drop_index("ix_callback_received_at", table_name="callback")
    op.drop_table("callback")
    op.drop_table("agency")
    op.execute("DROP FUNCTION refuse_change()")
