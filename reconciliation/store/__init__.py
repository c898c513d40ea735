"""What reconciliation remembers: both other sides' files and items, the runs, and the discrepancies."""
