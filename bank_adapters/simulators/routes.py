"""The routes of the simulators in one application: those that all have, and each bank's own addresses."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Flask, Response, redirect, render_template_string, request
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Response as AnyResponse

from bank_adapters.simulators.choices import MODES, REFUND_STATES, NotOffered, choose, choose_in_app
from bank_adapters.simulators.pages import BUTTONS, INDEX, PAGE, STATES, dong
from bank_adapters.simulators.qr_scan import scan
from bank_adapters.simulators.simulator import Payment, Simulator, WireRequest

if TYPE_CHECKING:
    from bank_adapters.simulators.server import SimulatorServer

ANY_METHOD = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def application(server: SimulatorServer) -> Flask:
    """The web application of all simulators of ``server``."""
    app = Flask("simulators")
    app.jinja_env.filters["dong"] = dong
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    def door(rule: str, view: Callable[..., Any], *methods: str) -> None:
        def answer(name: str, **rest: str) -> Any:
            if name not in server.banks:
                raise NotFound(f"no simulator {name}")
            return view(server, server.banks[name], **rest)

        app.add_url_rule(f"/<name>{rule}", f"{view.__name__} {rule}", answer, methods=list(methods))

    app.add_url_rule("/health", "health", lambda: {"status": "ok"})
    app.add_url_rule("/", "index", lambda: _index(server))
    door("/pay/<path:reference>", _page, "GET")
    door("/pay/<path:reference>", _choice, "POST")
    door("/transfer", _transfer, "POST")
    door("/bill", _bill, "POST")
    door("/refund/<path:reference>", _refund, "POST")
    door("/refunds", _refunds, "POST")
    door("/statement/<day>", _statement, "POST")
    door("/mode", _mode, "GET", "POST")
    door("/", _own, *ANY_METHOD)
    door("/<path:rest>", _own, *ANY_METHOD)
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
    known = {
        "payment": payment,
        "back": back,
        "hub_url": simulator.hub_url,
        "by_transfer": simulator.by_transfer,
    }
    return render_template_string(PAGE, name=simulator.name, buttons=BUTTONS, states=STATES, **known)


def _choice(server: SimulatorServer, simulator: Simulator, reference: str) -> Any:
    payment, choice = _find(simulator, reference), _given()["choice"]
    choose(simulator, server.sender, payment, choice)
    return _after(server, simulator, payment)


def _transfer(server: SimulatorServer, simulator: Simulator) -> Any:
    """``choice`` as on the page: what becomes of it (pay, twice, silent, wrong_amount ...)."""
    given = _given()
    qr_text = given.get("qr_text", "")
    purpose, amount = scan(qr_text) if qr_text else (given["purpose"], 0)
    amount = int(given.get("amount") or amount)
    if amount <= 0:
        raise NotOffered("the amount is needed: the code leaves it open")
    payment = simulator.take_transfer(purpose, amount, qr_text)
    if payment.outcome == "PENDING":
        payment.amount = amount
    choose_in_app(simulator, server.sender, payment, given.get("choice", "pay"))
    return _after(server, simulator, payment)


def _bill(server: SimulatorServer, simulator: Simulator) -> Any:
    given = _given()
    payment = simulator.pay_bill(given["bill_code"])
    if payment is None:
        raise NotOffered("nothing can be paid under this code")
    choose_in_app(simulator, server.sender, payment, given.get("choice", "pay"))
    return _after(server, simulator, payment)


def _refund(server: SimulatorServer, simulator: Simulator, reference: str) -> Any:
    state = _given()["state"]
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
    state = _given()["state"]
    if state not in REFUND_STATES:
        raise NotOffered("state is PENDING, SUCCEEDED, FAILED or empty")
    simulator.book.refunds_are = state
    return {"state": state}


def _statement(server: SimulatorServer, simulator: Simulator, day: str) -> Any:
    asked = date.fromisoformat(day)
    if server.statements is None:
        raise NotOffered("no folder for statements was named")
    file = server.drop_statement(simulator, asked)
    if file is None:
        raise NotOffered("it has no statement")
    return {"file": str(file)}


def _mode(server: SimulatorServer, simulator: Simulator) -> Any:
    """``asked`` is how many requests its own addresses have had."""
    if request.method == "POST":
        mode = _given()["mode"]
        if mode not in MODES:
            raise NotOffered(f"mode is one of {', '.join(MODES)}")
        simulator.mode = mode
    return {"mode": simulator.mode, "asked": simulator.asked}


def _own(server: SimulatorServer, simulator: Simulator, rest: str = "") -> AnyResponse:
    """The bank's own addresses, in the mode that it is in."""
    simulator.asked += 1
    if simulator.mode == "slow":
        time.sleep(server.slow_seconds)
    if simulator.mode == "hang_up":
        request.get_data()  # it hears all of it, and does what was asked; it only does not answer
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    if simulator.mode == "error_500":
        return Response("Internal Server Error", 500, content_type="text/plain")
    if simulator.mode == "garbage":
        return Response(b'\xff\x00{"not": what was asked', content_type="application/json")
    asked = WireRequest(
        request.method,
        f"/{rest}",
        request.query_string,
        {name.lower(): value for name, value in request.headers.items()},
        request.get_data(),
    )
    payment = simulator.opening_page(asked)
    if payment is not None:
        return redirect(f"/{simulator.name}/pay/{quote(payment.reference, safe='')}", 303)
    reply = simulator.receive(asked)
    return Response(reply.body, reply.status, dict(reply.headers), content_type=reply.content_type)


def _after(server: SimulatorServer, simulator: Simulator, payment: Payment) -> Any:
    """A program is told the facts; a browser goes back where the bank sends it, or to the payment's page."""
    if _wants_json():
        return _facts(server, simulator, payment)
    back = simulator.return_url(payment) if payment.outcome != "PENDING" else None
    return redirect(back or f"/{simulator.name}/pay/{quote(payment.reference, safe='')}", 303)


def _facts(server: SimulatorServer, simulator: Simulator, payment: Payment) -> dict[str, Any]:
    owed = server.sender.pending(
        simulator, payment.reference
    )  # first: what is on its way now may be told then
    told = simulator.book.delivered(payment.reference)
    return {
        "reference": payment.reference,
        "amount": payment.amount,
        "outcome": payment.outcome,
        "transaction_id": payment.transaction_id,
        "refunds": [{"reference": one.reference, "state": one.state} for one in payment.refunds],
        "owed": owed,
        "told": [
            {
                "status": one.reply.status,
                "body": one.reply.body.decode("utf-8", "replace"),
                "heard": one.accepted,
            }
            for one in told
        ],
    }


def _find(simulator: Simulator, reference: str) -> Payment:
    payment = simulator.book.find(reference)
    if payment is None:
        raise NotFound("no such payment")
    return payment


def _given() -> dict[str, str]:
    """The fields of a JSON object or a form."""
    if request.is_json:
        return {name: str(value) for name, value in json.loads(request.get_data()).items()}
    return request.form.to_dict()


def _wants_json() -> bool:
    return (
        request.accept_mimetypes.best_match(["text/html", "application/json"], "text/html")
        == "application/json"
    )
