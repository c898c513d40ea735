"""Webhooks and events: the webhook's lifecycle and waits, allowed addresses, the feed's cursor, and the views."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Annotated, Any, Final

from payment_hub.domain.errors import EventNotFound, Malformed
from payment_hub.domain.lifecycle import Lifecycle
from payment_hub.domain.orders import EventType, OrderView
from payment_hub.domain.refunds.views import RefundChange
from payment_hub.domain.wire import Shown


class WebhookState(StrEnum):
    """The state of a webhook."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    DEAD = "DEAD"
    """Every try failed, or the portal answered 410; the log alarms an operator, who may send it again."""
    CANCELLED = "CANCELLED"
    """The portal has no address for webhooks any more."""


class WebhookEvent(StrEnum):
    """What can happen to a webhook."""

    ACCEPTED = "ACCEPTED"
    FAILED = "FAILED"
    GONE = "GONE"
    GIVEN_UP = "GIVEN_UP"
    NO_ADDRESS = "NO_ADDRESS"
    SENT_AGAIN = "SENT_AGAIN"


_S, _E = WebhookState, WebhookEvent

WEBHOOK_LIFE: Final = Lifecycle(
    "webhook",
    _S.PENDING,
    {
        (_S.PENDING, _E.ACCEPTED): _S.DELIVERED,
        (_S.PENDING, _E.FAILED): _S.PENDING,
        (_S.PENDING, _E.GONE): _S.DEAD,
        (_S.PENDING, _E.GIVEN_UP): _S.DEAD,
        (_S.PENDING, _E.NO_ADDRESS): _S.CANCELLED,
        # A portal that lost a webhook may have it sent again, with all tries. Nothing else revives one that has
        # ended.
        (_S.PENDING, _E.SENT_AGAIN): _S.PENDING,
        (_S.DELIVERED, _E.SENT_AGAIN): _S.PENDING,
        (_S.DEAD, _E.SENT_AGAIN): _S.PENDING,
        (_S.CANCELLED, _E.SENT_AGAIN): _S.PENDING,
    },
)

#: Every webhook reaches one of these by itself: the number of tries is finite.
ENDED: Final = (_S.DELIVERED, _S.DEAD, _S.CANCELLED)

#: Waits before each further attempt: twelve tries over about three days, so that a weekend's outage loses
#: nothing (Standard Webhooks asks for days, not hours).
LADDER: Final = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 10800, 21600, 43200, 86400, 90000)
)
LONGEST_WAIT: Final = LADDER[-1] * 1.1

#: How long a webhook belongs to the worker that claimed it; longer than a batch can take. When a worker dies
#: the lease ends and the webhook is sent again: at least once, never at most once.
LEASE: Final = timedelta(minutes=2)

#: How soon a claimed webhook is due again when its turn did not come, because its portal was too slow.
PUT_BACK: Final = timedelta(seconds=10)

_GONE: Final = 410
_ACCEPTED: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """The portal's answer, or the reason why none came (then ``status`` is None)."""

    status: int | None
    text: str
    milliseconds: int


def wait_after(attempts: int, jitter: float) -> timedelta | None:
    """The wait after ``attempts`` failed tries; None after the last one.

    ``jitter`` in [0, 1) moves the wait by up to a tenth, so that webhooks that failed together are not all
    sent together.
    """
    if attempts > len(LADDER):
        return None
    return LADDER[attempts - 1] * (0.9 + jitter / 5)


def meaning_of(status: int | None, attempts: int) -> WebhookEvent:
    """The event that an answer to the ``attempts``-th try causes. Only 2xx is acceptance: a redirect is a failure."""
    if status in _ACCEPTED:
        return WebhookEvent.ACCEPTED
    if status == _GONE:
        return WebhookEvent.GONE
    return WebhookEvent.GIVEN_UP if attempts > len(LADDER) else WebhookEvent.FAILED


#: A portal chooses the address of its webhooks, but must not choose one inside our own network. The URL is checked
#: when it is set and again at every sending; the resolved IP address is checked right before connecting.
LONGEST_URL: Final = 500
_LONGEST_NAME: Final = 253
_PORTS: Final = range(1, 65536)

# Only characters that every reader of URLs understands in the same way: no user part, no backslash, no
# fragment, no percent in the host, nothing outside ASCII. International names come in their xn-- form.
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*)?"
    r"(?:\?(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?)",
    re.ASCII,
)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# Resolvers read a last label of digits (or 0x...) as part of an IPv4 address in decimal, octal or hex.
_NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)

#: Networks that a listed host may live in: RFC 1918, carrier NAT (RFC 6598), unique local (RFC 4193).
_INSIDE: Final = tuple(
    ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)
#: Not for the open Internet although ``is_global`` may say so: protocol assignments, relays and translators
#: that carry an IPv4 address inside, documentation (IANA special-purpose address registries).
_SPECIAL: Final = tuple(
    ip_network(net)
    for net in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "2001::/23", "2002::/16", "3fff::/20")
)
_GLOBAL_UNICAST_V6: Final = ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The operator's exceptions: webhooks to this machine (a trial), and named hosts in its own network."""

    allow_loopback: bool = False
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """The parts of a webhook URL."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as in the request line."""


def read_webhook_url(text: str, policy: AddressPolicy) -> WebhookAddress:
    """The parts of a webhook URL.

    Raises Malformed unless it is https to a host name, or leads to this machine where that is allowed.
    """
    match = _URL.fullmatch(text) if len(text) <= LONGEST_URL else None
    if match is None:
        raise _refused("must be a plain https URL without user, fragment or unusual characters")
    scheme, host = match["scheme"], match["host"].lower()
    port = int(match["port"] or (443 if scheme == "https" else 80))
    if port not in _PORTS:
        raise _refused("has an impossible port")
    loopback = _is_loopback_host(host)
    if loopback and not policy.allow_loopback:
        raise _refused("must not lead to this machine")
    if not loopback and host not in policy.hosts:
        _require_name(host)
    if scheme == "http" and not loopback:
        raise _refused("must be https")
    target = match["target"]
    return WebhookAddress(scheme, host.strip("[]"), port, target if target.startswith("/") else f"/{target}")


def may_connect(ip: str, address: WebhookAddress, policy: AddressPolicy) -> bool:
    """Whether a webhook to ``address`` may go to ``ip``, an address to which its host name resolves."""
    try:
        resolved = _unmapped(ip_address(ip))
    except ValueError:
        return False
    if resolved.is_loopback:
        return policy.allow_loopback
    if address.scheme != "https":
        return False
    if address.host in policy.hosts and any(resolved in net for net in _INSIDE):
        return True
    return _is_public(resolved)


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST_V6:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in _SPECIAL)


def _unmapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address in IPv6 form (::ffff:127.0.0.1) as the IPv4 address."""
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped or ip


def _is_loopback_host(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return _unmapped(ip_address(host.strip("[]"))).is_loopback
    except ValueError:
        return False


def _require_name(host: str) -> None:
    labels = host.split(".")
    if len(host) > _LONGEST_NAME or len(labels) == 1 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _refused("must have a full host name")
    if _NUMERIC.fullmatch(labels[-1]):
        raise _refused("must have a host name, not an address")


def _refused(why: str) -> Malformed:
    return Malformed(f"the webhook URL {why}", pointers={"/webhook_url": why})


_FORM: Final = struct.Struct(">QQ")
_ID: Final = re.compile(r"evt_([1-9][0-9]{0,18})", re.ASCII)
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, order=True)
class EventCursor:
    """The place of an event in the feed: the transaction that wrote it, then its number."""

    txid: int
    number: int

    def as_text(self) -> str:
        """22 characters, safe in a URL and opaque to callers."""
        return base64.urlsafe_b64encode(_FORM.pack(self.txid, self.number)).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> EventCursor:
        """The cursor of ``as_text``. Raises Malformed for anything else, also for other spellings of it."""
        try:
            cursor = cls(*_FORM.unpack(base64.urlsafe_b64decode(f"{text}==")))
        except (ValueError, struct.error):
            cursor = None
        if cursor is None or cursor.as_text() != text or max(cursor.txid, cursor.number) > _LARGEST:
            raise Malformed("the cursor is not one of ours", pointers={"/after": "not a cursor of this feed"})
        return cursor


def event_id_of(number: int) -> str:
    """An event's public id, also its webhook's ``webhook-id``. Without a dot: signatures separate by dots."""
    return f"evt_{number}"


def event_number(event_id: str) -> int:
    """The number in a public id. Raises EventNotFound for any other text."""
    match = _ID.fullmatch(event_id)
    if match is None or int(match[1]) > _LARGEST:
        raise EventNotFound(event_id[:40])
    return int(match[1])


@dataclass(frozen=True, slots=True)
class ChangedOrder(OrderView):
    """The order after a change."""

    refund: Annotated[
        RefundChange | None, Shown(optional=True, description="Only where a refund is what changed")
    ]


def changed_order(order: OrderView, refund: RefundChange | None) -> ChangedOrder:
    """What an event says of an order, and of the refund that changed it."""
    return ChangedOrder(**{each.name: getattr(order, each.name) for each in fields(OrderView)}, refund=refund)


@dataclass(frozen=True, slots=True)
class EventView:
    """One change of an order. ``sequence`` counts the changes of one order, so that a late event can be recognised."""

    id: Annotated[str, Shown(description="Also the `webhook-id` of its webhook", example="evt_17")]
    cursor: Annotated[str, Shown(hidden=True)]
    type: EventType
    order_reference: Annotated[str, Shown("order")]
    sequence: int
    occurred_at: datetime
    data: Annotated[Mapping[str, Any], Shown(shape=ChangedOrder, description="The order after the change")]
    """As it was stored with the event."""


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One delivery that was tried."""

    url: str
    status: int | None
    """HTTP status, or None when no answer came."""
    milliseconds: int
    answer: str
    """The beginning of the answer, or why there was none."""
    tried_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookView:
    """An event on its way to the portal, with every delivery that was tried."""

    event_id: Annotated[str, Shown("event")]
    type: EventType
    order_reference: Annotated[str, Shown("order")]
    sequence: int
    portal: str
    state: WebhookState
    due_at: datetime | None
    """When it is sent next, while it is pending."""
    ended_at: datetime | None
    attempts: tuple[DeliveryView, ...]


@dataclass(frozen=True, slots=True)
class ResentView:
    """How many webhooks will be sent again."""

    resent: int


@dataclass(frozen=True, slots=True)
class WebhookKeys:
    """The keys with which a portal verifies webhooks."""

    portal: str
    version: int
    secret: str = field(repr=False)
    """``whsec_...``, for ``v1`` (HMAC-SHA256). The previous version's secret signs beside it."""
    public_keys: tuple[str, ...]
    """``whpk_...``, for ``v1a`` (Ed25519): the hub's, the same for every portal."""
