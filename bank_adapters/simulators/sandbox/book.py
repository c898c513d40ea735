"""The sandbox bank's memory: append-only records, kept in a JSON-lines file when one is named.

Each record is written down first and only then taken in, by the same code that reads the file at the start.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

HUB_ZONE = timezone(timedelta(hours=7))


@dataclass
class Payment:
    """One attempt that the hub opened here, or a transfer that nobody announced (without ``opened``)."""

    opened: Mapping[str, Any]
    status: str = "PENDING"
    reference: str = ""
    amount: int = 0
    transaction_id: str | None = None
    paid_at: str | None = None


@dataclass
class Message:
    """A callback that is owed: the same id and body at every try."""

    message_id: str
    url: str
    body: str
    due: float
    """Seconds since 1970 before which it is not sent."""
    forged_first: bool = False
    sends: int = 1
    """How many answered deliveries are wanted."""
    tries: int = 0
    statuses: list[int] = field(default_factory=list)
    """What the hub answered at each try; 0 is no answer."""


class Book:
    """Payments, statement lines and owed messages."""

    def __init__(self, state: Path | None = None) -> None:
        self.lock = threading.RLock()
        self.payments: dict[str, Payment] = {}
        self.lines: list[dict[str, Any]] = []
        self.messages: dict[str, Message] = {}
        self.unsettled: dict[str, Message] = {}
        self._state = state
        if state and state.exists():
            for record in state.read_text("utf-8").splitlines(keepends=True):
                if record.endswith("\n"):  # a last line without its end was cut off by a crash
                    self._take_in(json.loads(record))
            self._drop_what_was_cut_off(state)

    def write(self, kind: str, **content: Any) -> None:
        """Write one record down and take it in."""
        with self.lock:
            record = {"kind": kind, **content}
            if self._state:
                with self._state.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(record) + "\n")
            self._take_in(record)

    def next_number(self) -> int:
        """A number that no record has used."""
        with self.lock:
            return 1 + len(self.payments) + len(self.lines) + len(self.messages)

    def statement(self, day: date) -> bytes:
        """The CSV file of ``day`` in hub time, with its totals in the first line."""
        with self.lock:
            lines = [line for line in self.lines if _day_of(line["booked_at"]) == day]
        total = sum(line["amount"] for line in lines)
        rows = [f"statement,{day.isoformat()},{len(lines)},{total}"]
        rows.append("transaction_id,reference,amount,currency,movement,booked_at")
        rows += [
            ",".join(
                (
                    line["transaction_id"],
                    _quoted(line["reference"]),
                    str(line["amount"]),
                    "VND",
                    "CREDIT",
                    line["booked_at"],
                )
            )
            for line in lines
        ]
        return ("\n".join(rows) + "\n").encode()

    def _take_in(self, record: Mapping[str, Any]) -> None:
        content = {name: value for name, value in record.items() if name != "kind"}
        match record["kind"]:
            case "opened":
                self.payments[content["attempt_reference"]] = Payment(
                    content, reference=content["attempt_reference"], amount=content["amount"]
                )
            case "moved":
                payment = self.payments[content.pop("attempt_reference")]
                for name, value in content.items():
                    setattr(payment, name, value)
            case "booked":
                self.lines.append(content)
            case "owed":
                message = Message(**content)
                self.messages[message.message_id] = self.unsettled[message.message_id] = message
            case "tried":
                message = self.messages[content["message_id"]]
                message.tries += 1
                message.statuses.append(content["status"])
                message.due = content["due"]
                if content["settled"]:
                    del self.unsettled[message.message_id]

    @staticmethod
    def _drop_what_was_cut_off(state: Path) -> None:
        raw = state.read_bytes()
        if raw and not raw.endswith(b"\n"):
            state.write_bytes(raw[: raw.rfind(b"\n") + 1])


def as_moment(moment: datetime) -> str:
    """``moment`` as the protocol writes it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _day_of(booked_at: str) -> date:
    return datetime.fromisoformat(booked_at).astimezone(HUB_ZONE).date()


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
