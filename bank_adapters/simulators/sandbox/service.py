"""The sandbox bank's HTTP doors, and ``serve``, which runs it on a port of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, redirect, render_template_string, request
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from bank_adapters.simulators.sandbox.book import Book
from bank_adapters.simulators.sandbox.counter import ACCOUNT_BANK, ACCOUNT_NAME, Counter, Refused, facts_of
from bank_adapters.simulators.sandbox.courier import Courier
from bank_adapters.simulators.sandbox.outcomes import BEHAVIOURS, behaviour_of
from bank_adapters.simulators.sandbox.page import PAGE
from bank_adapters.simulators.sandbox.signing import is_genuine, key_of, signed_headers


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the bank does things, in seconds."""

    delay: float = 3.0
    """The unit of every delay in the table of amounts."""
    slow: float = 15.0
    """How late the answer to a slow opening is."""
    retries: tuple[float, ...] = (1, 2, 5, 10, 30, 60, 300, 900, 3600)
    """The waits between deliveries of one message that is not answered with 2xx."""


_USUAL = Pace()

#: For tests: everything happens, and soon.
QUICK = Pace(delay=0.1, slow=3.5, retries=(0.05, 0.05, 0.05))

_POLL_SECONDS = 0.02  # how soon the listener notices that it shall end


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SandboxBankService:
    """One sandbox bank. ``url`` is where it listens once it is served."""

    def __init__(
        self,
        secret: str,
        *,
        secret_previous: str | None = None,
        callback_url: str | None = None,
        state: Path | None = None,
        now: Callable[[], datetime] = _utc_now,
        pace: Pace = _USUAL,
    ) -> None:
        self.url = ""
        self.pace = pace
        self.keys = [key_of(one) for one in (secret, secret_previous) if one]
        self.book = Book(state)
        self.counter = Counter(self.book, now, delay_seconds=pace.delay, callback_url=callback_url)
        self.courier = Courier(self.book, self.keys[0], now, pace.retries)
        self.app = _app(self)

    def pay(self, attempt_reference: str, **wish: Any) -> dict[str, Any]:
        """The payer pays; the same as ``POST /payments/<attempt>/pay``."""
        payment = self.counter.pay(attempt_reference, wish)
        self.courier.wake()
        return facts_of(payment)

    def transfer(self, reference: str, amount: int, **wish: Any) -> dict[str, Any]:
        """Unannounced money arrives; the same as ``POST /transfers``."""
        payment = self.counter.transfer({"reference": reference, "amount": amount, **wish})
        self.courier.wake()
        return facts_of(payment)

    def wait_until_delivered(self, seconds: float = 10.0) -> None:
        """Wait until every owed message was delivered or given up. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.book.unsettled:
            if time.monotonic() > deadline:
                raise TimeoutError("the sandbox bank still owes messages")
            time.sleep(0.01)


@contextmanager
def serve(
    secret: str, *, host: str = "127.0.0.1", port: int = 0, **options: Any
) -> Iterator[SandboxBankService]:
    """Run a sandbox bank in threads of this process; ``port`` 0 takes a free one.

    Options as SandboxBankService.
    """
    bank = SandboxBankService(secret, **options)
    server = make_server(host, port, bank.app, threaded=True, request_handler=_Quiet)
    bank.url = f"http://{host}:{server.server_port}"
    listener = threading.Thread(
        target=server.serve_forever, args=(_POLL_SECONDS,), name="sandbox-bank", daemon=True
    )
    listener.start()
    bank.courier.start()
    try:
        yield bank
    finally:
        server.shutdown()
        listener.join()
        server.server_close()
        bank.courier.stop()


class _Quiet(WSGIRequestHandler):
    """No access log: what matters is in the state file."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


def _app(bank: SandboxBankService) -> Flask:
    app = Flask("sandbox_bank")
    app.add_url_rule("/health", "health", lambda: {"status": "ok"})
    app.add_url_rule("/payments", "open", lambda: _open(bank), methods=["POST"])
    app.add_url_rule("/payments/<reference>", "query", lambda reference: _query(bank, reference))
    app.add_url_rule(
        "/payments/<reference>/pay", "pay", lambda reference: _pay(bank, reference), methods=["POST"]
    )
    app.add_url_rule("/transfers", "transfer", lambda: _transfer(bank), methods=["POST"])
    app.add_url_rule("/statements/<day>", "statement", lambda day: _statement(bank, day))
    app.add_url_rule(
        "/pay/<reference>", "page", lambda reference: _page(bank, reference), methods=["GET", "POST"]
    )
    app.register_error_handler(Refused, lambda error: ({"refused": str(error)}, 409))
    app.register_error_handler(Exception, _failed)
    return app


def _failed(error: Exception) -> tuple[dict[str, str], int] | HTTPException:
    """A body that cannot be read is the caller's fault; the rest is Flask's own answer."""
    if isinstance(error, HTTPException):
        return error
    if isinstance(error, KeyError | TypeError | ValueError | RecursionError):
        return {"refused": f"the request cannot be read: {type(error).__name__}"}, 400
    raise error


def _open(bank: SandboxBankService) -> Response:
    _require_genuine(bank)
    payment = bank.counter.open(json.loads(request.get_data()))
    if behaviour_of(payment.opened["amount"]).slow_to_open:
        time.sleep(bank.pace.slow)
    reference = payment.opened["attempt_reference"]
    opened = {
        "type": "payment.opened",
        "attempt_reference": reference,
        "bank_reference": f"SBXP{payment.opened['number']:08d}",
        "account_bank": ACCOUNT_BANK,
        "account_number": f"9{payment.opened['number']:012d}",
        "account_name": ACCOUNT_NAME,
        "page_url": f"{request.host_url.rstrip('/')}/pay/{reference}",
    }
    return _signed(bank, json.dumps(opened).encode(), status=201)


def _query(bank: SandboxBankService, reference: str) -> Response:
    _require_genuine(bank)
    payment = bank.book.payments.get(reference)
    if payment is None:
        unknown = {"type": "payment.unknown", "attempt_reference": reference}
        return _signed(bank, json.dumps(unknown).encode(), status=404)
    return _signed(bank, json.dumps({"type": "payment.status", **facts_of(payment)}).encode())


def _statement(bank: SandboxBankService, day: str) -> Response:
    _require_genuine(bank)
    return _signed(bank, bank.book.statement(date.fromisoformat(day)), content_type="text/csv; charset=utf-8")


def _pay(bank: SandboxBankService, reference: str) -> dict[str, Any]:
    return bank.pay(reference, **json.loads(request.get_data() or b"{}"))


def _transfer(bank: SandboxBankService) -> dict[str, Any]:
    return bank.transfer(**json.loads(request.get_data()))


def _page(bank: SandboxBankService, reference: str) -> Any:
    payment = bank.book.payments.get(reference)
    if payment is None:
        return {"refused": "no such payment"}, 404
    if request.method == "POST":
        wish = {"outcome": "declined"} if request.form.get("choice") == "decline" else {}
        bank.pay(reference, **wish)
        return redirect(request.path, 303)
    return render_template_string(
        PAGE, payment=payment, behaviour=behaviour_of(payment.opened["amount"]), behaviours=BEHAVIOURS
    )


class _NotGenuine(HTTPException):
    code = 401
    description = "the signature is missing or wrong"


def _require_genuine(bank: SandboxBankService) -> None:
    if not is_genuine(bank.keys, dict(request.headers), request.get_data()):
        raise _NotGenuine


def _signed(
    bank: SandboxBankService, body: bytes, *, status: int = 200, content_type: str = "application/json"
) -> Response:
    """An answer under the id of its question, signed with the key that the hub used last."""
    headers = signed_headers(bank.keys[0], request.headers["Webhook-Id"], int(time.time()), body)
    return Response(body, status, headers, content_type=content_type)
