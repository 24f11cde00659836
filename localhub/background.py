"""Work beside requests: a small pool and timers, counted so that `/_localhub/quiet` can tell when nothing is left."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

log = logging.getLogger(__name__)


class Background:
    """`submit` runs now, `later` after real seconds; both are pending until they have ended."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=16, thread_name_prefix="localhub-background")
        self._pending: Counter[str] = Counter()
        self._condition = threading.Condition()
        self._timers: list[tuple[float, int, str, Callable[[], object]]] = []
        self._order = count()
        self._closed = False
        self._thread = threading.Thread(target=self._run_timers, name="localhub-timers", daemon=True)
        self._thread.start()

    def pending(self) -> dict[str, int]:
        with self._condition:
            return {kind: number for kind, number in self._pending.items() if number}

    def submit(self, kind: str, work: Callable[..., object], *args: object) -> None:
        with self._condition:
            if self._closed:
                return
            self._pending[kind] += 1
            self._pool.submit(self._run, kind, lambda: work(*args))

    def later(self, seconds: float, kind: str, work: Callable[..., object], *args: object) -> None:
        with self._condition:
            if self._closed:
                return
            self._pending[kind] += 1
            heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._order), kind, lambda: work(*args)))
            self._condition.notify_all()

    def _run(self, kind: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            log.exception("background work of kind %s failed", kind)
            raise
        finally:
            with self._condition:
                self._pending[kind] -= 1
                self._condition.notify_all()

    def _run_timers(self) -> None:
        while True:
            with self._condition:
                if self._closed:
                    return
                wait = self._timers[0][0] - time.monotonic() if self._timers else None
                if wait is None or wait > 0:
                    self._condition.wait(wait)
                    continue
                _, _, kind, work = heapq.heappop(self._timers)
                self._pool.submit(self._run, kind, work)

    def close(self) -> None:
        """Forget timers, finish what runs."""
        with self._condition:
            self._closed = True
            self._timers.clear()
            self._condition.notify_all()
        self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)
