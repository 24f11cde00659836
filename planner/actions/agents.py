"""Agents, what is run to prove their work, and timers."""

from __future__ import annotations

from typing import ClassVar, Literal

from planner.actions.base import Base, Queue
from planner.facts import Goal
from planner.model import Value
from planner.policy import Commands, Limits, RoleModel


class Verify(Base):
    """→ Verified."""

    queue: ClassVar[Queue] = "git"
    type: Literal["verify"] = "verify"
    sha: str
    commands: tuple[str, ...]


class RunPlanner(Base):
    """→ PlanAnswered | AgentFailed. `input` is the whole of what the planner is told, built fresh each turn."""

    queue: ClassVar[Queue] = "agents"
    type: Literal["run_planner"] = "run_planner"
    turn: int
    branch: str
    model: RoleModel
    input: dict[str, object]


class RunJudge(Base):
    """→ VerdictAnswered | AgentFailed. Acceptance commands are run on the head of `branch` first."""

    queue: ClassVar[Queue] = "agents"
    type: Literal["run_judge"] = "run_judge"
    turn: int
    branch: str
    target: str
    commands: tuple[str, ...]
    model: RoleModel
    input: dict[str, object]


class Brief(Value):
    """What one attempt is told. `context` are fenced blocks of Markdown, oldest first."""

    goal: Goal
    test: str | None
    attempt: int
    context: tuple[tuple[str, str], ...] = ()
    """(heading, text): predecessors' handoffs, CI log excerpts, review threads, both sides of a conflict"""


class RunAttempt(Base):
    """→ AttemptEnded. Workspace on the head of `base` (or of `branch` when it exists), agent, commit, push."""

    queue: ClassVar[Queue] = "agents"
    type: Literal["run_attempt"] = "run_attempt"
    attempt: int
    role: Literal["worker", "resolver"]
    base: str
    branch: str
    model: RoleModel
    brief: Brief
    limits: Limits
    commands: Commands
    protect: tuple[str, ...]
    trailers: tuple[str, ...]
    started_by: str


class WakeAt(Base):
    """→ Tick after `delay_s`."""

    queue: ClassVar[Queue] = "timer"
    type: Literal["wake_at"] = "wake_at"
    name: str
