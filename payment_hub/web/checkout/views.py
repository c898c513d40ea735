"""The citizen's pages: what is owed, where it can be paid, what became of it, and the receipt.

The unguessable token in the address is the only key, and so also what protects the form: there are no
cookies. Pages work without JavaScript and load nothing from elsewhere.
"""

from __future__ import annotations

import logging
from typing import Final

from flask import Blueprint, Response, current_app, redirect, request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.wrappers import Response as AnyResponse

from payment_hub.current import current_hub
from payment_hub.domain.checkout import MEANINGS, CheckoutView
from payment_hub.domain.errors import (
    BankNotOffered,
    BankUnavailable,
    OrderClosed,
    PageNotFound,
    PaymentUnderWay,
    ReceiptNotFound,
)
from payment_hub.operations.checkout import handle_return, show_checkout
from payment_hub.operations.payments.start import start_payment
from payment_hub.web.api.errors import PROBLEM_JSON, answer_problem
from payment_hub.web.checkout.page import (
    STYLE_TAG,
    checkout_html,
    checkout_url,
    message_html,
    receipt_html,
    web_address,
)
from payment_hub.web.qr import qr_svg, qr_tag
from payment_hub.web.texts import Texts, texts_for

log: Final = logging.getLogger(__name__)

blueprint: Final = Blueprint(
    "checkout",
    __name__,
    template_folder="../templates",
    static_folder="../static",
    static_url_path="/checkout/static",
)

#: A form with the name of a bank; everything longer is not ours.
LARGEST_FORM: Final = 4096
FOR_EVER: Final = "max-age=31536000, immutable"
#: In what a refusal can be said: to whom it is the same, on a page.
_FORMS: Final = ("text/html", PROBLEM_JSON, "application/json")
GUARDS: Final = {
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
#: What our own links say in a query.
OWN_PARAMETERS: Final = (b"", b"lang", b"still")
#: Browsers hold the redirect after a form against form-action, so banks' own pages must be allowed.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self' https:"
)
#: A sandbox bank stands on the same machine, without https.
SANDBOX_POLICY: Final = f"{POLICY} http://127.0.0.1:* http://localhost:*"


@blueprint.get("/checkout/<token>")
def page(token: str) -> AnyResponse:
    """The page of an order, in the state that it is in. A payer who comes back from a bank brings that bank's words."""
    hub = current_hub()
    view, still = show_checkout(hub, token=token), "still" in request.args
    brought = _brought_along()
    if brought and view.attempt is not None:
        returned_for = handle_return(hub, bank=view.attempt.bank, query=brought)
        if returned_for == view.order.reference:
            return redirect(checkout_url("page", _texts(), token=token), 303)
    return _page(view, token, still=still)


@blueprint.post("/checkout/<token>/pay")
def pay(token: str) -> AnyResponse:
    """Start a payment through the chosen bank, then go where it can be made."""
    request.max_content_length = LARGEST_FORM
    hub, texts = current_hub(), _texts()
    view, bank = show_checkout(hub, token=token), request.form.get("bank", "")
    here = checkout_url("page", texts, token=token)
    if not (MEANINGS[view.state].offers_banks or view.instructions):
        return redirect(here, 303)
    if bank not in view.banks and bank != (view.instructions and view.instructions.bank):
        return _page(view, token, problem="pay.choose_from_list", status=422)
    try:
        attempt = start_payment(
            hub,
            reference=view.order.reference,
            bank=bank,
            payer_ip=request.remote_addr or "",
            language=texts.language,
            return_url=f"{hub.settings.public_url}{here}",
        )
    except (PaymentUnderWay, OrderClosed, BankNotOffered, BankUnavailable) as refused:
        # The page itself says what it means for the payer: nothing is known yet, or the offer has ended.
        log.info("payment_not_started", extra={"bank": bank, "problem": type(refused).__name__})
        return redirect(here, 303)
    bank_page = None if attempt.instructions.qr_text else web_address(attempt.instructions.page_url)
    return redirect(bank_page or here, 303)


@blueprint.get("/checkout/<token>/qr.svg")
def qr_image(token: str) -> Response:
    """The QR code by itself. Addressed with its tag it never changes; without, browsers must ask again."""
    attempt = show_checkout(current_hub(), token=token).instructions
    text = attempt and attempt.instructions.qr_text
    if not text:
        raise PageNotFound("there is no QR code to pay by at the moment")
    tag = qr_tag(text)
    answer = Response(qr_svg(text), content_type="image/svg+xml")
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = (
        f"private, {FOR_EVER}" if request.args.get("v") == tag else "private, no-cache"
    )
    answer.make_conditional(request)
    return answer


@blueprint.get("/checkout/<token>/receipt")
def receipt(token: str) -> Response:
    """The receipt, made to be printed on A4."""
    hub, texts = current_hub(), _texts()
    view = show_checkout(hub, token=token)
    if view.receipt is None:
        raise ReceiptNotFound("the order is not settled")
    original = f"{hub.settings.public_url}{checkout_url('receipt', texts_for(None), token=token)}"
    return _html(receipt_html(view, view.receipt, texts, token, original), texts)


@blueprint.get("/checkout/return/<bank>")
def returned(bank: str) -> AnyResponse:
    """Where a bank sends payers back that can name one address only: on to their own page, if its words are signed."""
    hub, texts = current_hub(), _texts()
    reference = handle_return(hub, bank=bank, query=_brought_along())
    if reference is not None:
        return redirect(hub.checkout_url(reference), 303)
    return _html(message_html("returned", texts), texts)


def _brought_along() -> bytes:
    """The raw query without our own words, as the bank made it."""
    pairs = request.query_string.split(b"&")
    return b"&".join(pair for pair in pairs if pair.partition(b"=")[0] not in OWN_PARAMETERS)


def _page(
    view: CheckoutView, token: str, *, still: bool = False, problem: str | None = None, status: int = 200
) -> Response:
    texts, seconds = _texts(), MEANINGS[view.state].look_again
    answer = _html(checkout_html(view, texts, token, still=still, problem=problem), texts, status)
    # Said on the page, with a link that stops it: nobody's reading or typing off is cut short (WCAG 2.2.1).
    if seconds and not still and problem is None:
        answer.headers["Refresh"] = str(seconds)
    return answer


def _html(body: str, texts: Texts, status: int = 200) -> Response:
    return Response(
        body, status, {"Content-Language": texts.language}, content_type="text/html; charset=utf-8"
    )


def _texts() -> Texts:
    return texts_for(request.args.get("lang"))


@blueprint.after_request
def _guarded(answer: Response) -> Response:
    """Nobody else may keep, frame, index or learn the address of these pages."""
    answer.headers.update(GUARDS)
    answer.headers["Content-Security-Policy"] = (
        SANDBOX_POLICY if current_app.config.get("SANDBOX") else POLICY
    )
    if request.endpoint == "checkout.static":
        if answer.status_code == 200 and request.args.get("v") == STYLE_TAG:
            answer.headers["Cache-Control"] = f"public, {FOR_EVER}"
    elif "Cache-Control" not in answer.headers:
        answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.errorhandler(Exception)
def _refused(error: Exception) -> Response:
    """What citizens see of a refusal: the same status as everybody, in words and on a page."""
    answer = answer_problem(error)
    if request.accept_mimetypes.best_match(_FORMS, default=_FORMS[0]) != _FORMS[0]:
        return answer
    texts = _texts()
    token = (request.view_args or {}).get("token")
    back = checkout_url("page", texts, token=token) if token and answer.status_code in {409, 422} else None
    if isinstance(error, ReceiptNotFound):
        back = checkout_url("page", texts, token=token)
    answer.set_data(message_html(_about(error, answer.status_code), texts, back))
    answer.content_type = "text/html; charset=utf-8"
    answer.headers["Content-Language"] = texts.language
    return answer


@blueprint.app_errorhandler(NotFound)
@blueprint.app_errorhandler(MethodNotAllowed)
def _no_such_page(error: Exception) -> Response:
    """Addresses near ours that no view answers; other addresses are answered as everywhere."""
    if not request.path.startswith("/checkout"):
        return answer_problem(error)
    return _guarded(_refused(error))


def _about(error: Exception, status: int) -> str:
    if isinstance(error, ReceiptNotFound):
        return "error.no_receipt"
    if status >= 500:
        return "error.unavailable"
    return {404: "error.not_found", 429: "error.busy"}.get(status, "error.refused")
