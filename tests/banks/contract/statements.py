"""The contract of a bank's statement: read whole, or refused whole with its place."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import pytest

from payment_hub.domain.banks.port import HasStatement
from payment_hub.domain.errors import BankUnavailable, MalformedStatement
from tests.banks.contract.base import BankContract
from tests.banks.examples import DAY


class StatementContract(BankContract):
    """For ``HasStatement``."""

    def statement_text(self) -> str:
        """The file of DAY, with one line whose reference is ``typed by hand``."""
        raise NotImplementedError

    def with_statement(self, adapter: HasStatement, folder: Path, text: str | None = None) -> HasStatement:
        """The adapter of a bank whose statement of DAY is ``text``, or ``statement_text()``: dropped as a file."""
        (folder / f"{DAY}.csv").write_text(self.statement_text() if text is None else text, "utf-8")
        return adapter

    # ------------------------------------------------------------------------------------------------

    def test_a_statement_keeps_references_that_nobody_knows(
        self, adapter: HasStatement, tmp_path: Path
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
        self, adapter: HasStatement, tmp_path: Path
    ) -> None:
        for text in ("", "hello\nworld\n", "\x00\n", "\n\n\n"):
            with pytest.raises(MalformedStatement, match=r"line \d+, column \d+") as refused:
                self.with_statement(adapter, tmp_path, text).fetch_statement(DAY)
            assert refused.value.raw == text.encode()

    def test_a_cut_off_statement_is_refused(self, adapter: HasStatement, tmp_path: Path) -> None:
        whole = self.statement_text().rstrip("\n")
        last = whole.rpartition("\n")[2]
        cut = whole[: len(whole) - len(last) + 3]
        with pytest.raises(MalformedStatement, match=r"line \d+, column \d+"):
            self.with_statement(adapter, tmp_path, cut).fetch_statement(DAY)

    def test_a_day_without_a_statement_is_not_an_empty_one(self, adapter: HasStatement) -> None:
        with pytest.raises(BankUnavailable):
            adapter.fetch_statement(DAY)
