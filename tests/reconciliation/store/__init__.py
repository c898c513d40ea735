"""SQL against its pure twin."""
