"""Refusals become application/problem+json (RFC 9457). The only module that knows the statuses of errors.

What each refusal is called in Vietnamese. The English titles are the docstrings of the classes.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from flask import Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from payment_hub.domain import errors
from payment_hub.domain.errors import HubError
from payment_hub.domain.wire import Shown, to_wire
from payment_hub.logs import current_request_id

log: Final = logging.getLogger(__name__)

PROBLEM_JSON: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class WrongPlace:
    """One thing that is wrong, and where."""

    pointer: Annotated[
        str | None, Shown(optional=True, description="JSON pointer into the body", example="/amount/amount")
    ]
    parameter: Annotated[str | None, Shown(optional=True, description="Name of a query parameter")]
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, Shown(description="Stable; a page about it stands at this address.")]
    title: str
    status: int
    detail: Annotated[str | None, Shown(optional=True)]
    instance: str
    request_id: str
    errors: Annotated[tuple[WrongPlace, ...] | None, Shown(optional=True)]


class MethodRefused(HubError):
    """This address does not answer that method."""


class UnreadableRequest(HubError):
    """The request is not proper HTTP, or its address is not one of ours."""


class InternalError(HubError):
    """Something went wrong in the hub. The incident is recorded; the request may be sent again."""


#: Statuses by family: a class without a line of its own has that of its nearest parent that has one.
STATUSES: Final[Mapping[type[HubError], int]] = {
    errors.Malformed: 422,
    errors.UnsupportedBody: 415,
    errors.BodyTooLarge: 413,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.IdempotencyConflict: 422,
    errors.StaleVersion: 412,
    errors.RefundableChanged: 412,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.CallbackRejected: 401,
    errors.QuotaExceeded: 429,
    errors.MissingIdempotencyKey: 400,
    errors.MissingVersion: 428,
    errors.BankUnavailable: 503,
    errors.HubUnavailable: 503,
    MethodRefused: 405,
    UnreadableRequest: 400,
    InternalError: 500,
}

#: Seconds after which it makes sense to ask again.
RETRY_AFTER: Final[Mapping[type[HubError], int]] = {
    errors.RequestStillRunning: 1,
    errors.BankUnavailable: 30,
    errors.CircuitOpen: 30,
    errors.HubUnavailable: 5,
}


def status_of(kind: type[HubError]) -> int:
    """The HTTP status of a class of refusals. Raises LookupError for a class without a family."""
    return next(STATUSES[parent] for parent in kind.__mro__ if parent in STATUSES)


def slug_of(kind: type[HubError]) -> str:
    """The last part of the problem's type: ``OpenOrderExists`` is ``open-order-exists``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()


def title_of(kind: type[HubError], language: str = "en") -> str:
    """The first sentence of the class's docstring, or its Vietnamese counterpart."""
    if language == "vi" and kind.__name__ in VIETNAMESE:
        return VIETNAMESE[kind.__name__]
    return (kind.__doc__ or "").strip().partition("\n")[0]


def every_problem() -> dict[str, type[HubError]]:
    """Every class of refusals by its slug: what ``/problems`` explains."""
    found: dict[str, type[HubError]] = {}
    waiting = [HubError]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if any(parent in STATUSES for parent in kind.__mro__):
            found[slug_of(kind)] = kind
    return dict(sorted(found.items()))


def requested_language() -> str:
    """``vi`` or ``en``, as the caller asked by Accept-Language; ``en`` unless Vietnamese is wanted more."""
    return request.accept_languages.best_match(("en", "vi"), default="en")


def answer_problem(error: Exception) -> Response:
    """The answer to anything that was raised, whatever it was."""
    headers: dict[str, str] = {}
    if isinstance(error, HTTPException):
        headers = _allow(error)
        refused = _translated(error)
    else:
        refused = error if isinstance(error, HubError) else _recorded(error)
    return _problem(refused, headers)


def _problem(refused: HubError, headers: dict[str, str]) -> Response:
    kind = type(refused)
    status = status_of(kind)
    language = requested_language()
    g.problem = slug_of(kind)
    problem = Problem(
        type=f"/problems/{slug_of(kind)}",
        title=title_of(kind, language),
        status=status,
        detail=refused.detail or None,
        instance=request.path,
        request_id=current_request_id(),
        errors=tuple(_wrong_place(*wrong) for wrong in refused.pointers.items()) or None,
    )
    answer = Response(json.dumps(to_wire(problem)), status, content_type=PROBLEM_JSON)
    answer.headers.update(headers)
    answer.headers["Content-Language"] = language
    if kind in RETRY_AFTER:
        answer.headers["Retry-After"] = str(RETRY_AFTER[kind])
    if isinstance(refused, errors.Unauthenticated):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="payment hub"'
    return answer


def _wrong_place(place: str, detail: str) -> WrongPlace:
    in_body = place == "" or place.startswith("/")
    return WrongPlace(place if in_body else None, None if in_body else place, detail)


def _translated(error: HTTPException) -> HubError:
    """What werkzeug and Flask refuse on their own, in our words."""
    match error:
        case NotFound():
            return errors.PageNotFound()
        case MethodNotAllowed():
            return MethodRefused(f"{request.method[:10]} is not answered here")
        case RequestEntityTooLarge():
            return errors.BodyTooLarge()
        case HTTPException(code=code) if code is not None and 400 <= code < 500:
            return UnreadableRequest()
        case _:
            return _recorded(error)


def _allow(error: HTTPException) -> dict[str, str]:
    methods = getattr(error, "valid_methods", None)
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def _recorded(error: Exception) -> InternalError:
    """Write what happened to the log; the caller gets a number to ask with, and nothing more."""
    incident = secrets.token_hex(8)
    log.error("unexpected_error", exc_info=error, extra={"incident": incident})
    return InternalError(f"incident {incident}")


VIETNAMESE: Final = {
    "Malformed": "Yêu cầu có dạng không thể chấp nhận.",
    "MalformedAmount": "Số tiền không phải là số nguyên của đơn vị nhỏ nhất.",
    "CurrencyMismatch": "Hai số tiền khác loại tiền không thể gộp với nhau.",
    "MalformedReference": "Mã lệnh thanh toán không hợp lệ: sai ký tự hoặc sai ký tự kiểm tra.",
    "MalformedObligation": "Khoản phải nộp thiếu thông tin bắt buộc hoặc có thông tin không được phép.",
    "MalformedBody": "Nội dung không phải là JSON có thể đọc một cách chắc chắn.",
    "MalformedStatement": "Không đọc được sao kê của ngân hàng; toàn bộ tệp bị từ chối.",
    "UnknownField": "Yêu cầu có trường mà địa chỉ này không biết.",
    "UnsupportedBody": "Nội dung phải là application/json, mã UTF-8 và không nén.",
    "BodyTooLarge": "Nội dung lớn hơn mức địa chỉ này chấp nhận.",
    "NotFound": "Không có, hoặc bạn không được xem.",
    "AgencyNotFound": "Không có cơ quan này.",
    "PortalNotFound": "Không có cổng dịch vụ này.",
    "KeyNotFound": "Không có khóa API này.",
    "ObligationNotFound": "Không có khoản phải nộp này.",
    "OrderNotFound": "Không có lệnh thanh toán này.",
    "ReceiptNotFound": "Không có biên lai này.",
    "BankNotFound": "Không có ngân hàng này, hoặc chưa được bật ở đây.",
    "BankCannot": "Giao thức của ngân hàng này không có thông điệp đó.",
    "EventNotFound": "Không có sự kiện này.",
    "PostingNotFound": "Không có bút toán này.",
    "RunNotFound": "Không có lần đối soát này.",
    "DiscrepancyNotFound": "Không có chênh lệch này.",
    "PageNotFound": "Không có trang nào ở địa chỉ này.",
    "Conflict": "Yêu cầu không phù hợp với trạng thái hiện tại.",
    "IdempotencyConflict": "Khóa chống lặp này đã được dùng cho một yêu cầu khác.",
    "RequestStillRunning": "Yêu cầu đầu tiên với khóa chống lặp này vẫn đang chạy.",
    "OpenOrderExists": "Khoản phải nộp đã có một lệnh thanh toán đang mở.",
    "OrderClosed": "Lệnh thanh toán không còn có thể nộp hoặc thay đổi.",
    "ObligationClosed": "Khoản phải nộp đã được nộp hoặc đã bị rút lại.",
    "PaymentUnderWay": "Một lần thanh toán của lệnh này đang diễn ra và chưa biết kết quả.",
    "BankNotOffered": "Lúc này không có ngân hàng như vậy nhận khoản này; xem lý do ở danh sách lựa chọn thanh toán.",
    "StaleVersion": "Đã có người thay đổi sau khi bạn đọc.",
    "AlreadyResolved": "Chênh lệch này đã được xử lý.",
    "AlreadyReversed": "Bút toán này đã được đảo.",
    "RunUnderWay": "Một lần đối soát khác của cùng sổ sách đang chạy.",
    "LeaseLost": "Lần đối soát im lặng quá lâu và đã bị lần khác thay thế.",
    "SamePerson": "Hai việc này phải do hai người khác nhau thực hiện.",
    "IllegalTransition": "Việc này không thể xảy ra ở trạng thái hiện tại.",
    "RefundNotFound": "Không có khoản hoàn trả này.",
    "CollectionNotFound": "Không có giao dịch ngân hàng nào như vậy đã đưa tiền đến.",
    "RefundableChanged": "Số tiền còn có thể hoàn trả không như bạn đã thấy.",
    "RefundExceeds": "Không thể hoàn trả nhiều hơn số tiền đang có và chưa được hoàn.",
    "RefundBlocked": "Khoản tiền này hiện chưa thể hoàn trả.",
    "RefundAboveLimit": "Số tiền vượt mức cán bộ được phê duyệt cho cơ quan này.",
    "MoneyNotSeen": "Khoản tiền chưa thấy trong sao kê của ngân hàng.",
    "Unauthenticated": "Cần một khóa API hợp lệ.",
    "Forbidden": "Khóa API không có quyền cần thiết.",
    "CallbackRejected": "Không xác minh được thông điệp là của ngân hàng.",
    "QuotaExceeded": "Quá nhiều yêu cầu trong thời gian ngắn.",
    "MissingIdempotencyKey": "Mỗi POST cần tiêu đề Idempotency-Key gồm 1 đến 255 ký tự ASCII nhìn thấy được.",
    "MissingVersion": "Thay đổi này cần tiêu đề If-Match với phiên bản mà bạn đã đọc.",
    "BankUnavailable": "Không liên lạc được với ngân hàng hoặc ngân hàng không trả lời kịp.",
    "CircuitOpen": "Tạm thời không hỏi ngân hàng, vì ngân hàng vừa không trả lời hoặc đã báo bảo trì.",
    "HubUnavailable": "Hệ thống tạm thời không liên lạc được với cơ sở dữ liệu của mình.",
    "MethodRefused": "Địa chỉ này không nhận phương thức đó.",
    "UnreadableRequest": "Yêu cầu không đúng chuẩn HTTP, hoặc địa chỉ không thuộc hệ thống.",
    "InternalError": "Hệ thống gặp lỗi. Sự cố đã được ghi lại; có thể gửi lại yêu cầu.",
}
