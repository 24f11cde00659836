"""A repository's files as a zip or tar: the API leads to a link that works by itself for five minutes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import quote

from fastapi import APIRouter, Response

from localhub import refs
from localhub.errors import not_found
from localhub.hub import Hub

SECONDS = 300
KINDS = {"zipball": ("zip", "application/zip"), "tarball": ("tar.gz", "application/x-gzip")}


def router(hub: Hub) -> APIRouter:
    api = APIRouter()
    secret = secrets.token_bytes(32)

    def signature(kind: str, repo_id: int, sha: str, end: int) -> str:
        return hmac.new(secret, f"{kind}:{repo_id}:{sha}:{end}".encode(), hashlib.sha256).hexdigest()

    def lead(owner: str, name: str, kind: str, ref: str) -> Response:
        repo = hub.access.repo(owner, name, "contents")
        sha = refs.git_of(hub, repo).resolve(ref or repo["default_branch"])
        if sha is None:
            raise not_found()
        end = int(hub.clock.timestamp()) + SECONDS
        query = f"end={end}&key={signature(kind, repo['id'], sha, end)}&ref={quote(ref)}"
        return Response(
            status_code=302, headers={"Location": hub.html(f"/_localhub/archives/{repo['id']}/{sha}/{kind}?{query}")}
        )

    @api.get("/repos/{owner}/{name}/zipball")
    @api.get("/repos/{owner}/{name}/zipball/{ref:path}")
    def zipball(owner: str, name: str, ref: str = "") -> Response:
        return lead(owner, name, "zipball", ref)

    @api.get("/repos/{owner}/{name}/tarball")
    @api.get("/repos/{owner}/{name}/tarball/{ref:path}")
    def tarball(owner: str, name: str, ref: str = "") -> Response:
        return lead(owner, name, "tarball", ref)

    @api.get("/_localhub/archives/{repo_id}/{sha}/{kind}")
    def archive(repo_id: int, sha: str, kind: str, end: int, key: str) -> Response:
        good = kind in KINDS and hmac.compare_digest(key.encode(), signature(kind, repo_id, sha, end).encode())
        if not good or end < hub.clock.timestamp():
            raise not_found()
        repo = hub.access.repo_by_id(repo_id)
        suffix, media = KINDS[kind]
        folder = f"{repo['owner_login']}-{repo['name']}-{sha[:7]}"
        content = refs.git_of(hub, repo).git("archive", f"--format={suffix}", f"--prefix={folder}/", sha)
        name = f"attachment; filename={folder}.{suffix}"
        return Response(content, media_type=media, headers={"Content-Disposition": name})

    return api
