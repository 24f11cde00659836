"""Files over REST: read, list, write and remove."""

from __future__ import annotations

import base64
import configparser
import posixpath
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from localhub import refs
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, conflict, field, invalid, not_found
from localhub.gitcore import ZERO, Entry, RefChange
from localhub.gitstore import GitRepo
from localhub.http import reply
from localhub.hub import Hub
from localhub.people import identity
from localhub.quick import Alone, quick
from localhub.render import git as render
from localhub.rest.git import SMALL, Who, bytes_of, malformed, person

LISTED = 1000  # rows of a directory
INLINE = 1024 * 1024  # larger files come by the raw media type only
LARGEST = 100 * 1024 * 1024
KINDS = {"blob": "file", "tree": "dir", "commit": "submodule"}


def submodule(git: GitRepo, commit: str, path: str) -> str | None:
    """The URL that .gitmodules has for a submodule's path."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(
            "\n".join(line.strip() for line in (git.read(commit, ".gitmodules") or b"").decode().split("\n"))
        )
    except (configparser.Error, UnicodeDecodeError):
        return None
    return next((parser[each].get("url") for each in parser.sections() if parser[each].get("path") == path), None)


class PutFile(BaseModel):
    message: str
    content: str
    sha: str | None = None
    branch: str | None = None
    author: Who | None = None
    committer: Who | None = None


class DeleteFile(BaseModel):
    message: str
    sha: str
    branch: str | None = None
    author: Who | None = None
    committer: Who | None = None


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()

    def described(repo: Row, entry: Entry, ref: str, path: str) -> dict[str, Any]:
        url = render.api(hub, repo, f"/contents/{quote(path)}?ref={quote(ref)}")
        kind = "trees" if entry.type == "tree" else "blobs"
        page = render.html(hub, repo, f"/{'tree' if entry.type == 'tree' else 'blob'}/{quote(ref)}/{quote(path)}")
        git_url = render.api(hub, repo, f"/git/{kind}/{entry.sha}")
        raw = render.html(hub, repo, f"/raw/{quote(ref)}/{quote(path)}") if entry.type == "blob" else None
        return {
            "name": path.rsplit("/", 1)[-1],
            "path": path,
            "sha": entry.sha,
            "size": entry.size or 0,
            "url": url,
            "html_url": page,
            "git_url": git_url,
            "download_url": raw,
            "type": "symlink" if entry.mode == "120000" else KINDS[entry.type],
            "_links": {"self": url, "git": git_url, "html": page},
        }

    def file(repo: Row, git: GitRepo, entry: Entry, ref: str, path: str) -> dict[str, Any]:
        data = described(repo, entry, ref, path)
        content = git.blob(entry.sha)
        assert content is not None
        if entry.mode == "120000":
            return data | {"target": content.decode(errors="replace")}
        if len(content) > INLINE:
            return data | {"content": "", "encoding": "none"}
        return data | {"content": base64.encodebytes(content).decode(), "encoding": "base64"}

    def folder(repo: Row, git: GitRepo, entry: Entry, ref: str, path: str, *, whole: bool) -> Any:
        """The rows of a directory, of which submodules call themselves files; `whole` for the media type `object`."""
        rows = [described(repo, row, ref, f"{path}/{row.path}".strip("/")) for row in git.tree(entry.sha)[:LISTED]]
        rows = [row | ({"type": "file"} if row["type"] == "submodule" else {}) for row in rows]
        return described(repo, entry, ref, path) | {"entries": rows} if whole else rows

    @api.get("/repos/{owner}/{name}/contents/{path:path}")
    def get(owner: str, name: str, path: str, request: Request, ref: str | None = None) -> Response:
        repo = hub.access.repo(owner, name, "contents")
        git = refs.git_of(hub, repo)
        at = ref or repo["default_branch"]
        commit = git.resolve(at)
        if commit is None and ref is None:
            raise GitHubError(404, "This repository is empty.")
        if commit is None:
            raise GitHubError(404, f"No commit found for the ref {ref}")
        path = path.strip("/")
        entry = git.entry(commit, path)
        if entry is None:
            raise not_found()
        accept = request.headers.get("accept", "")
        if entry.mode == "120000":
            aim = posixpath.normpath(posixpath.join(posixpath.dirname(path), (git.blob(entry.sha) or b"").decode()))
            found = git.entry(commit, aim) if not aim.startswith(("/", "..")) else None
            entry = found if found is not None and found.mode in ("100644", "100755") else entry
        if entry.type == "tree":
            return reply(folder(repo, git, entry, at, path, whole=".object" in accept))
        if entry.type == "commit":
            return reply(described(repo, entry, at, path) | {"submodule_git_url": submodule(git, commit, path)})
        if (entry.size or 0) > LARGEST:
            raise GitHubError(403, "This API returns blobs up to 100 MB in size.")
        if ".raw" in accept:
            return Response(git.blob(entry.sha), media_type="application/vnd.github.raw; charset=utf-8")
        return reply(file(repo, git, entry, at, path))

    @api.get("/repos/{owner}/{name}/contents")
    def root(owner: str, name: str, request: Request, ref: str | None = None) -> Response:
        return get(owner, name, "", request, ref)

    @api.get("/repos/{owner}/{name}/readme")
    def readme(owner: str, name: str, request: Request, ref: str | None = None) -> Response:
        repo = hub.access.repo(owner, name, "contents")
        git = refs.git_of(hub, repo)
        commit = git.resolve(ref or repo["default_branch"])
        found = [e.path for e in git.tree(commit) if e.path.lower().startswith("readme")] if commit else []
        if not found:
            raise not_found()
        return get(owner, name, found[0], request, ref)

    def write(
        repo: Row, path: str, wanted: PutFile | DeleteFile, content: bytes | None
    ) -> tuple[GitRepo, str, Entry | None, bool]:
        """Commit one change to a branch: (git, commit, the new entry, whether the file is new)."""
        actor, git = current_actor(), refs.git_of(hub, repo)
        branch = wanted.branch or repo["default_branch"]
        if wrong := malformed(path):
            raise invalid(f"path {wrong}", field("Commit", "path", "invalid"))
        if path.startswith(".github/workflows/") and actor.is_bot and actor.permissions.get("workflows") != "write":
            raise GitHubError(403, "Resource not accessible by integration")
        with hub.repo_locks.of(repo["id"]):
            old = git.ref(f"refs/heads/{branch}")
            if old is None and git.refs("refs/heads/"):
                raise GitHubError(404, f"Branch {branch} not found")
            before = git.entry(old, path) if old else None
            check(before, path, wanted.sha)
            blob = None if content is None else git.write_blob(content)
            mode = before.mode if before else "100644"
            tree = git.write_tree({path: None if blob is None else (mode, blob)}, old)
            author = person(wanted.author or wanted.committer, identity(hub, actor.account_id))
            committer = person(wanted.committer, author)
            sha = git.write_commit(tree, [old] if old else [], author, committer, wanted.message)
            refs.move(hub, repo, RefChange(f"refs/heads/{branch}", old or ZERO, sha), actor)
        return git, sha, git.entry(sha, path) if blob else None, before is None

    def check(before: Entry | None, path: str, sha: str | None) -> None:
        if before is not None and before.type == "tree":
            raise invalid(f"{path} is a directory")
        if before is not None and sha is None:
            raise invalid('Invalid request.\n\n"sha" wasn\'t supplied.')
        if sha is not None and (before is None or before.sha != sha):
            raise conflict(f"{path} does not match {sha}")

    @api.put("/repos/{owner}/{name}/contents/{path:path}")
    @quick(lambda asked: len(asked["wanted"].content) < SMALL, Alone(hub))
    def put(owner: str, name: str, path: str, wanted: PutFile) -> Response:
        repo = hub.access.repo(owner, name, "contents", "write")
        git, sha, entry, new = write(repo, path, wanted, bytes_of(wanted.content))
        assert entry is not None
        commit = git.commit(sha)
        assert commit is not None
        branch = wanted.branch or repo["default_branch"]
        answer = {
            "content": described(repo, entry, branch, path.strip("/")),
            "commit": render.git_commit(hub, repo, commit),
        }
        return reply(answer, 201 if new else 200)

    @api.delete("/repos/{owner}/{name}/contents/{path:path}")
    def delete(owner: str, name: str, path: str, request: Request, wanted: DeleteFile | None = None) -> Response:
        repo = hub.access.repo(owner, name, "contents", "write")
        try:
            body = wanted or DeleteFile.model_validate(dict(request.query_params))
        except ValidationError as error:
            raise invalid('Invalid request.\n\n"message" and "sha" weren\'t supplied.') from error
        git, sha, _, _ = write(repo, path, body, None)
        commit = git.commit(sha)
        assert commit is not None
        return reply({"content": None, "commit": render.git_commit(hub, repo, commit)})

    return api
