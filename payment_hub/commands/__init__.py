"""The operators' commands: ``flask --app wsgi hub ...``; each module adds its own to the group."""

from payment_hub.commands import access, banks, conformance, ledger, receipts, refunds
from payment_hub.commands.group import hub_commands

__all__ = ["access", "banks", "conformance", "hub_commands", "ledger", "receipts", "refunds"]
