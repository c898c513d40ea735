"""Money that is paid back."""
