"""By when an unknown outcome will be known: a promise that is shown, kept beside the attempt, and measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final

from payment_hub.domain.day import HUB_TIME, business_day

_DAY: Final = timedelta(days=1)

#: By then the night has read the bank's statement of the day before, and an officer has seen what is in it.
NOON: Final = time(12, 0)


def officer_from(unknown_at: datetime) -> datetime:
    """From when on an officer must see to it: noon of the day after (T+1), when the statement has told nothing."""
    following = business_day(unknown_at) + _DAY
    return datetime.combine(following, NOON, HUB_TIME).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Promise:
    """What may be promised of one bank."""

    can_query: bool
    """It can be asked; of one that cannot only the statement tells."""
    known_within: timedelta

    def known_by(self, unknown_at: datetime, ask_at: datetime, now: datetime) -> datetime:
        """The promise as of ``now``, for an outcome unknown since ``unknown_at`` that is asked about at ``ask_at``.

        First the bank's own time, then the statement's, and when both are over the next noon, by an officer.
        """
        quick = unknown_at + self.known_within
        if self.can_query and now < quick:
            return max(quick, ask_at)
        noon = officer_from(unknown_at)
        if noon <= now:
            noon = datetime.combine(business_day(now), NOON, HUB_TIME).astimezone(UTC)
        return noon if noon > now else noon + _DAY
