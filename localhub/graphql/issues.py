"""Issues, their comments, sub-issues and dependencies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import comments, housekeeping
from localhub.closing import references
from localhub.graphql.accounts import account
from localhub.graphql.base import Connection, Scope
from localhub.graphql.development import LinkedBranch
from localhub.graphql.milestones import Milestone
from localhub.graphql.reactable import Reactable
from localhub.graphql.repository import Label, Repository, repository
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row

_CHILDREN = "SELECT i.* FROM sub_issues s JOIN issues i ON i.id = s.child_id WHERE s.parent_id = ? ORDER BY s.position"


class Written(Reactable):
    """What somebody wrote: an issue, comment, review."""

    AUTHOR = "author_id"

    def author(self) -> Any:
        return account(self.scope, self.row[self.AUTHOR])

    def authorAssociation(self) -> str:
        return str(self.hub.access.association(self.repository().row, self.row[self.AUTHOR]))

    def viewerDidAuthor(self) -> bool:
        return bool(self.scope.actor.account_id == self.row[self.AUTHOR])

    def repository(self) -> Repository:
        return repository(self.scope, self.row["repo_id"])

    def body(self) -> str:
        return self.row["body"] or ""

    def bodyText(self) -> str:
        return self.body()

    def url(self) -> str:
        return self._html(self.resourcePath())

    def resourcePath(self) -> str:
        raise NotImplementedError


class Thread(Written):
    """What issues and pull requests share; `issue_row` is the row in `issues`."""

    SUBJECT = "issue"

    @property
    def issue_row(self) -> Row:
        return self.row

    def locked(self) -> bool:
        return bool(self.issue_row["locked"])

    def activeLockReason(self) -> str | None:
        reason = self.issue_row["lock_reason"]
        return None if reason is None else str(reason).replace(" ", "_").replace("-", "_").upper()

    @property
    def subject_id(self) -> int:
        return int(self.issue_row["id"])

    def milestone(self) -> Milestone | None:
        found = self.issue_row["milestone_id"]
        return None if found is None else Milestone(self.scope, self.hub.db.get("milestones", found))

    def projectCards(self, **page: Any) -> Connection:
        # There are no projects here; clients ask nevertheless.
        return Connection([], lambda row: row, **page)

    def closed(self) -> bool:
        return bool(self.issue_row["state"] == "closed")

    def labels(self, orderBy: Any = None, **page: Any) -> Connection:
        rows = self.hub.db.rows(
            "SELECT n.* FROM issue_labels l JOIN labels n ON n.id = l.label_id WHERE l.issue_id = ? ORDER BY n.name",
            self.issue_row["id"],
        )
        return Connection(rows, lambda row: Label(self.scope, row), **page)

    def assignees(self, **page: Any) -> Connection:
        rows = self.hub.db.rows(
            "SELECT a.* FROM assignees s JOIN accounts a ON a.id = s.account_id WHERE s.issue_id = ? ORDER BY a.login",
            self.issue_row["id"],
        )
        return Connection(rows, lambda row: account(self.scope, row), **page)

    def timelineItems(self, **asked: Any) -> Connection:
        from localhub.graphql import timeline

        return timeline.items(self, **asked)

    def comments(self, orderBy: dict[str, str] | None = None, **page: Any) -> Connection:
        direction = "DESC" if (orderBy or {}).get("direction") == "DESC" else "ASC"
        sql = f"SELECT id FROM comments WHERE issue_id = ? ORDER BY id {direction}"  # noqa: S608
        db = self.hub.db
        rows = db.rows(sql, self.issue_row["id"])
        return Connection(rows, lambda row: IssueComment(self.scope, db.get("comments", row["id"])), **page)


class Issue(Thread):
    COLUMNS = {
        "number": "number",
        "title": "title",
        "createdAt": "created_at",
        "publishedAt": "created_at",
        "updatedAt": "updated_at",
        "closedAt": "closed_at",
    }

    def id(self) -> str:
        return node_id("Issue", self.row["id"])

    def state(self) -> str:
        return str(self.row["state"]).upper()

    def stateReason(self, enableDuplicate: bool | None = None) -> str | None:
        reason = self.row["state_reason"]
        return None if reason is None else str(reason).upper()

    def resourcePath(self) -> str:
        return f"{self.repository().resourcePath()}/issues/{self.row['number']}"

    def _visible(self, rows: list[Row]) -> list[Row]:
        """Related issues may be in repositories that the viewer cannot see."""
        seen: dict[int, bool] = {}
        for row in rows:
            if row["repo_id"] not in seen:
                repo = self.hub.access.repo_by_id(row["repo_id"])
                seen[row["repo_id"]] = self.hub.access.sees(self.scope.actor, repo)
        return [row for row in rows if seen[row["repo_id"]]]

    def issueType(self) -> dict[str, Any] | None:
        if self.row["type_id"] is None:
            return None
        row = self.hub.db.get("issue_types", self.row["type_id"])
        shown = {
            "id": node_id("IssueType", row["id"]),
            "color": row["color"].upper(),
            "isEnabled": bool(row["enabled"]),
        }
        return shown | {"name": row["name"], "description": row["description"]}

    def closedByPullRequestsReferences(
        self,
        includeClosedPrs: bool | None = None,
        orderByState: bool | None = None,
        userLinkedOnly: bool | None = None,
        **page: Any,
    ) -> Connection:
        """The pull requests whose merge closes this issue, or has."""
        from localhub.graphql.pulls import PullRequest

        sql = """SELECT p.* FROM pulls p JOIN issues i ON i.id = p.issue_id JOIN repos r ON r.id = p.repo_id
                 WHERE p.repo_id = ? AND p.base_ref = r.default_branch AND instr(i.body, ?) > 0 ORDER BY p.id"""
        rows = [] if userLinkedOnly else self.hub.db.rows(sql, self.row["repo_id"], str(self.row["number"]))
        found = [PullRequest(self.scope, row) for row in rows if row["open"] or row["merged"] or includeClosedPrs]
        name = self.repository().nameWithOwner()
        closing = [one for one in found if (None, self.row["number"]) in references(one.body(), name)]
        return Connection(closing, lambda one: one, **page)

    def isPinned(self) -> bool:
        return bool(self.hub.db.value("SELECT 1 FROM pins WHERE issue_id = ?", self.row["id"]))

    def linkedBranches(self, **page: Any) -> Connection:
        rows = housekeeping.linked_branches(self.hub, self.row["id"])
        return Connection(rows, lambda row: LinkedBranch(self.scope, row), **page)

    def parent(self) -> Issue | None:
        sql = "SELECT i.* FROM sub_issues s JOIN issues i ON i.id = s.parent_id WHERE s.child_id = ?"
        rows = self._visible(self.hub.db.rows(sql, self.row["id"]))
        return Issue(self.scope, rows[0]) if rows else None

    def subIssues(self, **page: Any) -> Connection:
        rows = self._visible(self.hub.db.rows(_CHILDREN, self.row["id"]))
        return Connection(rows, lambda row: Issue(self.scope, row), **page)

    def subIssuesSummary(self) -> dict[str, int]:
        rows = self.hub.db.rows(_CHILDREN, self.row["id"])
        done = sum(row["state"] == "closed" for row in rows)
        return {"total": len(rows), "completed": done, "percentCompleted": 100 * done // len(rows) if rows else 0}

    def _related(self, own: str, other: str) -> list[Row]:
        sql = f"""SELECT i.* FROM dependencies d JOIN issues i ON i.id = d.{other} WHERE d.{own} = ?
                  ORDER BY d.created_at DESC, i.id DESC"""  # noqa: S608
        return self._visible(self.hub.db.rows(sql, self.row["id"]))

    def blockedBy(self, orderBy: Any = None, **page: Any) -> Connection:
        rows = self._related("blocked_id", "blocking_id")
        return Connection(rows, lambda row: Issue(self.scope, row), **page)

    def blocking(self, orderBy: Any = None, **page: Any) -> Connection:
        rows = self._related("blocking_id", "blocked_id")
        return Connection(rows, lambda row: Issue(self.scope, row), **page)

    def issueDependenciesSummary(self) -> dict[str, int]:
        blocked, blocking = self._related("blocked_id", "blocking_id"), self._related("blocking_id", "blocked_id")
        return {
            "blockedBy": sum(row["state"] == "open" for row in blocked),
            "blocking": sum(row["state"] == "open" for row in blocking),
            "totalBlockedBy": len(blocked),
            "totalBlocking": len(blocking),
        }


class IssueComment(Written):
    COLUMNS = {"createdAt": "created_at", "publishedAt": "created_at", "updatedAt": "updated_at"}
    SUBJECT = "comment"

    @property
    def issue_row(self) -> Row:
        return self.hub.db.get("issues", self.row["issue_id"])

    def id(self) -> str:
        return node_id("IssueComment", self.row["id"])

    def repository(self) -> Repository:
        return repository(self.scope, self.issue_row["repo_id"])

    def issue(self) -> Issue:
        return Issue(self.scope, self.issue_row)

    def isMinimized(self) -> bool:
        return self.row["minimized"] is not None

    def minimizedReason(self) -> str | None:
        reason: str | None = self.row["minimized"]
        return reason

    def viewerCanMinimize(self) -> bool:
        return comments.may_change(self.hub, self.repository().row, self.row, self.scope.actor)

    def includesCreatedEdit(self) -> bool:
        return self.row["edited_at"] is not None

    def pullRequest(self) -> Any:
        from localhub.graphql.pulls import PullRequest

        return PullRequest.of_issue(self.scope, self.issue_row) if self.issue_row["is_pull"] else None

    def resourcePath(self) -> str:
        kind = "pull" if self.issue_row["is_pull"] else "issues"
        return f"{self.repository().resourcePath()}/{kind}/{self.issue_row['number']}#issuecomment-{self.row['id']}"


def thread(scope: Scope, row: Row) -> Any:
    """The issue or pull request of a row in `issues`."""
    from localhub.graphql.pulls import PullRequest

    return PullRequest.of_issue(scope, row) if row["is_pull"] else Issue(scope, row)
