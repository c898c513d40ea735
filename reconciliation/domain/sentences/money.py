"""Why money can be here without a use."""

from __future__ import annotations

from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.sentences.form import Sentence, Words

SENTENCES: Final[dict[Kind, Sentence]] = {
    Kind.UNIDENTIFIED_PAYMENT: Sentence(
        3,
        Words(
            "Tiền {hub} đã về theo giao dịch {case} nhưng không có yêu cầu thanh toán nào tương ứng.",
            "Người nộp chuyển khoản sai nội dung.",
            "Kế toán đối soát tìm chủ của khoản tiền, hoặc đề nghị hoàn trả.",
        ),
        Words(
            "{hub} came with transaction {case}, and no payment order fits.",
            "The payer wrote a wrong purpose into the transfer.",
            "A finance officer finds out whose money it is, or proposes a refund.",
        ),
    ),
    Kind.WRONG_CURRENCY: Sentence(
        2,
        Words(
            "{case}: tiền về là {hub}, không đúng loại tiền phải nộp.",
            "Ngân hàng thu bằng ngoại tệ.",
            "Kế toán đối soát đề nghị hoàn trả.",
        ),
        Words(
            "{case}: {hub} came, which is not the currency of the order.",
            "The bank collected in a foreign currency.",
            "A finance officer proposes a refund.",
        ),
    ),
    Kind.CONFLICTING_CONFIRMATIONS: Sentence(
        1,
        Words(
            "{case}: ngân hàng báo hai nội dung khác nhau cho cùng một giao dịch.",
            "Lỗi phía ngân hàng, hoặc thông báo bị giả mạo bằng khóa thật.",
            "Kế toán đối soát yêu cầu ngân hàng xác nhận bằng văn bản.",
        ),
        Words(
            "{case}: a bank has said two different things of one payment.",
            "A fault at the bank, or somebody else who holds its key.",
            "A finance officer asks the bank for a written confirmation.",
        ),
    ),
    Kind.PAID_TWICE: Sentence(
        3,
        Words(
            "{case} đã được nộp nhiều lần; còn thừa {hub}.",
            "Người nộp thanh toán lại qua ngân hàng khác hoặc quét lại mã QR.",
            "Kế toán đối soát đề nghị hoàn trả khoản nộp sau.",
        ),
        Words(
            "{case} was paid more than once; {hub} is too much.",
            "The payer paid again by another bank, or scanned the QR code twice.",
            "A finance officer proposes to give the later payment back.",
        ),
    ),
    Kind.OVERPAID: Sentence(
        3,
        Words(
            "{case} phải nộp {other}; đã nộp thừa {hub}.",
            "Người nộp tự nhập số tiền.",
            "Kế toán đối soát đề nghị hoàn trả phần thừa.",
        ),
        Words(
            "{case} asked for {other}; {hub} too much came.",
            "The payer typed the amount by hand.",
            "A finance officer proposes to give the rest back.",
        ),
    ),
    Kind.UNDERPAID: Sentence(
        3,
        Words(
            "{case} phải nộp {other}; mới nộp {hub}, đang treo.",
            "Người nộp tự nhập số tiền, hoặc ngân hàng trừ phí.",
            "Kế toán đối soát báo người nộp bổ sung, hoặc đề nghị hoàn trả.",
        ),
        Words(
            "{case} asked for {other}; {hub} came and waits in suspense.",
            "The payer typed the amount by hand, or the bank kept a fee.",
            "A finance officer asks the payer for the rest, or proposes a refund.",
        ),
    ),
    Kind.HELD: Sentence(
        3,
        Words(
            "{case}: {hub} đã về nhưng chưa được dùng để tất toán.",
            "Tiền về sau hạn, hoặc nghĩa vụ đã thay đổi hay bị rút.",
            "Kế toán đối soát quyết định ghi nhận hay hoàn trả.",
        ),
        Words(
            "{case}: {hub} is here but may not settle anything yet.",
            "It came after the deadline, or the obligation was changed or withdrawn.",
            "A finance officer decides whether it counts or goes back.",
        ),
    ),
}
