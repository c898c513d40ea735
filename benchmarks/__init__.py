"""Measurements, each a ratio within one run: absolute figures of a shared machine say little."""
