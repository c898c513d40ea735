"""The discrepancies in Vietnamese: what happened, the likely cause, and who must do what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.texts.explanation import Explanation

EXPLANATIONS: Final[Mapping[Kind, Explanation]] = {
    Kind.UNEXPLAINED_DEBIT: Explanation(
        "Sao kê của {place} ghi nợ {other} ở giao dịch {case}, không khớp khoản hoàn trả nào của cổng.",
        "Ngân hàng hoàn trả hoặc điều chỉnh giao dịch mà không báo cho cổng.",
        "Kế toán đối soát hỏi ngân hàng lý do và căn cứ, rồi ghi nhận khoản ngân hàng thu hồi.",
    ),
    Kind.FAILED_REFUND_DEBITED: Explanation(
        "Khoản hoàn trả {case} được báo là thất bại, nhưng sao kê của {place} ghi nợ {other}.",
        "Ngân hàng báo sai kết quả, hoặc đã hoàn trả sau khi báo thất bại.",
        "Kế toán đối soát hỏi ngân hàng và không hoàn trả lại; nếu tiền đã đi thì ghi nhận thu hồi.",
    ),
    Kind.DUPLICATE_REFUND: Explanation(
        "Khoản {case} số tiền {hub} bị ghi nợ {other_items} lần trong sao kê của {place}, tổng cộng {other}.",
        "Ngân hàng hoàn trả một khoản nhiều lần, hoặc tự thu hồi thêm đúng số tiền đó.",
        "Kế toán đối soát yêu cầu ngân hàng trả lại phần ghi nợ thừa.",
    ),
    Kind.REFUND_MISSING_AT_BANK: Explanation(
        "Khoản {case} số tiền {hub} đã được báo là hoàn trả, sao kê của {place} hai ngày liền không có.",
        "Ngân hàng chưa chuyển tiền cho người nộp, hoặc hạch toán ở tài khoản khác.",
        "Kế toán đối soát gửi yêu cầu tra soát; hệ thống tự khớp khi sao kê có dòng ghi nợ.",
    ),
    Kind.REFUND_AMOUNT_MISMATCH: Explanation(
        "Khoản hoàn trả {case}: cổng ghi {hub}, sao kê của {place} ghi nợ {other}.",
        "Ngân hàng trừ phí vào khoản hoàn trả, hoặc hoàn trả sai số tiền.",
        "Kế toán đối soát yêu cầu ngân hàng xác nhận và điều chỉnh.",
    ),
    Kind.MISSING_IN_HUB: Explanation(
        "Sao kê của {place} có giao dịch {case} số tiền {other}, cổng không có.",
        "Giao dịch không được báo về và chưa ghi nhận được từ sao kê.",
        "Người vận hành thu thập lại sao kê; nếu vẫn thiếu thì báo bộ phận kỹ thuật.",
    ),
    Kind.MISSING_AT_BANK: Explanation(
        "Cổng đã ghi nhận giao dịch {case} số tiền {hub}, sao kê của {place} không có.",
        "Giao dịch sau giờ chốt sổ của ngân hàng, hoặc ngân hàng đã báo nhầm.",
        "Chờ sao kê ngày kế tiếp; nếu vẫn thiếu, kế toán đối soát gửi yêu cầu tra soát.",
    ),
    Kind.DUPLICATE_AT_BANK: Explanation(
        "Giao dịch {case} có {other_items} dòng trong sao kê của {place}, tổng cộng {other}.",
        "Ngân hàng ghi một giao dịch nhiều lần.",
        "Kế toán đối soát yêu cầu ngân hàng xác nhận số tiền đã thực thu.",
    ),
    Kind.CURRENCY_MISMATCH: Explanation(
        "Giao dịch {case}: cổng ghi {hub}, sao kê của {place} ghi {other}.",
        "Ngân hàng báo sai loại tiền ở một trong hai nơi.",
        "Kế toán đối soát yêu cầu ngân hàng đính chính.",
    ),
    Kind.AMOUNT_MISMATCH: Explanation(
        "Giao dịch {case}: cổng ghi {hub}, sao kê của {place} ghi {other}.",
        "Ngân hàng trừ phí vào số tiền thu, hoặc báo sai số tiền.",
        "Kế toán đối soát yêu cầu ngân hàng xác nhận số tiền đúng.",
    ),
    Kind.STATEMENT_REFUSED: Explanation(
        "Sao kê ngày {day} của {place} bị từ chối: {detail}.",
        "Tệp bị lỗi khi tạo hoặc khi truyền.",
        "Người vận hành yêu cầu ngân hàng gửi lại tệp.",
    ),
    Kind.STATEMENT_MISSING: Explanation(
        "Chưa có sao kê ngày {day} của {place}.",
        "Ngân hàng chưa gửi tệp hoặc đường truyền bị gián đoạn.",
        "Hệ thống tự hỏi lại; quá hạn thì người vận hành liên hệ ngân hàng.",
    ),
    Kind.BOOKED_WITHOUT_RECEIPT: Explanation(
        "{place} đã ghi sổ {other} cho {case}, cổng không có biên lai.",
        "Đơn vị thu trực tiếp, hoặc ghi nhầm mã.",
        "Kế toán đơn vị kiểm tra bút toán và đính chính.",
    ),
    Kind.MISSING_AT_AGENCY: Explanation(
        "Cổng đã thu {hub} cho {case}, sổ của {place} chưa ghi.",
        "Đơn vị chưa nhận hoặc chưa xử lý thông báo.",
        "Kế toán đơn vị ghi sổ; hệ thống tự khớp khi tệp kế tiếp đến.",
    ),
    Kind.DUPLICATE_AT_AGENCY: Explanation(
        "{place} ghi sổ {other_items} lần cho {case}, tổng cộng {other}; cổng thu {hub}.",
        "Một khoản thu bị ghi sổ nhiều lần.",
        "Kế toán đơn vị hủy bút toán thừa.",
    ),
    Kind.AGENCY_CURRENCY_MISMATCH: Explanation(
        "{case}: cổng thu {hub}, {place} ghi sổ {other}.",
        "Đơn vị ghi sai loại tiền.",
        "Kế toán đơn vị đính chính bút toán.",
    ),
    Kind.AGENCY_AMOUNT_MISMATCH: Explanation(
        "{case}: cổng thu {hub}, {place} ghi sổ {other}.",
        "Đơn vị ghi sai số tiền.",
        "Kế toán đơn vị đính chính bút toán.",
    ),
    Kind.LEDGER_REFUSED: Explanation(
        "Sổ ngày {day} của {place} bị từ chối: {detail}.",
        "Tệp bị sửa tay hoặc phần mềm của đơn vị xuất sai mẫu.",
        "Kế toán đơn vị sửa và gửi lại tệp.",
    ),
    Kind.LEDGER_MISSING: Explanation(
        "Chưa có sổ ngày {day} của {place}.",
        "Đơn vị chưa gửi tệp.",
        "Kế toán đơn vị gửi tệp.",
    ),
    Kind.UNIDENTIFIED_PAYMENT: Explanation(
        "Tiền {hub} đã về theo giao dịch {case} nhưng không có yêu cầu thanh toán nào tương ứng.",
        "Người nộp chuyển khoản sai nội dung.",
        "Kế toán đối soát tìm chủ của khoản tiền, hoặc đề nghị hoàn trả.",
    ),
    Kind.WRONG_CURRENCY: Explanation(
        "{case}: tiền về là {hub}, không đúng loại tiền phải nộp.",
        "Ngân hàng thu bằng ngoại tệ.",
        "Kế toán đối soát đề nghị hoàn trả.",
    ),
    Kind.CONFLICTING_CONFIRMATIONS: Explanation(
        "{case}: ngân hàng báo hai nội dung khác nhau cho cùng một giao dịch.",
        "Lỗi phía ngân hàng, hoặc thông báo bị giả mạo bằng khóa thật.",
        "Kế toán đối soát yêu cầu ngân hàng xác nhận bằng văn bản.",
    ),
    Kind.PAID_TWICE: Explanation(
        "{case} đã được nộp nhiều lần; còn thừa {hub}.",
        "Người nộp thanh toán lại qua ngân hàng khác hoặc quét lại mã QR.",
        "Kế toán đối soát đề nghị hoàn trả khoản nộp sau.",
    ),
    Kind.OVERPAID: Explanation(
        "{case} phải nộp {other}; đã nộp thừa {hub}.",
        "Người nộp tự nhập số tiền.",
        "Kế toán đối soát đề nghị hoàn trả phần thừa.",
    ),
    Kind.UNDERPAID: Explanation(
        "{case} phải nộp {other}; mới nộp {hub}, đang treo.",
        "Người nộp tự nhập số tiền, hoặc ngân hàng trừ phí.",
        "Kế toán đối soát báo người nộp bổ sung, hoặc đề nghị hoàn trả.",
    ),
    Kind.HELD: Explanation(
        "{case}: {hub} đã về nhưng chưa được dùng để tất toán.",
        "Tiền về sau hạn, hoặc nghĩa vụ đã thay đổi hay bị rút.",
        "Kế toán đối soát quyết định ghi nhận hay hoàn trả.",
    ),
}
