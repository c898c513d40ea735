"""Confirmations of banks: received and recorded."""
