"""The contract of a bank that can be asked: what it does not say, or says unsigned, is never a guess."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from payment_hub.domain.banks.port import CanCancel, CanCapture, CanQuery
from payment_hub.domain.banks.values import Confirmation, Outcome
from payment_hub.domain.errors import BankUnavailable
from tests.banks.contract.base import BankContract
from tests.banks.examples import AMOUNT, ATTEMPT, NUMBER, ORDER, a_query
from tests.banks.faults import FAILURES, Failing, refuses

Addresses = tuple[tuple[str, str], ...]


def never_ends(ask: Callable[[], Confirmation]) -> bool:
    """Whether the answer leaves the outcome open: pending, or no answer at all."""
    try:
        return ask().outcome is Outcome.PENDING
    except BankUnavailable:
        return True


class QueryContract(BankContract):
    """For ``CanQuery``."""

    asks_at: ClassVar[Addresses]
    """Method and address of what ``query_payment`` calls."""
    signs_answers: ClassVar[bool] = True
    """Whether the bank signs its answers; then ``unbelievable_answers`` must hold a wrong signature."""

    def query_answer(self, outcome: Outcome | str) -> Any:
        """A genuine answer about ATTEMPT, as ``Failing`` takes it: PAID, DECLINED, PENDING, or a code that the bank
        never documented."""
        raise NotImplementedError

    def unbelievable_answers(self) -> dict[str, Any]:
        """Answers that must not be believed, by what is wrong: ``another payment``, ``wrong signature`` ..."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------

    def test_asked_it_says_that_a_payment_was_made(self, adapter: CanQuery) -> None:
        paid = self.asked(adapter, Outcome.PAID)
        assert (paid.bank, paid.outcome, paid.amount) == (self.bank, Outcome.PAID, AMOUNT)
        assert ORDER in paid.reference or paid.number == NUMBER
        assert paid.bank_transaction_id
        assert paid == self.asked(adapter, Outcome.PAID)

    @pytest.mark.parametrize("outcome", [Outcome.DECLINED, Outcome.PENDING])
    def test_asked_it_says_what_it_knows(self, adapter: CanQuery, outcome: Outcome) -> None:
        result = self.asked(adapter, outcome)
        assert result.outcome is outcome
        assert result.reference == ATTEMPT or result.number == NUMBER
        assert result.event_id != self.asked(adapter, Outcome.PAID).event_id

    def test_asked_it_never_guesses(self, adapter: CanQuery) -> None:
        assert never_ends(lambda: self.asked(adapter, "unheard of"))

    def test_an_unbelievable_answer_to_a_question_is_no_answer(self, adapter: CanQuery) -> None:
        unbelievable = self.unbelievable_answers()
        assert "another payment" in unbelievable
        assert "wrong signature" in unbelievable or not self.signs_answers
        for why, answer in unbelievable.items():
            with Failing(self.asks_at, answer):
                assert refuses(BankUnavailable, lambda: adapter.query_payment(a_query())), why

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_question_is_never_a_guess(self, adapter: CanQuery, failure: str) -> None:
        with Failing(self.asks_at, FAILURES[failure]), pytest.raises(BankUnavailable):
            adapter.query_payment(a_query())

    # ------------------------------------------------------------------------------------------------

    def asked(self, adapter: CanQuery, outcome: Outcome | str) -> Confirmation:
        """What the adapter makes of such an answer."""
        with Failing(self.asks_at, self.query_answer(outcome)):
            return adapter.query_payment(a_query())


class CancelContract(BankContract):
    """For ``CanCancel``."""

    cancels_at: ClassVar[Addresses]

    def cancel_answer(self, outcome: Outcome | str) -> Any:
        """A genuine answer about ATTEMPT: DECLINED when it is cancelled for good, or a code never documented."""
        raise NotImplementedError

    def test_a_cancelled_payment_is_declined(self, adapter: CanCancel) -> None:
        with Failing(self.cancels_at, self.cancel_answer(Outcome.DECLINED)):
            assert adapter.cancel_payment(a_query()).outcome is Outcome.DECLINED

    def test_a_cancellation_is_never_a_guess(self, adapter: CanCancel) -> None:
        with Failing(self.cancels_at, self.cancel_answer("unheard of")):
            assert never_ends(lambda: adapter.cancel_payment(a_query()))

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_cancellation_is_never_a_guess(self, adapter: CanCancel, failure: str) -> None:
        with Failing(self.cancels_at, FAILURES[failure]), pytest.raises(BankUnavailable):
            adapter.cancel_payment(a_query())


class CaptureContract(BankContract):
    """For ``CanCapture``."""

    captures_at: ClassVar[Addresses]

    def capture_answer(self, outcome: Outcome | str) -> Any:
        """A genuine answer about ATTEMPT: PAID when the money is taken, or a code never documented."""
        raise NotImplementedError

    def test_captured_money_is_paid(self, adapter: CanCapture) -> None:
        with Failing(self.captures_at, self.capture_answer(Outcome.PAID)):
            paid = adapter.capture_payment(a_query())
        assert (paid.outcome, paid.amount) == (Outcome.PAID, AMOUNT)
        assert paid.bank_transaction_id

    def test_a_capture_is_never_a_guess(self, adapter: CanCapture) -> None:
        with Failing(self.captures_at, self.capture_answer("unheard of")):
            assert never_ends(lambda: adapter.capture_payment(a_query()))

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_capture_is_never_a_guess(self, adapter: CanCapture, failure: str) -> None:
        with Failing(self.captures_at, FAILURES[failure]), pytest.raises(BankUnavailable):
            adapter.capture_payment(a_query())
