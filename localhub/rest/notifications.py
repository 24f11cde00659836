"""A person's notifications."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from localhub.clock import iso, parse_iso
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import forbidden, invalid, not_found
from localhub.http import PageDep, Paging, reply
from localhub.hub import Hub
from localhub.inbox import Inbox
from localhub.render import accounts, repos
from localhub.render.issues import repo_api

POLL_SECONDS = 60


class Read(BaseModel):
    last_read_at: str | None = None
    read: bool | None = None


class Subscription(BaseModel):
    ignored: bool = False


class Wanted(BaseModel):
    """Which notifications: unread ones unless `all`; of what one takes part in; changed in this span."""

    all: bool = False
    participating: bool = False
    since: str | None = None
    before: str | None = None


WantedDep = Annotated[Wanted, Depends()]


class Watching(BaseModel):
    subscribed: bool = True
    ignored: bool = False


def _date(name: str, text: str | None) -> str | None:
    """A date of the request, in our format; 422 for what is none."""
    try:
        return iso(parse_iso(text)) if text else None
    except (ValueError, OverflowError) as error:
        raise invalid(f"Invalid date for '{name}': {text}") from error


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()
    db = hub.db

    def me() -> int:
        actor = hub.access.user()
        if actor.kind != "user":
            raise forbidden()
        return actor.account_id

    def listing(paging: Paging, wanted: Wanted, repo_id: int | None = None) -> Response:
        since, before = _date("since", wanted.since), _date("before", wanted.before)
        box = Inbox(hub, me(), wanted.all, since, before, repo_id, wanted.participating)
        rows, total = box.page(paging.limit, paging.offset)
        answer = paging.reply([_thread(hub, row) for row in rows], total)
        answer.headers["X-Poll-Interval"] = str(POLL_SECONDS)
        latest = box.latest()
        if latest:
            answer.headers["Last-Modified"] = format_datetime(parse_iso(latest), usegmt=True)
        return answer

    @api.get("/notifications")
    def mine(paging: PageDep, wanted: WantedDep) -> Response:
        return listing(paging, wanted)

    @api.get("/repos/{owner}/{name}/notifications")
    def of_repository(owner: str, name: str, paging: PageDep, wanted: WantedDep) -> Response:
        return listing(paging, wanted, hub.access.repo(owner, name)["id"])

    def read(wanted: Read | None, repo_id: int | None) -> Response:
        until = _date("last_read_at", wanted.last_read_at if wanted else None) or hub.now()
        with hub.tx():
            db.execute(
                """UPDATE threads SET unread = ?, last_read_at = ?
                   WHERE account_id = ? AND updated_at <= ? AND (? IS NULL OR repo_id = ?)""",
                int(wanted is not None and wanted.read is False), until, me(), until, repo_id, repo_id,
            )  # fmt: skip
        return reply(None, 205)

    @api.put("/notifications")
    def read_all(wanted: Read | None = None) -> Response:
        return read(wanted, None)

    @api.put("/repos/{owner}/{name}/notifications")
    def read_repository(owner: str, name: str, wanted: Read | None = None) -> Response:
        return read(wanted, hub.access.repo(owner, name)["id"])

    def own(thread_id: int) -> Row:
        row = db.row("SELECT * FROM threads WHERE id = ? AND account_id = ?", thread_id, me())
        if row is None:
            raise not_found()
        return row

    def change(thread_id: int, **columns: object) -> Row:
        row = own(thread_id)
        with hub.tx():
            db.update("threads", row["id"], **columns)
        return own(thread_id)

    @api.get("/notifications/threads/{thread_id}")
    def one(thread_id: int) -> Response:
        return reply(_thread(hub, own(thread_id)))

    @api.patch("/notifications/threads/{thread_id}")
    def read_one(thread_id: int) -> Response:
        change(thread_id, unread=0, last_read_at=hub.now())
        return reply(None, 205)

    @api.delete("/notifications/threads/{thread_id}")
    def done(thread_id: int) -> Response:
        change(thread_id, unread=0, done=1, last_read_at=hub.now())
        return reply(None, 204)

    @api.put("/notifications/threads/{thread_id}/subscription")
    def subscribe(thread_id: int, wanted: Subscription | None = None) -> Response:
        row = change(thread_id, subscribed=1, ignored=int(wanted.ignored if wanted else False))
        return reply(_subscription(hub, row))

    @api.get("/notifications/threads/{thread_id}/subscription")
    def subscription(thread_id: int) -> Response:
        row = own(thread_id)
        if not row["subscribed"]:
            raise not_found()
        return reply(_subscription(hub, row))

    @api.delete("/notifications/threads/{thread_id}/subscription")
    def leave(thread_id: int) -> Response:
        """Hear no more of it until one comments or is mentioned; whoever watches the repository hears on."""
        change(thread_id, subscribed=0, ignored=0)
        return reply(None, 204)

    _watching(api, hub, me)
    return api


def _watching(api: APIRouter, hub: Hub, me: Callable[[], int]) -> None:
    """Whole repositories."""
    db = hub.db

    def shown(repo: Row) -> dict[str, Any]:
        row = db.row("SELECT * FROM watchers WHERE repo_id = ? AND account_id = ?", repo["id"], me())
        if row is None:
            raise not_found()
        url = repo_api(hub, repo)
        return {
            "subscribed": not row["ignored"],
            "ignored": bool(row["ignored"]),
            "reason": None,
            "created_at": row["created_at"],
            "url": f"{url}/subscription",
            "repository_url": url,
        }

    @api.get("/repos/{owner}/{name}/subscription")
    def watching(owner: str, name: str) -> Response:
        return reply(shown(hub.access.repo(owner, name)))

    @api.put("/repos/{owner}/{name}/subscription")
    def watch(owner: str, name: str, wanted: Watching | None = None) -> Response:
        repo = hub.access.repo(owner, name)
        ignored = int(wanted.ignored if wanted else False)
        with hub.tx():
            db.execute(
                """INSERT INTO watchers (repo_id, account_id, ignored, created_at) VALUES (?, ?, ?, ?)
                   ON CONFLICT DO UPDATE SET ignored = excluded.ignored""",
                repo["id"], me(), ignored, hub.now(),
            )  # fmt: skip
        return reply(shown(repo))

    @api.delete("/repos/{owner}/{name}/subscription")
    def unwatch(owner: str, name: str) -> Response:
        repo = hub.access.repo(owner, name)
        with hub.tx():
            db.execute("DELETE FROM watchers WHERE repo_id = ? AND account_id = ?", repo["id"], me())
        return reply(None, 204)

    @api.get("/repos/{owner}/{name}/subscribers")
    def subscribers(owner: str, name: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name)
        rows = db.rows(
            """SELECT a.* FROM watchers w JOIN accounts a ON a.id = w.account_id
               WHERE w.repo_id = ? AND NOT w.ignored ORDER BY a.id""",
            repo["id"],
        )
        return paging.reply([accounts.simple_user(hub, row) for row in paging.slice(rows)], len(rows))

    @api.get("/user/subscriptions")
    def watched(paging: PageDep) -> Response:
        rows = db.rows("SELECT repo_id FROM watchers WHERE account_id = ? AND NOT ignored ORDER BY repo_id", me())
        all_ = [hub.access.repo_by_id(row["repo_id"]) for row in rows]
        seen = [repo for repo in all_ if hub.access.sees(current_actor(), repo)]
        return paging.reply([repos.minimal(hub, repo) for repo in paging.slice(seen)], len(seen))


def _thread(hub: Hub, row: Row) -> dict[str, Any]:
    """`Thread`."""
    issue = hub.db.get("issues", row["issue_id"])
    repo = hub.access.repo_by_id(row["repo_id"])
    kind = "pulls" if issue["is_pull"] else "issues"
    subject = f"{repo_api(hub, repo)}/{kind}/{issue['number']}"
    latest = hub.db.value("SELECT MAX(id) FROM comments WHERE issue_id = ?", issue["id"])
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
