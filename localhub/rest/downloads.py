"""Plain files beside the pages: raw content, and the .diff and .patch of commits, comparisons and pull requests."""

from __future__ import annotations

from fastapi import APIRouter, Response
from starlette.responses import PlainTextResponse

from localhub import gitdiff, pulls
from localhub.errors import not_found
from localhub.gitstore import GitRepo
from localhub.hub import Hub
from localhub.refs import git_of

PLAIN = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}


def router(hub: Hub) -> APIRouter:
    api = APIRouter()

    def read(owner: str, name: str, permission: str = "contents") -> GitRepo:
        return git_of(hub, hub.access.repo(owner, name, permission))

    @api.get("/{owner}/{name}/raw/{place:path}")
    def raw(owner: str, name: str, place: str) -> Response:
        git = read(owner, name)
        parts = place.removeprefix("refs/heads/").split("/")
        for cut in range(1, len(parts)):  # branch names may have slashes: the first that is one wins
            commit = git.resolve("/".join(parts[:cut]))
            content = git.read(commit, "/".join(parts[cut:])) if commit else None
            if content is not None:
                kind = "application/octet-stream" if b"\0" in content[:8000] else "text/plain; charset=utf-8"
                return Response(content, media_type=kind, headers=PLAIN)
        raise not_found()

    @api.get("/{owner}/{name}/pull/{number:int}.{kind}")
    def pull(owner: str, name: str, number: int, kind: str) -> Response:
        repo = hub.access.repo(owner, name, "pull_requests")
        found, git = pulls.find(hub, repo, number), git_of(hub, repo)
        fork = git.merge_base(found["base_sha"], found["head_sha"]) or found["base_sha"]
        return _difference(git, fork, found["head_sha"], kind)

    @api.get("/{owner}/{name}/commit/{sha}.{kind}")
    def commit(owner: str, name: str, sha: str, kind: str) -> Response:
        git = read(owner, name)
        found = git.commit(git.resolve(sha) or "")
        if found is None:
            raise not_found()
        if kind == "patch":
            return PlainTextResponse(gitdiff.commit_patch(git, found.sha))
        return _difference(git, found.parents[0] if found.parents else None, found.sha, kind)

    @api.get("/{owner}/{name}/compare/{base}...{head}.diff")
    def compared(owner: str, name: str, base: str, head: str) -> Response:
        return compare(owner, name, base, head, "diff")

    @api.get("/{owner}/{name}/compare/{base}...{head}.patch")
    def compared_as_mail(owner: str, name: str, base: str, head: str) -> Response:
        return compare(owner, name, base, head, "patch")

    def compare(owner: str, name: str, base: str, head: str, kind: str) -> Response:
        git = read(owner, name)
        one, other = git.resolve(base), git.resolve(head)
        fork = git.merge_base(one, other) if one and other else None
        if fork is None or other is None:
            raise not_found()
        return _difference(git, fork, other, kind)

    return api


def _difference(git: GitRepo, old: str | None, new: str, kind: str) -> Response:
    if kind == "diff":
        return PlainTextResponse(gitdiff.diff(git, old, new))
    if kind == "patch" and old is not None:
        return PlainTextResponse(gitdiff.patch(git, old, new))
    raise not_found()
