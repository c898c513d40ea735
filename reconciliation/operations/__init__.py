"""What reconciliation does, one verb a file. Only this room opens transactions."""
