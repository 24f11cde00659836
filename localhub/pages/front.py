"""The front page, people, acting as one of them, notifications, static files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from localhub import auth
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import invalid, not_found
from localhub.http import PageDep
from localhub.inbox import MANY, Inbox
from localhub.middleware import SESSION
from localhub.pages import code, shapes
from localhub.pages.web import HERE, FormDep, Web, home, to

if TYPE_CHECKING:
    from localhub.hub import Hub

_STATIC = {"page.js": "text/javascript", "style.css": "text/css"}
_REPOS = """SELECT r.*, a.login AS owner_login, a.type AS owner_type FROM repos r
  JOIN accounts a ON a.id = r.owner_id"""
SESSION_SECONDS = 30 * 86_400


def shared_routes(api: APIRouter, web: Web) -> None:
    hub = web.hub

    @api.get("/")
    def front(request: Request) -> Response:
        actor = current_actor()
        rows = hub.db.rows(f"{_REPOS} ORDER BY a.login, r.name")
        hidden = [row for row in rows if not hub.access.sees(actor, row)]
        shown = [row for row in rows if row not in hidden]
        return web.page(
            request,
            "front.html",
            repos=shown,
            hidden=len(hidden),
            people=_people(web, shown),
            counts=_counts(shown),
        )

    @api.get("/notifications")
    def notifications(request: Request, paging: PageDep) -> Response:
        web.user()
        everything = request.query_params.get("all") == "1"
        threads, total = Inbox(hub, current_actor().account_id, everything).page(paging.limit, paging.offset)
        listed = [_told(hub, thread) for thread in threads]
        if total is None:  # as many pages as one may turn to from here
            total = max(MANY, paging.offset + paging.limit + 1)
        mails = hub.db.rows(
            "SELECT kind, COUNT(*) AS n FROM notices WHERE account_id = ? GROUP BY kind ORDER BY n DESC",
            current_actor().account_id,
        )
        return web.page(
            request, "notifications.html", listed=listed, everything=everything, total=total, mails=mails, paging=paging
        )


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub

    @api.get("/_localhub/static/{name}")
    def static(name: str) -> Response:
        if name == "code.css":
            return Response(code.stylesheet(), media_type="text/css", headers={"Cache-Control": "max-age=3600"})
        if name not in _STATIC:
            raise not_found()
        content = (HERE / "static" / name).read_bytes()
        return Response(content, media_type=_STATIC[name], headers={"Cache-Control": "max-age=3600"})

    @api.get("/login")
    def choose(request: Request, next: str = "/") -> Response:
        return web.page(request, "login.html", people=_people(web), next=local(next))

    @api.post("/login")
    def login(form: FormDep) -> Response:
        row = hub.db.row("SELECT * FROM accounts WHERE login = ? AND type = 'User'", form.text("login"))
        if row is None:
            raise invalid(f"There is no user {form.text('login')!r} here: choose one of the list.")
        answer = to(local(form.text("next", "/")))
        token = auth.mint(hub, "session", row["id"], seconds=SESSION_SECONDS)
        secure = hub.root.startswith("https:")
        answer.set_cookie(
            SESSION, token, max_age=SESSION_SECONDS, httponly=True, samesite="strict", secure=secure, path="/"
        )
        return answer

    @api.post("/logout")
    def logout(request: Request, form: FormDep) -> Response:
        auth.revoke(hub, request.cookies.get(SESSION, ""))
        answer = to("/")
        answer.delete_cookie(SESSION, path="/")
        return answer

    @api.post("/notifications/read")
    def read(form: FormDep) -> Response:
        """All are read; or one `thread` is done, which puts it away until something happens there."""
        web.user()
        thread = form.text("thread")
        only, values = ("AND id = ?", [thread]) if thread else ("", [])
        done = ", done = 1" if thread else ""
        with hub.tx():
            hub.db.execute(
                f"UPDATE threads SET unread = 0, last_read_at = ?{done} WHERE account_id = ? {only}",  # noqa: S608
                hub.now(),
                current_actor().account_id,
                *values,
            )
        return to("/notifications")

    @api.get("/{login}")
    def account(login: str, request: Request) -> Response:
        row = hub.db.row("SELECT * FROM accounts WHERE login = ?", login)
        if row is None:
            raise not_found()
        owned = hub.db.rows(f"{_REPOS} WHERE r.owner_id = ? ORDER BY r.name", row["id"])
        shown = [each for each in owned if hub.access.sees(current_actor(), each)]
        return web.page(request, "account.html", account=row, repos=shown, counts=_counts(shown))


def last_routes(api: APIRouter) -> None:
    @api.get("/{path:path}")
    def unknown(path: str) -> Response:
        raise not_found()


def local(path: str) -> str:
    """A path of this hub, and nothing else."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/"


def _people(web: Web, repos: list[Row] | None = None) -> list[dict[str, object]]:
    """Everyone, and what they may do in these repositories (in all, on the page where one chooses whom to act as)."""
    hub = web.hub
    repos = repos if repos is not None else hub.db.rows(f"{_REPOS} ORDER BY r.id LIMIT 20")
    found: list[dict[str, object]] = []
    for row in hub.db.rows("SELECT * FROM accounts WHERE type = 'User' ORDER BY login"):
        roles = [(hub.access.role(repo, row["id"]), home(repo)[1:]) for repo in repos[:20]]
        may = [f"{role} on {name}" for role, name in roles if role not in ("none", "read")]
        found.append({"row": row, "roles": may})
    return found


def _counts(repos: list[Row]) -> dict[int, tuple[int, int]]:
    """Open issues and open pull requests by repository."""
    return {repo["id"]: (repo["open_issues"] - repo["open_pulls"], repo["open_pulls"]) for repo in repos}


def _told(hub: Hub, thread: Row) -> dict[str, Any]:
    """A thread as the page of notifications lists it."""
    row = hub.db.get("issues", thread["issue_id"])
    mails = hub.db.value("SELECT COUNT(*) FROM notices WHERE thread_id = ?", thread["id"])
    return {
        "row": row, "thread": thread, "mails": mails, "state": shapes.issue_state(hub, row),
        "repo": hub.access.repo_by_id(row["repo_id"]),
    }  # fmt: skip
