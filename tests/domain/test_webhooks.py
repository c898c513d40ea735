"""Webhooks: how long a delivery is repeated, what answers mean, and which addresses may receive one."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta

import pytest

from payment_hub.domain.errors import EventNotFound, Malformed
from payment_hub.domain.webhooks import (
    ENDED,
    LADDER,
    LEASE,
    LONGEST_WAIT,
    WEBHOOK_LIFE,
    AddressPolicy,
    EventCursor,
    WebhookAddress,
    WebhookEvent,
    WebhookState,
    event_id_of,
    event_number,
    may_connect,
    meaning_of,
    read_webhook_url,
    wait_after,
)
from payment_hub.outbound import TOTAL_SECONDS


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_the_ladder_climbs_for_about_three_days_and_ends(jitter: float) -> None:
    waits = [wait_after(attempts, jitter) for attempts in range(1, len(LADDER) + 1)]
    whole = sum((wait for wait in waits if wait is not None), timedelta())
    assert None not in waits
    assert timedelta(hours=64) < whole < timedelta(hours=79)
    assert max(wait for wait in waits if wait is not None) <= LONGEST_WAIT
    assert wait_after(len(LADDER) + 1, jitter) is None


def test_webhooks_that_failed_together_do_not_come_back_together() -> None:
    assert wait_after(4, 0.0) != wait_after(4, 0.5) != wait_after(4, 0.9)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_acceptance(status: int) -> None:
    assert meaning_of(status, 1) is WebhookEvent.ACCEPTED
    assert meaning_of(status, 99) is WebhookEvent.ACCEPTED


@pytest.mark.parametrize(
    "status", [None, 100, 103, 199, 300, 301, 302, 308, 400, 401, 404, 409, 429, 500, 503]
)
def test_anything_else_is_a_failure_and_ends_the_last_try(status: int | None) -> None:
    assert meaning_of(status, 1) is WebhookEvent.FAILED
    assert meaning_of(status, len(LADDER)) is WebhookEvent.FAILED
    assert meaning_of(status, len(LADDER) + 1) is WebhookEvent.GIVEN_UP


def test_gone_ends_it_at_once() -> None:
    assert meaning_of(410, 1) is WebhookEvent.GONE


def test_every_webhook_ends_by_itself_and_only_a_wish_revives_it() -> None:
    leaves_an_end = {event for (state, event) in WEBHOOK_LIFE.table if state in ENDED}
    assert leaves_an_end == {WebhookEvent.SENT_AGAIN}
    assert set(WEBHOOK_LIFE.table.values()) == set(WebhookState)
    assert set(WEBHOOK_LIFE.sources(WebhookEvent.SENT_AGAIN)) == set(WebhookState)
    assert {*ENDED, WEBHOOK_LIFE.first} == set(WebhookState)


def test_a_lease_outlasts_a_batch() -> None:
    """The last POST begins at most one time-out after the batch did, and ends one time-out later."""
    assert timedelta(seconds=3 * TOTAL_SECONDS) < LEASE


@pytest.mark.parametrize(
    "cursor", [EventCursor(1, 1), EventCursor(2**63 - 1, 2**63 - 1), EventCursor(7_654_321, 0)]
)
def test_a_cursor_is_read_back(cursor: EventCursor) -> None:
    assert EventCursor.parse(cursor.as_text()) == cursor
    assert cursor.as_text().replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "x" * 21,
        "A" * 23,
        "=" * 22,
        "A" * 21 + "B",
        "____" * 5 + "_w",
        "đ" * 22,
        "A" * 21 + "\n",
        "A" * 21 + " ",
    ],
)
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(Malformed):
        EventCursor.parse(text)


def test_an_event_id_is_read_back_and_holds_no_dot() -> None:
    assert event_number(event_id_of(2**63 - 1)) == 2**63 - 1
    assert "." not in event_id_of(17)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17",
        "evt_",
        "evt_0",
        "evt_017",
        "evt_-1",
        "evt_1.0",
        "evt_9999999999999999999",
        "evt_٣",
        "evt_1\n",
    ],
)
def test_any_other_text_is_no_event(text: str) -> None:
    with pytest.raises(EventNotFound):
        event_number(text)


STRICT = AddressPolicy()
TRIAL = AddressPolicy(allow_loopback=True)
LISTED = AddressPolicy(hosts=frozenset({"portal.noi-bo.vn", "10.20.30.40", "portal"}))

HONEST = [
    "https://dichvucong.gov.vn",
    "https://dichvucong.gov.vn/",
    "https://dichvucong.gov.vn:8443/hub/webhooks?tenant=7&x=%C4%91",
    "https://DichVuCong.gov.vn/a(b)!*'~;p=1,2/@/:/",
    "https://xn--dchvcng-x0a0689dsha.vn/",
    "https://a.b",
    "https://127.0.0.1.nip.io/",
    "https://1e100.net",
    "https://portal.test?x=1",
]

DRESSED_UP = [
    "",
    " https://a.vn",
    "https://a.vn\n",
    "https://a.vn/\r\nX-Evil: 1",
    "https://a.vn/ b",
    "https://a.vn/\x00",
    "https://a.vn/đ",
    "https://a.vn/%",
    "https://a.vn/%zz",
    "https://a.vn/#part",
    "http://a.vn/",
    "HTTPS://a.vn/",
    "ftp://a.vn/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "//a.vn/",
    "https:a.vn",
    "https:/a.vn",
    "https:///a.vn",
    "https://",
    "https://:443/",
    "https://user@a.vn/",
    "https://user:pass@127.0.0.1/",
    "https://a.vn@127.0.0.1/",
    "https://a.vn%40127.0.0.1/",
    "https://evil.test\\@dichvucong.gov.vn/",
    "https://a.vn\\b",
    "https://a.vn:0/",
    "https://a.vn:65536/",
    "https://a.vn:99999/",
    "https://a.vn:+443/",
    "https://a.vn:/",
    "https://a.vn:４４３/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://portal.localhost/",
    "https://localhost./",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://127.0.0.0x1/",
    "https://127.0.0.1./",
    "https://a.0x/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://93.184.216.34/",
    "https://[::1]/",
    "https://[::]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00::1]/",
    "https://[2606:4700::1111]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[::1/",
    "https://[v1.a]/",
    "https://portal/",
    "https://a..vn/",
    "https://.vn/",
    "https://a.vn./",
    "https://-a.vn/",
    "https://a-.vn/",
    "https://a_b.vn/",
    "https://a%2evn/",
    "https://a。vn/",
    "https://ａ.vn/",
    "https://①②⑦.⓪.⓪.①/",
    "https://ⅴn.gov/",
    "https://" + "a" * 64 + ".vn/",
    "https://" + "a." * 130 + "vn/",
    "https://a.vn/" + "x" * 500,
]


@pytest.mark.parametrize("url", HONEST)
def test_an_honest_url_is_accepted(url: str) -> None:
    address = read_webhook_url(url, STRICT)
    assert address.scheme == "https"
    assert address.target.startswith("/")


@pytest.mark.parametrize("url", DRESSED_UP)
def test_a_url_that_leads_or_may_lead_astray_is_refused(url: str) -> None:
    with pytest.raises(Malformed) as refused:
        read_webhook_url(url, STRICT)
    assert list(refused.value.pointers) == ["/webhook_url"]


def test_a_url_is_taken_apart() -> None:
    assert read_webhook_url("https://Portal.vn?a=1", STRICT) == WebhookAddress(
        "https", "portal.vn", 443, "/?a=1"
    )
    assert read_webhook_url("https://portal.vn:8443/x", STRICT) == WebhookAddress(
        "https", "portal.vn", 8443, "/x"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "portal.localhost", "127.8.9.10"])
def test_a_trial_may_use_this_machine_even_without_tls(host: str) -> None:
    address = read_webhook_url(f"http://{host}:8080/n", TRIAL)
    assert address == WebhookAddress("http", host.strip("[]"), 8080, "/n")
    assert may_connect("127.0.0.1", address, TRIAL)
    assert not may_connect("127.0.0.1", address, STRICT)


@pytest.mark.parametrize(
    "url", ["http://a.vn/", "http://10.0.0.1/", "https://127.1/", "https://[::ffff:10.0.0.1]/"]
)
def test_a_trial_opens_nothing_else(url: str) -> None:
    with pytest.raises(Malformed):
        read_webhook_url(url, TRIAL)


def test_without_tls_a_name_of_this_machine_leads_to_this_machine_only() -> None:
    address = read_webhook_url("http://portal.localhost/", TRIAL)
    assert not may_connect("93.184.216.34", address, TRIAL)
    assert not may_connect("10.0.0.1", address, TRIAL)


PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "2001:4860:4860::8888", "::ffff:93.184.216.34"]
INSIDE = [
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "100.64.0.1",
    "fd00::1",
    "::ffff:10.0.0.1",
]
NOWHERE = [
    "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1", "0.0.0.0", "0.1.2.3", "::", "169.254.169.254",
    "fe80::1", "fe80::1%eth0", "fec0::1", "224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255", "192.0.0.8",
    "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "192.88.99.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1",
    "", "portal.vn", "127.1", "0x7f.0.0.1",
]  # fmt: skip


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_may_be_connected_to(ip: str) -> None:
    assert may_connect(ip, read_webhook_url("https://portal.vn/", STRICT), STRICT)


@pytest.mark.parametrize("ip", INSIDE)
def test_addresses_inside_are_for_listed_hosts_only(ip: str) -> None:
    listed = read_webhook_url("https://portal.noi-bo.vn/", LISTED)
    other = read_webhook_url("https://portal.vn/", LISTED)
    assert may_connect(ip, listed, LISTED)
    assert not may_connect(ip, listed, STRICT)
    assert not may_connect(ip, other, LISTED)


@pytest.mark.parametrize("ip", NOWHERE)
def test_no_host_may_stand_for_this_machine_or_for_a_special_address(ip: str) -> None:
    for host in ("portal.vn", "portal.noi-bo.vn"):
        assert not may_connect(ip, read_webhook_url(f"https://{host}/", LISTED), LISTED)


def test_a_listed_host_may_be_a_short_name_or_an_address_but_still_needs_tls() -> None:
    assert read_webhook_url("https://portal/", LISTED).host == "portal"
    assert may_connect("10.20.30.40", read_webhook_url("https://10.20.30.40/", LISTED), LISTED)
    with pytest.raises(Malformed):
        read_webhook_url("http://portal/", LISTED)


@pytest.mark.skipif(
    shutil.which("node") is None, reason="needs Node.js, whose URL reader is compared with ours"
)
def test_what_we_accept_a_browser_reads_in_the_same_way() -> None:
    read = "JSON.parse(process.argv[1]).map(text => new URL(text)).map(url => [url.hostname, url.port])"
    script = f"console.log(JSON.stringify({read}))"
    node = subprocess.run(
        ["node", "-e", script, json.dumps(HONEST)], capture_output=True, check=True, timeout=60
    )
    ours = [read_webhook_url(url, STRICT) for url in HONEST]
    assert json.loads(node.stdout) == [
        [each.host, "" if each.port == 443 else str(each.port)] for each in ours
    ]
