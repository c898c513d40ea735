"""Runs, discrepancies and reports over HTTP."""
