"""Reconciliation, in the order of its rooms."""
