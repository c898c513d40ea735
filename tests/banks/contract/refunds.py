"""The contract of a bank that gives money back: accepted is not returned, and silence is not refusal."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import pytest
import responses

from payment_hub.domain.banks.port import CanQueryRefund, CanRefund
from payment_hub.domain.banks.values import RefundAnswer, RefundOutcome
from payment_hub.domain.errors import BankUnavailable, Malformed
from payment_hub.domain.money import dong
from tests.banks.contract.base import BankContract
from tests.banks.examples import a_refund, a_refund_query
from tests.banks.faults import FAILURES, Failing, refuses


def never_ends(ask: Callable[[], RefundAnswer]) -> bool:
    """Whether the answer leaves the outcome open: pending, or no answer at all."""
    try:
        return ask().outcome is RefundOutcome.PENDING
    except BankUnavailable:
        return True


class RefundContract(BankContract):
    """For ``CanRefund``."""

    refunds_at: ClassVar[tuple[tuple[str, str], ...]]
    refund_outcomes: ClassVar[frozenset[RefundOutcome]] = frozenset(RefundOutcome)
    """What the bank's answer to a refund can mean: one that only accepts says PENDING or FAILED."""

    def refund_answer(self, outcome: RefundOutcome | str) -> Any:
        """A genuine answer to ``a_refund()``, or one with a code that the bank never documented."""
        raise NotImplementedError

    def unbelievable_refund_answers(self) -> dict[str, Any]:
        """Answers that must not be believed: ``another refund``, ``wrong signature`` where answers are signed ..."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("outcome", RefundOutcome)
    def test_a_refund_is_what_the_bank_says_of_it(self, adapter: CanRefund, outcome: RefundOutcome) -> None:
        if outcome in self.refund_outcomes:
            result = self.refunded(adapter, outcome)
            assert result.outcome is outcome
            assert result.code

    def test_a_refund_is_never_a_guess(self, adapter: CanRefund) -> None:
        assert never_ends(lambda: self.refunded(adapter, "unheard of"))

    def test_an_unbelievable_answer_to_a_refund_is_no_answer(self, adapter: CanRefund) -> None:
        for why, answer in self.unbelievable_refund_answers().items():
            with Failing(self.refunds_at, answer):
                assert refuses(BankUnavailable, lambda: adapter.refund_payment(a_refund())), why

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_refund_is_never_a_guess(self, adapter: CanRefund, failure: str) -> None:
        with Failing(self.refunds_at, FAILURES[failure]), pytest.raises(BankUnavailable):
            adapter.refund_payment(a_refund())

    def test_a_refund_that_its_protocol_cannot_carry_never_leaves(self, adapter: Any) -> None:
        limits = adapter.profile.limits
        unfit: dict[str, dict[str, Any]] = {
            "another alphabet": {"description": "Ho\u00e0n ph\u00ed"},
            "nothing": {"amount": dong(0)},
            "more than was paid": {"amount": dong(150_001)},
        }
        if limits.largest_refund is not None:
            too_much = dong(limits.largest_refund.minor + 1)
            unfit["too much"] = {"amount": too_much, "paid": too_much}
        if limits.smallest_refund.minor > 1:
            unfit["too little"] = {"amount": dong(limits.smallest_refund.minor - 1)}
        if not limits.part_refunds:
            unfit["a part"] = {"amount": dong(50_000)}
        for why, changes in unfit.items():
            with responses.RequestsMock():
                assert refuses(Malformed, partial(adapter.refund_payment, a_refund(**changes))), why

    def refunded(self, adapter: CanRefund, outcome: RefundOutcome | str) -> RefundAnswer:
        """What the adapter makes of such an answer."""
        with Failing(self.refunds_at, self.refund_answer(outcome)):
            return adapter.refund_payment(a_refund())


class RefundQueryContract(BankContract):
    """For ``CanQueryRefund``."""

    refund_asks_at: ClassVar[tuple[tuple[str, str], ...]]

    def refund_query_answer(self, outcome: RefundOutcome | str) -> Any:
        """A genuine answer about ``a_refund()``, or one with a code that the bank never documented."""
        raise NotImplementedError

    @pytest.mark.parametrize("outcome", RefundOutcome)
    def test_asked_about_a_refund_it_says_what_it_knows(
        self, adapter: CanQueryRefund, outcome: RefundOutcome
    ) -> None:
        with Failing(self.refund_asks_at, self.refund_query_answer(outcome)):
            assert adapter.query_refund(a_refund_query()).outcome is outcome

    def test_asked_about_a_refund_it_never_guesses(self, adapter: CanQueryRefund) -> None:
        with Failing(self.refund_asks_at, self.refund_query_answer("unheard of")):
            assert never_ends(lambda: adapter.query_refund(a_refund_query()))

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_question_about_a_refund_is_never_a_guess(
        self, adapter: CanQueryRefund, failure: str
    ) -> None:
        with Failing(self.refund_asks_at, FAILURES[failure]), pytest.raises(BankUnavailable):
            adapter.query_refund(a_refund_query())
