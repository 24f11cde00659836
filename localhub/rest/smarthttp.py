"""git clone, fetch and push at /{owner}/{repo}.git: who may do which, then git's own protocol."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse

from localhub import githttp, heads
from localhub.auth import Actor
from localhub.context import get_context
from localhub.db import Row
from localhub.errors import GitHubError
from localhub.hub import Hub
from localhub.refs import Door, git_of

_PUSH = "git-receive-pack"
_LOGIN = {"WWW-Authenticate": 'Basic realm="GitHub"'}


class Refused(Exception):
    """The answer to a client that may not do this."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.response = PlainTextResponse(text, status, _LOGIN if status == 401 else None)


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    def enter(request: Request, owner: str, name: str, service: str) -> tuple[Row, Actor]:
        """The repository and who comes, or Refused in the words that git shows."""
        try:
            actor = hub.access.authenticate(request.headers.get("authorization"))
        except GitHubError as error:
            raise Refused(401, "Invalid username or token.") from error
        context = get_context()
        if context:
            context.actor = actor
        level = "write" if service == _PUSH else "read"
        try:
            return hub.access.repo(owner, name.removesuffix(".git"), "contents", level, actor=actor), actor
        except GitHubError as error:
            if error.status == 301:
                moved = hub.db.value(
                    "SELECT repo_id FROM repo_redirects WHERE full_name = ?", f"{owner}/{name.removesuffix('.git')}"
                )
                repo = hub.access.repo_by_id(moved)
                return hub.access.repo(repo["owner_login"], repo["name"], "contents", level, actor=actor), actor
            if actor.kind == "anonymous":
                raise Refused(401, "Authentication required.") from error
            repo_row = hub.access.repo_row(owner, name.removesuffix(".git"))
            if error.status == 403 and repo_row is not None and heads.lent(hub, actor, repo_row):
                return repo_row, actor  # to the branches of pull requests alone: the door looks at each
            if error.status == 404:
                raise Refused(404, "Repository not found.") from error
            denied = f"Permission to {owner}/{name} denied to {actor.login}."
            words = error.message if "archived" in error.message else denied
            raise Refused(403, words) from error

    @api.get("/{owner}/{name}/info/refs")
    async def advertise(owner: str, name: str, request: Request) -> Response:
        service = request.query_params.get("service", "")
        if service not in ("git-upload-pack", _PUSH):
            return PlainTextResponse("Please upgrade your git client.", 403)
        try:
            repo, actor = await run_in_threadpool(enter, request, owner, name, service)
        except Refused as refused:
            return refused.response
        return await githttp.fetch(request, git_of(hub, repo), "/info/refs", actor.login or "anonymous")

    @api.post("/{owner}/{name}/git-upload-pack")
    async def upload_pack(owner: str, name: str, request: Request) -> Response:
        try:
            repo, actor = await run_in_threadpool(enter, request, owner, name, "git-upload-pack")
        except Refused as refused:
            return refused.response
        return await githttp.fetch(request, git_of(hub, repo), "/git-upload-pack", actor.login or "anonymous")

    @api.post("/{owner}/{name}/git-receive-pack")
    async def receive_pack(owner: str, name: str, request: Request) -> Response:
        try:
            repo, actor = await run_in_threadpool(enter, request, owner, name, _PUSH)
        except Refused as refused:
            return refused.response
        hooks = hub.data / "hooks" / str(repo["id"])
        way = githttp.Reception(hub.repo_locks.of(repo["id"]), hooks, hub.limits.settings.push_bytes)
        return await githttp.push(request, git_of(hub, repo), actor.login, way, Door(hub, repo, actor))

    return api
