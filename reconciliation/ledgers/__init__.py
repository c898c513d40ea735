"""Agency ledgers behind the port, one module for each form in which they arrive."""
