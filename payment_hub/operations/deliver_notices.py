"""Send the notices that are due: claim a batch, POST it with no transaction open, record what came back.

At least once: when a worker dies between the POST and the record, the lease ends and the notice is sent
again. Notices of one portal go out one after the other over one connection, those of different portals at the
same time, so that a slow portal costs the others at most its time-out. A portal that gives no answer is not
tried again within the batch.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from random import SystemRandom
from typing import Final

from payment_hub.domain.notice import (
    LEASE,
    NOTICE_LIFE,
    PUT_BACK,
    NoticeAnswer,
    NoticeEvent,
    NoticeState,
    meaning_of,
    wait_after,
)
from payment_hub.domain.notice_address import NoticePolicy
from payment_hub.hub import Hub
from payment_hub.outbound import TOTAL_SECONDS, Courier
from payment_hub.store import notices
from payment_hub.store.notices import ClaimedNotice, NoticeOutcome

BATCH: Final = 100
SHARE: Final = 20
"""The most of one batch that one portal may have."""

_MOST_AT_ONCE: Final = 32
_log = logging.getLogger(__name__)
_chance = SystemRandom()


def deliver_notices(hub: Hub) -> int:
    """Send one batch; how many were tried. Raises HubUnavailable when the database cannot be reached."""
    now = hub.now()
    with hub.transaction() as session:
        claimed = notices.claim(session, now, now + LEASE, most=BATCH, share=SHARE)
    if not claimed:
        return 0
    outcomes = _send_all(hub, claimed)
    with hub.transaction() as session:
        notices.record(session, outcomes)
    _tell_of_the_dead(outcomes)
    return sum(outcome.answer is not None for outcome in outcomes)


def _send_all(hub: Hub, claimed: Sequence[ClaimedNotice]) -> list[NoticeOutcome]:
    """One lane for each portal, all lanes at the same time."""
    by_portal = groupby(sorted(claimed, key=lambda notice: notice.portal), key=lambda notice: notice.portal)
    lanes = [list(lane) for _, lane in by_portal]
    no_more_after = time.monotonic() + TOTAL_SECONDS
    with ThreadPoolExecutor(min(len(lanes), _MOST_AT_ONCE), thread_name_prefix="notices") as threads:
        sent = threads.map(lambda lane: _send_lane(hub, lane, no_more_after), lanes)
        return [outcome for lane in sent for outcome in lane]


def _send_lane(hub: Hub, lane: Sequence[ClaimedNotice], no_more_after: float) -> list[NoticeOutcome]:
    """The notices of one portal, in order. What its slowness leaves no time for is put back untried."""
    outcomes: list[NoticeOutcome] = []
    reachable = True
    with Courier(NoticePolicy(hub.allow_loopback_notices, hub.notice_hosts)) as courier:
        for notice in lane:
            if notice.url is None:
                outcomes.append(_moved(hub, notice, NoticeEvent.NO_ADDRESS, None))
            elif reachable and time.monotonic() < no_more_after:
                answer = _send(hub, courier, notice, notice.url)
                outcomes.append(_moved(hub, notice, meaning_of(answer.status, notice.attempts + 1), answer))
                reachable = answer.status is not None
            else:
                outcomes.append(_put_back(hub, notice))
    return outcomes


def _send(hub: Hub, courier: Courier, notice: ClaimedNotice, url: str) -> NoticeAnswer:
    body = json.dumps(notice.event.as_wire(), ensure_ascii=False, separators=(",", ":")).encode()
    secrets = hub.signer.portal_secrets(notice.portal, notice.key_version)
    headers = hub.signer.notice_headers(notice.event.id, hub.now(), body, secrets)
    fixed = {"content-type": "application/json", "user-agent": "payment-hub", "accept-encoding": "identity"}
    return courier.post(url, headers | fixed, body)


def _moved(hub: Hub, notice: ClaimedNotice, event: NoticeEvent, answer: NoticeAnswer | None) -> NoticeOutcome:
    """Where the notice stands after ``event``, and when it is due again if it is still pending."""
    now = hub.now()
    attempts = notice.attempts + (answer is not None)
    state = NOTICE_LIFE.after(NoticeState.PENDING, event)
    pending = state is NoticeState.PENDING
    wait = wait_after(attempts, _chance.random()) if pending else None
    return NoticeOutcome(
        notice, state, now + wait if wait else now, None if pending else now, attempts, answer, now
    )


def _put_back(hub: Hub, notice: ClaimedNotice) -> NoticeOutcome:
    now = hub.now()
    return NoticeOutcome(notice, NoticeState.PENDING, now + PUT_BACK, None, notice.attempts, None, now)


def _tell_of_the_dead(outcomes: Sequence[NoticeOutcome]) -> None:
    """An operator must learn of every notice that the hub has given up; alarms listen for this event."""
    for outcome in outcomes:
        if outcome.state is NoticeState.DEAD and outcome.answer is not None:
            reason = f"status {outcome.answer.status} after {outcome.attempts} attempts"
            fields = {"notice": outcome.notice.event.id, "portal": outcome.notice.portal, "reason": reason}
            _log.error("notice_dead", extra=fields | {"order": outcome.notice.event.order_reference})
