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


def create(hub: Hub, repo: Row, issue: Row, actor: Actor, body: str) -> Row:
    _check(body)
    if issue["locked"] and not hub.access.allowed(actor, repo, ("issues", "pull_requests"), "write"):
        raise forbidden("Unable to create comment because issue is locked.")
    hub.limits.created(actor)
    with hub.tx():
        comment_id = hub.db.insert(
            "comments",
            issue_id=issue["id"],
            repo_id=issue["repo_id"],
            author_id=actor.account_id,
            app_id=actor.app_id,
            body=body,
            created_at=hub.now(),
            updated_at=hub.now(),
        )
        hub.db.execute("UPDATE issues SET comments = comments + 1 WHERE id = ?", issue["id"])
        issues.touch(hub, issue["id"])
        row = hub.db.get("comments", comment_id)
        record(hub, issue["id"], "commented", actor.account_id, comment_id=comment_id)
        _tell(hub, row, "created", actor)
        notifications.subscribe(hub, issue, actor.account_id, "comment")
        hub.db.execute("UPDATE threads SET latest_comment_id = ? WHERE issue_id = ?", comment_id, issue["id"])
        notifications.thread(hub, issue, by=actor.account_id, kind="comment", text=body)
    return row


def edit(hub: Hub, row: Row, actor: Actor, body: str) -> Row:
    """Change the text; the webhook carries the old one and who changed it. Nobody is mailed."""
    _check(body)
    if body == row["body"]:
        return row
    with hub.tx():
        hub.db.update("comments", row["id"], body=body, updated_at=hub.now(), edited_at=hub.now())
        issues.touch(hub, row["issue_id"])
        notifications.rewritten(hub, hub.db.get("issues", row["issue_id"]), row["body"], body)
        changed = hub.db.get("comments", row["id"])
        _tell(hub, changed, "edited", actor, changes={"body": {"from": row["body"]}})
    return changed


def delete(hub: Hub, row: Row, actor: Actor) -> None:
    with hub.tx():
        _tell(hub, row, "deleted", actor)
        hub.db.execute("DELETE FROM comments WHERE id = ?", row["id"])
        hub.db.execute(
            "DELETE FROM issue_events WHERE issue_id = ? AND event = 'commented' AND data ->> 'comment_id' = ?",
            row["issue_id"],
            row["id"],
        )
        hub.db.execute("DELETE FROM reactions WHERE subject_type = 'comment' AND subject_id = ?", row["id"])
        hub.db.execute("UPDATE issues SET comments = comments - 1 WHERE id = ?", row["issue_id"])
        issues.touch(hub, row["issue_id"])


def may_change(hub: Hub, repo: Row, row: Row, actor: Actor) -> bool:
    """Its author, those who can push, and apps that may write issues."""
    return bool(row["author_id"] == actor.account_id) or hub.access.allowed(
        actor, repo, ("issues", "pull_requests"), "write"
    )


def _check(body: str) -> None:
    if not body.strip():
        raise invalid("Validation Failed", field("IssueComment", "body", "missing_field", "Body cannot be blank"))
    check_length("IssueComment", "body", body)


def _tell(hub: Hub, row: Row, action: str, actor: Actor, **extra: Any) -> None:
    issue = hub.db.get("issues", row["issue_id"])
    wrote = None if action == "deleted" else Wrote(issue["id"], row["body"])

    def payload() -> dict[str, Any]:
        return {"issue": render.brief(hub, issue), "comment": render.comment(hub, row, issue), **extra}

    hub.emit(Event("issue_comment", action, issue["repo_id"], actor.account_id, payload, wrote=wrote))
