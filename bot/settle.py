"""What the checks of a commit say together. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.github.values import CheckRun, CheckSuite, Status

GOOD = ("success", "neutral", "skipped")


@dataclass(frozen=True)
class Settled:
    """`none`: nothing has reported yet. `failed` and `bad_statuses` are what made it red."""

    verdict: Literal["none", "pending", "green", "red"]
    runs: int = 0
    failed: tuple[CheckRun, ...] = ()
    bad_statuses: tuple[Status, ...] = ()


def settle(suites: Sequence[CheckSuite], runs: Sequence[CheckRun], statuses: Sequence[Status]) -> Settled:
    """Green or red only when all that began has ended.

    GitHub makes a suite for every app that may write checks, whether or not it ever reports: a suite without runs
    counts only when it has a conclusion (a workflow file that does not parse gives a failed one).
    """
    count = len(runs) + len(statuses)
    dead = [s for s in suites if s.latest_check_runs_count == 0 and s.conclusion not in (None, *GOOD)]
    if not count and not dead:
        return Settled("none")
    busy = [s for s in suites if s.latest_check_runs_count > 0 and s.status != "completed"]
    open_runs = [r for r in runs if r.status != "completed"]
    if busy or open_runs or any(s.state == "pending" for s in statuses):
        return Settled("pending", count)
    failed = tuple(r for r in runs if r.conclusion not in GOOD)
    bad = tuple(s for s in statuses if s.state in ("failure", "error"))
    return Settled("red" if failed or bad or dead else "green", count, failed, bad)
