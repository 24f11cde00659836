"""SQLite behind one writer lock. The log is written before a commit returns, so an acknowledged write survives
`kill -9`; it is not forced to the disk (synchronous=NORMAL), so the last ones may not survive a loss of power.

Outside a transaction every thread reads through a connection of its own; inside `transaction()` the thread
reads and writes through the one writer connection, so it sees its own changes.

Transactions of requests that are answered together may share one commit (`joined`): none of them is acknowledged
before it, each can still fail by itself, and whoever else wants to write ends the group first.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localhub import statements

Row = sqlite3.Row


class Group:
    """Transactions that one commit saves, and what is to be done then: `committed` at once, `after` without lock."""

    def __init__(self) -> None:
        self.done = False
        self.error: BaseException | None = None
        self.after: list[Callable[[], None]] = []
        self.committed: list[Callable[[], None]] = []


class Database:
    """One database file; `rows`, `row`, `value` read, `insert`, `update`, `execute` write (in a transaction)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._readers_lock = threading.Lock()
        self._writer = self._connect()
        self._depth = 0
        self._after: list[Callable[[], None]] = []
        self._committed: list[Callable[[], None]] = []
        self._group: Group | None = None
        self.version = 0
        """Another one after each commit that changed a table of `watch`."""
        self._changed = False
        try:
            self._writer.execute("PRAGMA journal_mode=WAL")
            self._writer.execute("PRAGMA synchronous=NORMAL")
            self._writer.execute("PRAGMA temp_store=MEMORY")  # what members of a group could be taken back by
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

    def watch(self, tables: Mapping[str, Sequence[str]]) -> None:
        """Count changes of these tables, or only of these columns of theirs."""
        self._writer.create_function("watched_change", 0, self._note)
        for table, columns in tables.items():
            for trigger in statements.watch(table, columns, "watched_change"):
                self._writer.execute(trigger)

    def _note(self) -> None:
        self._changed = True

    @property
    def unsettled(self) -> bool:
        """Whether this thread sees changes of watched tables that are not committed yet."""
        return self._changed and self._reading() is self._writer

    def _settled(self) -> None:
        """After each commit, before the lock is given away."""
        if self._changed:
            self.version, self._changed = self.version + 1, False

    def _reading(self) -> sqlite3.Connection:
        if self.holding:
            return self._writer
        reader: sqlite3.Connection | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = self._connect()
            reader.execute("PRAGMA query_only=ON")
            self._local.reader = reader
            with self._readers_lock:
                self._readers.append(reader)
        return reader

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is saved together, or nothing is; a nested transaction joins the outer one."""
        with self._lock:
            if self._depth:
                yield
                return
            if getattr(self._local, "joined", False):
                with self._member():
                    yield
                return
            if self._group is not None:
                self._save(self._group)
            self._writer.execute("BEGIN IMMEDIATE")
            self._depth, self._local.writing = 1, True
            try:
                yield
                self._writer.execute("COMMIT")
                self._settled()
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                self._changed = False
                self._after.clear()
                self._committed.clear()
                raise
            finally:
                self._depth, self._local.writing = 0, False
            callbacks, self._after = self._after, []
            committed, self._committed = self._committed, []
            for callback in committed:
                callback()
        for callback in callbacks:
            callback()

    @contextmanager
    def joined(self) -> Iterator[Callable[[], Group | None]]:
        """Transactions inside join the open group, or open one, which the result gives afterwards; None for none.

        Reads inside see what the group has written, so nothing that comes of them may be told, an error neither, before
        `finish(group)`, which the caller calls soon.
        """
        with self._lock:
            self._local.joined = True
            try:
                yield lambda: self._group
            finally:
                self._local.joined = False

    @contextmanager
    def _member(self) -> Iterator[None]:
        """A transaction of the group, which opens it or can be taken back alone; the lock is held."""
        group = self._group
        self._writer.execute("BEGIN IMMEDIATE" if group is None else "SAVEPOINT member")
        self._depth, self._local.writing = 1, True
        try:
            yield
            if group is not None:
                self._writer.execute("RELEASE member")
        except BaseException as error:
            self._after.clear()
            self._committed.clear()
            if group is not None and self._writer.in_transaction:
                self._writer.execute("ROLLBACK TO member")
                self._writer.execute("RELEASE member")
            elif group is None:
                self._changed = False
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
            else:  # a full disk, say: SQLite has taken everything back
                group.done, group.error, self._group, self._changed = True, error, None, False
            raise
        finally:
            self._depth, self._local.writing = 0, False
        if group is None:
            group = self._group = Group()
        group.after += self._after
        group.committed += self._committed
        self._after, self._committed = [], []

    def finish(self, group: Group) -> None:
        """Commit the group, if nobody has, and do what was to be done after it; raises why it could not be saved."""
        with self._lock:
            if not group.done:
                self._save(group)
        if group.error is not None:
            raise group.error
        callbacks, group.after = group.after, []
        for callback in callbacks:
            callback()

    def _save(self, group: Group) -> None:
        self._group = None
        try:
            self._writer.execute("COMMIT")
            self._settled()
            for callback in group.committed:
                callback()
        except BaseException as error:  # noqa: BLE001 (told to those who wrote, by `finish`)
            group.error, self._changed = error, False
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        group.done = True

    @property
    def writing(self) -> bool:
        """True when this thread is inside a transaction."""
        return bool(getattr(self._local, "writing", False))

    @property
    def holding(self) -> bool:
        """True when this thread has the writer for itself, inside a transaction or between those of a group."""
        return self.writing or bool(getattr(self._local, "joined", False))

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Run `callback` when the current transaction is on the disk; at once when there is none."""
        if self.writing:
            self._after.append(callback)
        else:
            callback()

    def _read(self, sql: str, args: tuple[object, ...]) -> sqlite3.Cursor:
        try:
            return self._reading().execute(sql, args)
        except OverflowError:  # a number of a request that no row can have: 64 bits find nothing either
            return self._reading().execute(sql, tuple(map(statements.fitting, args)))

    def at_commit(self, callback: Callable[[], None]) -> None:
        """Run `callback` when the transaction is on the disk and before the next one begins: in the order of commits.

        It must be quick and take no lock that is held around transactions.
        """
        if self.writing:
            self._committed.append(callback)
        else:
            callback()

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
        return self._writer.execute(sql, args).rowcount

    def insert(self, table: str, **columns: object) -> int:
        """Insert a row and return its id."""
        self._must_write()
        return int(self._writer.execute(statements.insert(table, *columns), tuple(columns.values())).lastrowid or 0)

    def insert_row(self, table: str, **columns: object) -> Row:
        """Insert a row and return all of it."""
        self._must_write()
        statement = statements.insert(table, *columns) + " RETURNING *"
        made: Row = self._writer.execute(statement, tuple(columns.values())).fetchall()[0]
        return made

    def update(self, table: str, id_: int, **columns: object) -> None:
        """Change columns of the row with this id."""
        self._must_write()
        if columns:
            self._writer.execute(statements.update(table, *columns), (*columns.values(), id_))

    def _must_write(self) -> None:
        if not self.writing:
            raise RuntimeError("a write outside of a transaction: use `with hub.tx():`")

    def close(self) -> None:
        with self._readers_lock:
            for reader in self._readers:
                reader.close()
            self._readers.clear()
        with self._lock:
            if self._group is not None:
                self._save(self._group)
        self._writer.close()
