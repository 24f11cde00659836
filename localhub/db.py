"""SQLite behind one writer lock. The log is written before a commit returns, so an acknowledged write survives
`kill -9`; it is not forced to the disk (synchronous=NORMAL), so the last ones may not survive a loss of power.

Outside a transaction every thread reads through a connection of its own; inside `transaction()` the thread
reads and writes through the one writer connection, so it sees its own changes (`transactions.py`).
"""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

from localhub import statements
from localhub.transactions import Writer

Row = sqlite3.Row


class Database:
    """One database file; `rows`, `row`, `value` read, `insert`, `update`, `execute` write (in a transaction)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._writer = self._connect()
        self.writer = Writer(self._writer)
        self._flags = self.writer.flags
        self.transaction, self.joined, self.finish = self.writer.transaction, self.writer.joined, self.writer.finish
        self.after_commit, self.at_commit, self.watch = (
            self.writer.after_commit, self.writer.at_commit, self.writer.watch,
        )  # fmt: skip
        try:
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._writer.execute("PRAGMA synchronous=NORMAL")
            self._writer.execute("PRAGMA wal_autocheckpoint=16000")  # pages: what changes often is copied once
            self._writer.execute("PRAGMA temp_store=MEMORY")  # what a statement of many rows could be taken back by
            self._apply_schema()
        except BaseException:
            self._writer.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, timeout=30, cached_statements=512
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-16000")
        return connection

    def _apply_schema(self) -> None:
        """Run each file of `schema/` once, in the order of the names; what ran is recorded."""
        self._writer.execute("CREATE TABLE IF NOT EXISTS schema_files (name TEXT PRIMARY KEY)")
        done = {row["name"] for row in self._writer.execute("SELECT name FROM schema_files")}
        files = sorted((Path(__file__).parent / "schema").glob("*.sql"))
        unknown = sorted(done - {file.name for file in files})
        if unknown:
            newest = unknown[-1]
            raise ValueError(f"a newer localhub has written it ({newest}): use that one, or another directory")
        for file in files:
            if file.name not in done:
                self._writer.executescript(
                    f"BEGIN;\n{file.read_text()}\nINSERT INTO schema_files VALUES ('{file.name}');\nCOMMIT;"
                )

    def _reading(self) -> sqlite3.Connection:
        if self._flags.writing or self._flags.joined:
            return self._writer
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._connect()
            reader.execute("PRAGMA query_only=ON")
            self._local.reader = reader
            with self._readers_lock:
                self._readers.append(reader)
        return reader

    @property
    def writing(self) -> bool:
        """True when this thread is inside a transaction."""
        return self._flags.writing

    @property
    def holding(self) -> bool:
        """True when this thread has the writer for itself, inside a transaction or between those of a group."""
        return self._flags.writing or self._flags.joined

    def _read(self, sql: str, args: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._reading().execute(sql, args)
        except OverflowError:  # a number of a request that no row can have: 64 bits find nothing either
            return self._reading().execute(sql, tuple(map(statements.fitting, args)))

    def rows(self, sql: str, *args: object) -> list[Row]:
        return self._read(sql, args).fetchall()

    def row(self, sql: str, *args: object) -> Row | None:
        result: Row | None = self._read(sql, args).fetchone()
        return result

    def get(self, table: str, id_: int) -> Row:
        """The row of `table` with this id, which must exist."""
        found = self.row(statements.by_id(table), id_)
        if found is None:
            raise LookupError(f"no row {id_} in {table}")
        return found

    def value(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, *args)
        return None if found is None else found[0]

    def execute(self, sql: str, *args: object) -> int:
        """Write, inside a transaction; the number of rows changed."""
        self._must_write()
        return self.writer.write(sql, args).rowcount

    def insert(self, table: str, **columns: object) -> int:
        """Insert a row and return its id."""
        self._must_write()
        return int(self.writer.write(statements.insert(table, *columns), tuple(columns.values())).lastrowid or 0)

    def made(self, table: str, **columns: object) -> Row:
        """Insert a row and return it."""
        return self.returned(statements.made(table, *columns), *columns.values())

    def changed(self, table: str, id_: int, **columns: object) -> Row:
        """Change columns of the row with this id, which must exist, and return it as it is then."""
        return self.returned(statements.changed(table, *columns), *columns.values(), id_)

    def returned(self, sql: str, *args: object) -> Row:
        """Execute a statement that writes one row and ends in RETURNING, and return it."""
        self._must_write()
        found = self.writer.write(sql, args).fetchall()
        if not found:
            raise LookupError(f"no row is written by {sql!r}")
        row: Row = found[0]
        return row

    def update(self, table: str, id_: int, **columns: object) -> None:
        """Change columns of the row with this id."""
        self._must_write()
        if columns:
            self.writer.write(statements.update(table, *columns), (*columns.values(), id_))

    def _must_write(self) -> None:
        if not self._flags.writing:
            raise RuntimeError("a write outside of a transaction: use `with hub.tx():`")

    def close(self) -> None:
        with self._readers_lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
        self.writer.close()
