"""Ledgers behind the port."""
