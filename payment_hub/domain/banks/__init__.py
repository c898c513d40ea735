"""What a bank is to the hub."""
