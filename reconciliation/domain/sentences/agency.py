"""What can differ between the hub's receipts and an agency's ledger."""

from __future__ import annotations

from typing import Final

from reconciliation.domain.discrepancies import DiscrepancyKind as Kind
from reconciliation.domain.sentences.form import Sentence, Words

SENTENCES: Final[dict[Kind, Sentence]] = {
    Kind.BOOKED_WITHOUT_RECEIPT: Sentence(
        2,
        Words(
            "{place} đã ghi sổ {other} cho {case}, cổng không có biên lai.",
            "Đơn vị thu trực tiếp, hoặc ghi nhầm mã.",
            "Kế toán đơn vị kiểm tra bút toán và đính chính.",
        ),
        Words(
            "{place} booked {other} for {case}; the hub has no receipt for it.",
            "The agency was paid directly, or booked under a wrong reference.",
            "The agency's accountant checks the entry and corrects it.",
        ),
    ),
    Kind.MISSING_AT_AGENCY: Sentence(
        2,
        Words(
            "Cổng đã thu {hub} cho {case}, sổ của {place} chưa ghi.",
            "Đơn vị chưa nhận hoặc chưa xử lý thông báo.",
            "Kế toán đơn vị ghi sổ; hệ thống tự khớp khi tệp kế tiếp đến.",
        ),
        Words(
            "The hub collected {hub} for {case}; the ledger of {place} does not have it.",
            "The agency has not received or not booked it yet.",
            "The agency's accountant books it; the next ledger heals this by itself.",
        ),
    ),
    Kind.DUPLICATE_AT_AGENCY: Sentence(
        2,
        Words(
            "{place} ghi sổ {other_items} lần cho {case}, tổng cộng {other}; cổng thu {hub}.",
            "Một khoản thu bị ghi sổ nhiều lần.",
            "Kế toán đơn vị hủy bút toán thừa.",
        ),
        Words(
            "{place} booked {case} {other_items} times, {other} in all; the hub collected {hub}.",
            "One payment was booked more than once.",
            "The agency's accountant reverses what is too much.",
        ),
    ),
    Kind.AGENCY_CURRENCY_MISMATCH: Sentence(
        2,
        Words(
            "{case}: cổng thu {hub}, {place} ghi sổ {other}.",
            "Đơn vị ghi sai loại tiền.",
            "Kế toán đơn vị đính chính bút toán.",
        ),
        Words(
            "{case}: the hub collected {hub}, {place} booked {other}.",
            "The agency booked another currency.",
            "The agency's accountant corrects the entry.",
        ),
    ),
    Kind.AGENCY_AMOUNT_MISMATCH: Sentence(
        2,
        Words(
            "{case}: cổng thu {hub}, {place} ghi sổ {other}.",
            "Đơn vị ghi sai số tiền.",
            "Kế toán đơn vị đính chính bút toán.",
        ),
        Words(
            "{case}: the hub collected {hub}, {place} booked {other}.",
            "The agency booked a wrong amount.",
            "The agency's accountant corrects the entry.",
        ),
    ),
    Kind.LEDGER_REFUSED: Sentence(
        1,
        Words(
            "Sổ ngày {day} của {place} bị từ chối: {detail}.",
            "Tệp bị sửa tay hoặc phần mềm của đơn vị xuất sai mẫu.",
            "Kế toán đơn vị sửa và gửi lại tệp.",
        ),
        Words(
            "The ledger of {day} from {place} was refused: {detail}.",
            "The file was edited by hand, or the agency's software made it wrong.",
            "The agency's accountant mends the file and leaves it again.",
        ),
    ),
    Kind.LEDGER_MISSING: Sentence(
        1,
        Words(
            "Chưa có sổ ngày {day} của {place}.",
            "Đơn vị chưa gửi tệp.",
            "Kế toán đơn vị gửi tệp.",
        ),
        Words(
            "The ledger of {day} from {place} has not come.",
            "The agency has not left it yet.",
            "The agency's accountant leaves the file.",
        ),
    ),
}
