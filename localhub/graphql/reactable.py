"""Reactions, on everything that one can react to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from localhub import reactions
from localhub.graphql.accounts import User, account
from localhub.graphql.base import Connection, Object
from localhub.ids import node_id

if TYPE_CHECKING:
    from localhub.db import Row

CONTENT = {
    "+1": "THUMBS_UP", "-1": "THUMBS_DOWN", "laugh": "LAUGH", "hooray": "HOORAY", "confused": "CONFUSED",
    "heart": "HEART", "rocket": "ROCKET", "eyes": "EYES",
}  # fmt: skip
REST = {graphql: rest for rest, graphql in CONTENT.items()}


class Reactable(Object):
    """`SUBJECT` is the kind of thing in the table of reactions."""

    SUBJECT: ClassVar[str]

    @property
    def subject_id(self) -> int:
        return int(self.row["id"])

    def _reactions(self, content: str | None = None) -> list[Row]:
        return reactions.listing(self.hub, self.SUBJECT, self.subject_id, content)

    def reactions(self, content: str | None = None, orderBy: Any = None, **page: Any) -> ReactionConnection:
        rows = self._reactions(REST[content] if content else None)
        if (orderBy or {}).get("direction") == "DESC":
            rows.reverse()
        return ReactionConnection(self, rows, page)

    def reactionGroups(self) -> list[ReactionGroup]:
        """All eight, whether or not anyone has used them, as GitHub lists them."""
        rows = self._reactions()
        return [ReactionGroup(self, one, [row for row in rows if row["content"] == one]) for one in CONTENT]

    def viewerCanReact(self) -> bool:
        return self.scope.actor.kind != "anonymous"


class Reaction(Object):
    COLUMNS = {"createdAt": "created_at"}

    def __init__(self, on: Reactable, row: Row) -> None:
        super().__init__(on.scope, row)
        self.reactable = on

    def id(self) -> str:
        return node_id("Reaction", self.row["id"])

    def content(self) -> str:
        return CONTENT[self.row["content"]]

    def user(self) -> User:
        # GitHub types this field as User, bots included.
        return User(self.scope, self.hub.db.get("accounts", self.row["account_id"]))


class ReactionConnection(Connection):
    def __init__(self, on: Reactable, rows: list[Row], page: dict[str, Any]) -> None:
        super().__init__(rows, lambda row: Reaction(on, row), **page)
        self.viewerHasReacted = any(row["account_id"] == on.scope.actor.account_id for row in rows)


class _People(Connection):
    """Who reacted; the edges say when."""

    def __init__(self, on: Reactable, rows: list[Row], page: dict[str, Any]) -> None:
        super().__init__(rows, lambda row: Reaction(on, row), **page)

    def _person(self, one: Reaction) -> Any:
        return account(one.scope, one.row["account_id"])

    def nodes(self) -> list[Any]:
        return [self._person(one) for one in self._shown()]

    def edges(self) -> list[dict[str, Any]]:
        return [
            {**edge, "node": self._person(edge["node"]), "reactedAt": edge["node"].row["created_at"]}
            for edge in super().edges()
        ]


class _Users(_People):
    def _person(self, one: Reaction) -> Any:
        return one.user()


class ReactionGroup:
    """One kind of reaction to one thing."""

    def __init__(self, on: Reactable, content: str, rows: list[Row]) -> None:
        self.subject = on
        self.content = CONTENT[content]
        self._rows = rows
        self.createdAt = rows[0]["created_at"] if rows else None
        self.viewerHasReacted = any(row["account_id"] == on.scope.actor.account_id for row in rows)

    def users(self, **page: Any) -> Connection:
        return _Users(self.subject, self._rows, page)

    def reactors(self, **page: Any) -> Connection:
        return _People(self.subject, self._rows, page)
