"""What people and GitHub do."""

from __future__ import annotations

from typing import Literal

from planner.facts import ReviewComment
from planner.model import Person, Scope, Value
from planner.policy import RepoConfig


class RootLabeled(Value):
    """The label was put on an issue. Goes to the (perhaps new) tree."""

    type: Literal["root_labeled"] = "root_labeled"
    scope: Scope
    issue_id: int
    title: str
    body: str
    by: Person


class ConfigRead(Value):
    """The repository's configuration and the branch that work goes to."""

    type: Literal["config_read"] = "config_read"
    config: RepoConfig
    target: str
    target_sha: str


class ConfigInvalid(Value):
    """One sentence per mistake: file, line, field and the accepted values."""

    type: Literal["config_invalid"] = "config_invalid"
    problems: tuple[str, ...]


class Approved(Value):
    """A person approved the preview with this hash (`None`: the newest, by command)."""

    type: Literal["approved"] = "approved"
    by: Person
    plan_hash: str | None


class Said(Value):
    """A comment addressed to the bot. On a planner it redirects; on a parked node it is the answer."""

    type: Literal["said"] = "said"
    by: Person
    number: int
    """the issue or pull request it stands on"""
    comment_id: int
    words: str


class RetryAsked(Value):
    type: Literal["retry_asked"] = "retry_asked"
    by: Person


class Reviewed(Value):
    """A submitted review on a pull request of ours. Approval is bound to `sha`."""

    type: Literal["reviewed"] = "reviewed"
    by: Person
    pull: int
    review_id: int
    state: Literal["approved", "changes_requested", "commented", "dismissed"]
    sha: str
    body: str
    comments: tuple[ReviewComment, ...] = ()


class PullMerged(Value):
    """GitHub says merged: by us, by a person's click, or because the head became reachable."""

    type: Literal["pull_merged"] = "pull_merged"
    pull: int
    merge_sha: str


class PullClosed(Value):
    """Closed without merging."""

    type: Literal["pull_closed"] = "pull_closed"
    pull: int
    by: Person | None = None


class IssueClosed(Value):
    type: Literal["issue_closed"] = "issue_closed"
    number: int
    by: Person | None = None


class InstallationChanged(Value):
    """To the installation, which tells its trees."""

    type: Literal["installation_changed"] = "installation_changed"
    state: Literal["active", "suspended", "removed"]
