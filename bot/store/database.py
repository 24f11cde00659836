"""One database, two dialects: connections, transactions, migrations."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url

BUSY_TIMEOUT_MS = 30_000
_MIGRATION_LOCK = 0x6272616E6368  # "branch": one migrator at a time on PostgreSQL


class DatabaseError(Exception):
    """The configured database cannot be used; the text says what to do."""


def normalise(url: str) -> str:
    """Names the driver that we ship for PostgreSQL URLs, which people write without one."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


class _Turnstile:
    """A lock that tells a thread that it already has it, instead of letting it wait for itself for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: int | None = None

    def __enter__(self) -> None:
        if self._owner == threading.get_ident():
            raise RuntimeError("a write transaction was begun inside another one of the same thread")
        self._lock.acquire()
        self._owner = threading.get_ident()

    def __exit__(self, *_: object) -> None:
        self._owner = None
        self._lock.release()


class Database:
    """An engine with our settings. DBOS is handed the same engine, so that one transaction covers both."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(normalise(url))
        except sa.exc.ArgumentError as error:
            raise DatabaseError(
                f"DATABASE_URL is not a database URL: {error}. "
                "Write sqlite:////var/lib/branchwork/branchwork.db or postgresql://user@host/name."
            ) from error
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if not self.is_sqlite and self.url.get_backend_name() != "postgresql":
            raise DatabaseError(
                f"DATABASE_URL names {self.url.get_backend_name()!r}; Branchwork runs on sqlite and postgresql."
            )
        self._writer: AbstractContextManager[object] = _Turnstile() if self.is_sqlite else nullcontext()
        self.engine = self._make_engine()

    def _make_engine(self) -> sa.Engine:
        if not self.is_sqlite:
            return sa.create_engine(self.url, pool_size=20, max_overflow=20, pool_pre_ping=True)
        if not self.url.database or self.url.database == ":memory:":
            raise DatabaseError("DATABASE_URL must name a file: an SQLite database in memory cannot survive a restart.")
        Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(self.url, pool_size=20, max_overflow=20)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        return engine

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction that may write. On SQLite it locks at once, so that what it reads stays true."""
        # SQLite has one writer, and those who wait for it sleep and try again: our own threads queue instead.
        with self._writer, self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Reads, each of its own moment."""
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """Several reads of one moment."""
        with self.engine.connect() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN")
            else:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    def insert_new(
        self, connection: sa.Connection, table: sa.Table, row: Mapping[str, Any], unique: Sequence[str]
    ) -> bool:
        """Inserts unless a row with the same unique columns exists; True if it was inserted."""
        dialect = sqlite if self.is_sqlite else postgresql
        statement = dialect.insert(table).values(**row).on_conflict_do_nothing(index_elements=list(unique))
        return connection.execute(statement.returning(table.c[unique[0]])).first() is not None

    def upsert(self, connection: sa.Connection, table: sa.Table, row: Mapping[str, Any], unique: Sequence[str]) -> None:
        """Inserts, or overwrites the row with the same unique columns: the last writer wins."""
        dialect = sqlite if self.is_sqlite else postgresql
        statement = dialect.insert(table).values(**row)
        changed = {name: statement.excluded[name] for name in row if name not in unique}
        connection.execute(statement.on_conflict_do_update(index_elements=list(unique), set_=changed))

    def migrate(self) -> None:
        """Brings our tables to the newest revision; runs at every start."""
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", os.fspath(Path(__file__).parent.parent / "migrations"))
        with self.engine.begin() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def check(self) -> None:
        """Raises if the database does not answer."""
        with self.read() as connection:
            connection.execute(sa.select(1))

    def close(self) -> None:
        self.engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver begins a transaction before the first write; IMMEDIATE queues for the lock instead of failing late.
    connection.isolation_level = "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
