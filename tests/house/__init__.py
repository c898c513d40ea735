"""The laws of the house, each with a trespass that it has been seen to catch."""
