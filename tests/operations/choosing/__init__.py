"""Which bank takes a payment, and what happens when one goes down."""
