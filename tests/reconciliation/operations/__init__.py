"""What reconciliation does."""
