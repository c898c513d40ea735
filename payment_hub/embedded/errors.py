"""What keeps the embedded hub from running, in a sentence for the person at the terminal."""


class EmbeddedError(Exception):
    """The embedded hub cannot start or go on; the message says why and what to do."""
