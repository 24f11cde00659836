"""Waking a queue at once instead of at its next poll."""

from __future__ import annotations

import threading
import time

SOON_S = 0.012
"""DBOS frees a place in its queue a few milliseconds after our code has returned"""


class Wake:
    """Stands where DBOS's queue worker expects the event that stops it, and decides how long it waits between polls.

    It polls at once when this process put something into the queue, and soon while something waits and a place is
    free; pauses double as long as that finds nothing. Otherwise it keeps to the queue's own interval, which alone
    finds what other processes put there.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._condition = threading.Condition()
        self._stopped = False
        self._at: float | None = None
        self._waiting = 0
        self._running = 0
        self._fruitless = 0

    def added(self, count: int = 1) -> None:
        """This process put `count` runs into the queue."""
        with self._condition:
            self._waiting += count
            self._poke(0.0)

    def began(self) -> None:
        """A run took a place."""
        with self._condition:
            self._waiting = max(0, self._waiting - 1)
            self._running += 1
            self._fruitless = 0

    def ended(self) -> None:
        """A run is about to leave its place."""
        with self._condition:
            self._running -= 1
            if self._waiting:
                self._poke(SOON_S)

    def _poke(self, after_s: float) -> None:
        when = time.monotonic() + after_s
        self._fruitless = 0
        if self._at is None or when < self._at:
            self._at = when
            self._condition.notify_all()

    def set(self) -> None:
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def is_set(self) -> bool:
        return self._stopped

    def wait(self, timeout: float) -> bool:
        """True if it was stopped; False when it is time to poll."""
        with self._condition:
            if self._waiting and self._running < self._places:
                soon = SOON_S * 2**self._fruitless
                self._fruitless += 1
                if soon >= timeout:
                    self._waiting = 0  # another process must have taken them
                timeout = min(timeout, soon)
            end = time.monotonic() + timeout
            while not self._stopped:
                until = end if self._at is None else min(end, self._at)
                left = until - time.monotonic()
                if left <= 0:
                    self._at = None
                    return False
                self._condition.wait(left)
            return True
