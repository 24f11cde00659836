"""Everything a tree may ask for. `bot.perform` is the one place that does them; results return as events.

`key` is unique for ever and comes from the event that caused the action, so an action asked for twice is one.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.actions.agents import Brief, RunAttempt, RunJudge, RunPlanner, Verify, WakeAt
from planner.actions.base import Base, Queue
from planner.actions.git import BuildCandidate, DeleteBranch, EnsureBranch, MoveBranch, PrepareHead
from planner.actions.issues import (
    AnswerRedirect,
    CloseIssue,
    FileIssue,
    LinkDependency,
    PostPreview,
    React,
    ReadConfig,
    RefreshStatus,
    Say,
    SetLabels,
    UpdateIssue,
    Vet,
)
from planner.actions.pulls import (
    AnswerReview,
    ClosePull,
    MarkReady,
    MergePull,
    OpenPull,
    PullText,
    UpdatePull,
    WatchChecks,
)

Action = Annotated[
    Vet | ReadConfig | Say | PostPreview | RefreshStatus | AnswerRedirect | FileIssue | LinkDependency | UpdateIssue
    | CloseIssue | EnsureBranch | DeleteBranch | OpenPull | UpdatePull | MarkReady | ClosePull | AnswerReview
    | WatchChecks | Verify | RunPlanner | RunJudge | RunAttempt | BuildCandidate | MoveBranch | PrepareHead
    | MergePull | WakeAt | SetLabels | React,
    Field(discriminator="type"),
]  # fmt: skip

__all__ = [
    "Action",
    "AnswerRedirect",
    "AnswerReview",
    "Base",
    "Brief",
    "BuildCandidate",
    "CloseIssue",
    "ClosePull",
    "DeleteBranch",
    "EnsureBranch",
    "FileIssue",
    "LinkDependency",
    "MarkReady",
    "MergePull",
    "MoveBranch",
    "OpenPull",
    "PostPreview",
    "PrepareHead",
    "PullText",
    "Queue",
    "React",
    "ReadConfig",
    "RefreshStatus",
    "RunAttempt",
    "RunJudge",
    "RunPlanner",
    "Say",
    "SetLabels",
    "UpdateIssue",
    "UpdatePull",
    "Verify",
    "Vet",
    "WakeAt",
    "WatchChecks",
]
