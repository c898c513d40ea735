"""Where a notice may go: a portal chooses the address, but must not choose one inside our own network.

Two questions, both pure: may this text be a notice URL at all (asked when it is set and again at every
sending), and may this resolved IP address be connected to (asked for every address that the name has, right
before connecting).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from payment_hub.domain.errors import Malformed

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
    ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")
)
_GLOBAL_UNICAST_V6: Final = ip_network("2000::/3")


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """What an operator allows: notices to this machine (a trial), and named hosts in its own network."""

    allow_loopback: bool = False
    hosts: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class NoticeAddress:
    """A notice URL taken apart."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query, as they stand in the request line."""


def read_notice_url(text: str, policy: NoticePolicy) -> NoticeAddress:
    """Take a notice URL apart.

    Raises Malformed unless it is https to a host name, or leads to this machine where that is allowed.
    """
    found = _URL.fullmatch(text) if len(text) <= LONGEST_URL else None
    if found is None:
        raise _refused("must be a plain https URL without user, fragment or unusual characters")
    scheme, host = found["scheme"], found["host"].lower()
    port = int(found["port"] or (443 if scheme == "https" else 80))
    if port not in _PORTS:
        raise _refused("has an impossible port")
    loopback = _is_loopback_host(host)
    if loopback and not policy.allow_loopback:
        raise _refused("must not lead to this machine")
    if not loopback and host not in policy.hosts:
        _require_name(host)
    if scheme == "http" and not loopback:
        raise _refused("must be https")
    target = found["target"]
    return NoticeAddress(scheme, host.strip("[]"), port, target if target.startswith("/") else f"/{target}")


def may_connect(ip: str, address: NoticeAddress, policy: NoticePolicy) -> bool:
    """Whether a notice to ``address`` may go to ``ip``, an address that its name was found to have."""
    try:
        found = _unmapped(ip_address(ip))
    except ValueError:
        return False
    if found.is_loopback:
        return policy.allow_loopback
    if address.scheme != "https":
        return False
    if address.host in policy.hosts and any(found in net for net in _INSIDE):
        return True
    return _is_public(found)


def _is_public(ip: IPv4Address | IPv6Address) -> bool:
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST_V6:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in _SPECIAL)


def _unmapped(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address in IPv6 dress (::ffff:127.0.0.1) is judged as what it is."""
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
    return Malformed(f"the notice URL {why}", pointers={"/notice_url": why})
