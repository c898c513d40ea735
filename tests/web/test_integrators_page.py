"""The page for integrators is true: its requests are sent, in their order, and answered as it says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from payment_hub.hub import Hub
from tests.web.conftest import Asker
from tests.worlds.orders import confirmation, receive

PAGE = Path(__file__).resolve().parents[2] / "docs" / "integrating-a-portal.md"
REQUEST = re.compile(
    r"```http\n(?P<method>\w+) (?P<path>\S+)\n(?P<headers>(?:[\w-]+: [^\n]*\n)*)(?:\n(?P<body>.*?))?```",
    re.DOTALL,
)
ANSWER = re.compile(r"Answer: (\d{3})")
ANSWER_WITHOUT_BANK = re.compile(r"and (\d{3}) when the bank did not answer")


def test_every_request_of_the_page_is_answered_as_it_says(hub: Hub, agency: Asker, portal: Asker) -> None:
    text = PAGE.read_text()
    requests = list(REQUEST.finditer(text))
    assert len(requests) == 8
    reference = ""
    for request in requests:
        path = request["path"].replace("DV0000000000000A", reference)
        caller = agency if "obligations" in path else portal
        sent = dict(line.split(": ", 1) for line in request["headers"].splitlines())
        if request["method"] == "PUT":
            receive(hub, confirmation(reference))
        body = json.loads(request["body"]) if request["body"] else None
        answer = caller.send(request["method"], path, body, headers=sent)
        promise = ANSWER_WITHOUT_BANK if path.endswith("/attempts") else ANSWER
        said = promise.search(text, request.end())
        assert said is not None
        assert answer.status_code == int(said[1]), (path, answer.text)
        if path == "/v1/payment-orders":
            reference = (answer.json or {})["reference"]
