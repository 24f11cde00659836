"""Lists of issues and pull requests, new ones, labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from localhub import issues, labels, relations
from localhub.context import current_actor
from localhub.errors import not_found
from localhub.http import PageDep
from localhub.pages import checks, shapes
from localhub.pages.talk import Talk
from localhub.pages.web import FormDep, Web, home, to
from localhub.render.issues import sub_issues_summary

if TYPE_CHECKING:
    from localhub.db import Row

BOTH = ("issues", "pull_requests")


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}"

    @api.get(root + "/issues")
    def listed(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        return listing(request, hub.access.repo(owner, name, BOTH), paging, pulls=False)

    @api.get(root + "/pulls")
    def pulls(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        return listing(request, hub.access.repo(owner, name, BOTH), paging, pulls=True)

    def listing(request: Request, repo: Row, paging: PageDep, *, pulls: bool) -> Response:
        query = request.query_params
        state = query.get("state") if query.get("state") in ("open", "closed", "all") else "open"
        where, values = "i.repo_id = ? AND i.is_pull = ?", [repo["id"], int(pulls)]
        if state != "all":
            where, values = where + " AND i.state = ?", [*values, state]
        for key, condition in _FILTERS.items():
            if query.get(key):
                where, values = f"{where} AND {condition}", [*values, query[key]]
        total = hub.db.value(f"SELECT COUNT(*) FROM issues i WHERE {where}", *values)  # noqa: S608
        rows = hub.db.rows(
            f"SELECT i.* FROM issues i WHERE {where} ORDER BY i.id DESC LIMIT ? OFFSET ?",  # noqa: S608
            *values,
            paging.limit,
            paging.offset,
        )
        counts = {
            row["state"]: row["n"]
            for row in hub.db.rows(
                "SELECT state, COUNT(*) AS n FROM issues WHERE repo_id = ? AND is_pull = ? GROUP BY state",
                repo["id"],
                int(pulls),
            )
        }
        return web.page(
            request,
            "issues.html",
            repo=repo,
            tab="pulls" if pulls else "issues",
            rows=[_listed(repo, row) for row in rows],
            total=total,
            state=state,
            counts=counts,
            filters={key: query[key] for key in _FILTERS if query.get(key)},
            paging=paging,
            labels=hub.db.rows("SELECT * FROM labels WHERE repo_id = ? ORDER BY name", repo["id"]),
        )

    def _listed(repo: Row, row: Row) -> dict[str, Any]:
        pull = hub.db.row("SELECT head_sha FROM pulls WHERE issue_id = ?", row["id"]) if row["is_pull"] else None
        return {
            "row": row,
            "state": shapes.issue_state(hub, row),
            "labels": labels.of_issue(hub, row["id"]),
            "parent": relations.parent_of(hub, row["id"]),
            "below": sub_issues_summary(hub, row["id"]),
            "blocked": any(each["state"] == "open" for each in relations.blockers(hub, row["id"])),
            "checks": checks.overall(hub, repo, pull["head_sha"]) if pull else None,
        }

    @api.get(root + "/issues/new")
    def new(owner: str, name: str, request: Request) -> Response:
        repo = hub.access.repo(owner, name, "issues", "write", role="read")
        return web.page(
            request, "issue_new.html", repo=repo, tab="issues", talk=Talk(hub, repo),
            labels=hub.db.rows("SELECT * FROM labels WHERE repo_id = ? ORDER BY name", repo["id"]),
            query=request.query_params,
        )  # fmt: skip

    @api.post(root + "/issues")
    def create(owner: str, name: str, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "issues", "write", role="read")
        row = issues.create(
            hub, repo, hub.access.user(), form.text("title"), form.text("body") or None, labels=form.all("labels")
        )
        return to(f"{home(repo)}/issues/{row['number']}")

    @api.get(root + "/labels")
    def all_labels(owner: str, name: str, request: Request) -> Response:
        repo = hub.access.repo(owner, name)
        rows = hub.db.rows(
            """SELECT l.*, (SELECT COUNT(*) FROM issue_labels x JOIN issues i ON i.id = x.issue_id
                 WHERE x.label_id = l.id AND i.state = 'open') AS used
               FROM labels l WHERE repo_id = ? ORDER BY name""",
            repo["id"],
        )
        return web.page(request, "labels.html", repo=repo, tab="issues", rows=rows, talk=Talk(hub, repo))

    @api.post(root + "/labels")
    def create_label(owner: str, name: str, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "issues", "write")
        color = form.text("color").removeprefix("#") or None
        labels.create(hub, repo, form.text("name"), current_actor(), color, form.text("description") or None)
        return to(f"{home(repo)}/labels")

    @api.post(root + "/labels/{label_id}")
    def change_label(owner: str, name: str, label_id: int, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "issues", "write")
        row = hub.db.row("SELECT * FROM labels WHERE id = ? AND repo_id = ?", label_id, repo["id"])
        if row is None:
            raise not_found()
        if form.text("do") == "delete":
            labels.delete(hub, repo, row, current_actor())
        else:
            wanted = {
                "new_name": form.text("name"),
                "color": form.text("color").removeprefix("#").lower(),
                "description": form.text("description") or None,
            }
            labels.change(hub, repo, row, current_actor(), wanted)
        return to(f"{home(repo)}/labels")


_FILTERS = {
    "label": "EXISTS (SELECT 1 FROM issue_labels x JOIN labels l ON l.id = x.label_id "
    "WHERE x.issue_id = i.id AND l.name = ?)",
    "author": "i.author_id = (SELECT id FROM accounts WHERE login = ?)",
    "q": "instr(lower(i.title || ' ' || COALESCE(i.body, '')), lower(?)) > 0",
}
