"""Logs: one event a line, as JSON in ASCII, with an allow-list of fields.

A field that is not on the list is not written, so that a secret or a name cannot slip in with a new log line. ASCII
escapes keep line breaks, terminal codes and direction marks of strangers out of the log's own form. Of an exception
only its class and the places in the code are written: messages of databases and parsers quote the data.
"""

from __future__ import annotations

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, TextIO

_request_id: ContextVar[str] = ContextVar("request_id", default="")

#: What may stand in a log line beside its event, level and moment.
FIELDS: Final = (
    "method",
    "path",
    "route",
    "status",
    "milliseconds",
    "caller",
    "address",
    "incident",
    "problem",
    "bank",
    "agency",
    "portal",
    "order",
    "attempt",
    "event_id",
    "webhook",
    "run",
    "day",
    "count",
    "amount",
    "currency",
    "verdict",
    "source",
    "task",
    "state",
    "reason",
    "callback",
    "why",
)

_MOST_CHARACTERS: Final = 300


def current_request_id() -> str:
    """The id of the request that is being answered, or an empty string outside of one."""
    return _request_id.get()


def set_request_id(request_id: str) -> None:
    """Note the id of the request (or task) that begins."""
    _request_id.set(request_id)


class JsonLines(logging.Formatter):
    """Writes a log record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The record in one line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.msg if isinstance(record.msg, str) else type(record.msg).__name__,
            "logger": record.name,
        }
        if record.name.partition(".")[0] not in {"payment_hub", "reconciliation", "bank_adapters"}:
            line["event"] = record.getMessage()[:_MOST_CHARACTERS]
        if request_id := current_request_id():
            line["request_id"] = request_id
        fields = record.__dict__
        line |= {name: _short(fields[name]) for name in FIELDS if name in fields and fields[name] is not None}
        if record.exc_info and record.exc_info[0] is not None:
            line |= _failure(record.exc_info[0], record.exc_info[2])
        return json.dumps(line)


def configure_logs(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send every log of this process to ``stream`` (usually the standard error) as lines of JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Whatever is not written need not be found out for every line: who called, in which thread and process.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _short(value: object) -> object:
    return value if isinstance(value, (int, bool)) else str(value)[:_MOST_CHARACTERS]


def _failure(kind: type[BaseException], trace: TracebackType | None) -> dict[str, object]:
    frames = traceback.extract_tb(trace)[-12:]
    return {
        "error": f"{kind.__module__}.{kind.__qualname__}",
        "at_code": [
            f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
            for frame in frames
        ],
    }
