"""Commit statuses."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from localhub import statuses
from localhub.errors import GitHubError
from localhub.gitstore import GitRepo
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.render import checks as render
from localhub.render.repos import minimal


class NewStatus(BaseModel):
    state: str | None = None
    target_url: str | None = None
    description: str | None = None
    context: str | None = None


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    def resolve(repo: Any, ref: str) -> str:
        sha = GitRepo(hub.git_dir(repo)).resolve(ref)
        if sha is None:
            raise GitHubError(422, f"No commit found for SHA: {ref}")
        return sha

    @api.post("/repos/{owner}/{name}/statuses/{sha}")
    def create(owner: str, name: str, sha: str, wanted: NewStatus) -> Response:
        repo = hub.access.repo(owner, name, "statuses", "write")
        row = statuses.create(hub, repo, sha, wanted.model_dump(), hub.access.user().account_id)
        return reply(render.status(hub, repo, row), 201)

    @api.get("/repos/{owner}/{name}/commits/{ref:path}/statuses")
    @api.get("/repos/{owner}/{name}/statuses/{ref:path}")
    def listing(owner: str, name: str, ref: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "statuses")
        sha = resolve(repo, ref)
        rows = hub.db.rows(
            "SELECT * FROM statuses WHERE repo_id = ? AND sha = ? ORDER BY id DESC LIMIT ? OFFSET ?",
            repo["id"],
            sha,
            paging.limit,
            paging.offset,
        )
        total = hub.db.value("SELECT count(*) FROM statuses WHERE repo_id = ? AND sha = ?", repo["id"], sha)
        return paging.reply([render.status(hub, repo, row) for row in rows], total)

    @api.get("/repos/{owner}/{name}/commits/{ref:path}/status")
    def combined(owner: str, name: str, ref: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "statuses")
        sha = resolve(repo, ref)
        rows = statuses.latest(hub, repo, sha)
        url = hub.api(f"{render.repo_path(repo)}/commits/{sha}")
        wrap = {
            "state": statuses.combined([row["state"] for row in rows]),
            "sha": sha,
            "total_count": len(rows),
            "repository": minimal(hub, repo),
            "commit_url": url,
            "url": f"{url}/status",
        }
        shown = [render.status(hub, repo, row, simple=True) for row in paging.slice(rows)]
        return paging.reply(shown, len(rows), wrap, "statuses")

    return api
