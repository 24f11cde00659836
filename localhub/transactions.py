"""The one writer: its lock, its transactions, those that share a commit, and what is done when they are saved.

Transactions of requests that are answered together may share one commit (`joined`): none of them is acknowledged
before it, each can still fail by itself, and whoever else wants to write ends the group first. A member that fails
after it has written is rare, so nothing is kept by the page as for a savepoint: then all is taken back, and the writes
of the others are done again from their statements, with the same outcome, as nothing has been written in between.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType

from localhub import statements

Callback = Callable[[], None]
Write = tuple[str, Sequence[object]]


class _Flags(threading.local):
    """What the calling thread is doing."""

    writing = False
    """It is inside a transaction."""
    joined = False
    """Its transactions join a group."""


class Group:
    """Transactions that one commit saves, and what is to be done then: `committed` at once, `after` without lock."""

    def __init__(self) -> None:
        self.done = False
        self.error: BaseException | None = None
        self.after: list[Callback] = []
        self.committed: list[Callback] = []
        self.writes: list[Write] = []
        """What its members have written, in order."""


class Writer:
    """The connection that writes; a thread has it for itself while it is in a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.flags = _Flags()
        self.version = 0
        """Another one after each commit that changed a table of `watch`."""
        self.changed = False
        """A table of `watch` has been changed and not committed yet."""
        self._lock = threading.RLock()
        self._depth = 0
        self._after: list[Callback] = []
        self._committed: list[Callback] = []
        self._group: Group | None = None
        self._writes: list[Write] = []
        """What the member of a group that is under way has written."""
        self._transaction = _Transaction(self)

    def transaction(self) -> _Transaction:
        """A context: everything inside is saved together, or nothing is; a nested transaction joins the outer one."""
        return self._transaction

    @contextmanager
    def joined(self) -> Iterator[Callable[[], Group | None]]:
        """Transactions inside join the open group, or open one, which the result gives afterwards; None for none.

        Reads inside see what the group has written, so nothing that comes of them may be told, an error neither, before
        `finish(group)`, which the caller calls soon.
        """
        with self._lock:
            self.flags.joined = True
            try:
                yield lambda: self._group
            finally:
                self.flags.joined = False

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

    def after_commit(self, callback: Callback) -> None:
        """Run `callback` when the current transaction is on the disk; at once when there is none."""
        if self.flags.writing:
            self._after.append(callback)
        else:
            callback()

    def at_commit(self, callback: Callback) -> None:
        """Run `callback` when the transaction is on the disk and before the next one begins: in the order of commits.

        It must be quick and take no lock that is held around transactions.
        """
        if self.flags.writing:
            self._committed.append(callback)
        else:
            callback()

    def write(self, sql: str, args: Sequence[object]) -> sqlite3.Cursor:
        """Execute a statement that writes, the same each time: without the time of day or chance in its SQL."""
        cursor = self.connection.execute(sql, args)
        if self.flags.joined:
            self._writes.append((sql, args))
        return cursor

    def watch(self, tables: Mapping[str, Sequence[str]]) -> None:
        """Count changes of these tables, or only of these columns of theirs."""
        self.connection.create_function("watched_change", 0, self._note)
        for table, columns in tables.items():
            for trigger in statements.watch(table, columns, "watched_change"):
                self.connection.execute(trigger)

    def close(self) -> None:
        with self._lock:
            if self._group is not None:
                self._save(self._group)
        self.connection.close()

    def enter(self) -> None:
        """Begin a transaction, or note that this one is inside another."""
        self._lock.acquire()
        try:
            if not self._depth:
                if self._group is not None and not self.flags.joined:
                    self._save(self._group)
                if self._group is None:
                    self.connection.execute("BEGIN IMMEDIATE")
                self.flags.writing = True
            self._depth += 1
        except BaseException:
            self._lock.release()
            raise

    def leave(self, error: BaseException | None) -> None:
        """End it: saved (or left to its group) when there was no error, else taken back."""
        callbacks: list[Callback] = []
        try:
            if self._depth == 1:
                callbacks = self._end(error)
        finally:
            self._depth -= 1
            self._lock.release()
        for callback in callbacks:
            callback()

    def _end(self, error: BaseException | None) -> list[Callback]:
        after, committed, writes = self._after, self._committed, self._writes
        self._after, self._committed, self._writes = [], [], []
        try:
            if error is None and not self.flags.joined:
                self.connection.execute("COMMIT")
                self._settled()
        except BaseException:
            self._drop()
            raise
        finally:
            self.flags.writing = False
        if error is not None:
            if self._group is None:
                self._drop()
            elif writes or not self.connection.in_transaction:
                self._do_again(self._group, error)
            return []
        if not self.flags.joined:
            for callback in committed:
                callback()
            return after
        self._group = self._group or Group()
        self._group.after += after
        self._group.committed += committed
        self._group.writes += writes
        return []

    def _drop(self) -> None:
        self.changed = False
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")

    def _do_again(self, group: Group, error: BaseException) -> None:
        """Take everything back and write again what the others of the group wrote.

        The whole group is lost when SQLite has taken it back by itself (on a full disk, say) or takes it no more.
        """
        whole = self.connection.in_transaction
        self._drop()
        try:
            if not whole:
                raise error
            self.connection.execute("BEGIN IMMEDIATE")
            self._replay(group.writes)
        except BaseException as lost:  # noqa: BLE001 (told to those who wrote, by `finish`)
            self._drop()
            group.done, group.error, self._group = True, lost, None

    def _replay(self, writes: Iterable[Write]) -> None:
        for sql, args in writes:
            self.connection.execute(sql, args).fetchall()

    def _save(self, group: Group) -> None:
        self._group = None
        try:
            self.connection.execute("COMMIT")
            self._settled()
            for callback in group.committed:
                callback()
        except BaseException as error:  # noqa: BLE001 (told to those who wrote, by `finish`)
            group.error, self.changed = error, False
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        group.done = True

    def _note(self) -> None:
        self.changed = True

    def _settled(self) -> None:
        """After each commit, before the lock is given away."""
        if self.changed:
            self.version, self.changed = self.version + 1, False


class _Transaction:
    """The context of a writer's transactions, which keeps nothing itself."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        self._writer.enter()

    def __exit__(self, _kind: type | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        self._writer.leave(error)
