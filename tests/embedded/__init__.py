"""The embedded default: servers that start, stop, crash and live side by side."""
