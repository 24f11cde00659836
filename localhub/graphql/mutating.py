"""What all mutations have: finding nodes that the actor may change, and showing what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localhub import pulls
from localhub.errors import forbidden
from localhub.graphql import gate, queries
from localhub.graphql.accounts import Bot, User, account
from localhub.graphql.base import Scope, no_node
from localhub.graphql.issues import Issue, thread
from localhub.graphql.milestones import Milestone
from localhub.graphql.pulls import PullRequest
from localhub.graphql.repository import Label

if TYPE_CHECKING:
    from localhub.db import Row

Input = dict[str, Any]
BOTH = ("issues", "pull_requests")


def answer(input: Input, **fields: Any) -> Input:
    """A payload: what was asked for and the client's own id."""
    return {"clientMutationId": input.get("clientMutationId"), **fields}


class Mutating:
    """Each public method of a subclass is a mutation; they run in turn, each in a transaction of its own."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._hub = scope.hub
        self._actor = scope.actor

    def _node(self, id: str, *kinds: type) -> Any:
        found = queries.node(self._scope, id)
        if not isinstance(found, kinds):
            raise no_node(kinds[0].__name__, id)
        if gate.forbidden(found):
            raise forbidden()
        return found

    def _issue(self, id: str, role: str = "triage", *, author: bool = False) -> tuple[Row, Row]:
        """An issue, and no pull request, that the actor may write to; as `_either`."""
        self._node(id, Issue)
        return self._either(id, role, author=author)

    def _either(self, id: str, role: str = "triage", *, author: bool = False) -> tuple[Row, Row]:
        """An issue or pull request that the actor may write to: its repository and its row in `issues`.

        `author` lets its author pass without the role.
        """
        found = self._node(id, Issue, PullRequest)
        repo, row = found.repository().row, found.issue_row
        own = author and row["author_id"] == self._actor.account_id and not self._actor.is_bot
        self._require(repo, row, "read" if own else role)
        return repo, row

    def _require(self, repo: Row, issue: Row, role: str) -> None:
        """The right to write to an issue or pull request: a permission for the latter alone opens no issue."""
        needs = BOTH if issue["is_pull"] else "issues"
        self._hub.access.require(self._actor, repo, needs, "write", role=role)

    def _pull(self, id: str) -> tuple[Row, Row]:
        found = self._node(id, PullRequest)
        repo = found.repository().row
        self._hub.access.require(self._actor, repo, "pull_requests", "write", role="read")
        return repo, pulls.get(self._hub, found.row["id"])

    def _show(self, issue_id: int) -> Any:
        return thread(self._scope, self._hub.db.get("issues", issue_id))

    def _show_pull(self, pull_id: int) -> PullRequest:
        return PullRequest(self._scope, self._hub.db.get("pulls", pull_id))

    def _logins(self, ids: Sequence[str]) -> list[str]:
        return [str(self._node(id, User, Bot).row["login"]) for id in ids]

    def _own(self, id: str, kind: type, repo: Row) -> Row:
        """A label or milestone of this repository: those of others are none here."""
        row: Row = self._node(id, kind).row
        if row["repo_id"] != repo["id"]:
            raise no_node(kind.__name__, id)
        return row

    def _label_names(self, ids: Sequence[str], repo: Row) -> list[str]:
        return [str(self._own(id, Label, repo)["name"]) for id in ids]

    def _milestone(self, input: Input, repo: Row) -> dict[str, Any]:
        """What `milestoneId` asks for: nothing, a number, or None to take it away."""
        if "milestoneId" not in input:
            return {}
        id = input["milestoneId"]
        return {"milestone": int(self._own(id, Milestone, repo)["number"]) if id else None}

    def _no_projects(self, input: Input) -> None:
        """Clients send an empty list; a project that is named cannot exist here."""
        for id in input.get("projectIds") or []:
            raise no_node("a", id)

    def _me(self) -> Any:
        return account(self._scope, self._actor.account_id)
