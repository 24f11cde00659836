"""Milestones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.graphql.accounts import account
from localhub.graphql.base import Connection, Object
from localhub.graphql.repository import Repository, repository
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row


class Milestone(Object):
    COLUMNS = {
        "number": "number",
        "title": "title",
        "description": "description",
        "dueOn": "due_on",
        "closedAt": "closed_at",
        "createdAt": "created_at",
        "updatedAt": "updated_at",
    }

    def id(self) -> str:
        return node_id("Milestone", self.row["id"])

    def repository(self) -> Repository:
        return repository(self.scope, self.row["repo_id"])

    def creator(self) -> Any:
        return account(self.scope, self.row["creator_id"])

    def state(self) -> str:
        return str(self.row["state"]).upper()

    def closed(self) -> bool:
        return bool(self.row["state"] == "closed")

    def resourcePath(self) -> str:
        return f"{self.repository().resourcePath()}/milestone/{self.row['number']}"

    def url(self) -> str:
        return self._html(self.resourcePath())

    def _rows(self) -> list[Row]:
        return self.hub.db.rows("SELECT * FROM issues WHERE milestone_id = ? ORDER BY id", self.row["id"])

    def progressPercentage(self) -> float:
        rows = self._rows()
        return 100 * sum(row["state"] == "closed" for row in rows) / len(rows) if rows else 0.0

    def issues(self, states: list[str] | None = None, **page: Any) -> Connection:
        from localhub.graphql.issues import Issue

        rows = [row for row in self._rows() if not row["is_pull"] and (not states or row["state"].upper() in states)]
        return Connection(rows, lambda row: Issue(self.scope, row), **page)

    def pullRequests(self, states: list[str] | None = None, **page: Any) -> Connection:
        from localhub.graphql.pulls import PullRequest

        pulls = [PullRequest.of_issue(self.scope, row) for row in self._rows() if row["is_pull"]]
        return Connection([one for one in pulls if not states or one.state() in states], lambda one: one, **page)
