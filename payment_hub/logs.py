"""Logs: one event a line, as JSON in ASCII, with an allow-list of fields.

A field that is not on the list is not written, so a new log line cannot bring a secret or a name with it. ASCII escapes
keep line breaks, terminal codes and direction marks of other people's text out of the log's own form. Of an exception
only its class and the places in the code are written: messages of databases and parsers quote the data.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, TextIO

from structlog.contextvars import bind_contextvars, get_contextvars
from structlog.processors import JSONRenderer
from structlog.stdlib import ProcessorFormatter

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
_OWN_LOGGERS: Final = frozenset({"payment_hub", "reconciliation", "bank_adapters"})

#: These report at level INFO that nothing happened, up to twice a second; their warnings are written.
_QUIET_LOGGERS: Final = (
    "alembic.runtime.migration",
    "celery.app.trace",
    "celery.beat",
    "celery.worker.strategy",
)


def current_request_id() -> str:
    """The id of the request that is being answered, or an empty string outside of one."""
    return str(get_contextvars().get("request_id", ""))


def set_request_id(request_id: str) -> None:
    """Note the id of the request (or task) that begins."""
    bind_contextvars(request_id=request_id)


class JsonLines(ProcessorFormatter):
    """Writes a log record as one line of JSON."""

    def __init__(self) -> None:
        super().__init__(processors=[_allowed_fields, JSONRenderer()])


def configure_logs(level: int = logging.INFO, stream: TextIO | None = None) -> None:
    """Send every log of this process to ``stream`` (usually the standard error) as lines of JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # The line names neither the calling code nor its thread and process, so they are not looked up.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _allowed_fields(logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What is written of a record, in the order of the line."""
    record: logging.LogRecord = event["_record"]
    text = str(event["event"])[:_MOST_CHARACTERS]
    if record.name.partition(".")[0] in _OWN_LOGGERS:  # the name of the event, without anything filled in
        text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    line: dict[str, Any] = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": text,
        "logger": record.name,
    }
    if request_id := current_request_id():
        line["request_id"] = request_id
    fields = record.__dict__
    line |= {name: _short(fields[name]) for name in FIELDS if name in fields and fields[name] is not None}
    error, _, trace = event.get("exc_info") or (None, None, None)
    if error is not None:
        line |= _failure(error, trace)
    return line


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
