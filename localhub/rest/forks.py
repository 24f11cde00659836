"""Forks over REST."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import forks
from localhub.context import current_actor
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import repos as render


class NewFork(BaseModel):
    organization: str | None = None
    name: str | None = None
    default_branch_only: bool = False


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    @api.get("/repos/{owner}/{name}/forks")
    def listing(owner: str, name: str, paging: PageDep, sort: str = "newest") -> Response:
        repo, actor = hub.access.repo(owner, name), current_actor()
        rows = [row for row in forks.of(hub, repo) if hub.access.sees(actor, row)]
        if sort == "oldest":
            rows.reverse()
        return paging.reply([render.minimal(hub, row) for row in paging.slice(rows)], len(rows))

    @api.post("/repos/{owner}/{name}/forks")
    def create(owner: str, name: str, wanted: NewFork | None = None) -> Response:
        repo = hub.access.repo(owner, name, "contents")
        asked = (wanted or NewFork()).model_dump()
        return reply(render.full(hub, forks.create(hub, repo, hub.access.user(), **asked)), 202)

    return api
