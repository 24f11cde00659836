"""Small values that events, actions and states share."""

from __future__ import annotations

from typing import Literal

from planner.model import Value


class Usage(Value):
    """What model calls cost. Tokens as counted by the provider, dollars by our price list."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    dollars: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            dollars=self.dollars + other.dollars,
        )


class CommandResult(Value):
    """One trusted command, run in a fresh sandbox on a fresh checkout of a commit."""

    command: str
    exit_code: int
    output: str
    """head and tail, cleaned, at most a few thousand characters"""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


class CheckFailure(Value):
    """A check that ended red, with the part of its log that a worker needs."""

    name: str
    excerpt: str
    url: str = ""


class ReviewComment(Value):
    """One review comment on a line. `id` is the REST database id; replies go to it."""

    id: int
    path: str
    line: int | None
    body: str
    hunk: str = ""
    thread: str | None = None
    """GraphQL node id of the thread"""


class Report(Value):
    """What a worker says it did. Claims, not facts: what matters is measured again by the trusted side."""

    summary: str
    done: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    follow_ups: tuple[str, ...] = ()


class Diffstat(Value):
    files: tuple[str, ...] = ()
    added: int = 0
    deleted: int = 0

    @property
    def lines(self) -> int:
        return self.added + self.deleted


class Goal(Value):
    """What a node is for: a snapshot, taken when it was declared."""

    title: str
    body: str
    acceptance: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()


class TrainItem(Value):
    """One pull request that waits to land on a branch."""

    node: str
    """key of the task or planner node that owns it"""
    kind: Literal["task", "planner"]
    pull: int
    branch: str
    sha: str
    title: str
    files: tuple[str, ...] = ()
    """what it changes, to name the rivals of a conflict"""
    answers_review: bool = False
    """it answers a review of the slice's open pull request, so it may land while the train is held"""


class ChildView(Value):
    """A child as its planner, the judge and people see it."""

    id: str
    kind: Literal["task", "planner"]
    title: str
    state: str
    number: int | None = None
    pull: int | None = None
    paths: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    attempts: int = 0
    reason: str | None = None
    report: Report | None = None
    lines: int = 0
