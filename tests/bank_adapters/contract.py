"""What every bank must do, whatever its protocol; a bank's own test inherits it and speaks for the bank."""

from __future__ import annotations

import dataclasses
from datetime import UTC, timedelta
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_adapters import BankSettingsError, load_adapters
from bank_adapters.toolkit.emv_qr import read_qr
from payment_hub.domain.bank_port import Answer, BankAdapter, CallbackRequest, Instructions, Outcome
from payment_hub.domain.errors import BankUnavailable, CallbackRejected, MalformedStatement
from tests.bank_adapters.examples import AMOUNT, ATTEMPT, DAY, NOON, PUBLIC_URL, a_query, a_request
from tests.bank_adapters.faults import FAILURES, Failing, altered_bits, altered_headers, altered_part


class BankAdapterContract:
    """A bank's test class inherits this and fills in the hooks above the line."""

    bank: ClassVar[str]
    required: ClassVar[frozenset[str]]
    """The settings without which the bank cannot be built, as they stand in the environment."""
    signed_headers: ClassVar[tuple[str, ...]] = ()
    """Header names that the signature needs."""
    asks_at: ClassVar[tuple[tuple[str, str], ...]]
    """Method and address of what ``query_payment`` calls."""
    opens_at: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Method and address of what ``open_payment`` calls; none for a bank to which only the citizen goes."""

    def section(self, folder: Path) -> dict[str, str]:
        """The settings of a bank that works."""
        raise NotImplementedError

    def callback(self, outcome: Outcome | str, **changes: object) -> CallbackRequest:
        """A genuine message about ATTEMPT: PAID, DECLINED, or a word that the bank never documented."""
        raise NotImplementedError

    def aged(self, age: timedelta) -> CallbackRequest | None:
        """A genuine message that was sent ``age`` ago; None when the scheme has no timestamp."""
        return None

    def spelled_differently(self, one: CallbackRequest, other: CallbackRequest) -> bool:
        """Whether two messages are the same to the bank's own rules, such as hex in either case."""
        return False

    def with_statement(self, adapter: BankAdapter, folder: Path, text: str | None = None) -> BankAdapter:
        """The adapter of a bank whose statement of DAY has a line ``typed by hand``, or is ``text``."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------

    def test_its_code_is_its_modules_name(self, adapter: BankAdapter) -> None:
        assert adapter.code == self.bank == type(adapter).__module__.rpartition(".")[2]
        assert isinstance(adapter, BankAdapter)

    def test_its_name_is_its_only_registration(self, tmp_path: Path) -> None:
        adapters = load_adapters([self.bank], {self.bank: self.section(tmp_path)}, PUBLIC_URL)
        assert list(adapters) == [self.bank]

    def test_every_missing_setting_is_named_at_once(self) -> None:
        with pytest.raises(BankSettingsError) as refusal:
            load_adapters([self.bank], {}, PUBLIC_URL)
        assert set(refusal.value.missing) == self.required

    def test_it_shows_no_secret(self, adapter: BankAdapter, tmp_path: Path) -> None:
        secrets = [value for name, value in self.section(tmp_path).items() if "SECRET" in name]
        assert secrets
        assert not any(secret in repr(adapter) for secret in secrets)

    def test_it_reads_that_a_payment_was_made(self, adapter: BankAdapter) -> None:
        paid = adapter.read_callback(self.callback(Outcome.PAID))
        assert (paid.bank, paid.outcome, paid.amount) == (self.bank, Outcome.PAID, AMOUNT)
        assert paid.reference == ATTEMPT
        assert paid.bank_transaction_id
        assert paid.event_id
        assert paid.paid_at == NOON

    def test_it_reads_that_a_payment_was_declined(self, adapter: BankAdapter) -> None:
        declined = adapter.read_callback(self.callback(Outcome.DECLINED))
        assert declined.outcome is Outcome.DECLINED
        assert declined.reference == ATTEMPT
        assert declined.code

    def test_it_never_guesses(self, adapter: BankAdapter) -> None:
        assert adapter.read_callback(self.callback("unheard of")).outcome is Outcome.PENDING

    def test_every_word_it_knows_means_an_outcome(self) -> None:
        words = import_module(f"bank_adapters.{self.bank}").OUTCOMES
        assert {Outcome.PAID} <= set(words.values()) <= set(Outcome)

    def test_reading_is_repeatable(self, adapter: BankAdapter) -> None:
        message = self.callback(Outcome.PAID)
        later = dataclasses.replace(message, received_at=message.received_at + timedelta(seconds=30))
        assert adapter.read_callback(message) == adapter.read_callback(later)

    def test_different_facts_are_different_events(self, adapter: BankAdapter) -> None:
        paid, declined = (
            adapter.read_callback(self.callback(one)) for one in (Outcome.PAID, Outcome.DECLINED)
        )
        assert paid.event_id != declined.event_id

    def test_any_changed_bit_of_body_or_query_is_rejected(self, adapter: BankAdapter) -> None:
        genuine = self.callback(Outcome.PAID)
        believed = adapter.read_callback(genuine)
        count = 0
        for altered in altered_bits(genuine):
            count += 1
            if self.spelled_differently(genuine, altered):
                assert adapter.read_callback(altered) == believed
            else:
                _assert_rejected(adapter, altered)
        assert count > 1000

    def test_any_changed_character_of_a_signed_header_is_rejected(self, adapter: BankAdapter) -> None:
        genuine = self.callback(Outcome.PAID)
        for name in self.signed_headers:
            for altered in altered_headers(genuine, name):
                _assert_rejected(adapter, altered)

    def test_more_or_less_of_the_message_is_rejected(self, adapter: BankAdapter) -> None:
        genuine = self.callback(Outcome.PAID)
        part = "body" if genuine.body else "query"
        whole: bytes = getattr(genuine, part)
        for altered in (b"", whole[:-1], whole[1:], whole + whole, b" " + whole, whole + b"\x00"):
            _assert_rejected(adapter, altered_part(genuine, part, altered))

    def test_another_keys_message_is_rejected(self, tmp_path: Path) -> None:
        _assert_rejected(self.keyed(tmp_path, "other"), self.callback(Outcome.PAID))

    def test_the_key_before_is_still_believed(self, tmp_path: Path) -> None:
        adapter = self.keyed(tmp_path, "rotated")
        assert adapter.read_callback(self.callback(Outcome.PAID)).outcome is Outcome.PAID

    def test_an_old_message_is_rejected_where_the_scheme_has_a_time(self, adapter: BankAdapter) -> None:
        for age in (timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=400)):
            message = self.aged(age)
            if message is None:
                assert not any("timestamp" in name for name in self.signed_headers)
                return
            _assert_rejected(adapter, message)
        fresh = self.aged(timedelta(minutes=4))
        assert fresh is not None
        assert adapter.read_callback(fresh).outcome is Outcome.PAID

    def test_no_bytes_at_all_raise_anything_else(self, adapter: BankAdapter) -> None:
        genuine = self.callback(Outcome.PAID)

        @given(
            st.binary(max_size=40),
            st.binary(max_size=40),
            st.lists(st.text(max_size=20), min_size=3, max_size=3),
        )
        def throw(body: bytes, query: bytes, values: list[str]) -> None:
            headers = {**genuine.headers, **dict(zip(self.signed_headers, values, strict=False))}
            _assert_rejected(adapter, dataclasses.replace(genuine, body=body, query=query, headers=headers))

        throw()

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD"])
    def test_only_its_own_method_is_believed(self, adapter: BankAdapter, method: str) -> None:
        genuine = self.callback(Outcome.PAID)
        if method != genuine.method:
            _assert_rejected(adapter, dataclasses.replace(genuine, method=method))
        else:
            assert adapter.read_callback(genuine).outcome is Outcome.PAID

    @pytest.mark.parametrize("answer", Answer)
    def test_it_has_words_for_every_answer(self, adapter: BankAdapter, answer: Answer) -> None:
        reply = adapter.acknowledge(answer)
        assert 200 <= reply.status < 600
        assert (reply.status < 300) is (answer is not Answer.NOT_RECORDED)
        assert isinstance(reply.body, bytes)

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_opening_is_never_a_guess(self, adapter: BankAdapter, failure: str) -> None:
        if not self.opens_at:
            assert adapter.open_payment(a_request()).page_url
            return
        with Failing(self.opens_at, FAILURES[failure]), pytest.raises(BankUnavailable):
            adapter.open_payment(a_request())

    @pytest.mark.parametrize("failure", FAILURES)
    def test_a_failed_question_is_never_a_guess(self, adapter: BankAdapter, failure: str) -> None:
        with Failing(self.asks_at, FAILURES[failure]), pytest.raises(BankUnavailable):
            adapter.query_payment(a_query())

    def test_its_qr_text_asks_for_exactly_the_amount(self, adapter: BankAdapter) -> None:
        given = self.opened(adapter)
        assert given.qr_text or given.page_url
        if given.qr_text:
            assert read_qr(given.qr_text).amount == AMOUNT

    def test_a_statement_keeps_references_that_nobody_knows(
        self, adapter: BankAdapter, tmp_path: Path
    ) -> None:
        statement = self.with_statement(adapter, tmp_path).fetch_statement(DAY)
        assert statement.day == DAY
        assert "typed by hand" in [line.reference for line in statement.lines]
        places = [line.line for line in statement.lines]
        assert places == sorted(set(places))
        texts = statement.raw.decode().splitlines()
        assert all(line.bank_transaction_id in texts[line.line - 1] for line in statement.lines)
        assert all(line.booked_at.tzinfo is UTC for line in statement.lines)

    def test_a_statement_that_is_no_statement_is_refused_with_its_place(
        self, adapter: BankAdapter, tmp_path: Path
    ) -> None:
        for text in ("", "hello\nworld\n", "\x00\n", "\n\n\n"):
            with pytest.raises(MalformedStatement, match=r"line \d+, column \d+") as refused:
                self.with_statement(adapter, tmp_path, text).fetch_statement(DAY)
            assert refused.value.raw == text.encode()

    # ------------------------------------------------------------------------------------------------

    def keyed(self, folder: Path, how: str) -> BankAdapter:
        """The adapter with an ``other`` secret, or ``rotated``: a new one and today's as the one before."""
        section = self.section(folder)
        new = {**section, "SECRET": self.other_secret(section["SECRET"])}
        if how == "rotated":
            new["SECRET_PREVIOUS"] = section["SECRET"]
        return load_adapters([self.bank], {self.bank: new}, PUBLIC_URL)[self.bank]

    def other_secret(self, secret: str) -> str:
        """Another secret of the same form."""
        return secret[:-8] + "A" * 7 + secret[-1]

    def opened(self, adapter: BankAdapter) -> Instructions:
        """The instructions for ``a_request()`` from a bank that answers."""
        return adapter.open_payment(a_request())

    @pytest.fixture
    def adapter(self, tmp_path: Path) -> BankAdapter:
        return load_adapters([self.bank], {self.bank: self.section(tmp_path)}, PUBLIC_URL)[self.bank]


def _assert_rejected(adapter: BankAdapter, message: CallbackRequest) -> None:
    with pytest.raises(CallbackRejected) as refusal:
        adapter.read_callback(message)
    assert refusal.value.detail == "", "a refusal must not say which check failed"
