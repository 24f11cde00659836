"""The locks of repositories, and the one order in which locks are taken: the repository's, then the database's."""

from __future__ import annotations

import threading
from collections.abc import Callable


class RepoLock:
    """Held from looking at refs to having told of their change. A thread may take it again while it has it.

    Whoever asks for it inside a transaction without having it would one day wait for a thread that waits for the
    database: that is an error at once, whether anybody waits or not.
    """

    def __init__(self, writing: Callable[[], bool]) -> None:
        self._lock = threading.RLock()
        self._writing = writing
        self._holder: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._holder != me and self._writing():
            raise RuntimeError("a repository's lock is taken before the transaction, not inside it")
        self._lock.acquire()
        self._holder = me
        self._depth += 1

    def now(self) -> bool:
        """Enter it if nobody else is inside: true when it has been entered."""
        me = threading.get_ident()
        if (self._holder != me and self._writing()) or not self._lock.acquire(blocking=False):
            return False
        self._holder = me
        self._depth += 1
        return True

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._holder = None
        self._lock.release()


class RepoLocks:
    """One lock a repository; `writing` tells whether the calling thread is inside a transaction."""

    def __init__(self, writing: Callable[[], bool]) -> None:
        self._writing = writing
        self._guard = threading.Lock()
        self._locks: dict[int, RepoLock] = {}

    def of(self, repo_id: int) -> RepoLock:
        with self._guard:
            return self._locks.setdefault(repo_id, RepoLock(self._writing))
