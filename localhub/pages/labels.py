"""The labels of a repository."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from localhub import labels
from localhub.context import current_actor
from localhub.errors import not_found
from localhub.pages.talk import Talk
from localhub.pages.web import FormDep, Web, home, to


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}/labels"

    @api.get(root)
    def all_labels(owner: str, name: str, request: Request) -> Response:
        repo = hub.access.repo(owner, name)
        rows = hub.db.rows(
            """SELECT l.*, COALESCE(c.n, 0) AS used FROM labels l LEFT JOIN issue_counts c
                 ON c.kind = 'label' AND c.value = l.id AND c.repo_id = l.repo_id AND c.state = 'open'
               WHERE l.repo_id = ? ORDER BY name""",
            repo["id"],
        )
        return web.page(request, "labels.html", repo=repo, tab="issues", rows=rows, talk=Talk(hub, repo))

    @api.post(root)
    def create(owner: str, name: str, form: FormDep) -> Response:
        repo = hub.access.repo(owner, name, "issues", "write")
        color = form.text("color").removeprefix("#") or None
        labels.create(hub, repo, form.text("name"), current_actor(), color, form.text("description") or None)
        return to(f"{home(repo)}/labels")

    @api.post(root + "/{label_id:int}")
    def change(owner: str, name: str, label_id: int, form: FormDep) -> Response:
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
