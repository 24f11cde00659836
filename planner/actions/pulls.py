"""Pull requests, their reviews and checks."""

from __future__ import annotations

from typing import Literal

from planner.actions.base import Base
from planner.facts import CommandResult, Diffstat, Goal, Report, ReviewComment
from planner.model import Value


class PullText(Value):
    """What a pull request says: rebuilt from the diff and trusted evidence at every push."""

    goal: Goal
    diff: Diffstat
    report: Report | None
    sha: str
    checks: Literal["waiting", "green", "red", "absent"]
    results: tuple[CommandResult, ...]
    attempts: int
    closes: tuple[int, ...] = ()
    """issues that its merge into the target closes"""
    part_of: int | None = None
    """the task's own issue, where another pull request closes it"""
    started_by: str
    tasks: tuple[tuple[int | None, int | None, str], ...] = ()
    """for a slice: (issue, pull request, title) of each task in it"""


class OpenPull(Base):
    """→ PullOpened. A draft; finds an open or merged one with this head and our marker first."""

    type: Literal["open_pull"] = "open_pull"
    head: str
    base: str
    title: str
    sha: str
    text: PullText


class UpdatePull(Base):
    """Rewrites the pull request's body."""

    type: Literal["update_pull"] = "update_pull"
    pull: int
    text: PullText


class MarkReady(Base):
    """Out of draft; asks `reviewer` where one is given."""

    type: Literal["mark_ready"] = "mark_ready"
    pull: int
    reviewer: str | None = None


class ClosePull(Base):
    type: Literal["close_pull"] = "close_pull"
    pull: int
    reason: str


class AnswerReview(Base):
    """A reply in each thread, threads resolved, the reviewer asked again."""

    type: Literal["answer_review"] = "answer_review"
    pull: int
    review_id: int
    reviewer: str
    comments: tuple[ReviewComment, ...]
    sha: str
    task_pull: int | None
    task_title: str


class WatchChecks(Base):
    """→ ChecksSettled | ChecksMissing, when CI on `sha` has settled; polled gently, woken by webhooks."""

    type: Literal["watch_checks"] = "watch_checks"
    sha: str
    event: Literal["pull_request", "push"]
    branch: str
    """the pull request's base, or the pushed branch"""


class MergePull(Base):
    """→ PullMerged | MergeRefused. By the merge API with `sha`; the deciding state is read again first."""

    type: Literal["merge_pull"] = "merge_pull"
    pull: int
    sha: str
    base_sha: str
    method: Literal["merge", "squash", "rebase"]
    title: str
