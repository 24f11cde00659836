"""Comments on issues and pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import issues, notifications
from localhub.auth import Actor
from localhub.errors import check_length, field, forbidden, invalid
from localhub.events import Event, Wrote
from localhub.render import issues as render
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


_COUNT = "UPDATE issues SET comments = comments + ?, updated_at = ?, touched = ? WHERE id = ? RETURNING *"


def create(hub: Hub, repo: Row, issue: Row, actor: Actor, body: str) -> Row:
    _check(body)
    if issue["locked"] and not hub.access.allowed(actor, repo, ("issues", "pull_requests"), "write"):
        raise forbidden("Unable to create comment because issue is locked.")
    hub.limits.created(actor)
    with hub.tx():
        row = hub.db.made(
            "comments",
            issue_id=issue["id"],
            repo_id=issue["repo_id"],
            author_id=actor.account_id,
            app_id=actor.app_id,
            body=body,
            created_at=hub.now(),
            updated_at=hub.now(),
        )
        issue = _counted(hub, issue["id"], 1)
        record(hub, issue["repo_id"], issue["id"], "commented", actor.account_id, comment_id=row["id"])
        _tell(hub, issue, row, "created", actor)
        notifications.thread(hub, issue, by=actor.account_id, kind="comment", text=body, comment=row["id"])
    return row


def edit(hub: Hub, row: Row, actor: Actor, body: str) -> Row:
    """Change the text; the webhook carries the old one and who changed it. Nobody is mailed."""
    _check(body)
    if body == row["body"]:
        return row
    with hub.tx():
        changed = hub.db.changed("comments", row["id"], body=body, updated_at=hub.now(), edited_at=hub.now())
        issue = issues.touch(hub, row["issue_id"])
        notifications.rewritten(hub, issue, row["body"], body)
        _tell(hub, issue, changed, "edited", actor, changes={"body": {"from": row["body"]}})
    return changed


def delete(hub: Hub, row: Row, actor: Actor) -> None:
    with hub.tx():
        _tell(hub, hub.db.get("issues", row["issue_id"]), row, "deleted", actor)
        hub.db.execute("DELETE FROM comments WHERE id = ?", row["id"])
        hub.db.execute(
            "DELETE FROM issue_events WHERE issue_id = ? AND event = 'commented' AND data ->> 'comment_id' = ?",
            row["issue_id"],
            row["id"],
        )
        hub.db.execute("DELETE FROM reactions WHERE subject_type = 'comment' AND subject_id = ?", row["id"])
        _counted(hub, row["issue_id"], -1)


def _counted(hub: Hub, issue_id: int, more: int) -> Row:
    """The issue with so many comments more, changed now."""
    return hub.db.returned(_COUNT, more, hub.now(), hub.clock.timestamp(), issue_id)


def may_change(hub: Hub, repo: Row, row: Row, actor: Actor) -> bool:
    """Its author, those who can push, and apps that may write issues."""
    return bool(row["author_id"] == actor.account_id) or hub.access.allowed(
        actor, repo, ("issues", "pull_requests"), "write"
    )


def _check(body: str) -> None:
    if not body.strip():
        raise invalid("Validation Failed", field("IssueComment", "body", "missing_field", "Body cannot be blank"))
    check_length("IssueComment", "body", body)


def _tell(hub: Hub, issue: Row, row: Row, action: str, actor: Actor, **extra: Any) -> None:
    wrote = None if action == "deleted" else Wrote(issue["id"], row["body"])

    def payload() -> dict[str, Any]:
        return {"issue": render.brief(hub, issue), "comment": render.comment(hub, row, issue), **extra}

    hub.emit(Event("issue_comment", action, issue["repo_id"], actor.account_id, payload, wrote=wrote))
