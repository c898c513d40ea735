"""The payment hub: read domain first, then store, operations, and last web, tasks and commands.

``domain`` says what the words mean, ``store`` what is remembered, ``operations`` what the hub does, one verb a file;
``web``, ``tasks`` and ``commands`` are the entry points through which people, banks and the clock ask for it.
"""

from typing import Final

#: As in pyproject.toml: said where somebody must know which hub did something.
VERSION: Final = "0.1.0"
