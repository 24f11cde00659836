"""Review threads: who sees them, what is unresolved, resolving them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub import automerge, pulls
from localhub.errors import forbidden
from localhub.events import Event
from localhub.render import pulls as render

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub

SEEN = "(r.state <> 'PENDING' OR r.user_id = ?)"
"""SQL on a review `r`: a pending one and its comments are there for their author alone."""
_HAS = "EXISTS (SELECT 1 FROM review_comments c JOIN reviews r ON r.id = c.review_id WHERE c.thread_id = t.id AND {})"


def threads(hub: Hub, pull_id: int, viewer: int = 0) -> list[Row]:
    """The threads of a pull request in which the viewer sees a comment, oldest first."""
    sql = f"SELECT t.* FROM review_threads t WHERE t.pull_id = ? AND {_HAS.format(SEEN)} ORDER BY t.id"  # noqa: S608
    return hub.db.rows(sql, pull_id, viewer)


def comments(hub: Hub, thread_id: int, viewer: int = 0) -> list[Row]:
    """The comments of a thread that the viewer sees."""
    return hub.db.rows(
        f"""SELECT c.* FROM review_comments c JOIN reviews r ON r.id = c.review_id
            WHERE c.thread_id = ? AND {SEEN} ORDER BY c.id""",  # noqa: S608
        thread_id,
        viewer,
    )


def unresolved(hub: Hub, pull_id: int) -> int:
    """How many conversations are open; those of pending reviews are none yet."""
    sql = f"SELECT COUNT(*) FROM review_threads t WHERE t.pull_id = ? AND t.resolved_by IS NULL AND {_HAS.format(SEEN)}"  # noqa: S608
    return int(hub.db.value(sql, pull_id, 0))


def drop_empty(hub: Hub, pull_id: int) -> None:
    """A thread whose last comment went is gone."""
    hub.db.execute(
        "DELETE FROM review_threads WHERE pull_id = ? AND id NOT IN (SELECT thread_id FROM review_comments)", pull_id
    )


def resolve(hub: Hub, repo: Row, thread: Row, actor: Actor, *, resolved: bool) -> Row:
    """Resolve or reopen a thread: by who may write, or the pull request's author."""
    pull = pulls.get(hub, thread["pull_id"])
    if not pulls.may_edit(hub, repo, pull, actor):
        raise forbidden("Must have push access to repository.")
    if (thread["resolved_by"] is not None) == resolved:
        return thread
    with hub.tx():
        hub.db.update("review_threads", thread["id"], resolved_by=actor.account_id if resolved else None)
        changed = hub.db.get("review_threads", thread["id"])
        if comments(hub, thread["id"]):
            payload = {
                "thread": render.thread(hub, repo, pull, changed),
                "pull_request": render.simple(hub, repo, pulls.get(hub, pull["id"]), webhook=True),
            }
            action = "resolved" if resolved else "unresolved"
            hub.emit(Event("pull_request_review_thread", action, repo["id"], actor.account_id, payload))
    automerge.consider(hub, pull["id"])
    return changed
