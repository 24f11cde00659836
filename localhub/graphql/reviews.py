"""Reviews, review threads and their comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import pulls, reviewthreads
from localhub.graphql.accounts import User
from localhub.graphql.base import Connection, Object
from localhub.graphql.commits import Commit
from localhub.graphql.issues import Written
from localhub.graphql.repository import Repository, repository
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.graphql.pulls import PullRequest


class _OfPull(Object):
    @property
    def _pull(self) -> Row:
        return self.hub.db.get("pulls", self.row["pull_id"])

    def pullRequest(self) -> PullRequest:
        from localhub.graphql.pulls import PullRequest

        return PullRequest(self.scope, self._pull)

    def repository(self) -> Repository:
        return repository(self.scope, self._pull["repo_id"])


def _seen(review: Row, viewer: int) -> bool:
    """A pending review is there for its author alone."""
    return bool(review["state"] != "PENDING" or review["user_id"] == viewer)


class _Hideable(_OfPull, Written):
    def isMinimized(self) -> bool:
        return self.row["minimized"] is not None

    def minimizedReason(self) -> str | None:
        reason: str | None = self.row["minimized"]
        return reason

    def viewerCanMinimize(self) -> bool:
        repo = self.repository().row
        return bool(self.hub.access.allowed(self.scope.actor, repo, "pull_requests", "write", role="triage"))


class PullRequestReview(_Hideable):
    COLUMNS = {
        "state": "state",
        "createdAt": "created_at",
        "submittedAt": "submitted_at",
        "publishedAt": "submitted_at",
        "updatedAt": "updated_at",
    }
    AUTHOR = "user_id"
    SUBJECT = "review"

    def id(self) -> str:
        return node_id("PullRequestReview", self.row["id"])

    def seen(self) -> bool:
        return _seen(self.row, self.scope.actor.account_id)

    def commit(self) -> Commit | None:
        return Commit.at(self.repository(), self.row["commit_id"])

    def resourcePath(self) -> str:
        return f"{self.pullRequest().resourcePath()}#pullrequestreview-{self.row['id']}"

    def comments(self, **page: Any) -> Connection:
        rows = self.hub.db.rows("SELECT * FROM review_comments WHERE review_id = ? ORDER BY id", self.row["id"])
        return Connection(rows, lambda row: PullRequestReviewComment(self.scope, row), **page)


class PullRequestReviewThread(_OfPull):
    COLUMNS = {"path": "path"}

    def _comments(self) -> list[Row]:
        return reviewthreads.comments(self.hub, self.row["id"], self.scope.actor.account_id)

    @property
    def _first(self) -> Row:
        return self._comments()[0]

    def seen(self) -> bool:
        """Whether the viewer sees any of it: what is in somebody's pending review is theirs alone."""
        return bool(self._comments())

    def id(self) -> str:
        return node_id("PullRequestReviewThread", self.row["id"])

    def isResolved(self) -> bool:
        return self.row["resolved_by"] is not None

    isCollapsed = isResolved

    def resolvedBy(self) -> Any:
        if self.row["resolved_by"] is None:
            return None
        # GitHub types this field as User, bots included.
        return User(self.scope, self.hub.db.get("accounts", self.row["resolved_by"]))

    def isOutdated(self) -> bool:
        first = self._first
        return first["line"] is None and first["subject_type"] == "line"

    def line(self) -> int | None:
        line: int | None = self._first["line"]
        return line

    def originalLine(self) -> int | None:
        line: int | None = self._first["original_line"]
        return line

    def startLine(self) -> int | None:
        line: int | None = self._first["start_line"]
        return line

    def originalStartLine(self) -> int | None:
        line: int | None = self._first["original_start_line"]
        return line

    def startDiffSide(self) -> str | None:
        side: str | None = self._first["start_side"]
        return side

    def diffSide(self) -> str:
        return str(self._first["side"])

    def subjectType(self) -> str:
        return str(self._first["subject_type"]).upper()

    def _may_resolve(self) -> bool:
        """Who can write, and who opened the pull request."""
        repo, actor = self.repository().row, self.scope.actor
        pull = pulls.get(self.hub, self.row["pull_id"])
        asked = actor.kind != "anonymous" and self.hub.access.allowed(
            actor, repo, "pull_requests", "write", role="read"
        )
        return bool(asked and pulls.may_edit(self.hub, repo, pull, actor))

    def viewerCanReply(self) -> bool:
        return self.scope.actor.kind != "anonymous"

    def viewerCanResolve(self) -> bool:
        return self._may_resolve() and not self.isResolved()

    def viewerCanUnresolve(self) -> bool:
        return self._may_resolve() and self.isResolved()

    def comments(self, **page: Any) -> Connection:
        return Connection(self._comments(), lambda row: PullRequestReviewComment(self.scope, row), **page)


class PullRequestReviewComment(_Hideable):
    COLUMNS = {
        "path": "path",
        "diffHunk": "diff_hunk",
        "line": "line",
        "originalLine": "original_line",
        "startLine": "start_line",
        "originalStartLine": "original_start_line",
        "originalPosition": "original_position",
        "createdAt": "created_at",
        "draftedAt": "created_at",
        "updatedAt": "updated_at",
    }
    AUTHOR = "user_id"
    SUBJECT = "review_comment"

    def id(self) -> str:
        return node_id("PullRequestReviewComment", self.row["id"])

    @property
    def _review(self) -> Row:
        return self.hub.db.get("reviews", self.row["review_id"])

    def seen(self) -> bool:
        return _seen(self._review, self.scope.actor.account_id)

    def publishedAt(self) -> str | None:
        """When its review was submitted."""
        at: str | None = self._review["submitted_at"]
        return at

    def subjectType(self) -> str:
        return str(self.row["subject_type"]).upper()

    def originalCommit(self) -> Commit | None:
        return Commit.at(self.repository(), self.row["original_commit_id"])

    def position(self) -> int:
        return int(self.row["position"] or self.row["original_position"])

    def outdated(self) -> bool:
        return self.row["line"] is None and self.row["subject_type"] == "line"

    def state(self) -> str:
        return "PENDING" if self._review["state"] == "PENDING" else "SUBMITTED"

    def commit(self) -> Commit | None:
        return Commit.at(self.repository(), self.row["commit_id"])

    def pullRequestReview(self) -> PullRequestReview:
        return PullRequestReview(self.scope, self._review)

    def replyTo(self) -> PullRequestReviewComment | None:
        to = self.row["in_reply_to"]
        return None if to is None else PullRequestReviewComment(self.scope, self.hub.db.get("review_comments", to))

    def resourcePath(self) -> str:
        return f"{self.pullRequest().resourcePath()}#discussion_r{self.row['id']}"
