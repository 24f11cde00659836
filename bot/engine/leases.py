"""Which processes are alive: a lease with an end for each; on SQLite a locked file too, for there is one process."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa
import structlog

from bot.store.database import Database, DatabaseError
from bot.store.tables import leases

log = structlog.get_logger("engine")

LEASE_S = 8.0
BEAT_S = 2.0


class Lease:
    """This process's right to act. A process that lost it must do no more effects: another has taken its work over."""

    def __init__(
        self, database: Database, clock: Callable[[], float], on_lost: Callable[[], None], lease_s: float = LEASE_S
    ) -> None:
        self._database = database
        self._clock = clock
        self._on_lost = on_lost
        self._lease_s = lease_s
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._renewed = 0.0
        self._lock_file: int | None = None
        # Never used before and never again: DBOS would give our own unfinished runs back to every namesake.
        self.executor = ""

    def acquire(self) -> None:
        """Takes the lowest free slot; on SQLite raises if another process has this database."""
        if self._database.is_sqlite:
            self._lock()
        now = self._clock()
        with self._database.write() as connection:
            if self._database.is_sqlite:
                connection.execute(leases.delete())  # we hold the lock: whoever had one is dead
            connection.execute(leases.delete().where(leases.c.expires <= now))
            taken = set(connection.execute(sa.select(leases.c.slot)).scalars())
            slot = next(number for number in range(1, len(taken) + 2) if number not in taken)
            self.executor = f"slot-{slot}-{uuid.uuid4().hex[:12]}"
            connection.execute(leases.insert().values(slot=slot, executor=self.executor, expires=now + self._lease_s))
        self._renewed = time.monotonic()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    def valid(self) -> bool:
        """Whether an effect may begin: true until the lease's end by our own monotonic clock, even after a pause."""
        if self._database.is_sqlite:
            return self._lock_file is not None
        return self.executor != "" and time.monotonic() - self._renewed < self._lease_s

    def alive(self) -> frozenset[str]:
        """Executors whose lease has not ended."""
        with self._database.read() as connection:
            found = connection.execute(sa.select(leases.c.executor).where(leases.c.expires > self._clock())).scalars()
            return frozenset(found) | {self.executor}

    def release(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)
            self._thread = None
        if self.executor:
            with self._database.write() as connection:
                connection.execute(leases.delete().where(leases.c.executor == self.executor))
            self.executor = ""
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    def _lock(self) -> None:
        path = Path(f"{self._database.url.database}.lock")
        self._lock_file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._lock_file)
            self._lock_file = None
            raise DatabaseError(
                f"another Branchwork process uses {self._database.url.database}. SQLite serves one process: "
                "stop the other, or set DATABASE_URL to a PostgreSQL database for several."
            ) from error

    def _beat(self) -> None:
        # On SQLite the file lock is the truth, and an idle process should not write to the disk.
        while not self._database.is_sqlite and not self._stop.wait(BEAT_S * self._lease_s / LEASE_S):
            began = time.monotonic()
            try:
                with self._database.write() as connection:
                    renewed = connection.execute(
                        leases.update()
                        .where(leases.c.executor == self.executor, leases.c.expires > self._clock())
                        .values(expires=self._clock() + self._lease_s)
                    ).rowcount
            except sa.exc.SQLAlchemyError as error:
                log.warning("lease not renewed", error=repr(error))
                renewed = 1 if self.valid() else 0
            else:
                self._renewed = began if renewed else self._renewed
            if not renewed and not self._stop.is_set():
                log.error("lease lost, another process takes over", executor=self.executor)
                self._on_lost()
                return
