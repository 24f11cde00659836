"""Pull requests, reviews, review threads and their comments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub import gitdiff, merging, protection, pulls
from localhub.graphql.accounts import account
from localhub.graphql.base import Connection, Object, Scope
from localhub.graphql.issues import Thread, Written
from localhub.graphql.repository import Commit, Ref, Repository, repository
from localhub.ids import node_id, text_node_id

if TYPE_CHECKING:
    from localhub.db import Row


class PullRequest(Thread):
    """`row` is the one in `pulls`; what every issue has is in `issue_row`."""

    COLUMNS = {
        "number": "number",
        "baseRefName": "base_ref",
        "headRefName": "head_ref",
        "headRefOid": "head_sha",
        "additions": "additions",
        "deletions": "deletions",
        "changedFiles": "changed_files",
        "mergedAt": "merged_at",
    }
    FLAGS = {"isDraft": "draft", "merged": "merged", "maintainerCanModify": "maintainer_can_modify"}
    isCrossRepository = False

    @classmethod
    def of_issue(cls, scope: Scope, issue: Row) -> PullRequest:
        row = scope.hub.db.row("SELECT * FROM pulls WHERE issue_id = ?", issue["id"])
        if row is None:
            raise LookupError(f"issue {issue['id']} has no pull request")
        return cls(scope, row)

    @property
    def issue_row(self) -> Row:
        return self.hub.db.get("issues", self.row["issue_id"])

    def id(self) -> str:
        return node_id("PullRequest", self.row["id"])

    def title(self) -> str:
        return str(self.issue_row["title"])

    def body(self) -> str:
        return self.issue_row["body"] or ""

    def author(self) -> Any:
        return account(self.scope, self.issue_row["author_id"])

    def authorAssociation(self) -> str:
        return str(self.hub.access.association(self.repository().row, self.issue_row["author_id"]))

    def viewerDidAuthor(self) -> bool:
        return bool(self.scope.actor.account_id == self.issue_row["author_id"])

    def createdAt(self) -> str:
        return str(self.issue_row["created_at"])

    publishedAt = createdAt

    def updatedAt(self) -> str:
        return str(self.issue_row["updated_at"])

    def closedAt(self) -> str | None:
        closed: str | None = self.issue_row["closed_at"]
        return closed

    def state(self) -> str:
        return "MERGED" if self.row["merged"] else "OPEN" if self.row["open"] else "CLOSED"

    def resourcePath(self) -> str:
        return f"{self.repository().resourcePath()}/pull/{self.row['number']}"

    def permalink(self) -> str:
        return self.url()

    def baseRepository(self) -> Repository:
        return self.repository()

    headRepository = baseRepository

    def headRepositoryOwner(self) -> Any:
        return self.repository().owner()

    def baseRef(self) -> Ref | None:
        return self.repository().ref(f"refs/heads/{self.row['base_ref']}")

    def headRef(self) -> Ref | None:
        return self.repository().ref(f"refs/heads/{self.row['head_ref']}")

    def baseRefOid(self) -> str:
        repo = self.repository()
        now = repo.git.ref(f"refs/heads/{self.row['base_ref']}") if self.row["open"] else None
        return str(now or self.row["base_sha"])

    def mergedBy(self) -> Any:
        return account(self.scope, self.row["merged_by"])

    def mergeCommit(self) -> Commit | None:
        sha = self.row["merge_commit_sha"] if self.row["merged"] else None
        return Commit.at(self.repository(), sha) if sha else None

    def potentialMergeCommit(self) -> Commit | None:
        sha = self.row["merge_commit_sha"] if not self.row["merged"] and self.row["mergeable"] else None
        return Commit.at(self.repository(), sha) if sha else None

    def mergeable(self) -> str:
        known = self.row["mergeable"]
        return "UNKNOWN" if known is None else "MERGEABLE" if known else "CONFLICTING"

    def mergeStateStatus(self) -> str:
        pull = pulls.get(self.hub, self.row["id"])
        return str(merging.state(self.hub, self.repository().row, pull)).upper()

    def autoMergeRequest(self) -> dict[str, Any] | None:
        asked = json.loads(self.row["auto_merge"]) if self.row["auto_merge"] else None
        if asked is None:
            return None
        return {
            "commitHeadline": asked.get("title"),
            "commitBody": asked.get("message"),
            "mergeMethod": str(asked.get("method") or "merge").upper(),
            "enabledBy": account(self.scope, asked["by"]),
            "enabledAt": asked.get("at"),
            "authorEmail": None,
            "pullRequest": self,
        }

    def commits(self, **page: Any) -> Connection:
        git = self.repository().git
        base = git.merge_base(self.row["base_sha"], self.row["head_sha"])
        shas = git.log([self.row["head_sha"]], [base] if base else [], "--reverse", "--topo-order")
        return Connection(shas, lambda sha: PullRequestCommit(self, sha), **page)

    def files(self, **page: Any) -> Connection:
        git = self.repository().git
        base = git.merge_base(self.row["base_sha"], self.row["head_sha"])
        found = gitdiff.changes(git, base, self.row["head_sha"], patches=False)
        return Connection(found, _changed_file, **page)

    def statusCheckRollup(self) -> Any:
        head = Commit.at(self.repository(), self.row["head_sha"])
        return head.statusCheckRollup() if head else None

    def reviewRequests(self, **page: Any) -> Connection:
        rows = self.hub.db.rows("SELECT * FROM review_requests WHERE pull_id = ? ORDER BY account_id", self.row["id"])
        return Connection(rows, lambda row: ReviewRequest(self, row), **page)

    def reviews(self, states: list[str] | None = None, author: str | None = None, **page: Any) -> Connection:
        rows = [row for row in self._reviews() if not states or row["state"] in states]
        if author is not None:
            rows = [r for r in rows if self.hub.db.get("accounts", r["user_id"])["login"].lower() == author.lower()]
        return Connection(rows, lambda row: PullRequestReview(self.scope, row), **page)

    def latestReviews(self, **page: Any) -> Connection:
        newest = {row["user_id"]: row for row in self._reviews() if row["state"] != "PENDING"}
        return Connection(list(newest.values()), lambda row: PullRequestReview(self.scope, row), **page)

    def _reviews(self) -> list[Row]:
        """All reviews but the pending ones of others, which nobody sees."""
        rows = self.hub.db.rows("SELECT * FROM reviews WHERE pull_id = ? ORDER BY id", self.row["id"])
        return [row for row in rows if row["state"] != "PENDING" or row["user_id"] == self.scope.actor.account_id]

    def reviewDecision(self) -> str | None:
        rules = protection.rules_for(self.hub, self.repository().row, self.row["base_ref"])
        last = {r["user_id"]: r["state"] for r in self._reviews() if r["state"] in _OPINIONS}
        if "CHANGES_REQUESTED" in last.values():
            return "CHANGES_REQUESTED"
        needed = rules.approvals if rules else 0
        approvals = sum(state == "APPROVED" for state in last.values())
        if not needed:
            return "APPROVED" if approvals else None
        return "APPROVED" if approvals >= needed else "REVIEW_REQUIRED"

    def reviewThreads(self, **page: Any) -> Connection:
        rows = self.hub.db.rows("SELECT * FROM review_threads WHERE pull_id = ? ORDER BY id", self.row["id"])
        return Connection(rows, lambda row: PullRequestReviewThread(self.scope, row), **page)


_OPINIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_CHANGE = {"removed": "DELETED"}


def _changed_file(change: gitdiff.FileChange) -> dict[str, Any]:
    return {
        "path": change.path,
        "additions": change.additions,
        "deletions": change.deletions,
        "changeType": _CHANGE.get(change.status, change.status.upper()),
        "viewerViewedState": "UNVIEWED",
    }


class PullRequestCommit:
    """A commit in a pull request."""

    def __init__(self, pull: PullRequest, sha: str) -> None:
        self.pullRequest = pull
        self._sha = sha

    def id(self) -> str:
        return text_node_id("PullRequestCommit", self.pullRequest.row["repo_id"], self._sha)

    def commit(self) -> Commit | None:
        return Commit.at(self.pullRequest.repository(), self._sha)

    def url(self) -> str:
        return self.pullRequest.hub.html(self.resourcePath())

    def resourcePath(self) -> str:
        return f"{self.pullRequest.resourcePath()}/commits/{self._sha}"


class ReviewRequest:
    """Somebody asked to review."""

    databaseId = None
    asCodeOwner = False

    def __init__(self, pull: PullRequest, row: Row) -> None:
        self.pullRequest = pull
        self._row = row

    def id(self) -> str:
        return f"RR_{self._row['pull_id']}_{self._row['account_id']}"

    def requestedReviewer(self) -> Any:
        return account(self.pullRequest.scope, self._row["account_id"])


class _OfPull(Object):
    @property
    def _pull(self) -> Row:
        return self.hub.db.get("pulls", self.row["pull_id"])

    def pullRequest(self) -> PullRequest:
        return PullRequest(self.scope, self._pull)

    def repository(self) -> Repository:
        return repository(self.scope, self._pull["repo_id"])


class PullRequestReview(_OfPull, Written):
    COLUMNS = {
        "state": "state",
        "createdAt": "created_at",
        "submittedAt": "submitted_at",
        "publishedAt": "submitted_at",
        "updatedAt": "updated_at",
    }
    AUTHOR = "user_id"

    def id(self) -> str:
        return node_id("PullRequestReview", self.row["id"])

    def commit(self) -> Commit | None:
        return Commit.at(self.repository(), self.row["commit_id"])

    def resourcePath(self) -> str:
        return f"{self.pullRequest().resourcePath()}#pullrequestreview-{self.row['id']}"

    def comments(self, **page: Any) -> Connection:
        rows = self.hub.db.rows("SELECT * FROM review_comments WHERE review_id = ? ORDER BY id", self.row["id"])
        return Connection(rows, lambda row: PullRequestReviewComment(self.scope, row), **page)


class PullRequestReviewThread(_OfPull):
    COLUMNS = {"path": "path"}

    @property
    def _first(self) -> Row:
        row = self.hub.db.row("SELECT * FROM review_comments WHERE thread_id = ? ORDER BY id LIMIT 1", self.row["id"])
        if row is None:
            raise LookupError(f"review thread {self.row['id']} is empty")
        return row

    def id(self) -> str:
        return node_id("PullRequestReviewThread", self.row["id"])

    def isResolved(self) -> bool:
        return self.row["resolved_by"] is not None

    isCollapsed = isResolved

    def resolvedBy(self) -> Any:
        if self.row["resolved_by"] is None:
            return None
        from localhub.graphql.accounts import User

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

    def diffSide(self) -> str:
        return str(self._first["side"])

    def subjectType(self) -> str:
        return str(self._first["subject_type"]).upper()

    def _may_write(self) -> bool:
        repo = self.repository().row
        return bool(self.hub.access.allowed(self.scope.actor, repo, ("pull_requests", "contents"), "write"))

    def viewerCanReply(self) -> bool:
        return self.scope.actor.kind != "anonymous"

    def viewerCanResolve(self) -> bool:
        return self._may_write() and not self.isResolved()

    def viewerCanUnresolve(self) -> bool:
        return self._may_write() and self.isResolved()

    def comments(self, **page: Any) -> Connection:
        rows = self.hub.db.rows("SELECT * FROM review_comments WHERE thread_id = ? ORDER BY id", self.row["id"])
        return Connection(rows, lambda row: PullRequestReviewComment(self.scope, row), **page)


class PullRequestReviewComment(_OfPull, Written):
    COLUMNS = {
        "path": "path",
        "diffHunk": "diff_hunk",
        "line": "line",
        "originalLine": "original_line",
        "startLine": "start_line",
        "createdAt": "created_at",
        "publishedAt": "created_at",
        "updatedAt": "updated_at",
    }
    AUTHOR = "user_id"

    def id(self) -> str:
        return node_id("PullRequestReviewComment", self.row["id"])

    def position(self) -> int:
        return int(self.row["position"] or self.row["original_position"])

    def outdated(self) -> bool:
        return self.row["line"] is None and self.row["subject_type"] == "line"

    def state(self) -> str:
        review = self.hub.db.get("reviews", self.row["review_id"])
        return "PENDING" if review["state"] == "PENDING" else "SUBMITTED"

    def commit(self) -> Commit | None:
        return Commit.at(self.repository(), self.row["commit_id"])

    def pullRequestReview(self) -> PullRequestReview:
        return PullRequestReview(self.scope, self.hub.db.get("reviews", self.row["review_id"]))

    def replyTo(self) -> PullRequestReviewComment | None:
        to = self.row["in_reply_to"]
        return None if to is None else PullRequestReviewComment(self.scope, self.hub.db.get("review_comments", to))

    def resourcePath(self) -> str:
        return f"{self.pullRequest().resourcePath()}#discussion_r{self.row['id']}"
