"""Banks: the port of an adapter, its values, the bank's profile and contract, its health, and conformance."""
