"""Users, bots, organisations and apps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from localhub.graphql.base import Connection, Object, Scope
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


class _Owner(_Account):
    """Who can own repositories."""

    def repositories(
        self,
        isFork: bool | None = None,
        isArchived: bool | None = None,
        orderBy: dict[str, str] | None = None,
        affiliations: list[str] | None = None,
        ownerAffiliations: list[str] | None = None,
        privacy: str | None = None,
        visibility: str | None = None,
        **page: Any,
    ) -> RepositoryConnection:
        from localhub.graphql.repository import Repository

        access, private = self.hub.access, {"PRIVATE": True, "PUBLIC": False}
        rows = [access.repo_by_id(row["id"]) for row in self.hub.db.rows("SELECT id FROM repos ORDER BY id")]
        asked = {"isArchived": isArchived, "private": private.get(privacy or visibility or "")}

        def wanted(row: Row) -> bool:
            own = row["owner_id"] == self.row["id"]
            others = {"COLLABORATOR", "ORGANIZATION_MEMBER"} & set(ownerAffiliations or affiliations or ())
            mine = own or (bool(others) and access.role(row, self.row["id"]) not in ("none", "read"))
            return (
                mine
                and access.sees(self.scope.actor, row)
                and isFork in (None, row["parent_id"] is not None)
                and asked["isArchived"] in (None, bool(row["archived"]))
                and asked["private"] in (None, bool(row["private"]))
            )

        shown = [row for row in rows if wanted(row)]
        if orderBy:
            keys = {"NAME": "name", "PUSHED_AT": "pushed_at", "CREATED_AT": "created_at", "UPDATED_AT": "updated_at"}
            key = keys.get(orderBy["field"], "id")
            shown.sort(key=lambda row: (row[key], row["id"]), reverse=orderBy["direction"] == "DESC")
        return RepositoryConnection(shown, lambda row: Repository(self.scope, row), **page)


class RepositoryConnection(Connection):
    def __init__(self, items: list[Row], make: Callable[[Any], Any], **page: Any) -> None:
        super().__init__(items, make, **page)
        self.totalDiskUsage = sum(row["size"] for row in items)


class User(_Owner):
    def email(self) -> str:
        return self.row["email"] or ""

    def organizations(self, orderBy: dict[str, str] | None = None, **page: Any) -> Connection:
        column = "a.login" if (orderBy or {}).get("field") == "LOGIN" else "a.id"
        direction = "DESC" if (orderBy or {}).get("direction") == "DESC" else "ASC"
        sql = f"""SELECT a.* FROM org_members m JOIN accounts a ON a.id = m.org_id WHERE m.account_id = ?
                  ORDER BY {column} {direction}"""  # noqa: S608
        rows = self.hub.db.rows(sql, self.row["id"])
        return Connection(rows, lambda row: Organization(self.scope, row), **page)

    def isViewer(self) -> bool:
        return bool(self.scope.actor.account_id == self.row["id"])


class Bot(_Account):
    def login(self) -> str:
        # GraphQL has a bot's name without the suffix that REST puts on it.
        return str(self.row["login"]).removesuffix("[bot]")


class Organization(_Owner):
    def teams(self, query: str | None = None, orderBy: Any = None, **page: Any) -> Connection:
        # There are no teams here; clients ask for them nevertheless.
        return Connection([], lambda row: row, **page)

    def team(self, slug: str) -> None:
        return None


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
