"""Payment attempts: started, queried, resolved."""
