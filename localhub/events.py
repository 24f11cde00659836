"""The one event vocabulary: what happened, told once, from which webhooks and listeners follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhub.gitcore import Commit

WEBHOOKS: dict[str, tuple[str | None, ...]] = {
    "check_run": ("created", "completed", "rerequested", "requested_action"),
    "check_suite": ("requested", "completed", "rerequested"),
    "create": (None,),
    "delete": (None,),
    "fork": (None,),
    "installation": ("created", "deleted", "new_permissions_accepted", "suspend", "unsuspend"),
    "installation_repositories": ("added", "removed"),
    "issue_comment": ("created", "edited", "deleted"),
    "issue_dependencies": ("blocked_by_added", "blocked_by_removed", "blocking_added", "blocking_removed"),
    "issues": (
        "opened", "edited", "closed", "reopened", "labeled", "unlabeled", "assigned", "unassigned", "milestoned",
        "demilestoned", "locked", "unlocked", "pinned", "unpinned", "deleted", "typed", "untyped",
    ),
    "label": ("created", "edited", "deleted"),
    "milestone": ("created", "edited", "closed", "opened", "deleted"),
    "pull_request": (
        "opened", "edited", "closed", "reopened", "synchronize", "converted_to_draft", "ready_for_review",
        "auto_merge_enabled", "auto_merge_disabled", "review_requested", "review_request_removed", "labeled",
        "unlabeled", "assigned", "unassigned", "milestoned", "demilestoned", "locked", "unlocked",
    ),
    "pull_request_review": ("submitted", "edited", "dismissed"),
    "pull_request_review_comment": ("created", "edited", "deleted"),
    "pull_request_review_thread": ("resolved", "unresolved"),
    "push": (None,),
    "repository": (
        "created", "edited", "renamed", "transferred", "archived", "unarchived", "privatized", "publicized", "deleted",
    ),
    "repository_dispatch": (None,),
    "status": (None,),
    "sub_issues": ("sub_issue_added", "sub_issue_removed", "parent_issue_added", "parent_issue_removed"),
    "workflow_dispatch": (None,),
    "workflow_job": ("queued", "in_progress", "completed"),
    "workflow_run": ("requested", "in_progress", "completed"),
}  # fmt: skip
"""Every webhook that localhub may send, with its actions: nothing else is told. The contract suite provokes each."""

FREE_ACTIONS = {"repository_dispatch"}
"""Webhooks whose action is a word of the one who sent them."""


@dataclass(frozen=True)
class Wrote:
    """A text of an issue or pull request, or of a comment on it."""

    issue_id: int
    text: str | None


@dataclass(frozen=True)
class Pushed:
    """A branch or tag that moved; `before` or `after` is forty zeros when it was not or is not there."""

    ref: str
    before: str
    after: str
    forced: bool
    commits: tuple[Commit, ...]
    """What is new on a branch, oldest first."""


@dataclass(frozen=True)
class Event:
    """Something that happened, named as GitHub's webhook is.

    `told` gives the event's own keys, worked out when somebody wants them: most events are heard by nobody.
    """

    name: str
    action: str | None
    repo: int | None
    sender: int
    told: dict[str, Any] | Callable[[], dict[str, Any]] = field(default_factory=dict)
    app: int | None = None
    """Send it to this app only."""
    installation: int | None = None
    """Send it for this installation only, subscribed or not (installation, installation_repositories)."""
    wrote: Wrote | None = None
    """What somebody wrote, for who reads texts; never sent."""
    sha: str | None = None
    """The commit that was judged, for who waits for checks; never sent."""
    pull_id: int | None = None
    """The pull request that this is about, for who follows them; never sent."""
    pushed: Pushed | None = None
    """What a push moved, for who follows refs; never sent."""

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The event's own keys, as things are in its transaction, where it must be asked for first.

        Action, repository, organization, sender and installation are added when it is sent.
        """
        return self.told() if callable(self.told) else self.told

    def check(self) -> None:
        """Refuse a name or action that is not in the vocabulary: GitHub would not send it, or nobody proved it."""
        action = None if self.name in FREE_ACTIONS else self.action
        if action not in WEBHOOKS.get(self.name, ()):
            raise ValueError(f"unknown webhook {self.name} {self.action}: localhub.events.WEBHOOKS lists them all")


Listener = Callable[[Event], None]
