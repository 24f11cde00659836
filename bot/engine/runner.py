"""Threads that run turns: of one aggregate one at a time, of different aggregates side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable

import structlog

from planner.model import Address

log = structlog.get_logger("engine")


class Runner:
    """Turns wanted and running in this process. It only makes turns soon: that they happen at all is the sweep's care.

    An aggregate that is asked for while it waits is run once; one that is asked for while it runs is run again.
    """

    def __init__(self, threads: int) -> None:
        self._count = threads
        self._threads: list[threading.Thread] = []
        self._condition = threading.Condition()
        self._waiting: deque[Address] = deque()
        self._wanted: set[Address] = set()
        self._running: set[Address] = set()
        self._stopped = False

    def start(self, run: Callable[[Address], None]) -> None:
        for number in range(self._count):
            thread = threading.Thread(target=self._work, args=(run,), name=f"turns-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def want(self, addresses: Iterable[Address]) -> None:
        """Has each of them run soon."""
        with self._condition:
            for address in addresses:
                if address not in self._wanted:
                    self._wanted.add(address)
                    self._waiting.append(address)
            self._condition.notify_all()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Ends after the turns that are running; what waits stays in the inboxes."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()
        for thread in self._threads:
            thread.join(timeout=timeout_s)
        self._threads.clear()

    def _next(self) -> Address | None:
        with self._condition:
            while not self._stopped:
                for _ in range(len(self._waiting)):
                    address = self._waiting.popleft()
                    if address not in self._running:
                        self._wanted.discard(address)
                        self._running.add(address)
                        return address
                    self._waiting.append(address)
                self._condition.wait()
        return None

    def _work(self, run: Callable[[Address], None]) -> None:
        while (address := self._next()) is not None:
            try:
                run(address)
            except Exception as error:
                log.warning("turn not run, tried again by the sweep", aggregate=str(address), exc_info=error)
            finally:
                with self._condition:
                    self._running.discard(address)
                    self._condition.notify_all()
