"""HTTP in, one call of an operation, HTTP out. They decide nothing.

``api`` declares endpoints, ``bodies`` reads what comes in, ``answers`` writes what goes out, ``problems`` says no;
``auth``, ``idempotency`` and ``limits`` stand before every endpoint. The other modules are one noun each.
"""
