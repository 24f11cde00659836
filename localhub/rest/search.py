"""Search: for issues as late as `search_lag_seconds`, which is GitHub's habit, and for people; see `topics.py` too."""

from __future__ import annotations

from fastapi import APIRouter, Response

from localhub import othersearch
from localhub.context import current_actor
from localhub.errors import field, invalid
from localhub.http import PageDep
from localhub.hub import Hub
from localhub.issuesearch import FOUND, search
from localhub.render import issues as render
from localhub.render.accounts import simple_user


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    @api.get("/search/issues")
    def issues(paging: PageDep, q: str = "", sort: str = "", order: str = "desc") -> Response:
        if not q.strip():
            raise invalid("Validation Failed", field("Search", "q", "missing"))
        if paging.offset >= FOUND:
            raise invalid("Only the first 1000 search results are available")
        rows, total = search(hub, current_actor(), q, paging.offset, paging.limit, sort, order)
        wrap = {"total_count": total, "incomplete_results": False, "search_type": "lexical"}
        return paging.reply([each | {"score": 1.0} for each in render.briefs(hub, rows)], total, wrap, "items")

    @api.get("/search/users")
    def users(paging: PageDep, q: str = "", sort: str = "", order: str = "desc") -> Response:
        found = othersearch.accounts(hub, q, sort, order)
        shown = [simple_user(hub, row) | {"score": 1.0} for row in paging.slice(found)]
        wrap = {"total_count": len(found), "incomplete_results": False}
        return paging.reply(shown, len(found), wrap, "items")

    return api
