"""What aggregates tell each other."""

from __future__ import annotations

from typing import Literal

from planner.facts import CheckFailure, ChildView, Goal, Report, ReviewComment, TrainItem, Usage
from planner.model import Address, Person, Scope, Value
from planner.policy import RepoConfig


class BeginPlanner(Value):
    type: Literal["begin_planner"] = "begin_planner"
    scope: Scope
    config: RepoConfig
    goal: Goal
    parent: str | None
    """key of the parent planner; None at the root"""
    id: str
    depth: int
    number: int
    issue_id: int
    target: str
    started_by: Person


class BeginTask(Value):
    type: Literal["begin_task"] = "begin_task"
    scope: Scope
    config: RepoConfig
    goal: Goal
    parent: str
    id: str
    number: int
    issue_id: int | None
    """None: the task lives in its planner's own issue (a plan of one task)"""
    base: str
    """branch that its pull request goes to"""
    lands_on_target: bool
    waits_for: tuple[str, ...]
    priority: int
    started_by: Person


class DependencyMet(Value):
    type: Literal["dependency_met"] = "dependency_met"
    id: str
    report: Report | None = None


class GoalChanged(Value):
    type: Literal["goal_changed"] = "goal_changed"
    goal: Goal
    reason: str


class CancelAsked(Value):
    type: Literal["cancel_asked"] = "cancel_asked"
    reason: str


class ReviseAsked(Value):
    """Review comments on the slice's pull request that concern this landed task."""

    type: Literal["revise_asked"] = "revise_asked"
    review_id: int
    by: Person
    body: str
    comments: tuple[ReviewComment, ...]


class ChildChanged(Value):
    """A child tells its planner what it is now."""

    type: Literal["child_changed"] = "child_changed"
    view: ChildView
    files: tuple[str, ...] = ()
    landed_sha: str | None = None
    revised: int | None = None
    """review id that this landing answers"""
    wake: bool = False
    """the planner should plan its next round"""


class ReachedTarget(Value):
    """The slice's change is on the target branch: the task's issue can close."""

    type: Literal["reached_target"] = "reached_target"
    pull: int


class DispatchAsked(Value):
    """A task is ready for an attempt."""

    type: Literal["dispatch_asked"] = "dispatch_asked"
    node: str
    paths: tuple[str, ...]
    priority: int
    order: int
    """number of the issue: older first"""


class DispatchWithdrawn(Value):
    type: Literal["dispatch_withdrawn"] = "dispatch_withdrawn"
    node: str


class Dispatched(Value):
    type: Literal["dispatched"] = "dispatched"


class SlotFreed(Value):
    """An attempt of this node is over."""

    type: Literal["slot_freed"] = "slot_freed"
    node: str
    usage: Usage


class Spent(Value):
    """A planner's or judge's usage, for the tree's ledger."""

    type: Literal["spent"] = "spent"
    usage: Usage


class FilingAsked(Value):
    """A planner wants to file children: the tree's cap on issues decides."""

    type: Literal["filing_asked"] = "filing_asked"
    node: str
    turn: int
    count: int


class FilingAnswered(Value):
    type: Literal["filing_answered"] = "filing_answered"
    turn: int
    granted: bool
    reason: str = ""


class LandAsked(Value):
    """To a train: this pull request may land."""

    type: Literal["land_asked"] = "land_asked"
    scope: Scope
    branch: str
    target: str
    """the repository's target branch"""
    mode: Literal["slice", "target"]
    method: Literal["merge", "squash", "rebase"]
    test: str | None
    item: TrainItem


class RefreshAsked(Value):
    """To a slice's train: bring the slice up to date with the target, where `ids` have arrived."""

    type: Literal["refresh_asked"] = "refresh_asked"
    scope: Scope
    branch: str
    target: str
    planner: str
    """key of the slice's planner"""
    method: Literal["merge", "squash", "rebase"]
    test: str | None
    ids: tuple[str, ...]


class SliceRefreshed(Value):
    """The slice holds what `ids` brought to the target; with `reason` it could not be done."""

    type: Literal["slice_refreshed"] = "slice_refreshed"
    sha: str
    ids: tuple[str, ...]
    reason: str = ""


class TrainHeld(Value):
    """A part of the slice is with people: nothing lands on it but answers to their review."""

    type: Literal["train_held"] = "train_held"
    held: bool


class LandWithdrawn(Value):
    type: Literal["land_withdrawn"] = "land_withdrawn"
    node: str


class Landed(Value):
    type: Literal["landed"] = "landed"
    pull: int
    sha: str


class LandRefused(Value):
    """The train sends it back. `rivals`: nodes whose landed changes it conflicts with, newest last."""

    type: Literal["land_refused"] = "land_refused"
    pull: int
    cause: Literal["conflict", "red", "stale", "refused"]
    reason: str
    failures: tuple[CheckFailure, ...] = ()
    rivals: tuple[str, ...] = ()
    base_sha: str = ""


class RivalWork(Value):
    """A landed task's own account, for the resolver of a conflict with it."""

    type: Literal["rival_work"] = "rival_work"
    node: str
    goal: Goal
    report: Report | None
    patch: str


class RivalAsked(Value):
    type: Literal["rival_asked"] = "rival_asked"
    reply_to: Address


class TreeEnded(Value):
    type: Literal["tree_ended"] = "tree_ended"
    outcome: Literal["done", "stopped"]
