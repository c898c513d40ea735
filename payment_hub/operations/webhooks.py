"""Webhooks: deliver those that are due, show and resend them, read the feed of events, and a portal's keys.

Delivery is at least once: when a worker dies between the POST and the record, the lease ends and the webhook is sent
again. Webhooks of one portal go out one after the other over one connection, those of different portals at the same
time, so that a slow portal costs the others at most its time limit. A portal that gives no answer is not tried again
within the batch.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import groupby
from random import SystemRandom
from typing import Final

from payment_hub.domain.access import Caller
from payment_hub.domain.errors import EventNotFound, Malformed, NotFound
from payment_hub.domain.paging import Page, cursor_of, read_cursor
from payment_hub.domain.webhooks import (
    LEASE,
    PUT_BACK,
    WEBHOOK_LIFE,
    AddressPolicy,
    EventCursor,
    EventView,
    WebhookAnswer,
    WebhookEvent,
    WebhookKeys,
    WebhookState,
    WebhookView,
    event_number,
    meaning_of,
    wait_after,
)
from payment_hub.domain.wire import to_wire
from payment_hub.hub import Hub
from payment_hub.outbound import TOTAL_SECONDS, WebhookSender
from payment_hub.store import webhooks
from payment_hub.store.access import find_portal
from payment_hub.store.tables import Event
from payment_hub.store.webhooks import ClaimedWebhook, WebhookOutcome, visible_to

BATCH: Final = 100
SHARE: Final = 20
"""The most of one batch that one portal may have."""

_LANES: Final = 32
_log = logging.getLogger(__name__)
_chance = SystemRandom()


def deliver_webhooks(hub: Hub) -> int:
    """Send one batch; how many were tried. Raises HubUnavailable when the database cannot be reached."""
    now = hub.now()
    with hub.transaction() as session:
        claimed = webhooks.claim_webhooks(session, now, now + LEASE, most=BATCH, share=SHARE)
    if not claimed:
        return 0
    outcomes = _send_all(hub, claimed)
    with hub.transaction() as session:
        webhooks.record_delivery(session, outcomes)
    _log_dead_webhooks(outcomes)
    return sum(outcome.answer is not None for outcome in outcomes)


def _send_all(hub: Hub, claimed: Sequence[ClaimedWebhook]) -> list[WebhookOutcome]:
    """One lane for each portal, all lanes at the same time."""
    by_portal = groupby(
        sorted(claimed, key=lambda webhook: webhook.portal), key=lambda webhook: webhook.portal
    )
    lanes = [list(lane) for _, lane in by_portal]
    deadline = time.monotonic() + TOTAL_SECONDS
    with ThreadPoolExecutor(min(len(lanes), _LANES), thread_name_prefix="webhooks") as threads:
        sent = threads.map(lambda lane: _send_lane(hub, lane, deadline), lanes)
        return [outcome for lane in sent for outcome in lane]


def _send_lane(hub: Hub, lane: Sequence[ClaimedWebhook], deadline: float) -> list[WebhookOutcome]:
    """Send the webhooks of one portal, in order. Those without time left are put back untried."""
    outcomes: list[WebhookOutcome] = []
    reachable = True
    with WebhookSender(
        AddressPolicy(hub.settings.allow_loopback_webhooks, hub.settings.webhook_hosts)
    ) as sender:
        for webhook in lane:
            if webhook.url is None:
                outcomes.append(_moved(hub, webhook, WebhookEvent.NO_ADDRESS, None))
            elif reachable and time.monotonic() < deadline:
                answer = _send(hub, sender, webhook, webhook.url)
                outcomes.append(_moved(hub, webhook, meaning_of(answer.status, webhook.attempts + 1), answer))
                reachable = answer.status is not None
            else:
                outcomes.append(_put_back(hub, webhook))
    return outcomes


def _send(hub: Hub, sender: WebhookSender, webhook: ClaimedWebhook, url: str) -> WebhookAnswer:
    body = json.dumps(to_wire(webhook.event), ensure_ascii=False, separators=(",", ":")).encode()
    secrets = hub.signer.portal_secrets(webhook.portal, webhook.key_version)
    headers = hub.signer.webhook_headers(webhook.event.id, hub.now(), body, secrets)
    fixed = {"content-type": "application/json", "user-agent": "payment-hub", "accept-encoding": "identity"}
    return sender.post(url, headers | fixed, body)


def _moved(
    hub: Hub, webhook: ClaimedWebhook, event: WebhookEvent, answer: WebhookAnswer | None
) -> WebhookOutcome:
    """The webhook after ``event``, and when it is due again if it is still pending."""
    now = hub.now()
    attempts = webhook.attempts + (answer is not None)
    state = WEBHOOK_LIFE.after(WebhookState.PENDING, event)
    pending = state is WebhookState.PENDING
    wait = wait_after(attempts, _chance.random()) if pending else None
    return WebhookOutcome(
        webhook, state, now + wait if wait else now, None if pending else now, attempts, answer, now
    )


def _put_back(hub: Hub, webhook: ClaimedWebhook) -> WebhookOutcome:
    now = hub.now()
    return WebhookOutcome(webhook, WebhookState.PENDING, now + PUT_BACK, None, webhook.attempts, None, now)


def _log_dead_webhooks(outcomes: Sequence[WebhookOutcome]) -> None:
    """Log every webhook that the hub has given up: alarms listen for this event."""
    for outcome in outcomes:
        if outcome.state is WebhookState.DEAD and outcome.answer is not None:
            reason = f"status {outcome.answer.status} after {outcome.attempts} attempts"
            fields = {"webhook": outcome.webhook.event.id, "portal": outcome.webhook.portal, "reason": reason}
            _log.error("webhook_dead", extra=fields | {"order": outcome.webhook.event.order_reference})


def list_webhooks(
    hub: Hub, *, caller: Caller, state: WebhookState | None = None, after: str | None = None, limit: int = 50
) -> Page[WebhookView]:
    """Webhooks of the caller's events, in one state or in any. Raises Malformed for a wrong ``after``."""
    with hub.transaction() as session:
        rows = webhooks.list_webhooks(session, caller, state, read_cursor(after), limit + 1)
    views = tuple(view for _, view in rows[:limit])
    return Page(views, cursor_of(rows[limit - 1][0]) if len(rows) > limit else None)


def show_webhook(hub: Hub, *, caller: Caller, event_id: str) -> WebhookView:
    """The webhook with every attempt. Raises EventNotFound when there is none, or it is not the caller's."""
    with hub.transaction() as session:
        view = webhooks.webhook_view(session, caller, event_number(event_id))
    if view is None:
        raise EventNotFound(event_id[:40])
    return view


def resend_webhook(hub: Hub, *, caller: Caller, event_id: str) -> WebhookView:
    """Make it due now, with all tries again; earlier deliveries stay on record.

    An event from before the portal had an address gets its first webhook. Raises EventNotFound when the event
    is not the caller's, or its portal has no address for webhooks.
    """
    number = event_number(event_id)
    with hub.transaction() as session:
        webhooks.resend(session, hub.now(), Event.id == number, *visible_to(caller))
        view = webhooks.webhook_view(session, caller, number)
    if view is None:
        raise EventNotFound(event_id)
    return view


def resend_webhooks_since(hub: Hub, *, caller: Caller, since: datetime) -> int:
    """Make the webhooks of all the caller's events since then due now, with all tries again; how many.

    Raises Malformed for a moment without a zone.
    """
    if since.tzinfo is None:
        raise Malformed("the moment needs a zone", pointers={"/since": "has no zone"})
    with hub.transaction() as session:
        return webhooks.resend(session, hub.now(), Event.occurred_at >= since, *visible_to(caller))


def list_events(hub: Hub, *, caller: Caller, after: str | None = None, limit: int = 100) -> Page[EventView]:
    """The caller's events after a cursor, oldest first, at most ``limit``.

    ``next_cursor`` is the place to continue from, also when there is nothing new yet; only an empty feed has none.
    No event is ever missed by continuing there, however late its transaction commits; the price is that an event
    appears only after every transaction that began before its own has ended. Raises Malformed for a wrong cursor.
    """
    place = None if after is None else EventCursor.parse(after)
    with hub.transaction() as session:
        events = webhooks.feed(session, caller, place, limit)
    return Page(tuple(events), events[-1].cursor if events else after)


def show_webhook_keys(hub: Hub, *, portal: str) -> WebhookKeys:
    """The portal's present keys. Raises NotFound."""
    with hub.transaction() as session:
        row = find_portal(session, portal)
        if row is None:
            raise NotFound(f"portal {portal[:40]}")
        return hub.signer.webhook_keys(portal, row.webhook_key_version)


def rotate_webhook_key(hub: Hub, *, portal: str) -> WebhookKeys:
    """The portal's new keys. Raises NotFound.

    Webhooks carry a signature with the secret before as well, until the next rotation: the portal may change
    over at any time, and no webhook in between fails.
    """
    with hub.transaction() as session:
        version = webhooks.next_key_version(session, portal)
    if version is None:
        raise NotFound(f"portal {portal[:40]}")
    return hub.signer.webhook_keys(portal, version)
