"""What there is to read about the hub, and the pages of it that are made from the code."""
