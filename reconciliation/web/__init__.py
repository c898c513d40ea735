"""The finance officers' door."""
