"""Types of issues, which organisations have: Task, Bug, Feature and what they add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.errors import field, forbidden, invalid, not_found
from localhub.ids import node_id
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

COLORS = ("gray", "blue", "green", "yellow", "orange", "red", "pink", "purple")
_FIRST = (
    ("Task", "A specific piece of work", "yellow"),
    ("Bug", "An unexpected problem or behavior", "red"),
    ("Feature", "A request, idea, or new functionality", "blue"),
)


def of(hub: Hub, org_id: int) -> list[Row]:
    """An organisation's types, made if it has none yet."""
    sql = "SELECT * FROM issue_types WHERE org_id = ? ORDER BY id"
    rows = hub.db.rows(sql, org_id)
    if rows:
        return rows
    with hub.tx():
        for name, description, color in _FIRST:
            now = hub.now()
            hub.db.insert("issue_types", org_id=org_id, name=name, description=description, color=color,
                          created_at=now, updated_at=now)  # fmt: skip
        return hub.db.rows(sql, org_id)


def render(row: Row) -> dict[str, Any]:
    """`IssueType`."""
    return {
        "id": row["id"],
        "node_id": node_id("IssueType", row["id"]),
        "name": row["name"],
        "description": row["description"],
        "color": row["color"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "is_enabled": bool(row["enabled"]),
    }


def organization(hub: Hub, login: str, actor: Actor, *, admin: bool = False) -> int:
    """The id of an organisation that the actor belongs to, or owns."""
    row = hub.db.row("SELECT id FROM accounts WHERE login = ? AND type = 'Organization'", login)
    role = None if row is None else hub.access.member(row["id"], actor.account_id)
    if row is None or role is None:
        raise not_found()
    if admin and role != "admin":
        raise forbidden("Must be an organization owner.")
    return int(row["id"])


def save(hub: Hub, org_id: int, type_id: int | None, wanted: dict[str, Any]) -> Row:
    """Make a type or, with an id, set it anew."""
    if not wanted["name"].strip():
        raise invalid("Validation Failed", field("IssueType", "name", "missing_field"))
    if wanted.get("color") not in (None, *COLORS):
        raise invalid("Validation Failed", field("IssueType", "color", "invalid"))
    same = [row for row in of(hub, org_id) if row["name"].lower() == wanted["name"].lower() and row["id"] != type_id]
    if same:
        raise invalid("Validation Failed", field("IssueType", "name", "already_exists"))
    columns = {"name": wanted["name"], "description": wanted.get("description"), "color": wanted.get("color") or "gray",
               "enabled": int(wanted["is_enabled"]), "updated_at": hub.now()}  # fmt: skip
    with hub.tx():
        if type_id is None:
            type_id = hub.db.insert("issue_types", org_id=org_id, created_at=hub.now(), **columns)
        else:
            hub.db.update("issue_types", find(hub, org_id, type_id)["id"], **columns)
    return hub.db.get("issue_types", type_id)


def find(hub: Hub, org_id: int, type_id: int) -> Row:
    row = hub.db.row("SELECT * FROM issue_types WHERE id = ? AND org_id = ?", type_id, org_id)
    if row is None:
        raise not_found()
    return row


def delete(hub: Hub, org_id: int, type_id: int) -> None:
    with hub.tx():
        hub.db.execute("DELETE FROM issue_types WHERE id = ?", find(hub, org_id, type_id)["id"])


def assign(hub: Hub, repo: Row, row: Row, name: str | None, actor: Actor) -> Row:
    """Give an issue the type of this name, or none; the webhook is `typed` or `untyped`."""
    from localhub import issues

    known = of(hub, repo["owner_id"]) if repo["owner_type"] == "Organization" else []
    new = next((each for each in known if name and each["name"].lower() == name.lower() and each["enabled"]), None)
    if name and (new is None or row["is_pull"]):
        raise invalid("Validation Failed", field("Issue", "type", "invalid", value=name))
    if (new and new["id"]) == row["type_id"]:
        return row
    old = hub.db.get("issue_types", row["type_id"]) if row["type_id"] else None
    with hub.tx():
        row = issues.touch(hub, row["id"], type_id=new and new["id"])
        did = "changed" if old and new else "added" if new else "removed"
        record(hub, row["repo_id"], row["id"], f"issue_type_{did}", actor.account_id)
        told = new or old
        assert told is not None
        return issues.tell(hub, row, "typed" if new else "untyped", actor.account_id, type=render(told))
