"""The first calls of the README work as they stand there."""

from __future__ import annotations

import json
import re

from tests.rules.rule import REPO
from tests.web.conftest import Asker

CALL = re.compile(
    r'curl "\$HUB_PUBLIC_URL(?P<path>[^"]+)" .*?\$(?P<who>[A-Z]+)"(?:(?:(?!```).)*?-d \'(?P<body>.*?)\')?',
    re.S,
)


def test_the_first_calls_work(agency: Asker, portal: Asker) -> None:
    calls = list(CALL.finditer((REPO / "README.md").read_text(encoding="utf-8")))
    assert len(calls) == 4
    callers, reference = {"AGENCY": agency, "PORTAL": portal}, ""
    statuses = []
    for call in calls:
        caller, path = callers[call["who"]], call["path"].replace("<reference>", reference)
        answer = caller.post(path, json.loads(call["body"])) if call["body"] else caller.get(path)
        statuses.append(answer.status_code)
        reference = (answer.json or {}).get("reference", "")
    # The receipt is asked for before anybody has paid.
    assert statuses == [201, 201, 200, 404]
