"""The contract of a bank that calls back: every altered message is refused, or says the very same."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payment_hub.domain.banks.port import TakesCallbacks
from payment_hub.domain.banks.values import Answer, CallbackReply, CallbackRequest, Confirmation, Outcome
from payment_hub.domain.errors import CallbackRejected, Malformed
from tests.banks.contract.base import BankContract
from tests.banks.examples import AMOUNT, ATTEMPT, NOON, NUMBER, ORDER
from tests.banks.faults import altered_bits, altered_headers, altered_part, rewritten


class CallbackContract(BankContract):
    """For ``TakesCallbacks``."""

    signed_headers: ClassVar[tuple[str, ...]] = ()
    """Header names that the signature needs."""
    tolerance: ClassVar[timedelta] = timedelta(minutes=5)
    """How far a message's own time may be from ours, where the scheme has one."""
    tells_paid_at: ClassVar[bool] = True
    """Whether a signed moment of payment is told; NOON in ``callback(PAID)``."""
    tells_declined: ClassVar[bool] = True
    """False for a bank that calls only when money has come."""
    secret_names: ClassVar[tuple[str, ...]] = ("SECRET",)
    """The settings that callbacks are verified with; each has a ``<NAME>_PREVIOUS`` beside it."""
    retried: ClassVar[frozenset[Answer]] = frozenset({Answer.NOT_RECORDED})
    """The answers after which the bank, by its own rules, sends the message again."""

    def callback(self, outcome: Outcome | str, **changes: Any) -> CallbackRequest:
        """A genuine message about ATTEMPT: PAID, DECLINED, or a word that the bank never documented."""
        raise NotImplementedError

    def aged(self, age: timedelta) -> CallbackRequest | None:
        """A genuine message that was sent ``age`` ago; None when the scheme has no timestamp."""
        return None

    def is_sent_again(self, reply: CallbackReply) -> bool:
        """Whether the bank, by its own rules, sends the message again after this reply."""
        return reply.status >= 300

    # ------------------------------------------------------------------------------------------------

    def test_it_reads_that_a_payment_was_made(self, adapter: TakesCallbacks) -> None:
        paid = adapter.read_callback(self.callback(Outcome.PAID))
        assert (paid.bank, paid.outcome, paid.amount) == (self.bank, Outcome.PAID, AMOUNT)
        assert ORDER in paid.reference or paid.number == NUMBER
        assert paid.bank_transaction_id
        assert paid.event_id
        assert paid.paid_at == (NOON if self.tells_paid_at else None)
        assert paid.key == 0

    def test_it_reads_that_a_payment_was_declined(self, adapter: TakesCallbacks) -> None:
        if not self.tells_declined:
            return
        declined = adapter.read_callback(self.callback(Outcome.DECLINED))
        assert declined.outcome is Outcome.DECLINED
        assert declined.reference == ATTEMPT or declined.number == NUMBER
        assert declined.code
        assert declined.event_id != adapter.read_callback(self.callback(Outcome.PAID)).event_id

    def test_it_never_guesses(self, adapter: TakesCallbacks) -> None:
        if self.tells_declined:
            assert adapter.read_callback(self.callback("unheard of")).outcome is Outcome.PENDING

    def test_reading_is_repeatable(self, adapter: TakesCallbacks) -> None:
        message = self.callback(Outcome.PAID)
        later = dataclasses.replace(message, received_at=message.received_at + timedelta(seconds=30))
        assert adapter.read_callback(message) == adapter.read_callback(later)

    def test_any_changed_bit_is_rejected_or_changes_nothing(self, adapter: TakesCallbacks) -> None:
        genuine = self.callback(Outcome.PAID)
        believed = adapter.read_callback(genuine)
        read = [self.read(adapter, altered) for altered in altered_bits(genuine)]
        assert len(read) > 300
        assert set(map(str, read)) <= {str(believed), "None"}
        assert read.count(None) > len(read) / 4, "hardly anything is signed"

    def test_any_rewritten_field_is_rejected_or_changes_nothing(self, adapter: TakesCallbacks) -> None:
        """Removed, repeated, emptied, of another type or case, a hundred times as much, reordered, one more."""
        genuine = self.callback(Outcome.PAID)
        believed = adapter.read_callback(genuine)
        count = 0
        for what, altered in rewritten(genuine):
            count += 1
            assert self.read(adapter, altered) in (None, believed), what
        assert count > 20

    def test_any_changed_character_of_a_signed_header_is_rejected(self, adapter: TakesCallbacks) -> None:
        genuine = self.callback(Outcome.PAID)
        believed = adapter.read_callback(genuine)
        for name in self.signed_headers:
            for altered in altered_headers(genuine, name):
                same = altered.headers.get(name, "").lower() == genuine.headers[name].lower()
                assert self.read(adapter, altered) in ((None, believed) if same else (None,))

    def test_more_or_less_of_the_message_is_rejected(self, adapter: TakesCallbacks) -> None:
        genuine = self.callback(Outcome.PAID)
        part = "body" if genuine.body else "query"
        whole: bytes = getattr(genuine, part)
        believed = adapter.read_callback(genuine)
        for altered in (b"", whole[:-1], whole[1:], whole + whole, whole + b"\x00", whole[: len(whole) // 2]):
            assert self.read(adapter, altered_part(genuine, part, altered)) is None
        assert self.read(adapter, altered_part(genuine, part, b" " + whole)) in (None, believed)

    def test_another_keys_message_is_rejected(self, tmp_path: Path) -> None:
        assert self.read(self.keyed(tmp_path, "other"), self.callback(Outcome.PAID)) is None

    def test_the_key_before_is_still_believed(self, tmp_path: Path) -> None:
        confirmation = self.keyed(tmp_path, "rotated").read_callback(self.callback(Outcome.PAID))
        assert (confirmation.outcome, confirmation.key) == (Outcome.PAID, 1)

    def test_an_old_message_is_rejected_where_the_scheme_has_a_time(self, adapter: TakesCallbacks) -> None:
        minute = timedelta(minutes=1)
        for age in (
            self.tolerance + minute,
            -self.tolerance - minute,
            timedelta(days=1),
            timedelta(days=400),
        ):
            message = self.aged(age)
            if message is None:
                assert not any("timestamp" in name for name in self.signed_headers)
                return
            assert self.read(adapter, message) is None
        fresh = self.aged(self.tolerance - minute)
        assert fresh is not None
        assert adapter.read_callback(fresh).outcome is Outcome.PAID

    def test_no_bytes_at_all_raise_anything_else(self, adapter: TakesCallbacks) -> None:
        genuine = self.callback(Outcome.PAID)

        @given(
            st.binary(max_size=40),
            st.binary(max_size=40),
            st.lists(st.text(max_size=20), min_size=3, max_size=3),
        )
        def throw(body: bytes, query: bytes, values: list[str]) -> None:
            headers = {**genuine.headers, **dict(zip(self.signed_headers, values, strict=False))}
            thrown = dataclasses.replace(genuine, body=body, query=query, headers=headers)
            assert self.read(adapter, thrown) is None
            adapter.refuse(thrown)

        throw()

    def test_a_huge_body_is_rejected(self, adapter: TakesCallbacks) -> None:
        genuine = self.callback(Outcome.PAID)
        for body in (b"[" * 200_000, b'{"a":' * 50_000, b"9" * 300_000, b"a=b&" * 60_000):
            assert self.read(adapter, dataclasses.replace(genuine, body=body, query=body[:60_000])) is None

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
    def test_only_its_own_method_is_believed(self, adapter: TakesCallbacks, method: str) -> None:
        genuine = self.callback(Outcome.PAID)
        result = self.read(adapter, dataclasses.replace(genuine, method=method))
        assert (result is not None) is (method == genuine.method)

    @pytest.mark.parametrize("answer", Answer)
    def test_it_has_words_for_every_answer(self, adapter: TakesCallbacks, answer: Answer) -> None:
        reply = adapter.acknowledge(answer, self.callback(Outcome.PAID))
        assert 200 <= reply.status < 600
        assert isinstance(reply.body, bytes)
        assert self.is_sent_again(reply) is (answer in self.retried)

    # ------------------------------------------------------------------------------------------------

    def read(self, adapter: TakesCallbacks, message: CallbackRequest) -> Confirmation | None:
        """What a message says, or None when it is refused; a refusal never says which check failed."""
        result = ""
        try:
            return adapter.read_callback(message)
        except CallbackRejected as refusal:
            result = refusal.detail
        except Malformed:
            pass
        assert result == "", "a refusal must not say which check failed"
        return None

    def keyed(self, folder: Path, how: str) -> Any:
        """The adapter with ``other`` secrets, or ``rotated``: new ones and today's as the ones before."""
        section = self.section(folder)
        new = dict(section)
        for name in self.secret_names:
            new[name] = self.other_secret(section[name])
            if how == "rotated":
                new[f"{name}_PREVIOUS"] = section[name]
        return self.built(new)

    def other_secret(self, secret: str) -> str:
        """Another secret of the same form."""
        return secret[:-8] + "A" * 7 + secret[-1]
