"""Topics of repositories, and the search for repositories that they serve."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import othersearch, repositories
from localhub.context import current_actor
from localhub.errors import invalid
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import repos as render

_TOPIC = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")
LIMIT = 20


class Topics(BaseModel):
    names: list[str]


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    @api.get("/repos/{owner}/{name}/topics")
    def get(owner: str, name: str) -> Response:
        return reply({"names": json.loads(hub.access.repo(owner, name)["topics"])})

    @api.put("/repos/{owner}/{name}/topics")
    def put(owner: str, name: str, wanted: Topics) -> Response:
        repo = hub.access.repo(owner, name, "administration", "write", role="maintain")
        names = list(dict.fromkeys(each.lower() for each in wanted.names))
        if len(names) > LIMIT:
            raise invalid(
                "Validation Failed",
                f"A repository cannot have more than {LIMIT} topics.",
            )
        if not all(map(_TOPIC.fullmatch, names)):
            raise invalid(
                "Validation Failed",
                "Topics must start with a lowercase letter or number, consist of 50 characters or less, "
                "and can include hyphens.",
            )
        repositories.set_topics(hub, repo, names, by=current_actor().account_id)
        return reply({"names": names})

    @api.get("/search/repositories")
    def search(paging: PageDep, q: str = "", sort: str = "", order: str = "desc") -> Response:
        found = othersearch.repositories(hub, current_actor(), q, sort, order)
        shown: list[dict[str, Any]] = [render.minimal(hub, row) | {"score": 1.0} for row in paging.slice(found)]
        wrap = {"total_count": len(found), "incomplete_results": False}
        return paging.reply(shown, len(found), wrap, "items")

    return api
