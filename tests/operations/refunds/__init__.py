"""Giving money back, one verb after the other."""
