"""The HTTP doors of the desk, for all rails in one application: what `desk` lists, and each rail's own addresses."""

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

from bank_adapters.far_side.desk import Payment, WireRequest
from bank_adapters.far_side.desk_choices import MODES, REFUND_STATES, NotOffered, choose, choose_in_app
from bank_adapters.far_side.desk_page import BUTTONS, INDEX, PAGE, STATES, dong
from bank_adapters.far_side.desk_scan import scan

if TYPE_CHECKING:
    from bank_adapters.far_side.desk_server import House, Rail

ANY_METHOD = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def application(house: House) -> Flask:
    """The web application of all rails of ``house``."""
    app = Flask("far_side")
    app.jinja_env.filters["dong"] = dong
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    def door(rule: str, view: Callable[..., Any], *methods: str) -> None:
        def answer(rail: str, **rest: str) -> Any:
            if rail not in house.rails:
                raise NotFound(f"no rail {rail}")
            return view(house, house.rails[rail], **rest)

        app.add_url_rule(f"/<rail>{rule}", f"{view.__name__} {rule}", answer, methods=list(methods))

    app.add_url_rule("/health", "health", lambda: {"status": "ok"})
    app.add_url_rule("/", "index", lambda: _index(house))
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


def _index(house: House) -> str:
    rails = [(name, rail.desk, rail.far_side.by_transfer) for name, rail in sorted(house.rails.items())]
    return render_template_string(INDEX, rails=rails, states=STATES)


def _page(house: House, rail: Rail, reference: str) -> Any:
    payment = _find(rail, reference)
    if _wants_json():
        return _facts(house, rail, payment)
    far_side = rail.far_side
    back = far_side.returns_to(payment) if payment.outcome != "PENDING" else None
    known = {
        "payment": payment,
        "back": back,
        "hub_url": far_side.hub_url,
        "by_transfer": far_side.by_transfer,
    }
    return render_template_string(PAGE, rail=far_side.name, buttons=BUTTONS, states=STATES, **known)


def _choice(house: House, rail: Rail, reference: str) -> Any:
    payment, choice = _find(rail, reference), _given()["choice"]
    choose(rail.far_side, house.courier, payment, choice)
    return _after(house, rail, payment)


def _transfer(house: House, rail: Rail) -> Any:
    """``choice`` as on the page: what becomes of it (pay, twice, silent, wrong_amount ...)."""
    given = _given()
    qr_text = given.get("qr_text", "")
    purpose, amount = scan(qr_text) if qr_text else (given["purpose"], 0)
    amount = int(given.get("amount") or amount)
    if amount <= 0:
        raise NotOffered("the amount is needed: the code leaves it open")
    payment = rail.far_side.transferred(purpose, amount, qr_text)
    if payment.outcome == "PENDING":
        payment.amount = amount
    choose_in_app(rail.far_side, house.courier, payment, given.get("choice", "pay"))
    return _after(house, rail, payment)


def _bill(house: House, rail: Rail) -> Any:
    given = _given()
    payment = rail.far_side.pay_bill(given["bill_code"])
    if payment is None:
        raise NotOffered("nothing can be paid under this code")
    choose_in_app(rail.far_side, house.courier, payment, given.get("choice", "pay"))
    return _after(house, rail, payment)


def _refund(house: House, rail: Rail, reference: str) -> Any:
    state = _given()["state"]
    if state not in ("SUCCEEDED", "FAILED"):
        raise NotOffered("state is SUCCEEDED or FAILED")
    for payment in rail.desk.payments():
        for refund in payment.refunds:
            if refund.reference == reference and refund.state == "PENDING":
                refund.state = state
                house.courier.owe(
                    rail.far_side, payment.reference, rail.far_side.refund_notices(payment, refund)
                )
                return _facts(house, rail, payment)
    raise NotFound("no such refund is under way")


def _refunds(house: House, rail: Rail) -> Any:
    state = _given()["state"]
    if state not in REFUND_STATES:
        raise NotOffered("state is PENDING, SUCCEEDED, FAILED or empty")
    rail.desk.refunds_are = state
    return {"state": state}


def _statement(house: House, rail: Rail, day: str) -> Any:
    asked = date.fromisoformat(day)
    if house.statements is None:
        raise NotOffered("no folder for statements was named")
    file = house.drop_statement(rail, asked)
    if file is None:
        raise NotOffered("it has no statement")
    return {"file": str(file)}


def _mode(house: House, rail: Rail) -> Any:
    """``asked`` is how many requests its own addresses have had."""
    if request.method == "POST":
        mode = _given()["mode"]
        if mode not in MODES:
            raise NotOffered(f"mode is one of {', '.join(MODES)}")
        rail.mode = mode
    return {"mode": rail.mode, "asked": rail.asked}


def _own(house: House, rail: Rail, rest: str = "") -> AnyResponse:
    """The rail's own addresses, in the mode that it is in."""
    rail.asked += 1
    if rail.mode == "slow":
        time.sleep(house.slow_seconds)
    if rail.mode == "hang_up":
        request.get_data()  # it hears all of it, and does what was asked; it only does not answer
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    if rail.mode == "error_500":
        return Response("Internal Server Error", 500, content_type="text/plain")
    if rail.mode == "garbage":
        return Response(b'\xff\x00{"not": what was asked', content_type="application/json")
    asked = WireRequest(
        request.method,
        f"/{rest}",
        request.query_string,
        {name.lower(): value for name, value in request.headers.items()},
        request.get_data(),
    )
    payment = rail.far_side.opening_page(asked)
    if payment is not None:
        return redirect(f"/{rail.far_side.name}/pay/{quote(payment.reference, safe='')}", 303)
    reply = rail.far_side.receive(asked)
    return Response(reply.body, reply.status, dict(reply.headers), content_type=reply.content_type)


def _after(house: House, rail: Rail, payment: Payment) -> Any:
    """A program is told the facts; a browser goes back where the rail sends it, or to the payment's page."""
    if _wants_json():
        return _facts(house, rail, payment)
    back = rail.far_side.returns_to(payment) if payment.outcome != "PENDING" else None
    return redirect(back or f"/{rail.far_side.name}/pay/{quote(payment.reference, safe='')}", 303)


def _facts(house: House, rail: Rail, payment: Payment) -> dict[str, Any]:
    owed = house.courier.owes(
        rail.far_side, payment.reference
    )  # first: what is on its way now may be told then
    told = rail.desk.delivered(payment.reference)
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
                "heard": one.heard,
            }
            for one in told
        ],
    }


def _find(rail: Rail, reference: str) -> Payment:
    payment = rail.desk.find(reference)
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
