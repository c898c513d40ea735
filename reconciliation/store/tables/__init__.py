"""The tables of reconciliation. They live in the hub's metadata, so that one migration history covers both."""

from reconciliation.store.tables.discrepancies import Discrepancy, DiscrepancyEventRecord
from reconciliation.store.tables.ledgers import LedgerEntry, LedgerFile
from reconciliation.store.tables.runs import Finding, ReconciliationRun
from reconciliation.store.tables.statements import StatementFile, StatementItem

__all__ = [
    "Discrepancy",
    "DiscrepancyEventRecord",
    "Finding",
    "LedgerEntry",
    "LedgerFile",
    "ReconciliationRun",
    "StatementFile",
    "StatementItem",
]
