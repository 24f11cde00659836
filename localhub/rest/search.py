"""GET /search/issues: as late as `search_lag_seconds`, which is GitHub's habit."""

from __future__ import annotations

from fastapi import APIRouter, Response

from localhub.context import current_actor
from localhub.errors import field, invalid
from localhub.http import PageDep
from localhub.hub import Hub
from localhub.issuesearch import search
from localhub.render import issues as render


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    @api.get("/search/issues")
    def issues(paging: PageDep, q: str = "", sort: str = "", order: str = "desc") -> Response:
        if not q.strip():
            raise invalid("Validation Failed", field("Search", "q", "missing"))
        actor = current_actor()
        visible = [
            row["id"]
            for row in hub.db.rows("SELECT id FROM repos")
            if hub.access.sees(actor, hub.access.repo_by_id(row["id"]))
        ]
        rows, total = search(hub, q, paging, visible, sort, order)
        wrap = {"total_count": total, "incomplete_results": False, "search_type": "lexical"}
        return paging.reply([render.brief(hub, row) | {"score": 1.0} for row in rows], total, wrap, "items")

    return api
