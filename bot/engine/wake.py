"""Waking a queue at once instead of at its next poll."""

from __future__ import annotations

import threading

FIRST_PAUSE_S = 0.008


class Wake:
    """Stands where DBOS's queue worker expects the event that stops it; being poked ends the wait between two polls.

    After a poke the pauses grow from 8 ms to the queue's own interval, because what freed a place in the queue is
    recorded by DBOS a few milliseconds after our code has returned. An idle queue polls at its interval alone.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._stopped = False
        self._poked = False
        self._pause = FIRST_PAUSE_S

    def poke(self) -> None:
        with self._condition:
            self._poked = True
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
            if not self._poked and not self._stopped:
                self._condition.wait(min(timeout, self._pause))
            self._pause = FIRST_PAUSE_S if self._poked else min(timeout, self._pause * 2)
            self._poked = False
            return self._stopped
