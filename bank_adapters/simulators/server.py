"""All simulated banks in one process, each below ``/<bank>``: the routes of all, and each bank's own."""

from __future__ import annotations

import json
import pkgutil
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, redirect, render_template_string, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response as AnyResponse

from bank_adapters import simulators as package
from bank_adapters.simulators.callbacks import CallbackSender
from bank_adapters.simulators.choices import MODES, REFUND_STATES, NotOffered, choose, choose_in_app
from bank_adapters.simulators.pages import BUTTONS, INDEX, PAGE, STATES, dong
from bank_adapters.simulators.simulator import KeepsState, Payment, Simulator, WireRequest, business_day
from bank_adapters.simulators.transfers import scan

_POLL_SECONDS = 0.02  # how soon the listener sees that it shall end


class SimulatorServer:
    """All banks that one process serves. ``url`` is where it listens."""

    def __init__(
        self,
        simulators: Sequence[type[Simulator]],
        url: str,
        hub_url: str,
        *,
        pace: float,
        statements: Path | None,
    ) -> None:
        self.url, self.statements = url, statements
        self.slow_seconds = 15.0
        """How late an answer is in the mode slow: longer than a hub waits."""
        self.sender = CallbackSender(pace)
        self.banks = {kind.name: kind(f"{url}/{kind.name}", hub_url) for kind in simulators}
        for simulator in self.banks.values():
            simulator.book.sender = self.sender

    def drop_statement(self, simulator: Simulator, day: date) -> Path | None:
        """Put the bank's file of ``day`` where the hub looks for it; None when it has none."""
        payments = simulator.book.payments()
        paid = [payment for payment in payments if payment.paid_at and business_day(payment.paid_at) == day]
        content = simulator.statement(day, paid)
        if content is None or self.statements is None:
            return None
        file = self.statements / simulator.name / f"{day.isoformat()}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(".unfinished")
        unfinished.write_bytes(content.encode())
        unfinished.replace(file)
        return file

    def wait_until_delivered(self, seconds: float = 10.0) -> None:
        """Wait until every callback was accepted or given up. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while self.sender.pending():
            if time.monotonic() > deadline:
                raise TimeoutError("the simulators still have callbacks to deliver")
            time.sleep(0.005)


def find_simulators() -> list[type[Simulator]]:
    """Every bank that has a module here, by name."""
    modules = [one for one in pkgutil.iter_modules(package.__path__) if not one.ispkg]
    names = sorted(one.name for one in modules if not one.name.startswith("__"))
    loaded = [import_module(f"{package.__name__}.{name}") for name in names]
    return [module.SIMULATOR for module in loaded if hasattr(module, "SIMULATOR")]


def settings_of(simulators: Sequence[type[Simulator]], url: str, folder: Path) -> dict[str, dict[str, str]]:
    """Each bank's section of the hub's settings, by name. ``url`` is where all are served; each has a folder of its own
    below ``folder``, which is made."""
    sections = {}
    for simulator in simulators:
        own = folder / simulator.name
        own.mkdir(parents=True, exist_ok=True)
        sections[simulator.name] = simulator.settings(f"{url}/{simulator.name}", own)
    return sections


@contextmanager
def serve(
    hub_url: str,
    *,
    pace: float = 1.0,
    simulators: Sequence[type[Simulator]] | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    statements: Path | None = None,
    state: Path | None = None,
) -> Iterator[SimulatorServer]:
    """Serve ``simulators`` (all that are found) in threads of this process. ``port`` 0 takes a free one; ``pace``
    divides
    every wait. In the folder ``state`` they keep what has to survive a restart."""
    listener = make_server(host, port, _not_yet, threaded=True, request_handler=_Quiet)
    url = f"http://{host}:{listener.server_port}"
    server = SimulatorServer(
        find_simulators() if simulators is None else simulators,
        url,
        hub_url,
        pace=pace,
        statements=statements,
    )
    if state is not None:
        for name, simulator in server.banks.items():
            if isinstance(simulator, KeepsState):
                simulator.keep(state / f"{name}.jsonl")
    listener.app = application(server)
    thread = threading.Thread(
        target=listener.serve_forever, args=(_POLL_SECONDS,), name="simulators", daemon=True
    )
    thread.start()
    server.sender.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        server.sender.stop()
        listener.server_close()


def _not_yet(environ: object, start_response: object) -> list[bytes]:
    """Until the address exists there is no application."""
    del environ, start_response
    return []


class _Quiet(WSGIRequestHandler):
    """No access log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


ANY_METHOD = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def application(server: SimulatorServer) -> Flask:
    """The web application of all simulators of ``server``."""
    app = Flask("simulators")
    app.jinja_env.filters["dong"] = dong
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    def route(rule: str, view: Callable[..., Any], *methods: str) -> None:
        def answer(name: str, **rest: str) -> Any:
            if name not in server.banks:
                raise NotFound(f"no simulator {name}")
            return view(server, server.banks[name], **rest)

        app.add_url_rule(f"/<name>{rule}", f"{view.__name__} {rule}", answer, methods=list(methods))

    app.add_url_rule("/health", "health", lambda: {"status": "ok"})
    app.add_url_rule("/", "index", lambda: _index(server))
    route("/pay/<path:reference>", _page, "GET")
    route("/pay/<path:reference>", _choice, "POST")
    route("/transfer", _transfer, "POST")
    route("/bill", _bill, "POST")
    route("/refund/<path:reference>", _refund, "POST")
    route("/refunds", _refunds, "POST")
    route("/statement/<day>", _statement, "POST")
    route("/mode", _mode, "GET", "POST")
    route("/", _own, *ANY_METHOD)
    route("/<path:rest>", _own, *ANY_METHOD)
    app.register_error_handler(NotOffered, lambda error: ({"not_offered": str(error)}, 409))
    app.register_error_handler(Exception, _failed)
    return app


def _failed(error: Exception) -> tuple[dict[str, str], int] | HTTPException:
    """A request that cannot be read is the caller's fault; the rest is Flask's own answer."""
    if isinstance(error, HTTPException):
        return error
    if isinstance(error, KeyError | TypeError | ValueError | RecursionError):
        return {"refused": f"the request cannot be read: {type(error).__name__} {error}"}, 400
    raise error


def _index(server: SimulatorServer) -> str:
    simulators = [
        (name, simulator.book, simulator.by_transfer) for name, simulator in sorted(server.banks.items())
    ]
    return render_template_string(INDEX, simulators=simulators, states=STATES)


def _page(server: SimulatorServer, simulator: Simulator, reference: str) -> Any:
    payment = _find(simulator, reference)
    if _wants_json():
        return _facts(server, simulator, payment)
    back = simulator.return_url(payment) if payment.outcome != "PENDING" else None
    return render_template_string(
        PAGE,
        name=simulator.name,
        buttons=BUTTONS,
        states=STATES,
        payment=payment,
        note=simulator.note(payment),
        back=back,
        hub_url=simulator.hub_url,
        by_transfer=simulator.by_transfer,
    )


def _choice(server: SimulatorServer, simulator: Simulator, reference: str) -> Any:
    payment, choice = _find(simulator, reference), _form()["choice"]
    choose(simulator, server.sender, payment, choice)
    return _after(server, simulator, payment)


def _transfer(server: SimulatorServer, simulator: Simulator) -> Any:
    """``choice`` as on the page: what becomes of it (pay, twice, silent, wrong_amount ...)."""
    fields = _form()
    qr_text = fields.get("qr_text", "")
    purpose, amount = scan(qr_text) if qr_text else (fields["purpose"], 0)
    amount = int(fields.get("amount") or amount)
    if amount <= 0:
        raise NotOffered("the amount is needed: the code leaves it open")
    payment = simulator.take_transfer(purpose, amount, qr_text)
    if payment.outcome == "PENDING":
        payment.amount = amount
    choose_in_app(simulator, server.sender, payment, fields.get("choice", "pay"))
    return _after(server, simulator, payment)


def _bill(server: SimulatorServer, simulator: Simulator) -> Any:
    fields = _form()
    payment = simulator.pay_bill(fields["bill_code"])
    if payment is None:
        raise NotOffered("nothing can be paid under this code")
    choose_in_app(simulator, server.sender, payment, fields.get("choice", "pay"))
    return _after(server, simulator, payment)


def _refund(server: SimulatorServer, simulator: Simulator, reference: str) -> Any:
    state = _form()["state"]
    if state not in ("SUCCEEDED", "FAILED"):
        raise NotOffered("state is SUCCEEDED or FAILED")
    for payment in simulator.book.payments():
        for refund in payment.refunds:
            if refund.reference == reference and refund.state == "PENDING":
                refund.state = state
                server.sender.send(simulator, payment.reference, simulator.refund_callbacks(payment, refund))
                return _facts(server, simulator, payment)
    raise NotFound("no such refund is under way")


def _refunds(server: SimulatorServer, simulator: Simulator) -> Any:
    state = _form()["state"]
    if state not in REFUND_STATES:
        raise NotOffered("state is PENDING, SUCCEEDED, FAILED or empty")
    simulator.book.refunds_are = state
    return {"state": state}


def _statement(server: SimulatorServer, simulator: Simulator, day: str) -> Any:
    if server.statements is None:
        raise NotOffered("no folder for statements was named")
    file = server.drop_statement(simulator, date.fromisoformat(day))
    if file is None:
        raise NotOffered("it has no statement")
    return {"file": str(file)}


def _mode(server: SimulatorServer, simulator: Simulator) -> Any:
    """``requests`` is how many requests its own addresses have had."""
    if request.method == "POST":
        mode = _form()["mode"]
        if mode not in MODES:
            raise NotOffered(f"mode is one of {', '.join(MODES)}")
        simulator.mode = mode
    return {"mode": simulator.mode, "requests": simulator.requests}


def _own(server: SimulatorServer, simulator: Simulator, rest: str = "") -> AnyResponse:
    """The bank's own addresses, in the mode that it is in."""
    simulator.requests += 1
    if simulator.mode == "slow":
        time.sleep(server.slow_seconds)
    if simulator.mode == "hang_up":
        request.get_data()  # the request is read and carried out; only the answer is missing
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    if simulator.mode == "error_500":
        return Response("Internal Server Error", 500, content_type="text/plain")
    if simulator.mode == "garbage":
        return Response(b'\xff\x00{"not": an answer', content_type="application/json")
    arrived = WireRequest(
        request.method,
        f"/{rest}",
        request.query_string,
        {name.lower(): value for name, value in request.headers.items()},
        request.get_data(),
    )
    payment = simulator.opening_page(arrived)
    if payment is not None:
        return redirect(f"/{simulator.name}/pay/{quote(payment.reference, safe='')}", 303)
    reply = simulator.receive(arrived)
    return Response(reply.body, reply.status, dict(reply.headers), content_type=reply.content_type)


def _after(server: SimulatorServer, simulator: Simulator, payment: Payment) -> Any:
    """A program gets the facts; a browser goes back where the bank sends it, or to the payment's page."""
    if _wants_json():
        return _facts(server, simulator, payment)
    back = simulator.return_url(payment) if payment.outcome != "PENDING" else None
    return redirect(back or f"/{simulator.name}/pay/{quote(payment.reference, safe='')}", 303)


def _facts(server: SimulatorServer, simulator: Simulator, payment: Payment) -> dict[str, Any]:
    pending = server.sender.pending(simulator, payment.reference)  # before the deliveries, which only grow
    deliveries = simulator.book.delivered(payment.reference)
    return {
        "reference": payment.reference,
        "amount": payment.amount,
        "outcome": payment.outcome,
        "transaction_id": payment.transaction_id,
        "refunds": [{"reference": refund.reference, "state": refund.state} for refund in payment.refunds],
        "pending": pending,
        "deliveries": [
            {
                "status": delivery.reply.status,
                "body": delivery.reply.body.decode("utf-8", "replace"),
                "accepted": delivery.accepted,
            }
            for delivery in deliveries
        ],
    }


def _find(simulator: Simulator, reference: str) -> Payment:
    payment = simulator.book.find(reference)
    if payment is None:
        raise NotFound("no such payment")
    return payment


def _form() -> dict[str, str]:
    """The fields of a JSON object or a form."""
    if request.is_json:
        return {name: str(value) for name, value in json.loads(request.get_data()).items()}
    return request.form.to_dict()


def _wants_json() -> bool:
    return (
        request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
        == "application/json"
    )
