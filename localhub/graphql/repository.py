"""Repositories and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.gitstore import GitRepo
from localhub.graphql.accounts import account
from localhub.graphql.base import Connection, Object, Scope, not_found
from localhub.graphql.commits import Commit, Ref
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row

_STATES = {"OPEN": "p.open = 1", "MERGED": "p.merged = 1", "CLOSED": "p.open = 0 AND p.merged = 0"}
_ORDER = {"CREATED_AT": "i.id", "UPDATED_AT": "i.updated_at", "COMMENTS": "i.comments"}


class Repository(Object):
    COLUMNS = {
        "name": "name",
        "description": "description",
        "homepageUrl": "homepage",
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "pushedAt": "pushed_at",
    }
    FLAGS = {
        "isPrivate": "private",
        "isArchived": "archived",
        "hasIssuesEnabled": "has_issues",
        "allowUpdateBranch": "allow_update_branch",
        "autoMergeAllowed": "allow_auto_merge",
        "deleteBranchOnMerge": "delete_branch_on_merge",
        "mergeCommitAllowed": "allow_merge_commit",
        "squashMergeAllowed": "allow_squash_merge",
        "rebaseMergeAllowed": "allow_rebase_merge",
    }
    hasProjectsEnabled = hasWikiEnabled = hasDiscussionsEnabled = isFork = isDisabled = False

    @property
    def git(self) -> GitRepo:
        return GitRepo(self.hub.git_dir(self.row))

    def id(self) -> str:
        return node_id("Repository", self.row["id"])

    def nameWithOwner(self) -> str:
        return f"{self.row['owner_login']}/{self.row['name']}"

    def url(self) -> str:
        return self._html(self.resourcePath())

    def resourcePath(self) -> str:
        return f"/{self.nameWithOwner()}"

    def owner(self) -> Any:
        return account(self.scope, self.row["owner_id"])

    def isInOrganization(self) -> bool:
        return bool(self.row["owner_type"] == "Organization")

    def isEmpty(self) -> bool:
        return not self.git.refs("refs/heads/")

    def visibility(self) -> str:
        return "PRIVATE" if self.row["private"] else "PUBLIC"

    def viewerDefaultMergeMethod(self) -> str:
        return "MERGE" if self.row["allow_merge_commit"] else "SQUASH" if self.row["allow_squash_merge"] else "REBASE"

    def viewerPermission(self) -> str | None:
        if self.scope.actor.is_bot:
            return None
        role = self.hub.access.role(self.row, self.scope.actor.account_id)
        return None if role == "none" else role.upper()

    def defaultBranchRef(self) -> Ref | None:
        return self.ref(f"refs/heads/{self.row['default_branch']}")

    def ref(self, qualifiedName: str) -> Ref | None:
        git = self.git
        names = (
            [qualifiedName]
            if qualifiedName.startswith("refs/")
            else [f"refs/heads/{qualifiedName}", f"refs/tags/{qualifiedName}"]
        )
        return next((Ref(self, name) for name in names if git.ref(name)), None)

    def object(self, oid: str | None = None, expression: str | None = None) -> Any:
        sha = self.git.resolve(oid or expression or "HEAD")
        return None if sha is None else Commit.at(self, sha)

    def issue(self, number: int) -> Any:
        from localhub.graphql.issues import Issue

        row = self._numbered(number)
        if row is None or row["is_pull"]:
            raise not_found("an Issue", f"number of {number}")
        return Issue(self.scope, row)

    def pullRequest(self, number: int) -> Any:
        from localhub.graphql.pulls import PullRequest

        row = self._numbered(number)
        if row is None or not row["is_pull"]:
            raise not_found("a PullRequest", f"number of {number}")
        return PullRequest.of_issue(self.scope, row)

    def issueOrPullRequest(self, number: int) -> Any:
        row = self._numbered(number)
        if row is None:
            raise not_found("an issue or pull request", f"number of {number}")
        return self.pullRequest(number) if row["is_pull"] else self.issue(number)

    def _numbered(self, number: int) -> Row | None:
        return self.hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = ?", self.row["id"], number)

    def issues(
        self,
        states: list[str] | None = None,
        labels: list[str] | None = None,
        orderBy: dict[str, str] | None = None,
        filterBy: dict[str, Any] | None = None,
        **page: Any,
    ) -> Connection:
        from localhub.graphql.issues import Issue

        asked = filterBy or {}
        where = [
            "i.repo_id = ? AND i.is_pull = 0",
            *_marks("i.state", [s.lower() for s in asked.get("states") or states or []]),
        ]
        args: list[Any] = [self.row["id"], *(s.lower() for s in asked.get("states") or states or [])]
        names = asked.get("labels") or labels
        if names:
            where.append(_LABELLED.format(marks=", ".join("?" for _ in names)))
            args += names
        sql = f"SELECT i.id FROM issues i WHERE {' AND '.join(where)} ORDER BY {_order(orderBy)}"  # noqa: S608
        db = self.hub.db
        return Connection(db.rows(sql, *args), lambda row: Issue(self.scope, db.get("issues", row["id"])), **page)

    def pullRequests(
        self,
        states: list[str] | None = None,
        labels: list[str] | None = None,
        headRefName: str | None = None,
        baseRefName: str | None = None,
        orderBy: dict[str, str] | None = None,
        **page: Any,
    ) -> Connection:
        from localhub.graphql.pulls import PullRequest

        where, args = ["p.repo_id = ?"], [self.row["id"]]
        if states:
            where.append("(" + " OR ".join(_STATES[state] for state in states) + ")")
        for column, value in (("p.head_ref", headRefName), ("p.base_ref", baseRefName)):
            if value is not None:
                where.append(f"{column} = ?")
                args.append(value)
        if labels:
            where.append(_LABELLED.format(marks=", ".join("?" for _ in labels)))
            args += labels
        sql = "SELECT p.id FROM pulls p JOIN issues i ON i.id = p.issue_id"
        rows = self.hub.db.rows(f"{sql} WHERE {' AND '.join(where)} ORDER BY {_order(orderBy)}", *args)
        return Connection(rows, lambda row: PullRequest(self.scope, self.hub.db.get("pulls", row["id"])), **page)

    def label(self, name: str) -> Label | None:
        row = self.hub.db.row("SELECT * FROM labels WHERE repo_id = ? AND name = ?", self.row["id"], name)
        return None if row is None else Label(self.scope, row)

    def labels(self, query: str | None = None, orderBy: Any = None, **page: Any) -> Connection:
        sql = "SELECT * FROM labels WHERE repo_id = ? AND name LIKE ? ORDER BY id"
        rows = self.hub.db.rows(sql, self.row["id"], f"%{query or ''}%")
        return Connection(rows, lambda row: Label(self.scope, row), **page)


_LABELLED = (
    "EXISTS (SELECT 1 FROM issue_labels l JOIN labels n ON n.id = l.label_id"
    " WHERE l.issue_id = i.id AND n.name IN ({marks}))"
)  # fmt: skip


def _marks(column: str, values: list[str]) -> list[str]:
    return [f"{column} IN ({', '.join('?' for _ in values)})"] if values else []


def _order(order: dict[str, str] | None) -> str:
    if not order:
        return "i.id"
    direction = "DESC" if order["direction"] == "DESC" else "ASC"
    return f"{_ORDER[order['field']]} {direction}, i.id {direction}"


def repository(scope: Scope, repo_id: int) -> Repository:
    """The repository of an id, which must exist."""
    return Repository(scope, scope.hub.access.repo_by_id(repo_id))


class Label(Object):
    COLUMNS = {"name": "name", "color": "color", "description": "description"}
    FLAGS = {"isDefault": "is_default"}
    createdAt = updatedAt = None

    def id(self) -> str:
        return node_id("Label", self.row["id"])

    def repository(self) -> Repository:
        return repository(self.scope, self.row["repo_id"])

    def url(self) -> str:
        return self._html(self.resourcePath())

    def resourcePath(self) -> str:
        return f"{self.repository().resourcePath()}/labels/{self.row['name']}"
