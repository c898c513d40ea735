"""Banks as little services of their own, for demonstrations and tests: the other end of the wire, sharing no
code with the adapters.
"""
