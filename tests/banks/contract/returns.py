"""The contract of a bank whose word the citizen's browser brings back: believed only when it is signed."""

from __future__ import annotations

from payment_hub.domain.banks.port import ReadsReturns
from payment_hub.domain.banks.values import Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract.base import BankContract
from tests.banks.examples import ATTEMPT, NUMBER


class ReturnContract(BankContract):
    """For ``ReadsReturns``."""

    def returned(self, outcome: Outcome | str) -> bytes:
        """The raw query of a genuine return about ATTEMPT: PAID, DECLINED, or a code never documented."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------

    def test_a_return_says_what_the_bank_said(self, adapter: ReadsReturns) -> None:
        fields = {
            word: adapter.read_return(self.returned(word))
            for word in (Outcome.PAID, Outcome.DECLINED, "unheard of")
        }
        assert [one.outcome for one in fields.values()] == [Outcome.PAID, Outcome.DECLINED, Outcome.PENDING]
        assert all(one.reference == ATTEMPT or one.number == NUMBER for one in fields.values())

    def test_an_altered_return_is_refused_or_says_the_same(self, adapter: ReadsReturns) -> None:
        genuine = self.returned(Outcome.PAID)
        believed = adapter.read_return(genuine)
        refused = 0
        for place in range(len(genuine)):
            altered = bytearray(genuine)
            altered[place] ^= 1
            try:
                assert adapter.read_return(bytes(altered)) == believed
            except (CallbackRejected, Malformed):
                refused += 1
        assert refused > len(genuine) / 4

    def test_a_spoilt_return_is_refused(self, adapter: ReadsReturns) -> None:
        genuine = self.returned(Outcome.PAID)
        for spoilt in (
            b"",
            b"&",
            b"a",
            genuine[:-3],
            genuine + genuine,
            genuine + b"&" + genuine,
            b"\xff" * 20,
        ):
            try:
                adapter.read_return(spoilt)
            except (CallbackRejected, Malformed):
                continue
            raise AssertionError(f"{spoilt!r} was believed")
