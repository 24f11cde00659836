"""The time, which tests drive through `/_localhub/clock`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class Clock:
    """Real time plus an offset, or a frozen moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta()
        self._frozen: datetime | None = None
        self._watchers: list[Callable[[], None]] = []

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever somebody has turned the clock."""
        self._watchers.append(watcher)

    def _turned(self) -> None:
        for watcher in self._watchers:
            watcher()

    def now(self) -> datetime:
        with self._lock:
            return self._frozen or datetime.now(UTC) + self._offset

    def timestamp(self) -> float:
        """`now` in seconds, ten times as quick: every request asks for it often."""
        if self._frozen or self._offset:
            return self.now().timestamp()
        return time.time()

    def advance(self, seconds: float) -> None:
        with self._lock:
            if self._frozen:
                self._frozen += timedelta(seconds=seconds)
            else:
                self._offset += timedelta(seconds=seconds)
        self._turned()

    def set(self, moment: datetime) -> None:
        with self._lock:
            if self._frozen:
                self._frozen = moment
            else:
                self._offset = moment - datetime.now(UTC)
        self._turned()

    def freeze(self) -> None:
        moment = self.now()
        with self._lock:
            self._frozen = moment

    def thaw(self) -> None:
        with self._lock:
            if self._frozen:
                self._offset, self._frozen = self._frozen - datetime.now(UTC), None

    def state(self) -> dict[str, str | float]:
        with self._lock:
            if self._frozen:
                return {"frozen": self._frozen.isoformat()}
            return {"offset": self._offset.total_seconds()}

    def restore(self, state: dict[str, str | float]) -> None:
        with self._lock:
            frozen = state.get("frozen")
            self._frozen = datetime.fromisoformat(str(frozen)) if frozen else None
            self._offset = timedelta(seconds=float(state.get("offset", 0)))
        self._turned()


def iso(moment: datetime) -> str:
    """GitHub's date format: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_iso(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
