"""The place of an event in the feed, as opaque text, and an event's public id."""

from __future__ import annotations

import base64
import re
import struct
from dataclasses import dataclass
from typing import Final

from payment_hub.domain.errors import EventNotFound, Malformed

_FORM: Final = struct.Struct(">QQ")
_ID: Final = re.compile(r"evt_([1-9][0-9]{0,18})", re.ASCII)
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class EventCursor:
    """After which event to go on: the transaction that wrote it, then its number."""

    txid: int
    number: int

    def as_text(self) -> str:
        """22 characters, safe in a URL. Callers hand it back and read nothing into it."""
        return base64.urlsafe_b64encode(_FORM.pack(self.txid, self.number)).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> EventCursor:
        """Read ``as_text``. Raises Malformed for anything else, also for other spellings of it."""
        try:
            cursor = cls(*_FORM.unpack(base64.urlsafe_b64decode(f"{text}==")))
        except (ValueError, struct.error):
            cursor = None
        if cursor is None or cursor.as_text() != text or max(cursor.txid, cursor.number) > _LARGEST:
            raise Malformed("the cursor is not one of ours", pointers={"/after": "not a cursor of this feed"})
        return cursor


def event_id_of(number: int) -> str:
    """An event's public id, also its notice's ``webhook-id``. Without a dot: signatures separate by dots."""
    return f"evt_{number}"


def event_number(event_id: str) -> int:
    """The number in a public id. Raises EventNotFound when it can be none of ours."""
    found = _ID.fullmatch(event_id)
    if found is None or int(found[1]) > _LARGEST:
        raise EventNotFound(event_id[:40])
    return int(found[1])
