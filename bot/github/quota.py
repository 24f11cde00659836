"""What may be sent now: GitHub's limits of one installation, kept from our side before GitHub has to.

Limits from GitHub's "Rate limits for the REST API": content creation 80/min and 500/h, 900 points/min (a read is 1,
a write is 5; GraphQL has 2,000 of its own), 100 requests at once. A part of each is left to people and other apps.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.github.errors import Limited

CONTENT_MINUTE = 72
CONTENT_HOUR = 460
POINTS_MINUTE = 860
GRAPHQL_MINUTE = 1900
AT_ONCE = 60
READ, WRITE = 1, 5


@dataclass
class Window:
    """At most `limit` in any `span` seconds."""

    span: float
    limit: int
    spent: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def wait(self, now: float, cost: int) -> float:
        """Seconds until `cost` fits; 0 when it does now."""
        while self.spent and self.spent[0][0] <= now - self.span:
            self.total -= self.spent.popleft()[1]
        if self.total + cost <= self.limit:
            return 0.0
        over = self.total + cost - self.limit
        for at, amount in self.spent:
            over -= amount
            if over <= 0:
                return max(at + self.span - now, 0.05)
        return self.span

    def take(self, now: float, cost: int) -> None:
        """Count `cost` as sent."""
        self.spent.append((now, cost))
        self.total += cost


class Quota:
    """The broker of one installation. Thread-safe; `clock` is seconds since the epoch."""

    def __init__(
        self,
        clock: Callable[[], float],
        created: tuple[float, ...] = (),
        on_request: Callable[[], None] = lambda: None,
        on_create: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._points = Window(60, POINTS_MINUTE)
        self._graphql = Window(60, GRAPHQL_MINUTE)
        self._content = (Window(60, CONTENT_MINUTE), Window(3600, CONTENT_HOUR))
        for at in sorted(created):
            for window in self._content:
                window.take(at, 1)
        self._blocked_until = 0.0
        self._backoff = 0.0
        self._on_request = on_request
        self._on_create = on_create

    @contextmanager
    def request(self, *, write: bool, creates: int = 0, graphql: bool = False) -> Iterator[None]:
        """Around one request; raises `Limited` when it must not be sent now. `creates` counts created content.

        GraphQL has points of its own; created content counts in both.
        """
        cost = WRITE if write else READ
        points = self._graphql if graphql else self._points
        with self._lock:
            now = self._clock()
            if now < self._blocked_until:
                raise Limited("GitHub asked us to wait", self._blocked_until - now)
            wait = points.wait(now, cost)
            reason = "requests per minute"
            for window in self._content:
                if creates and (more := window.wait(now, creates)) > wait:
                    wait, reason = more, f"creations per {'minute' if window.span == 60 else 'hour'}"
            if wait > 0:
                raise Limited(f"GitHub's limit of {reason} is used up by our own requests", wait)
            points.take(now, cost)
            for window in self._content:
                if creates:
                    window.take(now, creates)
        if not self._slots.acquire(timeout=30):
            raise Limited("too many requests to GitHub at once", 5)
        try:
            yield
            self._on_request()
            for _ in range(creates):
                self._on_create()
        finally:
            self._slots.release()

    def answered(self, status: int, headers: Mapping[str, object], message: str) -> float | None:
        """Learn from an answer. Seconds to wait when it was a limit, None when it was not.

        Order from GitHub's documentation: `retry-after`, else `x-ratelimit-reset` when nothing remains, else at
        least a minute, doubled each time.
        """
        now = self._clock()
        limited = status == 429 or (status in (403, 200, 422) and _is_limit(message))
        remaining, reset = headers.get("x-ratelimit-remaining"), headers.get("x-ratelimit-reset")
        if not limited and not (status == 403 and remaining == "0"):
            with self._lock:
                if status < 400:
                    self._backoff = 0.0
            return None
        retry_after = headers.get("retry-after")
        with self._lock:
            if retry_after is not None and str(retry_after).isdigit():
                wait = float(str(retry_after))
            elif remaining == "0" and reset is not None:
                wait = max(float(str(reset)) - now, 1.0)
            else:
                self._backoff = min(max(self._backoff * 2, 60.0), 3600.0)
                wait = self._backoff
            self._blocked_until = max(self._blocked_until, now + wait)
        return wait


def _is_limit(message: str) -> bool:
    lower = message.lower()
    return any(
        sign in lower
        for sign in ("rate limit", "submitted too quickly", "abuse detection", "please wait a few minutes")
    )
