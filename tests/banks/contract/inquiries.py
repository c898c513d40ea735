"""The contract of a bank that asks us what is due."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from payment_hub.domain.banks.port import CanAnswerInquiry
from payment_hub.domain.banks.values import Bill, CallbackRequest, Due, Inquiry
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract.base import BankContract
from tests.banks.examples import AMOUNT, ATTEMPT, ORDER
from tests.banks.faults import altered_bits, rewritten


class InquiryContract(BankContract):
    """For ``CanAnswerInquiry``."""

    inquiry_answers: ClassVar[dict[Due, str]]
    """The bank's own code for each of our answers; it must stand in the reply's body."""

    def inquiry(self, **changes: Any) -> CallbackRequest:
        """A genuine question about ORDER."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------

    def test_it_reads_what_is_asked(self, adapter: CanAnswerInquiry) -> None:
        inquiry = adapter.read_inquiry(self.inquiry())
        assert ORDER in inquiry.reference
        assert inquiry.amount in (None, AMOUNT)
        assert inquiry.key == 0

    def test_an_altered_question_is_refused_or_asks_the_same(self, adapter: CanAnswerInquiry) -> None:
        genuine = self.inquiry()
        believed = adapter.read_inquiry(genuine)
        refused = 0
        for what, altered in [*rewritten(genuine), *(("a bit", one) for one in altered_bits(genuine))]:
            result = self.understood(adapter, altered)
            refused += result is None
            same = result is None or (result.reference, result.amount) == (
                believed.reference,
                believed.amount,
            )
            assert same, what
        assert refused > 100

    @pytest.mark.parametrize("due", Due)
    def test_it_answers_in_its_own_words(self, adapter: CanAnswerInquiry, due: Due) -> None:
        known = due is not Due.NO_SUCH_ORDER
        bill = Bill(due, ORDER, ATTEMPT, AMOUNT, "NGUYEN VAN A", f"Le phi {ORDER}") if known else Bill(due)
        reply = adapter.answer_inquiry(adapter.read_inquiry(self.inquiry()), bill)
        assert self.inquiry_answers[due] in reply.body.decode()
        assert len({self.inquiry_answers[one] for one in Due}) > 1

    def understood(self, adapter: CanAnswerInquiry, message: CallbackRequest) -> Inquiry | None:
        """What is asked, or None when it is refused."""
        try:
            return adapter.read_inquiry(message)
        except (CallbackRejected, Malformed):
            return None
