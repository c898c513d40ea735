"""The hub: all that an operation may touch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session, sessionmaker

from payment_hub.domain.banks.health import BankStates
from payment_hub.domain.banks.port import BankAdapter, CanQuery
from payment_hub.domain.banks.profile import NO_TERMS, BankTerms
from payment_hub.domain.errors import BankCannot, BankNotFound, HubUnavailable
from payment_hub.domain.payments import Expectation
from payment_hub.settings import Settings
from payment_hub.signing import Signer
from payment_hub.store import connections

#: A small protocol of ``domain.bank_port``.
Ability = TypeVar("Ability")

#: A connection of the driver's own.
DriverConnection = connections.DriverConnection


def utc_now() -> datetime:
    """The real clock, for ``Hub.now``. Nothing else reads one."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Memory:
    """What this process has read lately; it is read again soon."""

    bank_states: BankStates | None = None


@dataclass(frozen=True, slots=True)
class Hub:
    """Adapters, database, clock and keys, built once at the start and passed to every operation."""

    engine: Engine
    sessions: sessionmaker[Session]
    adapters: Mapping[str, BankAdapter]
    now: Callable[[], datetime]
    signer: Signer
    settings: Settings
    terms: Mapping[str, BankTerms] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        settings: Settings,
        adapters: Mapping[str, BankAdapter],
        now: Callable[[], datetime],
        terms: Mapping[str, BankTerms] | None = None,
    ) -> Hub:
        """The hub that the settings describe; a bank without terms is open to all. Connects to nothing yet."""
        engine = connect(settings.database_url, pool=settings.database_pool)
        return cls(
            engine=engine,
            sessions=sessionmaker(engine),
            adapters=adapters,
            now=now,
            signer=Signer.of(
                [settings.secret_key, settings.previous_secret_key],
                [settings.signing_key, settings.previous_signing_key],
            ),
            settings=settings,
            terms=terms or {},
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises HubUnavailable when the database cannot be reached.
        """
        with translate_db_errors(), self.sessions.begin() as session:
            yield session

    @contextmanager
    def autocommit(self) -> Iterator[DriverConnection]:
        """The driver's own connection, on which every statement is its own transaction: for hot paths alone.

        What the toolkit above the driver does for a statement costs a fifth of a whole request, and a path that is one
        statement needs none of it. Raises HubUnavailable when the database cannot be reached.
        """
        with translate_db_errors(), connections.lent_by(self.engine) as connection:
            yield connection

    def checkout_url(self, reference: str) -> str:
        """The address of the citizen's page of an order."""
        return f"{self.settings.public_url}/checkout/{self.signer.checkout_token(reference)}"

    def terms_of(self, bank: str) -> BankTerms:
        """Our contract with a bank; where there is none, one that is open to all."""
        return self.terms.get(bank, NO_TERMS)

    def expectation_of(self, bank: str) -> Expectation:
        """By when the outcome of a payment at this bank can be expected."""
        return Expectation(isinstance(self.adapters.get(bank), CanQuery), self.terms_of(bank).outcome_within)

    def adapter_with(self, bank: str, ability: type[Ability]) -> Ability:
        """The adapter of an enabled bank that has this ability of the port. Raises BankNotFound, BankCannot."""
        adapter = self.adapter(bank)
        if not isinstance(adapter, ability):
            raise BankCannot(f"{bank} has no {ability.__name__}")
        return adapter

    def banks_with(self, ability: type[Any]) -> list[str]:
        """The names of the enabled banks that have this ability of the port, in order."""
        return sorted(name for name, adapter in self.adapters.items() if isinstance(adapter, ability))

    def adapter(self, bank: str) -> BankAdapter:
        """The adapter of an enabled bank. Raises BankNotFound."""
        try:
            return self.adapters[bank]
        except KeyError:
            raise BankNotFound(bank[:40]) from None


def connect(database_url: str, *, pool: int, statement_seconds: int = 30) -> Engine:
    """An engine whose statements and waits for locks end, so that a request never hangs on the database.

    Plans go by index even while a table is still small: a plan is kept, and one that was made for an empty table would
    read a full one from end to end until statistics catch up. What really reads whole tables allows it
    (``store.allow_seq_scan``).
    """
    options = {"lock_timeout": 5000, "statement_timeout": statement_seconds * 1000, "enable_seqscan": "off"}
    return create_engine(
        database_url,
        pool_size=pool,
        max_overflow=0,
        pool_timeout=5,
        connect_args={
            "connect_timeout": 3,
            "prepare_threshold": 2,
            "client_encoding": "utf8",
            "tcp_user_timeout": 10_000,  # a server that vanished silently is given up after 10 s
            "options": " ".join(f"-c {name}={value}" for name, value in options.items()),
        },
    )


@contextmanager
def translate_db_errors() -> Iterator[None]:
    """Turn a lost or refused database connection into HubUnavailable; every other error passes."""
    try:
        yield
    except (OperationalError, psycopg.OperationalError, PoolTimeout) as error:
        raise HubUnavailable("the database cannot be reached") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise HubUnavailable("the connection to the database was lost") from error
        raise
