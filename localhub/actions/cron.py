"""The five fields of `schedule`: when a cron line is due. No I/O; times are UTC, to the minute."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache

_MONTHS = {
    name: at
    for at, name in enumerate(["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], 1)
}
_DAYS = {name: at for at, name in enumerate(["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])}
_FIELDS: tuple[tuple[int, int, dict[str, int]], ...] = (
    (0, 59, {}), (0, 23, {}), (1, 31, {}), (1, 12, _MONTHS), (0, 6, _DAYS),
)  # fmt: skip
_PART = re.compile(r"^(\*|[A-Z0-9]+)(?:-([A-Z0-9]+))?(?:/(\d+))?$")
_FAR = timedelta(days=40)


class CronError(ValueError):
    """A line that is no schedule."""


@lru_cache(maxsize=256)
def fields(line: str) -> tuple[frozenset[int], ...]:
    """The minutes, hours, days, months and weekdays of a line."""
    words = line.upper().split()
    if len(words) != len(_FIELDS):
        raise CronError(f"'{line}' has not five fields")
    return tuple(_field(word, *facts) for word, facts in zip(words, _FIELDS, strict=True))


def _field(word: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        match = _PART.match(part)
        if match is None:
            raise CronError(f"'{part}' is no part of a schedule")
        first, last, step = match[1], match[2], int(match[3] or 1)
        try:
            start = low if first == "*" else names[first] if first in names else int(first)
            end = (names[last] if last in names else int(last)) if last else high if first == "*" or match[3] else start
        except ValueError:
            raise CronError(f"'{part}' is no part of a schedule") from None
        if not low <= start <= end <= high or step < 1:
            raise CronError(f"'{part}' is not within {low}-{high}")
        found.update(range(start, end + 1, step))
    return frozenset(found)


def matches(line: str, moment: datetime) -> bool:
    """Whether the line is due at this minute; of day and weekday one suffices when both are given (POSIX)."""
    minutes, hours, days, months, weekdays = fields(line)
    words = line.split()
    day, weekday = moment.day in days, (moment.weekday() + 1) % 7 in weekdays
    due = day or weekday if words[2] != "*" and words[4] != "*" else day and weekday
    return moment.minute in minutes and moment.hour in hours and moment.month in months and due


def due(line: str, after: datetime, until: datetime) -> bool:
    """Whether the line was due at some minute after `after` and not after `until`."""
    minute = max(after, until - _FAR).replace(second=0, microsecond=0) + timedelta(minutes=1)
    while minute <= until:
        if matches(line, minute):
            return True
        minute += timedelta(minutes=1)
    return False
