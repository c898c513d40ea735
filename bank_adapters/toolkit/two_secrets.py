"""Two secrets are valid while a bank and we change from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING


class TwoSecrets:
    """Settings with a ``secret`` and the ``secret_previous``, which is still believed while both sides change over."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def secret(self) -> bytes:
            """What we sign with, and believe."""

        @property
        def secret_previous(self) -> bytes | None:
            """The one before."""

    @property
    def believed(self) -> tuple[bytes, ...]:
        """The secrets under which a message is believed, today's first."""
        return (self.secret, *filter(None, [self.secret_previous]))
