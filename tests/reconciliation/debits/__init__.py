"""Money that went back, against the debits of a bank's statements."""
