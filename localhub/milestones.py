"""Milestones of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import issues
from localhub.clock import iso, parse_iso
from localhub.context import current_actor
from localhub.errors import check_length, field, invalid, not_found
from localhub.events import Event
from localhub.render import issues as render

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

STATES = ("open", "closed")


def find(hub: Hub, repo: Row, number: int) -> Row:
    row = hub.db.row("SELECT * FROM milestones WHERE repo_id = ? AND number = ?", repo["id"], number)
    if row is None:
        raise not_found()
    return row


def create(
    hub: Hub, repo: Row, actor: Actor, title: str, *,
    description: str | None = None, state: str = "open", due_on: str | None = None,
) -> Row:  # fmt: skip
    """A new milestone; titles are its repository's own."""
    _check(title, state)
    due_on = _date(due_on)
    with hub.tx():
        _check_free(hub, repo, title)
        hub.db.execute("UPDATE repos SET last_milestone = last_milestone + 1 WHERE id = ?", repo["id"])
        number = hub.db.value("SELECT last_milestone FROM repos WHERE id = ?", repo["id"])
        now = hub.now()
        made = hub.db.insert(
            "milestones", repo_id=repo["id"], number=number, title=title, description=description, state=state,
            due_on=due_on, creator_id=actor.account_id, created_at=now, updated_at=now,
            closed_at=now if state == "closed" else None,
        )  # fmt: skip
        return _tell(hub, repo, made, "created", actor.account_id)


def change(hub: Hub, repo: Row, row: Row, wanted: dict[str, Any]) -> Row:
    """Title, description, state, due_on: only keys that are there."""
    _check(wanted.get("title", row["title"]), wanted.get("state", row["state"]))
    with hub.tx():
        if wanted.get("title", row["title"]) != row["title"]:
            _check_free(hub, repo, wanted["title"])
        if "due_on" in wanted:
            wanted = {**wanted, "due_on": _date(wanted["due_on"])}
        turned = wanted.get("state", row["state"]) != row["state"]
        if turned:
            wanted = {**wanted, "closed_at": hub.now() if wanted["state"] == "closed" else None}
        hub.db.update("milestones", row["id"], updated_at=hub.now(), **wanted)
        by, told = current_actor().account_id, ("title", "description", "due_on")
        changes = {key: {"from": row[key] or ""} for key in told if key in wanted and wanted[key] != row[key]}
        if changes:
            _tell(hub, repo, row["id"], "edited", by, changes=changes)
        if turned:
            _tell(hub, repo, row["id"], "closed" if wanted["state"] == "closed" else "opened", by)
    return hub.db.get("milestones", row["id"])


def delete(hub: Hub, row: Row) -> None:
    """Its issues stay, without a milestone."""
    repo, actor = hub.access.repo_by_id(row["repo_id"]), current_actor()
    with hub.tx():
        for issue in hub.db.rows("SELECT * FROM issues WHERE milestone_id = ? ORDER BY id", row["id"]):
            issues.set_milestone(hub, repo, issue, None, actor)
        _tell(hub, repo, row["id"], "deleted", actor.account_id)
        hub.db.execute("DELETE FROM milestones WHERE id = ?", row["id"])


def _tell(hub: Hub, repo: Row, milestone_id: int, action: str, by: int, **more: Any) -> Row:
    row = hub.db.get("milestones", milestone_id)
    hub.emit(
        Event("milestone", action, repo["id"], by, lambda: {"milestone": render.milestone(hub, repo, row), **more})
    )
    return row


def _date(text: str | None) -> str | None:
    """GitHub keeps the day: a due date is told of as its midnight."""
    if not text:
        return None
    try:
        return iso(parse_iso(text if "T" in text else f"{text}T00:00:00Z").replace(hour=0, minute=0, second=0))
    except ValueError as error:
        raise invalid("Validation Failed", field("Milestone", "due_on", "invalid")) from error


def _check(title: str, state: str) -> None:
    if not title.strip():
        raise invalid("Validation Failed", field("Milestone", "title", "missing_field"))
    check_length("Milestone", "title", title, 255)
    if state not in STATES:
        raise invalid("Validation Failed", field("Milestone", "state", "invalid"))


def _check_free(hub: Hub, repo: Row, title: str) -> None:
    if hub.db.value("SELECT 1 FROM milestones WHERE repo_id = ? AND title = ?", repo["id"], title):
        raise invalid("Validation Failed", field("Milestone", "title", "already_exists"))
