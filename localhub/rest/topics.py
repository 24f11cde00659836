"""Topics of repositories, and the search for repositories that they serve."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import repositories
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import field, invalid
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
                field("Topic", "name", "custom", f"A repository cannot have more than {LIMIT} topics."),
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
        if not q.strip():
            raise invalid("Validation Failed", field("Search", "q", "missing"))
        try:
            terms = shlex.split(q)
        except ValueError as error:
            raise invalid("Validation Failed", field("Search", "q", "invalid", str(error))) from error
        actor = current_actor()
        rows = [hub.access.repo_by_id(row["id"]) for row in hub.db.rows("SELECT id FROM repos ORDER BY id")]
        found = [row for row in rows if hub.access.sees(actor, row) and all(_meets(row, term) for term in terms)]
        found.sort(
            key=lambda row: (row["updated_at" if sort == "updated" else "id"], row["id"]), reverse=order != "asc"
        )
        shown: list[dict[str, Any]] = [render.minimal(hub, row) | {"score": 1.0} for row in paging.slice(found)]
        wrap = {"total_count": len(found), "incomplete_results": False}
        return paging.reply(shown, len(found), wrap, "items")

    return api


def _meets(repo: Row, term: str) -> bool:
    """Whether a repository has what one term of GitHub's query language asks."""
    if term.startswith("-"):
        return not _meets(repo, term[1:])
    key, colon, value = term.partition(":")
    full_name, topics = f"{repo['owner_login']}/{repo['name']}".lower(), json.loads(repo["topics"])
    match key if colon else "":
        case "user" | "org":
            return bool(repo["owner_login"].lower() == value.lower())
        case "repo":
            return full_name == value.lower()
        case "is":
            return {"private": bool(repo["private"]), "public": not repo["private"]}.get(value, True)
        case "archived":
            return bool(repo["archived"]) == (value == "true")
        case "topic":
            return value.lower() in topics
        case "fork":
            return value != "only"
        case "in" | "sort":
            return True
        case _:
            text = f"{full_name}\n{repo['description'] or ''}\n{' '.join(topics)}".lower()
            return term.lower() in text
