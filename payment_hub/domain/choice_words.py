"""A choice of a bank in one sentence, and why a bank is not offered, in Vietnamese and English."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from payment_hub.domain.bank_choice import Choice, Reason, Rule
from payment_hub.domain.day import HUB_TIME

LANGUAGES: Final = ("vi", "en")

_CHOSEN: Final[Mapping[Rule, tuple[str, str]]] = {
    Rule.PAYERS_WISH: (
        "Chọn {bank} vì người nộp đã chọn ngân hàng này.",
        "{bank} was chosen because the payer named it.",
    ),
    Rule.ONLY_ONE: (
        "Chọn {bank} vì chỉ ngân hàng này nhận được khoản này vào lúc đó.",
        "{bank} was chosen because no other bank could take this payment at that moment.",
    ),
    Rule.AGENCYS_PREFERENCE: (
        "Trong {offered} ngân hàng, chọn {bank} vì cơ quan thu ưu tiên ngân hàng này.",
        "Of {offered} banks {bank} was chosen because the agency prefers it.",
    ),
    Rule.BEST_HEALTH: (
        "Trong {offered} ngân hàng, chọn {bank} vì ngân hàng này đang trả lời ổn định.",
        "Of {offered} banks {bank} was chosen because it answers reliably.",
    ),
    Rule.CHEAPEST_FOR_PAYER: (
        "Trong {offered} ngân hàng, chọn {bank} vì người nộp chịu phí thấp nhất.",
        "Of {offered} banks {bank} was chosen because it costs the payer least.",
    ),
    Rule.CHEAPEST: (
        "Trong {offered} ngân hàng, chọn {bank} vì phí thu hộ thấp nhất.",
        "Of {offered} banks {bank} was chosen because its fee is the lowest.",
    ),
    Rule.SETTLES_FIRST: (
        "Trong {offered} ngân hàng, chọn {bank} vì ngân hàng này chuyển tiền về sớm nhất.",
        "Of {offered} banks {bank} was chosen because it hands the money over first.",
    ),
    Rule.FIRST_NAMED: (
        "Trong {offered} ngân hàng ngang nhau, chọn {bank} vì đứng đầu danh sách.",
        "Of {offered} equal banks {bank} was chosen because it stands first in the list.",
    ),
    Rule.NONE_OFFERED: (
        "Lúc này không ngân hàng nào nhận được khoản này.",
        "No bank can take this payment now.",
    ),
}

_NOT_OFFERED: Final[Mapping[Reason, tuple[str, str]]] = {
    Reason.ORDER_CLOSED: (
        "Lệnh thanh toán không còn nhận tiền.",
        "The payment order can no longer be paid.",
    ),
    Reason.UNDER_WAY: (
        "Chưa biết kết quả của lần thanh toán trước.",
        "It is not known yet what became of an earlier payment.",
    ),
    Reason.CONTRACT: (
        "Ngân hàng không thu hộ cho cơ quan này.",
        "The bank does not collect for this agency.",
    ),
    Reason.KIND: ("Ngân hàng không nhận loại khoản thu này.", "The bank does not take this kind of payment."),
    Reason.TOO_SMALL: (
        "Số tiền nhỏ hơn mức ngân hàng nhận.",
        "The amount is smaller than the bank accepts.",
    ),
    Reason.TOO_LARGE: ("Số tiền lớn hơn mức ngân hàng nhận.", "The amount is larger than the bank accepts."),
    Reason.MAINTENANCE: ("Ngân hàng đang bảo trì theo thông báo.", "The bank has announced maintenance."),
    Reason.HEALTH: ("Ngân hàng hiện không trả lời.", "The bank does not answer at the moment."),
    Reason.CUT_OFF: (
        "Ngân hàng đã hết giờ nhận trong ngày.",
        "The bank takes no more payments on this day.",
    ),
    Reason.EXPIRY_NEAR: (
        "Hạn thanh toán còn quá ngắn cho ngân hàng này.",
        "The deadline is too near for this bank.",
    ),
}

_NOBODY: Final = ("Không có ngân hàng này.", "There is no such bank.")
_UNTIL: Final = (" Dự kiến đến {moment}.", " Until {moment}.")


def explained(choice: Choice, language: str, name: Callable[[str], str] = str) -> str:
    """Why this bank, or why none, in one sentence; ``name`` says what a bank is called."""
    place = LANGUAGES.index(language)
    if choice.bank is not None:
        return _CHOSEN[choice.rule][place].format(bank=name(choice.bank), offered=choice.offered)
    if choice.reason is not None:
        return not_offered(choice.reason, choice.until, language)
    return (_CHOSEN[choice.rule] if choice.rule is Rule.NONE_OFFERED else _NOBODY)[place]


def not_offered(reason: Reason, until: datetime | None, language: str) -> str:
    """Why a bank is not offered, and until when if that is known (hub time)."""
    place = LANGUAGES.index(language)
    said = _NOT_OFFERED[reason][place]
    if until is None:
        return said
    return said + _UNTIL[place].format(moment=f"{until.astimezone(HUB_TIME):%H:%M %d/%m/%Y}")
