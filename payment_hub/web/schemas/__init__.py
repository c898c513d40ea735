"""The shapes of what comes in and goes out. Requests are checked by them; answers are documented and tested by them."""
