"""The pages that citizens read, written from a CheckoutView in one language; nothing here asks the hub."""

from __future__ import annotations

import hashlib
import re
from functools import partial
from importlib.resources import files
from typing import Any, Final

from flask import current_app, render_template, request, url_for
from markupsafe import Markup

from payment_hub.domain.checkout import MEANINGS, CheckoutState, CheckoutView, Taken
from payment_hub.domain.orders import OrderStatus
from payment_hub.domain.payments import AttemptView
from payment_hub.domain.receipts import ReceiptView
from payment_hub.domain.references import LENGTH, spoken
from payment_hub.web.qr import qr_svg, qr_tag
from payment_hub.web.texts import DEFAULT, Texts

_STATIC: Final = files("payment_hub.web") / "static"
#: The style's own digest in its address lets browsers keep it for ever.
STYLE_TAG: Final = hashlib.sha256((_STATIC / "checkout.css").read_bytes()).hexdigest()[:12]


#: Where "when will it be known" is a question.
_OPEN_QUESTIONS: Final = (Taken.UNKNOWN, Taken.PART)
#: An app's own scheme is a word; those by which a browser runs or shows what stands in the address are none.
_APP_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}", re.ASCII)
_RUNNING: Final = frozenset({"javascript", "data", "vbscript", "blob", "file", "about"})


def checkout_url(endpoint: str, texts: Texts, **values: Any) -> str:
    """The path of a checkout page, in the same language."""
    language = None if texts.language == DEFAULT else texts.language
    return url_for(f"checkout.{endpoint}", lang=language, **values)


def checkout_html(
    view: CheckoutView, texts: Texts, token: str, *, still: bool = False, problem: str | None = None
) -> str:
    """The page of an order. ``still``: it does not reload; ``problem`` is the key of a remark."""
    meaning = MEANINGS[view.state]
    return _render(
        "page.html",
        texts,
        switch=partial(url_for, "checkout.page", token=token),
        view=view,
        meaning=meaning,
        title=_answer(view, texts, "title"),
        answer=lambda part: _answer(view, texts, part),
        spoken=spoken,
        still=still,
        problem=problem,
        page_url=checkout_url("page", texts, token=token),
        still_url=checkout_url("page", texts, token=token, still=1),
        here=checkout_url("page", texts, token=token, still=1 if still else None),
        pay_url=checkout_url("pay", texts, token=token),
        receipt_url=checkout_url("receipt", texts, token=token),
        return_url=web_address(view.order.return_url),
        expected_by=view.attempt.expected_by if view.attempt and meaning.taken in _OPEN_QUESTIONS else None,
        **(_instructions(view.instructions, texts, token) if view.instructions else {}),
    )


def receipt_html(view: CheckoutView, receipt: ReceiptView, texts: Texts, token: str, original: str) -> str:
    """The printable receipt; ``original`` is the address that its QR code leads to."""
    printed = receipt.template.startswith("02")
    return _render(
        "receipt.html",
        texts,
        switch=partial(url_for, "checkout.receipt", token=token),
        receipt=receipt,
        kind_of_receipt=texts("receipt.kind_printed" if printed else "receipt.kind"),
        refunded=view.order.status in (OrderStatus.REFUNDED, OrderStatus.PARTLY_REFUNDED),
        dated=texts.moment(receipt.issued_at, "receipt.dated"),
        spoken=spoken,
        qr=Markup(qr_svg(original)),  # noqa: S704 - our own drawing: digits and path letters only
        page_url=checkout_url("page", texts, token=token),
    )


def message_html(about: str, texts: Texts, page_url: str | None = None) -> str:
    """A page that only says something: ``about`` is the beginning of its keys."""
    return _render(
        "message.html",
        texts,
        switch=lambda lang: f"{request.path}?lang={lang}",
        about=about,
        page_url=page_url,
    )


def web_address(url: str | None) -> str | None:
    """``url`` if a browser may be sent there."""
    return url if url and url.startswith(("https://", "http://")) else None


def app_address(url: str | None) -> str | None:
    """``url`` if it opens an app or a page, and cannot run anything here."""
    scheme, colon, _ = (url or "").partition(":")
    return url if colon and _APP_SCHEME.fullmatch(scheme) and scheme.lower() not in _RUNNING else None


def _instructions(attempt: AttemptView, texts: Texts, token: str) -> dict[str, object]:
    amount, given = texts.money(attempt.amount), attempt.instructions
    purpose = given.purpose
    if purpose and len(purpose) == LENGTH and purpose == attempt.order_reference:
        purpose = spoken(purpose)
    label = texts("how.qr_label_short", amount=amount)
    if given.account_number and purpose:
        label = texts("how.qr_label", amount=amount, account=given.account_number, purpose=purpose)
    shown: dict[str, object] = {
        "bank_url": web_address(given.page_url),
        "app_url": app_address(given.app_link),
        "purpose": purpose,
        "qr_label": label,
    }
    if given.qr_text:
        shown["qr"] = Markup(qr_svg(given.qr_text))  # noqa: S704 - our own drawing: digits and path letters only
        shown["qr_url"] = url_for("checkout.qr_image", token=token, v=qr_tag(given.qr_text))
    return shown


def _answer(view: CheckoutView, texts: Texts, part: str) -> str:
    order, state = view.order, CheckoutState(view.state)
    return texts(
        f"state.{state}.{part}",
        bank=texts.bank(view.attempt.bank) if view.attempt else "",
        agency=view.obligation.agency_name,
        received=texts.money(order.received),
        remaining=texts.money(view.remaining),
        refunded=texts.money(order.refunded),
        excess=texts.money(view.excess),
    )


def _render(template: str, texts: Texts, **context: object) -> str:
    sandbox = bool(current_app.config.get("SANDBOX"))
    return render_template(
        f"checkout/{template}", texts=texts, sandbox=sandbox, style_tag=STYLE_TAG, **context
    )
