"""Search over all that one may see, and new repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from localhub import repositories
from localhub.context import current_actor
from localhub.errors import forbidden, invalid
from localhub.http import PageDep
from localhub.issuelist import Where
from localhub.issuesearch import refresh_index
from localhub.pages import shapes
from localhub.pages.listing import SORTS, Query, counted
from localhub.pages.web import FormDep, Web, home, to

if TYPE_CHECKING:
    from localhub.db import Row

MOST_REPOS = 500


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub

    @api.get("/search")
    def search(request: Request, paging: PageDep, q: str = "") -> Response:
        """Issues and pull requests of every repository that one sees, and repositories by name."""
        direct = _direct(q.strip())
        if direct is not None:
            return RedirectResponse(direct)
        query, words = Query.parse(q), q.strip().lower()
        repos = [row for row in _repos(query) if hub.access.sees(current_actor(), row)]
        where = Where()
        where.add(f"i.repo_id IN ({','.join('?' for _ in repos) or 'NULL'})", *(row["id"] for row in repos))
        query.narrow(where)
        refresh_index(hub)
        total = counted(hub, f"FROM issues i WHERE {where}", *where.values) if words else 0
        rows: list[Row] = []
        if words:
            rows = hub.db.rows(
                f"SELECT i.* FROM issues i WHERE {where} ORDER BY {SORTS[query.order][1]} LIMIT ? OFFSET ?",  # noqa: S608
                *where.values,
                paging.limit,
                paging.offset,
            )
        by_id = {row["id"]: row for row in repos}
        found: list[dict[str, Any]] = [
            {"row": row, "state": shapes.issue_state(hub, row), "home": home(by_id[row["repo_id"]])} for row in rows
        ]
        named = [row for row in repos if words and words in home(row).lower()]
        return web.page(request, "search.html", q=q, found=found, total=total, named=named[:20], paging=paging)

    def _repos(query: Query) -> list[Row]:
        sql = """SELECT r.*, a.login AS owner_login, a.type AS owner_type FROM repos r
                 JOIN accounts a ON a.id = r.owner_id ORDER BY r.id DESC LIMIT ?"""
        rows, only = hub.db.rows(sql, MOST_REPOS), query.value("repo")
        return [row for row in rows if only is None or home(row)[1:].lower() == only.lower()]

    def _direct(q: str) -> str | None:
        """`owner/name` or `owner/name#12` of something that one may see."""
        name, _, number = q.partition("#")
        owner, slash, repo_name = name.partition("/")
        row = hub.access.repo_row(owner, repo_name) if slash and repo_name else None
        if row is None or not hub.access.sees(current_actor(), row):
            return None
        return f"{home(row)}/issues/{int(number)}" if number.isascii() and number.isdigit() else home(row)

    @api.get("/new")
    def new(request: Request) -> Response:
        web.user()
        return web.page(request, "repo_new.html", owners=_owners())

    @api.post("/new")
    def create(form: FormDep) -> Response:
        web.user()
        owner = next((row for row in _owners() if row["login"] == form.text("owner")), None)
        if owner is None:
            raise forbidden(f"You may not make repositories of {form.text('owner')}.")
        if not form.text("name").strip():
            raise invalid("The repository needs a name.")
        repo = repositories.create(
            hub, owner["id"], form.text("name").strip(), by=current_actor().account_id,
            description=form.text("description").strip() or None, private=form.text("private") == "1",
            auto_init=form.text("auto_init") == "1",
        )  # fmt: skip
        return to(home(repo))

    def _owners() -> list[Row]:
        """Oneself and the organisations that one belongs to."""
        return hub.db.rows(
            """SELECT * FROM accounts WHERE id = ? OR id IN (SELECT org_id FROM org_members WHERE account_id = ?)
               ORDER BY type DESC, login""",
            current_actor().account_id,
            current_actor().account_id,
        )
