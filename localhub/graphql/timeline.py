"""The timeline of issues and pull requests: one class for each kind of event, with the fields of all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localhub import story
from localhub.closing import references
from localhub.gitcore import Commit as GitCommit
from localhub.graphql.accounts import User, account
from localhub.graphql.base import Connection, Object
from localhub.graphql.commits import Commit, Ref
from localhub.graphql.issues import Issue, IssueComment, Thread, thread
from localhub.graphql.repository import Label, Repository, repository
from localhub.graphql.reviews import PullRequestReview
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.graphql.base import Scope

_LOCKS = {"off-topic": "OFF_TOPIC", "too heated": "TOO_HEATED", "resolved": "RESOLVED", "spam": "SPAM"}


class TimelineEvent(Object):
    """An event; GitHub's type of it has a part of these fields."""

    COLUMNS = {"createdAt": "created_at", "referencedAt": "created_at"}

    def __init__(self, scope: Scope, row: Row) -> None:
        super().__init__(scope, row)
        self._data: Mapping[str, Any] = json.loads(row["data"])

    def id(self) -> str:
        return node_id("Event", self.row["id"])

    def actor(self) -> Any:
        return account(self.scope, self.row["actor_id"])

    def _subject(self) -> Any:
        return thread(self.scope, self.hub.db.get("issues", self.row["issue_id"]))

    closable = labelable = assignable = subject = lockable = issue = pullRequest = target = _subject

    def repository(self) -> Repository:
        found: Repository = self._subject().repository()
        return found

    def resourcePath(self) -> str:
        return f"{self._subject().resourcePath()}#event-{self.row['id']}"

    def url(self) -> str:
        return self._html(self.resourcePath())

    def stateReason(self) -> str | None:
        reason = self._data.get("state_reason")
        return None if reason is None else str(reason).upper()

    def closer(self) -> Any:
        """The pull request whose merge closed it, else the commit."""
        from localhub.graphql.pulls import PullRequest

        sha, issue = self._data.get("commit_id"), self.hub.db.get("issues", self.row["issue_id"])
        if sha is None or issue["is_pull"]:
            return None
        sql = "SELECT * FROM pulls WHERE repo_id = ? AND merge_commit_sha = ? AND merged"
        row = self.hub.db.row(sql, issue["repo_id"], sha)
        return PullRequest(self.scope, row) if row is not None else Commit.at(self.repository(), sha)

    def label(self) -> Label:
        """As it is now; a label deleted since is told of as it was."""
        known = self.hub.db.row(
            "SELECT * FROM labels WHERE repo_id = ? AND name = ?",
            self.repository().row["id"],
            self._data["label"]["name"],
        )
        if known is not None:
            return Label(self.scope, known)
        gone = {"id": 0, "repo_id": self.repository().row["id"], "description": None, "is_default": 0}
        return Label(self.scope, gone | self._data["label"])

    def assignee(self) -> Any:
        return account(self.scope, self._data["assignee_id"])

    def user(self) -> User | None:
        found = self.assignee()
        return found if isinstance(found, User) else None

    def currentTitle(self) -> str:
        return str(self._data["rename"]["to"])

    def previousTitle(self) -> str:
        return str(self._data["rename"]["from"])

    def lockReason(self) -> str | None:
        return _LOCKS.get(str(self._data.get("lock_reason")))

    def milestoneTitle(self) -> str:
        return str(self._data["milestone"]["title"])

    def _other(self, key: str) -> Issue | None:
        row = self.hub.db.row("SELECT * FROM issues WHERE id = ?", self._data[key])
        return None if row is None else Issue(self.scope, row)

    def subIssue(self) -> Issue | None:
        return self._other("sub_issue_id")

    def parent(self) -> Issue | None:
        return self._other("parent_issue_id")

    # -- mentions

    def _source(self) -> Row:
        return self.hub.db.get("issues", self._data["source"])

    def source(self) -> Any:
        return thread(self.scope, self._source())

    def isCrossRepository(self) -> bool:
        own = self.hub.db.get("issues", self.row["issue_id"])["repo_id"]
        return bool(own != (self._source()["repo_id"] if "source" in self._data else self._data.get("_repo", own)))

    def willCloseTarget(self) -> bool:
        source = self._source()
        if not source["is_pull"]:
            return False
        home, target = repository(self.scope, source["repo_id"]), self._subject()
        wanted = None if target.repository().row["id"] == home.row["id"] else target.repository().nameWithOwner()
        return (wanted, target.issue_row["number"]) in references(source["body"], home.nameWithOwner())

    isDirectReference = True

    def commitRepository(self) -> Repository:
        return repository(self.scope, self._data.get("_repo", self.repository().row["id"]))

    # -- pull requests

    def _commit(self, key: str, home: Repository | None = None) -> Commit | None:
        sha = self._data.get(key)
        return None if sha is None else Commit.at(home or self.repository(), sha)

    def commit(self) -> Commit | None:
        return self._commit("commit_id", self.commitRepository())

    def afterCommit(self) -> Commit | None:
        return self._commit("commit_id")

    def beforeCommit(self) -> Commit | None:
        return self._commit("_before")

    def mergeRefName(self) -> str:
        return str(self._subject().row["base_ref"])

    baseRefName = mergeRefName

    def mergeRef(self) -> Ref | None:
        ref: Ref | None = self._subject().baseRef()
        return ref

    def headRefName(self) -> str:
        return str(self._subject().row["head_ref"])

    def headRef(self) -> Ref | None:
        ref: Ref | None = self._subject().headRef()
        return ref

    ref = headRef

    def currentRefName(self) -> str:
        return str(self._data.get("_to") or self.mergeRefName())

    def previousRefName(self) -> str:
        return str(self._data.get("_from") or "")

    def requestedReviewer(self) -> Any:
        return account(self.scope, self._data["requested_reviewer_id"])

    def dismissalMessage(self) -> str | None:
        words: str | None = self._data["dismissed_review"].get("dismissal_message")
        return words

    def previousReviewState(self) -> str:
        return str(self._data["dismissed_review"]["state"]).upper()

    def review(self) -> PullRequestReview | None:
        row = self.hub.db.row("SELECT * FROM reviews WHERE id = ?", self._data["dismissed_review"]["review_id"])
        return None if row is None else PullRequestReview(self.scope, row)

    def enabler(self) -> User:
        # GitHub types this field as User, bots included.
        return User(self.scope, self.hub.db.get("accounts", self.row["actor_id"]))

    disabler = enabler

    def reason(self) -> str | None:
        words: str | None = self._data.get("_reason")
        return words

    reasonCode = None


_TYPES = {
    "closed": "ClosedEvent", "reopened": "ReopenedEvent", "labeled": "LabeledEvent",
    "unlabeled": "UnlabeledEvent", "assigned": "AssignedEvent", "unassigned": "UnassignedEvent",
    "renamed": "RenamedTitleEvent", "locked": "LockedEvent", "unlocked": "UnlockedEvent",
    "milestoned": "MilestonedEvent", "demilestoned": "DemilestonedEvent", "cross-referenced": "CrossReferencedEvent",
    "referenced": "ReferencedEvent", "sub_issue_added": "SubIssueAddedEvent",
    "sub_issue_removed": "SubIssueRemovedEvent", "parent_issue_added": "ParentIssueAddedEvent",
    "parent_issue_removed": "ParentIssueRemovedEvent", "pinned": "PinnedEvent", "unpinned": "UnpinnedEvent",
    "merged": "MergedEvent", "review_requested": "ReviewRequestedEvent",
    "review_request_removed": "ReviewRequestRemovedEvent", "review_dismissed": "ReviewDismissedEvent",
    "ready_for_review": "ReadyForReviewEvent", "convert_to_draft": "ConvertToDraftEvent",
    "head_ref_force_pushed": "HeadRefForcePushedEvent", "head_ref_deleted": "HeadRefDeletedEvent",
    "head_ref_restored": "HeadRefRestoredEvent",
    "base_ref_deleted": "BaseRefDeletedEvent", "base_ref_changed": "BaseRefChangedEvent",
    "auto_merge_enabled": "AutoMergeEnabledEvent", "auto_merge_disabled": "AutoMergeDisabledEvent",
}  # fmt: skip
CLASSES = {event: type(name, (TimelineEvent,), {}) for event, name in _TYPES.items()}
"""The class of each event that GitHub's schema knows: named as its type, by which unions are resolved."""


def event(scope: Scope, row: Row) -> TimelineEvent | None:
    """The node of a row of `issue_events`."""
    kind = CLASSES.get(row["event"])
    return None if kind is None else kind(scope, row)


def items(
    subject: Thread, itemTypes: list[str] | None = None, since: str | None = None, **page: Any
) -> TimelineConnection:
    """The timeline of an issue or pull request."""
    found = []
    for one in story.of(subject.hub, subject.scope.actor, subject.issue_row):
        if since is not None and not isinstance(one, GitCommit) and one["created_at"] < since:
            continue
        made = _item(subject, one)
        if made is not None and (not itemTypes or _kind(made) in itemTypes):
            found.append(made)
    return TimelineConnection(subject, found, page)


def _item(subject: Thread, one: Row | GitCommit) -> Any:
    scope, db = subject.scope, subject.hub.db
    if isinstance(one, GitCommit):
        from localhub.graphql.pulls import PullRequest, PullRequestCommit

        assert isinstance(subject, PullRequest)
        return PullRequestCommit(subject, one.sha)
    if one["event"] == "commented":
        return IssueComment(scope, db.get("comments", json.loads(one["data"])["comment_id"]))
    if one["event"] == "reviewed":
        return PullRequestReview(scope, db.get("reviews", json.loads(one["data"])["review_id"]))
    return event(scope, one)


def _kind(made: Any) -> str:
    """ClosedEvent -> CLOSED_EVENT, as itemTypes names them."""
    name = type(made).__name__
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in name).lstrip("_").upper()


class TimelineConnection(Connection):
    """A page of the timeline, with GitHub's counts."""

    def __init__(self, subject: Thread, found: list[Any], page: dict[str, Any]) -> None:
        super().__init__(found, lambda one: one, **page)
        self.updatedAt = subject.issue_row["updated_at"]

    def pageCount(self) -> int:
        return len(self.nodes())
