"""Milestones of a repository."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.errors import check_length, field, invalid, not_found

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
    with hub.tx():
        _check_free(hub, repo, title)
        number = hub.db.value("SELECT COALESCE(MAX(number), 0) + 1 FROM milestones WHERE repo_id = ?", repo["id"])
        now = hub.now()
        made = hub.db.insert(
            "milestones", repo_id=repo["id"], number=number, title=title, description=description, state=state,
            due_on=due_on, creator_id=actor.account_id, created_at=now, updated_at=now,
            closed_at=now if state == "closed" else None,
        )  # fmt: skip
    return hub.db.get("milestones", made)


def change(hub: Hub, repo: Row, row: Row, wanted: dict[str, Any]) -> Row:
    """Title, description, state, due_on: only keys that are there."""
    _check(wanted.get("title", row["title"]), wanted.get("state", row["state"]))
    with hub.tx():
        if wanted.get("title", row["title"]) != row["title"]:
            _check_free(hub, repo, wanted["title"])
        if wanted.get("state", row["state"]) != row["state"]:
            wanted = {**wanted, "closed_at": hub.now() if wanted["state"] == "closed" else None}
        hub.db.update("milestones", row["id"], updated_at=hub.now(), **wanted)
    return hub.db.get("milestones", row["id"])


def delete(hub: Hub, row: Row) -> None:
    """Its issues stay, without a milestone."""
    with hub.tx():
        hub.db.execute("DELETE FROM milestones WHERE id = ?", row["id"])


def _check(title: str, state: str) -> None:
    if not title.strip():
        raise invalid("Validation Failed", field("Milestone", "title", "missing_field"))
    check_length("Milestone", "title", title, 255)
    if state not in STATES:
        raise invalid("Validation Failed", field("Milestone", "state", "invalid"))


def _check_free(hub: Hub, repo: Row, title: str) -> None:
    if hub.db.value("SELECT 1 FROM milestones WHERE repo_id = ? AND title = ?", repo["id"], title):
        raise invalid("Validation Failed", field("Milestone", "title", "already_exists"))
