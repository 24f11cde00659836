"""What checks say together."""

from __future__ import annotations

import pytest

from bot.github.values import CheckRun, CheckSuite, Status
from bot.settle import settle


def run(status: str = "completed", conclusion: str | None = "success", ident: int = 1) -> CheckRun:
    return CheckRun(id=ident, name=f"job {ident}", status=status, conclusion=conclusion)


def suite(count: int = 1, status: str = "completed", conclusion: str | None = "success") -> CheckSuite:
    return CheckSuite(id=1, status=status, conclusion=conclusion, latest_check_runs_count=count)


@pytest.mark.parametrize(
    ("suites", "runs", "statuses", "verdict"),
    [
        ([], [], [], "none"),
        ([suite(0, "queued", None)], [], [], "none"),
        ([suite()], [run()], [], "green"),
        ([suite()], [run(conclusion="skipped"), run(conclusion="neutral")], [], "green"),
        ([suite(1, "in_progress", None)], [run()], [], "pending"),
        ([suite()], [run("in_progress", None)], [], "pending"),
        ([suite()], [run(), run(conclusion="failure", ident=2)], [], "red"),
        ([suite()], [run(conclusion="cancelled")], [], "red"),
        ([suite(0, "completed", "failure")], [], [], "red"),
        ([suite(0, "queued", None)], [], [Status(context="ci", state="success")], "green"),
        ([], [], [Status(context="ci", state="pending")], "pending"),
        ([], [], [Status(context="ci", state="error")], "red"),
    ],
)
def test_settle(suites: list[CheckSuite], runs: list[CheckRun], statuses: list[Status], verdict: str) -> None:
    assert settle(suites, runs, statuses).verdict == verdict
