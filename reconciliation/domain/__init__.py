"""What the words mean: scopes, cases, discrepancies, runs, reports. Pure: no clock, database or network."""
