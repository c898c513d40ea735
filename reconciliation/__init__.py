"""Reconciliation: checks the hub's books against the banks' statements and the agencies' ledgers, every night."""
