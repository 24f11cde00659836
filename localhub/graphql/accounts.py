"""Users, bots, organisations and apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.graphql.base import Object, Scope
from localhub.ids import node_id
from localhub.render.accounts import simple_user

if TYPE_CHECKING:
    from localhub.db import Row


class _Account(Object):
    COLUMNS = {"createdAt": "created_at", "updatedAt": "created_at", "name": "name"}

    def id(self) -> str:
        return node_id(self.row["type"], self.row["id"])

    def login(self) -> str:
        return str(self.row["login"])

    def avatarUrl(self, size: int | None = None) -> str:
        return str(simple_user(self.hub, self.row)["avatar_url"])

    def url(self) -> str:
        return str(simple_user(self.hub, self.row)["html_url"])

    def resourcePath(self) -> str:
        return self.url().removeprefix(self.hub.html())


class User(_Account):
    def email(self) -> str:
        return self.row["email"] or ""

    def isViewer(self) -> bool:
        return bool(self.scope.actor.account_id == self.row["id"])


class Bot(_Account):
    def login(self) -> str:
        # GraphQL has a bot's name without the suffix that REST puts on it.
        return str(self.row["login"]).removesuffix("[bot]")


class Organization(_Account):
    pass


def account(scope: Scope, row: Row | int | None) -> Any:
    """The account as the type it is."""
    if row is None:
        return None
    found = scope.hub.db.get("accounts", row) if isinstance(row, int) else row
    return {"User": User, "Bot": Bot, "Organization": Organization}[found["type"]](scope, found)


class App(Object):
    COLUMNS = {
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "name": "name",
        "slug": "slug",
        "description": "description",
    }

    def id(self) -> str:
        return node_id("App", self.row["id"])

    def url(self) -> str:
        return self._html(f"/apps/{self.row['slug']}")
