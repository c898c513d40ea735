"""What can differ between the hub and a bank's statement."""

from __future__ import annotations

from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.sentences.form import Sentence, Words

SENTENCES: Final[dict[Kind, Sentence]] = {
    Kind.UNEXPLAINED_DEBIT: Sentence(
        2,
        Words(
            "Sao kê của {place} ghi nợ {other} ở giao dịch {case}, không khớp khoản hoàn trả nào của cổng.",
            "Ngân hàng hoàn trả hoặc điều chỉnh giao dịch mà không báo cho cổng.",
            "Kế toán đối soát hỏi ngân hàng lý do và căn cứ, rồi ghi nhận khoản ngân hàng thu hồi.",
        ),
        Words(
            "The statement of {place} takes {other} away by transaction {case}; no refund explains it.",
            "The bank returned or corrected the payment without telling the hub.",
            "A finance officer asks the bank for its reason and evidence, and records the chargeback.",
        ),
    ),
    Kind.FAILED_REFUND_DEBITED: Sentence(
        1,
        Words(
            "Khoản hoàn trả {case} được báo là thất bại, nhưng sao kê của {place} ghi nợ {other}.",
            "Ngân hàng báo sai kết quả, hoặc đã hoàn trả sau khi báo thất bại.",
            "Kế toán đối soát hỏi ngân hàng và không hoàn trả lại; nếu tiền đã đi thì ghi nhận thu hồi.",
        ),
        Words(
            "Refund {case} was told to have failed, yet the statement of {place} shows a debit of {other}.",
            "The bank told the wrong outcome, or gave the money back after all.",
            "A finance officer asks the bank and refunds nothing again; if the money went, the chargeback is recorded.",
        ),
    ),
    Kind.DUPLICATE_REFUND: Sentence(
        1,
        Words(
            "Khoản {case} số tiền {hub} bị ghi nợ {other_items} lần trong sao kê của {place}, tổng cộng {other}.",
            "Ngân hàng hoàn trả một khoản nhiều lần, hoặc tự thu hồi thêm đúng số tiền đó.",
            "Kế toán đối soát yêu cầu ngân hàng trả lại phần ghi nợ thừa.",
        ),
        Words(
            "{case} of {hub} was debited {other_items} times in the statement of {place}, {other} in all.",
            "The bank gave it back more than once, or took just as much back by itself.",
            "A finance officer asks the bank to return what it debited too much.",
        ),
    ),
    Kind.REFUND_MISSING_AT_BANK: Sentence(
        2,
        Words(
            "Khoản {case} số tiền {hub} đã được báo là hoàn trả, sao kê của {place} hai ngày liền không có.",
            "Ngân hàng chưa chuyển tiền cho người nộp, hoặc hạch toán ở tài khoản khác.",
            "Kế toán đối soát gửi yêu cầu tra soát; hệ thống tự khớp khi sao kê có dòng ghi nợ.",
        ),
        Words(
            "{case} of {hub} is said to have gone back; the statements of {place} of two days do not show it.",
            "The bank has not paid it out yet, or booked it in another account.",
            "A finance officer asks for a trace; a later debit heals this by itself.",
        ),
    ),
    Kind.REFUND_AMOUNT_MISMATCH: Sentence(
        1,
        Words(
            "Khoản hoàn trả {case}: cổng ghi {hub}, sao kê của {place} ghi nợ {other}.",
            "Ngân hàng trừ phí vào khoản hoàn trả, hoặc hoàn trả sai số tiền.",
            "Kế toán đối soát yêu cầu ngân hàng xác nhận và điều chỉnh.",
        ),
        Words(
            "Refund {case}: the hub has {hub}, the statement of {place} debits {other}.",
            "The bank kept a fee from it, or gave a wrong amount back.",
            "A finance officer asks the bank to confirm and to correct it.",
        ),
    ),
    Kind.DUPLICATE_AT_BANK: Sentence(
        2,
        Words(
            "Giao dịch {case} có {other_items} dòng trong sao kê của {place}, tổng cộng {other}.",
            "Ngân hàng ghi một giao dịch nhiều lần.",
            "Kế toán đối soát yêu cầu ngân hàng xác nhận số tiền đã thực thu.",
        ),
        Words(
            "Transaction {case} stands {other_items} times in the statement of {place}, {other} in all.",
            "The bank booked one payment more than once.",
            "A finance officer asks the bank how much it really collected.",
        ),
    ),
    Kind.MISSING_IN_HUB: Sentence(
        1,
        Words(
            "Sao kê của {place} có giao dịch {case} số tiền {other}, cổng không có.",
            "Giao dịch không được báo về và chưa ghi nhận được từ sao kê.",
            "Người vận hành thu thập lại sao kê; nếu vẫn thiếu thì báo bộ phận kỹ thuật.",
        ),
        Words(
            "The statement of {place} has transaction {case} of {other}; the hub does not.",
            "No callback came, and the money could not be taken in from the statement.",
            "An operator collects the statement again, and calls the engineers if it stays away.",
        ),
    ),
    Kind.MISSING_AT_BANK: Sentence(
        2,
        Words(
            "Cổng đã ghi nhận giao dịch {case} số tiền {hub}, sao kê của {place} không có.",
            "Giao dịch sau giờ chốt sổ của ngân hàng, hoặc ngân hàng đã báo nhầm.",
            "Chờ sao kê ngày kế tiếp; nếu vẫn thiếu, kế toán đối soát gửi yêu cầu tra soát.",
        ),
        Words(
            "The hub took in transaction {case} of {hub}; the statement of {place} does not have it.",
            "It was paid after the bank's cut-off, or the bank confirmed it by mistake.",
            "Wait for the next statement; if it is missing there too, a finance officer asks for a trace.",
        ),
    ),
    Kind.CURRENCY_MISMATCH: Sentence(
        1,
        Words(
            "Giao dịch {case}: cổng ghi {hub}, sao kê của {place} ghi {other}.",
            "Ngân hàng báo sai loại tiền ở một trong hai nơi.",
            "Kế toán đối soát yêu cầu ngân hàng đính chính.",
        ),
        Words(
            "Transaction {case}: the hub says {hub}, the statement of {place} says {other}.",
            "The bank named the wrong currency in one of the two.",
            "A finance officer asks the bank to correct it.",
        ),
    ),
    Kind.AMOUNT_MISMATCH: Sentence(
        1,
        Words(
            "Giao dịch {case}: cổng ghi {hub}, sao kê của {place} ghi {other}.",
            "Ngân hàng trừ phí vào số tiền thu, hoặc báo sai số tiền.",
            "Kế toán đối soát yêu cầu ngân hàng xác nhận số tiền đúng.",
        ),
        Words(
            "Transaction {case}: the hub says {hub}, the statement of {place} says {other}.",
            "The bank kept a fee out of the amount, or told a wrong one.",
            "A finance officer asks the bank which amount is right.",
        ),
    ),
    Kind.STATEMENT_REFUSED: Sentence(
        1,
        Words(
            "Sao kê ngày {day} của {place} bị từ chối: {detail}.",
            "Tệp bị lỗi khi tạo hoặc khi truyền.",
            "Người vận hành yêu cầu ngân hàng gửi lại tệp.",
        ),
        Words(
            "The statement of {day} from {place} was refused: {detail}.",
            "The file was damaged when it was made or sent.",
            "An operator asks the bank for the file again.",
        ),
    ),
    Kind.STATEMENT_MISSING: Sentence(
        1,
        Words(
            "Chưa có sao kê ngày {day} của {place}.",
            "Ngân hàng chưa gửi tệp hoặc đường truyền bị gián đoạn.",
            "Hệ thống tự hỏi lại; quá hạn thì người vận hành liên hệ ngân hàng.",
        ),
        Words(
            "The statement of {day} from {place} has not come.",
            "The bank has not made it yet, or cannot be reached.",
            "The hub keeps asking; after the deadline an operator calls the bank.",
        ),
    ),
}
