"""Pull requests and what is asked of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub import gitdiff, heads, merging, protection, pulls, reviewthreads
from localhub.closing import references
from localhub.graphql.accounts import account
from localhub.graphql.base import Connection, Scope
from localhub.graphql.commits import Commit, Ref
from localhub.graphql.issues import Thread
from localhub.graphql.repository import Repository
from localhub.graphql.reviews import PullRequestReview, PullRequestReviewThread
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
    # No merge queues.
    isInMergeQueue = isMergeQueueEnabled = False

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

    def isCrossRepository(self) -> bool:
        return heads.foreign(self.row)

    def headRepository(self) -> Repository | None:
        """None when the fork is gone, or hidden from the viewer."""
        home = heads.home(self.hub, self.row)
        seen = home is not None and self.hub.access.sees(self.scope.actor, home)
        return Repository(self.scope, home) if seen and home is not None else None

    def headRepositoryOwner(self) -> Any:
        return account(self.scope, self.row["head_owner_id"])

    def baseRef(self) -> Ref | None:
        return self.repository().ref(f"refs/heads/{self.row['base_ref']}")

    def headRef(self) -> Ref | None:
        home = self.headRepository()
        return None if home is None else home.ref(f"refs/heads/{self.row['head_ref']}")

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
        shas = pulls.commits(self.repository().git, self.row)
        return Connection(shas, lambda sha: PullRequestCommit(self, sha), **page)

    def files(self, **page: Any) -> Connection:
        git = self.repository().git
        base = git.merge_base(self.row["base_sha"], self.row["head_sha"])
        found = gitdiff.changes(git, base, self.row["head_sha"], patches=False)
        return Connection(found, _changed_file, **page)

    def closingIssuesReferences(
        self, orderBy: Any = None, userLinkedOnly: bool | None = None, **page: Any
    ) -> Connection:
        """The issues that merging will close: keywords count for the default branch only."""
        from localhub.graphql.issues import Issue

        repo, found = self.repository(), []
        if not userLinkedOnly and self.row["base_ref"] == repo.row["default_branch"]:
            named = [number for name, number in references(self.body(), repo.nameWithOwner()) if name is None]
            sql = "SELECT * FROM issues WHERE repo_id = ? AND number = ? AND is_pull = 0"
            found = [row for number in named if (row := self.hub.db.row(sql, repo.row["id"], number))]
        return Connection(found, lambda row: Issue(self.scope, row), **page)

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
        """What those say who can write: the same as counts for merging."""
        repo = self.repository().row
        rules = protection.rules_for(self.hub, repo, self.row["base_ref"])
        decided = list(merging.decisions(self.hub, self.row["id"], repo).values())
        if "CHANGES_REQUESTED" in decided:
            return "CHANGES_REQUESTED"
        needed = rules.approvals if rules else 0
        approvals = decided.count("APPROVED")
        if not needed:
            return "APPROVED" if approvals else None
        return "APPROVED" if approvals >= needed else "REVIEW_REQUIRED"

    def reviewThreads(self, **page: Any) -> Connection:
        rows = reviewthreads.threads(self.hub, self.row["id"], self.scope.actor.account_id)
        return Connection(rows, lambda row: PullRequestReviewThread(self.scope, row), **page)


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
