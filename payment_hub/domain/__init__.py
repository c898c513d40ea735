"""What the words mean: pure rules and values. Standard library only; no clock, no database, no network."""
