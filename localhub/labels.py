"""Labels of repositories and of their issues and pull requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localhub.auth import Actor
from localhub.errors import GitHubError, check_length, field, invalid, not_found
from localhub.events import Event
from localhub.render import issues as render
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

NAME_LIMIT, DESCRIPTION_LIMIT, PER_ISSUE = 50, 100, 100
DEFAULT_COLOR = "ededed"
_COLOR = re.compile(r"[0-9a-fA-F]{6}")


def find(hub: Hub, repo: Row, name: str) -> Row:
    found = hub.db.row("SELECT * FROM labels WHERE repo_id = ? AND name = ?", repo["id"], name)
    if found is None:
        raise not_found()
    return found


def create(
    hub: Hub, repo: Row, name: str, actor: Actor, color: str | None = None, description: str | None = None
) -> Row:
    _check(name, color, description)
    with hub.tx():
        if hub.db.value("SELECT 1 FROM labels WHERE repo_id = ? AND name = ?", repo["id"], name):
            raise invalid("Validation Failed", field("Label", "name", "already_exists"))
        label_id = hub.db.insert(
            "labels", repo_id=repo["id"], name=name, color=(color or DEFAULT_COLOR).lower(), description=description
        )
        row = hub.db.get("labels", label_id)
        hub.emit(
            Event("label", "created", repo["id"], actor.account_id, lambda: {"label": render.label(hub, repo, row)})
        )
    return row


def _check(name: str, color: str | None, description: str | None) -> None:
    if not name.strip():
        raise invalid("Validation Failed", field("Label", "name", "missing_field"))
    check_length("Label", "name", name, NAME_LIMIT)
    check_length("Label", "description", description, DESCRIPTION_LIMIT)
    if color is not None and not _COLOR.fullmatch(color):
        raise invalid("Validation Failed", field("Label", "color", "invalid"))


def change(hub: Hub, repo: Row, row: Row, actor: Actor, wanted: dict[str, Any]) -> Row:
    """Keys: new_name, color, description."""
    values = {"name": wanted.get("new_name"), "color": wanted.get("color"), "description": wanted.get("description")}
    columns = {key: value for key, value in values.items() if value is not None and value != row[key]}
    if "description" in wanted and wanted["description"] is None:
        columns["description"] = None
    _check(columns.get("name") or row["name"], columns.get("color"), columns.get("description"))
    with hub.tx():
        other = hub.db.value(
            "SELECT 1 FROM labels WHERE repo_id = ? AND name = ? AND id <> ?",
            repo["id"],
            columns.get("name", row["name"]),
            row["id"],
        )
        if other:
            raise invalid("Validation Failed", field("Label", "name", "already_exists"))
        hub.db.update("labels", row["id"], **columns)
        changes = {key: {"from": row[key] or ""} for key in columns}
        row = hub.db.get("labels", row["id"])
        payload = {"label": render.label(hub, repo, row), "changes": changes}
        hub.emit(Event("label", "edited", repo["id"], actor.account_id, payload))
    return row


def delete(hub: Hub, repo: Row, row: Row, actor: Actor) -> None:
    with hub.tx():
        hub.emit(
            Event("label", "deleted", repo["id"], actor.account_id, lambda: {"label": render.label(hub, repo, row)})
        )
        hub.db.execute("DELETE FROM labels WHERE id = ?", row["id"])


def of_issue(hub: Hub, issue_id: int) -> list[Row]:
    return hub.db.rows(
        "SELECT l.* FROM labels l JOIN issue_labels i ON i.label_id = l.id WHERE i.issue_id = ? ORDER BY i.rowid",
        issue_id,
    )


def attach(hub: Hub, repo: Row, issue: Row, names: Sequence[str], actor: Actor, *, new: bool = False) -> list[Row]:
    """Put labels on an issue (a `new` one has none), making unknown ones; those that it did not have.

    The caller tells of them, and that the issue has changed.
    """
    added = []
    for name in dict.fromkeys(names):
        label = hub.db.row("SELECT * FROM labels WHERE repo_id = ? AND name = ?", repo["id"], name)
        label = label or create(hub, repo, name, actor)
        if hub.db.execute("INSERT OR IGNORE INTO issue_labels VALUES (?, ?)", issue["id"], label["id"]):
            shown = {"name": label["name"], "color": label["color"]}
            record(hub, issue["repo_id"], issue["id"], "labeled", actor.account_id, label=shown)
            added.append(label)
    count = "SELECT COUNT(*) FROM issue_labels WHERE issue_id = ?"
    if added and (len(added) if new else hub.db.value(count, issue["id"])) > PER_ISSUE:
        raise invalid("Validation Failed", field("Issue", "labels", "custom", f"has a maximum of {PER_ISSUE} labels"))
    return added


def add(hub: Hub, repo: Row, issue: Row, names: Sequence[str], actor: Actor) -> Row:
    from localhub import issues

    with hub.tx():
        added = attach(hub, repo, issue, names, actor)
        if added:
            issue = issues.touch(hub, issue["id"])
        for label in added:
            issues.tell(hub, issue, "labeled", actor.account_id, label=render.label(hub, repo, label))
    return issue


def remove(hub: Hub, repo: Row, issue: Row, name: str, actor: Actor) -> Row:
    """Take the label of this name off; 404 when the issue has it not."""
    with hub.tx():
        label = hub.db.row("SELECT * FROM labels WHERE repo_id = ? AND name = ?", repo["id"], name)
        if label is None:
            raise GitHubError(404, "Label does not exist")
        return _detach(hub, repo, issue, label, actor)


def _detach(hub: Hub, repo: Row, issue: Row, label: Row, actor: Actor) -> Row:
    from localhub import issues

    if not hub.db.execute("DELETE FROM issue_labels WHERE issue_id = ? AND label_id = ?", issue["id"], label["id"]):
        raise GitHubError(404, "Label does not exist")
    shown = {"name": label["name"], "color": label["color"]}
    record(hub, issue["repo_id"], issue["id"], "unlabeled", actor.account_id, label=shown)
    issue = issues.touch(hub, issue["id"])
    return issues.tell(hub, issue, "unlabeled", actor.account_id, label=render.label(hub, repo, label))


def replace(hub: Hub, repo: Row, issue: Row, names: Sequence[str], actor: Actor) -> Row:
    """Exactly these labels."""
    wanted = {name.lower() for name in names}
    with hub.tx():
        for label in of_issue(hub, issue["id"]):
            if label["name"].lower() not in wanted:
                issue = _detach(hub, repo, issue, label, actor)
        return add(hub, repo, issue, names, actor)
