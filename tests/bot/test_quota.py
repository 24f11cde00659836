"""GitHub's limits, kept from our side. Time is driven."""

from __future__ import annotations

import pytest

from bot.github.errors import Limited
from bot.github.quota import CONTENT_HOUR, CONTENT_MINUTE, POINTS_MINUTE, WRITE, Quota


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def create(quota: Quota) -> None:
    with quota.request(write=True, creates=1):
        pass


def test_creations_a_minute_and_an_hour() -> None:
    clock = Clock()
    made: list[int] = []
    quota = Quota(clock, on_create=lambda: made.append(1))
    for _ in range(CONTENT_MINUTE):
        create(quota)
    with pytest.raises(Limited, match="creations per minute") as stopped:
        create(quota)
    assert stopped.value.retry_after == 60
    with quota.request(write=False):
        pass
    while len(made) < CONTENT_HOUR:
        clock.now += 61
        for _ in range(min(CONTENT_MINUTE, CONTENT_HOUR - len(made))):
            create(quota)
    clock.now += 61
    with pytest.raises(Limited, match="creations per hour"):
        create(quota)
    clock.now += 3600
    create(quota)


def test_a_restart_forgets_no_creation() -> None:
    clock = Clock()
    quota = Quota(clock, created=tuple(clock.now - 10 for _ in range(CONTENT_MINUTE)))
    with pytest.raises(Limited) as stopped:
        create(quota)
    assert stopped.value.retry_after == 50


def test_points_a_minute() -> None:
    clock = Clock()
    quota = Quota(clock)
    for _ in range(POINTS_MINUTE // WRITE):
        with quota.request(write=True):
            pass
    with pytest.raises(Limited, match="requests per minute"), quota.request(write=True):
        pass


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait"),
    [
        (429, {"retry-after": "30"}, "", 30),
        (403, {"retry-after": "7"}, "You have exceeded a secondary rate limit", 7),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1000100"}, "API rate limit exceeded", 100),
        (403, {}, "You have exceeded a secondary rate limit", 60),
        (422, {}, "was submitted too quickly", 60),
        (403, {"x-ratelimit-remaining": "100"}, "Resource not accessible by integration", None),
        (200, {}, "", None),
    ],
)
def test_what_answers_teach(status: int, headers: dict[str, object], message: str, wait: float | None) -> None:
    clock = Clock()
    quota = Quota(clock)
    assert quota.answered(status, headers, message) == wait
    if wait is None:
        create(quota)
        return
    with pytest.raises(Limited) as stopped:
        create(quota)
    assert stopped.value.retry_after == wait
    clock.now += wait
    create(quota)


def test_limits_without_a_word_on_time_double() -> None:
    quota = Quota(Clock())
    waits = [quota.answered(429, {}, "") for _ in range(8)]
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
