"""What the hub remembers: tables, and the questions asked of them, one noun a file."""
