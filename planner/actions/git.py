"""Branches and merges, by the trusted mirror."""

from __future__ import annotations

from typing import ClassVar, Literal

from planner.actions.base import Base, Queue
from planner.facts import TrainItem


class EnsureBranch(Base):
    """→ BranchReady. The branch at the target's head unless it exists already."""

    type: Literal["ensure_branch"] = "ensure_branch"
    branch: str
    source: str


class DeleteBranch(Base):
    """By a push, which costs no REST points."""

    queue: ClassVar[Queue] = "git"
    type: Literal["delete_branch"] = "delete_branch"
    branch: str


class BuildCandidate(Base):
    """→ CandidateBuilt. `--no-ff` merges of the items on the branch's head, pushed as `train`.

    With `target` that branch's head is merged first: the slice is brought up to date.
    """

    queue: ClassVar[Queue] = "git"
    type: Literal["build_candidate"] = "build_candidate"
    round: int
    branch: str
    train: str
    items: tuple[TrainItem, ...]
    target: str | None = None


class MoveBranch(Base):
    """→ BranchMoved | MoveRefused. A fast-forward push from `expect` to `sha`."""

    queue: ClassVar[Queue] = "git"
    type: Literal["move_branch"] = "move_branch"
    branch: str
    expect: str
    sha: str


class PrepareHead(Base):
    """→ HeadPrepared. Merges the target's head into the pull request's branch when it is behind."""

    queue: ClassVar[Queue] = "git"
    type: Literal["prepare_head"] = "prepare_head"
    pull: int
    branch: str
    target: str
    sha: str
