"""Facts asked for, issues, comments and labels."""

from __future__ import annotations

from typing import Literal

from planner.actions.base import Base
from planner.facts import Goal
from planner.model import Address


class Vet(Base):
    """→ the real event(s), with the sender's permission read from the API and what the webhook left out fetched."""

    type: Literal["vet"] = "vet"
    to: Address
    fact: str
    """which kind of fact; `bot.intake` names them"""
    login: str
    facts: dict[str, object]


class ReadConfig(Base):
    """→ ConfigRead | ConfigInvalid. `label_profile`: overrides chosen by a `<label>-profile:<name>` label."""

    type: Literal["read_config"] = "read_config"


class Say(Base):
    """One comment, which notifies: only when a person must act or the tree ends. `text` names the sentence."""

    type: Literal["say"] = "say"
    number: int
    text: Literal["refused", "config_invalid", "question", "parked", "final", "help", "unknown_command"]
    facts: dict[str, str | int | float | list[str]] = {}


class PostPreview(Base):
    """→ PreviewPosted. A new comment with the plan, its cost and a box to tick."""

    type: Literal["post_preview"] = "post_preview"
    number: int
    plan_hash: str


class RefreshStatus(Base):
    """The one status comment of a planner's issue, edited in place; the performer reads the newest state."""

    type: Literal["refresh_status"] = "refresh_status"
    number: int


class AnswerRedirect(Base):
    """One comment that says child by child what is kept, changed, cancelled and added."""

    type: Literal["answer_redirect"] = "answer_redirect"
    number: int
    comment_id: int
    summary: str
    rows: tuple[tuple[Literal["keep", "change", "cancel", "add"], str, str], ...]
    """(what, title, reason)"""


class FileIssue(Base):
    """→ IssueFiled. Creates the sub-issue under `parent_number`, finding it by its marker first."""

    type: Literal["file_issue"] = "file_issue"
    child: str
    """key of the child node"""
    child_id: str
    kind: Literal["task", "planner"]
    parent_number: int
    parent_issue_id: int
    goal: Goal
    depends_on: tuple[str, ...] = ()


class LinkDependency(Base):
    """A native `blocked_by` link."""

    type: Literal["link_dependency"] = "link_dependency"
    number: int
    blocker_id: int


class UpdateIssue(Base):
    """A child's goal changed: its body is rewritten in place."""

    type: Literal["update_issue"] = "update_issue"
    number: int
    goal: Goal
    note: str


class CloseIssue(Base):
    """→ nothing. Already closed is fine. With `note`, the body's first line says why."""

    type: Literal["close_issue"] = "close_issue"
    number: int
    reason: Literal["completed", "not_planned"]
    note: str = ""


class SetLabels(Base):
    """Adds and removes the state labels of an issue."""

    type: Literal["set_labels"] = "set_labels"
    number: int
    state: Literal["planning", "running", "parked", "done"]


class React(Base):
    """Acknowledges a comment."""

    type: Literal["react"] = "react"
    comment_id: int
    content: Literal["eyes", "rocket", "confused"]
