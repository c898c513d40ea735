"""The demonstration: real-shaped obligations go once around the whole circle, over HTTP, on the real parts."""
