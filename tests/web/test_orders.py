"""The portal's and the agencies' doors, once through."""

from __future__ import annotations

from tests.web.conftest import FINE, Asker

PATH = "/v1/agencies/G22.99/obligations/XP/2026/0042"


def test_an_obligation_is_registered_and_an_order_issued_for_it(agency: Asker, portal: Asker) -> None:
    registered = agency.post("/v1/obligations", FINE)
    assert registered.status_code == 201, registered.text
    assert registered.headers["Location"] == PATH
    assert registered.headers["ETag"] == '"1"'
    again = agency.post("/v1/obligations", FINE)
    assert (again.status_code, again.json) == (200, registered.json)

    issued = portal.post("/v1/payment-orders", {"agency": "G22.99", "obligation": "XP/2026/0042"})
    assert issued.status_code == 201, issued.text
    assert issued.json is not None
    shown = portal.get(f"/v1/payment-orders/{issued.json['reference']}")
    assert (shown.status_code, shown.json) == (200, issued.json)
    assert shown.headers["ETag"] == '"1"'
