"""The hub: all that an operation may touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from payment_hub.domain.bank_port import BankAdapter
from payment_hub.domain.errors import BankNotFound, HubUnavailable
from payment_hub.signing import Signer


def utc_now() -> datetime:
    """The real clock, for ``Hub.now``. Nothing else in the house reads one."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Hub:
    """Adapters, database, clock and keys, built once at the start and passed to every operation."""

    engine: Engine
    sessions: sessionmaker[Session]
    adapters: Mapping[str, BankAdapter]
    now: Callable[[], datetime]
    signer: Signer
    public_url: str
    order_life: timedelta
    allow_loopback_notices: bool = False
    notice_hosts: frozenset[str] = frozenset()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises HubUnavailable when the database cannot be reached.
        """
        with unavailable_is_said(), self.sessions.begin() as session:
            yield session

    @contextmanager
    def at_once(self) -> Iterator[Connection]:
        """A connection on which every statement is its own transaction, for the hot verbs' single statements.

        Raises HubUnavailable when the database cannot be reached.
        """
        with unavailable_is_said(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def checkout_url(self, reference: str) -> str:
        """The address of the citizen's page of an order."""
        return f"{self.public_url}/checkout/{self.signer.checkout_token(reference)}"

    def adapter(self, bank: str) -> BankAdapter:
        """The adapter of an enabled bank. Raises BankNotFound."""
        try:
            return self.adapters[bank]
        except KeyError:
            raise BankNotFound(bank[:40]) from None


@contextmanager
def unavailable_is_said() -> Iterator[None]:
    """Turn a lost or refused database connection into HubUnavailable; every other error passes."""
    try:
        yield
    except OperationalError as error:
        raise HubUnavailable("the database cannot be reached") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise HubUnavailable("the connection to the database was lost") from error
        raise
