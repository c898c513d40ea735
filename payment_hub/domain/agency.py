"""Agencies: what each may decide about money that comes late."""

from __future__ import annotations

from enum import StrEnum


class LatePolicy(StrEnum):
    """What an agency does with money that arrives after the order's deadline."""

    ACCEPT = "ACCEPT"
    """It settles the order, marked late, as long as the same obligation is still owed."""
    REFUND = "REFUND"
    """It waits in suspense to be given back."""
    SUSPENSE = "SUSPENSE"
    """It waits in suspense for an officer's decision."""
