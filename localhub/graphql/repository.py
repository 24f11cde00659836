"""Repositories and labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localhub import issuecounts
from localhub.gitstore import GitRepo
from localhub.graphql import filters
from localhub.graphql.about import About
from localhub.graphql.accounts import account
from localhub.graphql.base import Connection, Object, Scope, not_found
from localhub.graphql.commits import Commit, Ref
from localhub.graphql.development import PinnedIssue
from localhub.graphql.found import Found
from localhub.graphql.rules import BranchProtectionRule, RepositoryRuleset
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row


class Repository(About):
    COLUMNS = {
        **About.COLUMNS,
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
    hasProjectsEnabled = hasWikiEnabled = hasDiscussionsEnabled = isDisabled = False

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

        asked = {"states": states, "labels": labels} | {k: v for k, v in (filterBy or {}).items() if v is not None}
        found = [("i.repo_id = ? AND i.is_pull = 0", [self.row["id"]])]
        found += filters.issue_filters(self.hub, self.scope.actor, asked)
        chosen = [state.lower() for state in dict.fromkeys(states or ("OPEN", "CLOSED"))]
        count = sum(dict(issuecounts.of_kind(self.hub, self.row["id"], state))[0] for state in chosen)
        alone = not any(value for key, value in asked.items() if key != "states")
        rows: Sequence[Row] = self._matching("i.id", "issues i", found, orderBy, count if alone else None)
        if asked.get("mentioned"):
            rows = [row for row in rows if filters.mentioning(self.hub, self.row, row["id"], asked["mentioned"])]
        db = self.hub.db
        return Connection(rows, lambda row: Issue(self.scope, db.get("issues", row["id"])), **page)

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

        found = [("p.repo_id = ?", [self.row["id"]]), *filters.pull_states(states), *filters.labelled(labels)]
        for column, value in (("p.head_ref", headRefName), ("p.base_ref", baseRefName)):
            if value is not None:
                found.append((f"{column} = ?", [value]))
        rows = self._matching("p.id", "pulls p JOIN issues i ON i.id = p.issue_id", found, orderBy)
        return Connection(rows, lambda row: PullRequest(self.scope, self.hub.db.get("pulls", row["id"])), **page)

    def _matching(
        self,
        columns: str,
        source: str,
        found: filters.Conditions,
        orderBy: dict[str, str] | None,
        count: int | None = None,
    ) -> Found:
        where = " AND ".join(condition for condition, _ in found)
        values = [value for _, values in found for value in values]
        return Found(self.hub.db, columns, f"{source} WHERE {where}", filters.order(orderBy), values, count)

    def pinnedIssues(self, **page: Any) -> Connection:
        rows = self.hub.db.rows("SELECT * FROM pins WHERE repo_id = ? ORDER BY id", self.row["id"])
        return Connection(rows, lambda row: PinnedIssue(self.scope, row), **page)

    def branchProtectionRules(self, **page: Any) -> Connection:
        rows = self.hub.db.rows("SELECT * FROM protections WHERE repo_id = ? ORDER BY id", self.row["id"])
        return Connection(rows, lambda row: BranchProtectionRule(self.scope, row), **page)

    def _rulesets(self) -> list[Row]:
        return self.hub.db.rows("SELECT * FROM rulesets WHERE repo_id = ? ORDER BY id", self.row["id"])

    def ruleset(self, databaseId: int, includeParents: bool | None = None) -> RepositoryRuleset | None:
        found = [row for row in self._rulesets() if row["id"] == databaseId]
        return RepositoryRuleset(self.scope, found[0]) if found else None

    def rulesets(self, includeParents: bool | None = None, targets: list[str] | None = None, **page: Any) -> Connection:
        rows = self._rulesets() if targets is None or "BRANCH" in targets else []
        return Connection(rows, lambda row: RepositoryRuleset(self.scope, row), **page)

    def milestone(self, number: int) -> Any:
        from localhub.graphql.milestones import Milestone

        sql = "SELECT * FROM milestones WHERE repo_id = ? AND number = ?"
        row = self.hub.db.row(sql, self.row["id"], number)
        return None if row is None else Milestone(self.scope, row)

    def milestones(
        self, query: str | None = None, states: list[str] | None = None, orderBy: Any = None, **page: Any
    ) -> Connection:
        from localhub.graphql.milestones import Milestone

        column = {"DUE_DATE": "due_on", "UPDATED_AT": "updated_at"}.get((orderBy or {}).get("field", ""), "number")
        direction = "DESC" if (orderBy or {}).get("direction") == "DESC" else "ASC"
        sql = f"SELECT * FROM milestones WHERE repo_id = ? AND title LIKE ? ORDER BY {column} {direction}"  # noqa: S608
        rows = self.hub.db.rows(sql, self.row["id"], f"%{query or ''}%")
        rows = [row for row in rows if not states or row["state"].upper() in states]
        return Connection(rows, lambda row: Milestone(self.scope, row), **page)

    def label(self, name: str) -> Label | None:
        row = self.hub.db.row("SELECT * FROM labels WHERE repo_id = ? AND name = ?", self.row["id"], name)
        return None if row is None else Label(self.scope, row)

    def labels(self, query: str | None = None, orderBy: Any = None, **page: Any) -> Connection:
        column = "name" if (orderBy or {}).get("field") == "NAME" else "id"
        direction = "DESC" if (orderBy or {}).get("direction") == "DESC" else "ASC"
        sql = f"""SELECT * FROM labels WHERE repo_id = ? AND (name LIKE ? OR description LIKE ?)
                  ORDER BY {column} {direction}"""  # noqa: S608
        rows = self.hub.db.rows(sql, self.row["id"], *[f"%{query or ''}%"] * 2)
        return Connection(rows, lambda row: Label(self.scope, row), **page)


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
