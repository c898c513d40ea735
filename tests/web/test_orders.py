"""Obligations and payment orders over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from payment_hub.domain.access import Role
from payment_hub.hub import Hub
from tests.web.conftest import FINE, Asker
from tests.worlds.orders import a_portal, confirmation, receive

PATH = "/v1/agencies/G22.99/obligations/XP/2026/0042"
ORDER = {"agency": "G22.99", "obligation": "XP/2026/0042"}


def _tag(version: int) -> dict[str, str]:
    return {"If-Match": f'"{version}"'}


def _terms(**more: object) -> dict[str, object]:
    return {name: value for name, value in FINE.items() if name not in ("agency", "reference", "kind")} | more


def test_an_obligation_is_registered_and_an_order_issued_for_it(agency: Asker, portal: Asker) -> None:
    registered = agency.post("/v1/obligations", FINE)
    assert registered.status_code == 201, registered.text
    assert registered.headers["Location"] == PATH
    assert registered.headers["ETag"] == '"1"'
    again = agency.post("/v1/obligations", FINE)
    assert (again.status_code, again.json) == (200, registered.json)
    assert agency.post("/v1/obligations", FINE | {"payer_name": "X"}).status_code == 409

    issued = portal.post("/v1/payment-orders", ORDER)
    assert issued.status_code == 201, issued.text
    assert issued.json is not None
    shown = portal.get(f"/v1/payment-orders/{issued.json['reference']}")
    assert (shown.status_code, shown.json) == (200, issued.json)
    assert shown.headers["ETag"] == '"1"'
    second = portal.post("/v1/payment-orders", ORDER)
    assert second.status_code == 409
    assert second.json is not None
    assert second.json["type"] == "/problems/open-order-exists"
    assert issued.json["reference"] in second.json["detail"]


def test_a_reference_with_slashes_may_be_written_plain_or_encoded(agency: Asker) -> None:
    agency.post("/v1/obligations", FINE)
    plain = agency.get(PATH)
    encoded = agency.get(f"/v1/agencies/G22.99/obligations/{quote('XP/2026/0042', safe='')}")
    assert plain.status_code == encoded.status_code == 200
    assert plain.json == encoded.json


def test_a_reference_that_could_be_taken_for_another_address_is_refused(agency: Asker) -> None:
    for reference in (
        "a/withdraw",
        "restore",
        "a//b",
        "/a",
        "a/",
        "../a",
        "a/./b",
        "a b",
        "a?b",
        "a#b",
        "x" * 65,
        "é",
    ):
        answer = agency.post("/v1/obligations", FINE | {"reference": reference})
        assert answer.status_code == 422, reference
        assert answer.json is not None
        assert answer.json["errors"][0]["pointer"] == "/reference"


def test_an_obligation_is_amended_withdrawn_and_restored_by_whoever_read_it_last(agency: Asker) -> None:
    agency.post("/v1/obligations", FINE)
    amended = _terms(amount={"amount": "100000", "currency": "VND"}, reason="Reduced on appeal")
    assert agency.put(PATH, amended).status_code == 428
    assert agency.put(PATH, amended, headers={"If-Match": "*"}).status_code == 428
    assert agency.put(PATH, amended, headers={"If-Match": 'W/"1"'}).status_code == 428
    assert agency.put(PATH, amended, headers=_tag(2)).status_code == 412
    done = agency.put(PATH, amended, headers=_tag(1))
    assert (done.status_code, done.headers["ETag"]) == (200, '"2"'), done.text
    assert done.json is not None
    assert done.json["amount"]["amount"] == "100000"
    assert agency.post(f"{PATH}/withdraw", {"reason": "x"}).status_code == 428
    gone = agency.post(f"{PATH}/withdraw", {"reason": "Registered twice"}, headers=_tag(2))
    assert (gone.status_code, (gone.json or {})["state"]) == (200, "WITHDRAWN")
    back = agency.post(
        f"{PATH}/restore", {"reason": "It was not"}, headers={"If-Match": gone.headers["ETag"]}
    )
    assert (back.status_code, (back.json or {})["state"]) == (200, "OWED")
    assert agency.get(PATH).headers["ETag"] == back.headers["ETag"]


def test_an_order_is_cancelled_by_whoever_read_it_last(agency: Asker, portal: Asker) -> None:
    agency.post("/v1/obligations", FINE)
    reference = (portal.post("/v1/payment-orders", ORDER).json or {})["reference"]
    path = f"/v1/payment-orders/{reference}/cancel"
    assert portal.post(path, {"reason": "x"}).status_code == 428
    assert portal.post(path, {"reason": "x"}, headers=_tag(7)).status_code == 412
    gone = portal.post(path, {"reason": "x"}, headers=_tag(1))
    assert (gone.status_code, (gone.json or {})["status"]) == (200, "CANCELLED")
    assert portal.post(path, {"reason": "x"}, headers={"If-Match": gone.headers["ETag"]}).status_code == 409


def test_lists_are_read_page_by_page_without_a_gap(agency: Asker, portal: Asker) -> None:
    for number in range(5):
        agency.post("/v1/obligations", FINE | {"reference": f"R-{number}"})
        portal.post("/v1/payment-orders", {"agency": "G22.99", "obligation": f"R-{number}"})
    for caller, path in ((agency, "/v1/obligations"), (portal, "/v1/payment-orders"), (portal, "/v1/events")):
        seen, after = [], ""
        while True:
            page = caller.get(f"{path}?limit=2{after}").json
            assert page is not None
            assert len(page["items"]) <= 2
            seen += [str(item) for item in page["items"]]
            if page["next"] is None or not page["items"]:
                break
            after = f"&after={page['next']}"
        assert len(seen) == len(set(seen)) == 5, path
    found = portal.get("/v1/payment-orders?obligation=R-3&agency=G22.99&status=OPEN").json
    assert len((found or {})["items"]) == 1


def test_a_paid_order_has_a_receipt_an_event_and_lines_in_the_ledger(
    agency: Asker, portal: Asker, operator: Asker, hub: Hub
) -> None:
    agency.post("/v1/obligations", FINE)
    reference = (portal.post("/v1/payment-orders", ORDER).json or {})["reference"]
    assert portal.get(f"/v1/payment-orders/{reference}/receipt").status_code == 404
    receive(hub, confirmation(reference))
    order = portal.get(f"/v1/payment-orders/{reference}").json
    receipt = portal.get(f"/v1/payment-orders/{reference}/receipt").json
    assert order is not None
    assert receipt is not None
    assert (order["status"], order["receipt"]) == ("PAID", receipt["number"])
    events = portal.get("/v1/events").json
    assert [event["type"] for event in (events or {})["items"]] == [
        "payment_order.issued",
        "payment_order.paid",
    ]
    assert (events or {})["items"][1]["data"] == order
    lines = operator.get("/v1/ledger/trial-balance?day_from=2026-03-02&day_to=2026-03-02").json
    debit = sum(int(line["debit"]["amount"]) for line in (lines or {})["items"])
    assert debit == sum(int(line["credit"]["amount"]) for line in (lines or {})["items"]) > 0
    assert operator.get("/v1/ledger/trial-balance?day_from=2026-03-02&day_to=2026-03-01").status_code == 422


def test_a_bank_that_does_not_answer_is_503_and_the_try_is_shown_as_unknown(
    agency: Asker, portal: Asker
) -> None:
    agency.post("/v1/obligations", FINE)
    path = f"/v1/payment-orders/{(portal.post('/v1/payment-orders', ORDER).json or {})['reference']}/attempts"
    answer = portal.post(path, {"bank": "sandbox"}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30"), answer.text
    tries = portal.get(path).json
    assert [attempt["state"] for attempt in (tries or {})["items"]] == ["UNKNOWN"]
    assert portal.post(path, {"bank": "sandbox"}, headers={"Idempotency-Key": "k"}).status_code == 503
    assert len((portal.get(path).json or {})["items"]) == 1
    assert portal.post(path, {"bank": "nobank"}).status_code == 404
    for wrong in ({"payer_ip": "1.2.3"}, {"language": "fr"}, {"return_url": "https://user@portal.test/"}):
        assert portal.post(path, {"bank": "sandbox"} | wrong).status_code == 422


def test_only_an_address_that_all_readers_read_alike_may_be_returned_to(agency: Asker, portal: Asker) -> None:
    agency.post("/v1/obligations", FINE)
    for wrong in (
        "javascript:alert(1)", "//evil.test", "https:evil.test", "http://evil.test/", "https://evil.test\\@portal.test/",
        "https://user:pass@portal.test/", "https://portal.test:99999999/", "https://[::1]/", "https://1.2.3.4/",
        "https://portal.test/\u0000", "https://pörtal.test/", "https://portal。test/", "https://portal.test/ x",
        "HTTPS://PORTAL.TEST/", "ftp://portal.test/", "https://portal.test/" + "x" * 500,
    ):  # fmt: skip
        answer = portal.post("/v1/payment-orders", ORDER | {"return_url": wrong})
        assert answer.status_code == 422, wrong
    right = portal.post(
        "/v1/payment-orders", ORDER | {"return_url": "https://portal.test/back?id=1&x=%20", "minutes": 30}
    )
    assert right.status_code == 201, right.text


def test_a_portal_sees_its_webhooks_and_has_them_sent_again(
    hub: Hub, agency: Asker, asker: Callable[..., Asker]
) -> None:
    a_portal(hub, "tinh", webhook_url="http://127.0.0.1:9/webhooks")
    portal = asker(Role.PORTAL, portal_code="tinh")
    agency.post("/v1/obligations", FINE)
    portal.post("/v1/payment-orders", ORDER)
    listed = portal.get("/v1/webhooks?state=PENDING").json
    [webhook] = (listed or {})["items"]
    assert portal.get(f"/v1/webhooks/{webhook['event']}").json == webhook
    assert portal.post(f"/v1/webhooks/{webhook['event']}/resend").status_code == 200
    assert portal.post(f"/v1/webhooks/{webhook['event']}/resend", {}).status_code == 200
    since = {"since": "2026-03-01T00:00:00Z"}
    assert portal.post("/v1/webhooks/resend", since).json == {"resent": 1}
    assert portal.get("/v1/webhooks/evt_999").status_code == 404
    assert portal.get("/v1/webhooks?state=GONE").status_code == 422
