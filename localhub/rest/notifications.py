"""A person's notifications."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub.db import Row
from localhub.errors import forbidden, not_found
from localhub.http import PageDep, Paging, reply
from localhub.hub import Hub
from localhub.render import repos
from localhub.render.issues import repo_api


class Read(BaseModel):
    last_read_at: str | None = None
    read: bool | None = None


class Subscription(BaseModel):
    ignored: bool = False


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    db = hub.db

    def me() -> int:
        actor = hub.access.user()
        if actor.kind != "user":
            raise forbidden()
        return actor.account_id

    def listing(paging: Paging, *, everything: bool, repo_id: int | None, since: str) -> Response:
        where = """FROM threads t WHERE account_id = ? AND (unread OR ?) AND updated_at >= ?
                   AND (? IS NULL OR repo_id = ?) AND EXISTS (SELECT 1 FROM notices n WHERE n.thread_id = t.id)"""
        values = (me(), int(everything), since, repo_id, repo_id)
        total = db.value(f"SELECT COUNT(*) {where}", *values)
        rows = db.rows(
            f"SELECT * {where} ORDER BY updated_at DESC, id DESC LIMIT ? OFFSET ?",
            *values,
            paging.limit,
            paging.offset,
        )
        return paging.reply([_thread(hub, row) for row in rows], total)

    @api.get("/notifications")
    def mine(paging: PageDep, all: bool = False, since: str = "") -> Response:
        return listing(paging, everything=all, repo_id=None, since=since)

    @api.get("/repos/{owner}/{name}/notifications")
    def of_repository(owner: str, name: str, paging: PageDep, all: bool = False, since: str = "") -> Response:
        repo = hub.access.repo(owner, name)
        return listing(paging, everything=all, repo_id=repo["id"], since=since)

    @api.put("/notifications")
    def read_all(wanted: Read | None = None) -> Response:
        with hub.tx():
            db.execute("UPDATE threads SET unread = 0, last_read_at = ? WHERE account_id = ?", hub.now(), me())
        return reply(None, 205)

    def own(thread_id: int) -> Row:
        row = db.row("SELECT * FROM threads WHERE id = ? AND account_id = ?", thread_id, me())
        if row is None:
            raise not_found()
        return row

    @api.get("/notifications/threads/{thread_id}")
    def one(thread_id: int) -> Response:
        return reply(_thread(hub, own(thread_id)))

    @api.patch("/notifications/threads/{thread_id}")
    def read_one(thread_id: int) -> Response:
        row = own(thread_id)
        with hub.tx():
            db.update("threads", row["id"], unread=0, last_read_at=hub.now())
        return reply(None, 205)

    @api.put("/notifications/threads/{thread_id}/subscription")
    def subscribe(thread_id: int, wanted: Subscription | None = None) -> Response:
        row = own(thread_id)
        with hub.tx():
            db.update("threads", row["id"], subscribed=1, ignored=int(wanted.ignored if wanted else False))
        return reply(_subscription(hub, own(thread_id)))

    @api.get("/notifications/threads/{thread_id}/subscription")
    def subscription(thread_id: int) -> Response:
        return reply(_subscription(hub, own(thread_id)))

    @api.put("/repos/{owner}/{name}/subscription")
    def watch(owner: str, name: str) -> Response:
        repo = hub.access.repo(owner, name)
        with hub.tx():
            db.execute("INSERT OR IGNORE INTO watchers VALUES (?, ?)", repo["id"], me())
        url = repo_api(hub, repo)
        data = {"subscribed": True, "ignored": False, "reason": None, "created_at": hub.now()}
        return reply(data | {"url": f"{url}/subscription", "repository_url": url})

    @api.delete("/repos/{owner}/{name}/subscription")
    def unwatch(owner: str, name: str) -> Response:
        repo = hub.access.repo(owner, name)
        with hub.tx():
            db.execute("DELETE FROM watchers WHERE repo_id = ? AND account_id = ?", repo["id"], me())
        return reply(None, 204)

    return api


def _thread(hub: Hub, row: Row) -> dict[str, Any]:
    """`Thread`."""
    issue = hub.db.get("issues", row["issue_id"])
    repo = hub.access.repo_by_id(row["repo_id"])
    kind = "pulls" if issue["is_pull"] else "issues"
    subject = f"{repo_api(hub, repo)}/{kind}/{issue['number']}"
    latest = row["latest_comment_id"]
    url = hub.api(f"/notifications/threads/{row['id']}")
    return {
        "id": str(row["id"]),
        "unread": bool(row["unread"]),
        "reason": row["reason"],
        "updated_at": row["updated_at"],
        "last_read_at": row["last_read_at"],
        "subject": {
            "title": issue["title"],
            "url": subject,
            "latest_comment_url": f"{repo_api(hub, repo)}/issues/comments/{latest}" if latest else subject,
            "type": "PullRequest" if issue["is_pull"] else "Issue",
        },
        "repository": repos.minimal(hub, repo),
        "url": url,
        "subscription_url": f"{url}/subscription",
    }


def _subscription(hub: Hub, row: Row) -> dict[str, Any]:
    """`ThreadSubscription`."""
    url = hub.api(f"/notifications/threads/{row['id']}")
    return {
        "subscribed": bool(row["subscribed"]),
        "ignored": bool(row["ignored"]),
        "reason": row["reason"],
        "created_at": row["created_at"],
        "url": f"{url}/subscription",
        "thread_url": url,
    }
