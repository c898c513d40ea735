"""Files of the other side: kept byte for byte, accepted whole or refused whole."""

from __future__ import annotations

from enum import StrEnum


class FileState(StrEnum):
    """What became of a file. It never changes: a mended file is another file."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
