"""What one installation or user has used of a limit: in fixed windows, and in the last seconds."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MOMENT = 0.05  # seconds that are counted as one


@dataclass
class Window:
    """A fixed window, as GitHub's primary limit is: it starts with the first request and ends at `reset`."""

    used: int = 0
    reset: float = 0.0


@dataclass
class Recent:
    """What was counted in the last `seconds`, and its sum, so that a request costs the same after a thousand others."""

    entries: deque[tuple[float, float]] = field(default_factory=deque)
    total: float = 0.0

    def forget(self, before: float, after: float) -> None:
        """Drop what is older than `before`; and what is newer than `after`: the clock was set back."""
        entries = self.entries
        while entries and (entries[0][0] <= before or entries[0][0] > after):
            self.total -= entries.popleft()[1]
        if not entries:
            self.total = 0.0

    def add(self, now: float, amount: float) -> None:
        self.entries.append((now, amount))
        self.total += amount

    def blend(self, now: float, amount: float) -> None:
        """Add to what was counted in the same moment: thousands of requests a second take no room."""
        last = self.entries[-1] if self.entries else (0.0, 0.0)
        if 0 <= now - last[0] < MOMENT:
            self.entries[-1] = (last[0], last[1] + amount)
            self.total += amount
        else:
            self.add(now, amount)


@dataclass
class Bucket:
    primary: dict[str, Window] = field(default_factory=dict)
    recent: dict[str, Recent] = field(default_factory=dict)
    active: int = 0


def current(bucket: Bucket, resource: str, now: float) -> Window:
    window = bucket.primary.get(resource)
    if window is None or window.reset <= now:
        window = bucket.primary[resource] = Window(0, float(int(now) + (60 if resource == "search" else 3600)))
    return window


def recent(bucket: Bucket, name: str, now: float, seconds: float) -> Recent:
    """What was counted in the last `seconds`, older entries dropped."""
    found = bucket.recent.get(name)
    if found is None:
        found = bucket.recent[name] = Recent()
    found.forget(now - seconds, now + 1)
    return found


def wait(recent: Recent, now: float, seconds: float) -> float:
    return recent.entries[0][0] + seconds - now + 1 if recent.entries else seconds
