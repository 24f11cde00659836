"""The git database over REST: refs, commits, trees, blobs and annotated tags."""

from __future__ import annotations

import base64
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from localhub import refs
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, conflict, field, invalid, not_found
from localhub.gitcore import SHA, GitError, Person, raw_date
from localhub.gitstore import GitRepo
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.people import identity
from localhub.quick import Alone, quick
from localhub.render import git as render

TREE_LIMIT = 100_000
SMALL, SMALL_TREE = 256 * 1024, 100  # characters of a blob and rows of a tree that are written while others wait


class NewRef(BaseModel):
    ref: str
    sha: str


class MoveRef(BaseModel):
    sha: str
    force: bool = False


class Who(BaseModel):
    name: str
    email: str
    date: str | None = None


class NewCommit(BaseModel):
    message: str
    tree: str
    parents: list[str] = []
    author: Who | None = None
    committer: Who | None = None


class TreeRow(BaseModel):
    path: str
    mode: str = "100644"
    type: str | None = None
    sha: str | None = None
    content: str | None = None


class NewTree(BaseModel):
    tree: list[TreeRow]
    base_tree: str | None = None


class NewBlob(BaseModel):
    content: str
    encoding: str = "utf-8"


class NewTag(BaseModel):
    tag: str
    message: str
    object: str
    type: str
    tagger: Who | None = None


def malformed(path: str) -> str:
    """What is wrong with a file's path, in GitHub's words; "" for nothing."""
    if path.startswith("/"):
        return "cannot start with a slash"
    parts = path.lower().split("/")
    return "contains a malformed path component" if {"", ".", "..", ".git"} & set(parts) else ""


def bytes_of(content: str) -> bytes:
    """What base64 says, in lines or not."""
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except ValueError as error:
        raise invalid("content is not valid Base64") from error


def person(who: Who | None, fallback: Person) -> Person:
    """The author or committer that a request names, else the one who asks."""
    if who is None:
        return fallback
    try:
        return Person(who.name, who.email, raw_date(who.date) if who.date else fallback.date)
    except ValueError as error:
        raise invalid("Invalid request.\n\nFor 'properties/date', the date is not ISO 8601.") from error


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()
    base = "/repos/{owner}/{name}/git"
    alone = Alone(hub)

    def reading(owner: str, name: str) -> tuple[Row, GitRepo]:
        repo = hub.access.repo(owner, name, "contents")
        return repo, begun(repo)

    def writing(owner: str, name: str) -> tuple[Row, GitRepo]:
        repo = hub.access.repo(owner, name, "contents", "write")
        return repo, begun(repo)

    def begun(repo: Row) -> GitRepo:
        """Single objects and refs are there only after the first commit, which comes by a push or a file."""
        git = refs.git_of(hub, repo)
        if git.ref(f"refs/heads/{repo['default_branch']}") is None and not git.refs("refs/heads/"):
            raise conflict("Git Repository is empty.")
        return git

    def shown(repo: Row, git: GitRepo, ref: str) -> dict[str, Any]:
        sha, kind, _ = git.kinds([ref])[0]
        return render.ref(hub, repo, ref, sha, kind)

    @api.get(base + "/ref/{ref:path}")
    def get_ref(owner: str, name: str, ref: str) -> Response:
        repo, git = reading(owner, name)
        full = f"refs/{ref}"
        if git.ref(full) is None:
            raise not_found()
        return reply(shown(repo, git, full))

    @api.get(base + "/matching-refs/{ref:path}")
    def matching(owner: str, name: str, ref: str, paging: PageDep) -> Response:
        repo, git = reading(owner, name)
        found = [full for full in git.refs() if full.startswith(f"refs/{ref}")]
        return paging.reply([shown(repo, git, full) for full in paging.slice(found)], len(found))

    @api.get(base + "/refs/{ref:path}")
    def old_get_ref(owner: str, name: str, ref: str) -> Response:
        return get_ref(owner, name, ref)

    @api.get(base + "/refs")
    def all_refs(owner: str, name: str, paging: PageDep) -> Response:
        return matching(owner, name, "", paging)

    @api.post(base + "/refs")
    @quick(bool, alone)
    def create_ref(owner: str, name: str, wanted: NewRef) -> Response:
        repo, git = writing(owner, name)
        if not wanted.ref.startswith("refs/") or wanted.ref.count("/") < 2 or not git.valid_ref(wanted.ref):
            raise invalid(f"{wanted.ref} is not a valid ref name.")
        if not SHA.match(wanted.sha):
            raise invalid("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
        kind = git.kinds([wanted.sha])[0][1]
        if kind == "missing" or (wanted.ref.startswith("refs/heads/") and kind != "commit"):
            raise invalid("Object does not exist")
        refs.create(hub, repo, wanted.ref, wanted.sha, current_actor())
        data = shown(repo, git, wanted.ref)
        return reply(data, 201, {"Location": data["url"]})

    @api.patch(base + "/refs/{ref:path}")
    @quick(bool, alone)
    def update_ref(owner: str, name: str, ref: str, wanted: MoveRef) -> Response:
        repo, git = writing(owner, name)
        if not SHA.match(wanted.sha) or git.kinds([wanted.sha])[0][1] == "missing":
            raise invalid("Object does not exist")
        refs.update(hub, repo, f"refs/{ref}", wanted.sha, current_actor(), force=wanted.force)
        return reply(shown(repo, git, f"refs/{ref}"))

    @api.delete(base + "/refs/{ref:path}")
    @quick(bool, alone)
    def delete_ref(owner: str, name: str, ref: str) -> Response:
        repo, _ = writing(owner, name)
        refs.delete(hub, repo, f"refs/{ref}", current_actor())
        return reply(None, 204)

    @api.get(base + "/commits/{sha}")
    def get_commit(owner: str, name: str, sha: str) -> Response:
        repo, git = reading(owner, name)
        commit = git.commit(sha) if SHA.match(sha) else None
        if commit is None:
            raise not_found()
        return reply(render.git_commit(hub, repo, commit))

    @api.post(base + "/commits")
    @quick(lambda _: True)
    def create_commit(owner: str, name: str, wanted: NewCommit) -> Response:
        repo, git = writing(owner, name)
        kinds = git.kinds([wanted.tree, *wanted.parents])
        if kinds[0][1] != "tree":
            raise invalid("Tree SHA does not exist")
        if any(kind != "commit" for _, kind, _ in kinds[1:]):
            raise invalid("Parent SHA does not exist or is not a commit object")
        author = person(wanted.author, identity(hub, current_actor().account_id))
        committer = person(wanted.committer, author)
        sha = git.write_commit(wanted.tree, wanted.parents, author, committer, wanted.message)
        commit = git.commit(sha)
        assert commit is not None
        data = render.git_commit(hub, repo, commit)
        return reply(data, 201, {"Location": data["url"]})

    @api.get(base + "/trees/{sha:path}")
    def get_tree(owner: str, name: str, sha: str, recursive: str | None = None) -> Response:
        repo, git = reading(owner, name)
        found = git.kinds([f"{git.resolve(sha) or sha}^{{tree}}"])[0]
        if found[1] != "tree":
            raise not_found()
        return reply(tree_json(repo, git, found[0], recursive=bool(recursive)))

    def tree_json(repo: Row, git: GitRepo, sha: str, *, recursive: bool) -> dict[str, Any]:
        entries = git.tree(sha, recursive=recursive)
        rows = []
        for entry in entries[:TREE_LIMIT]:
            row: dict[str, Any] = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
            if entry.size is not None:
                row["size"] = entry.size
            if entry.type != "commit":
                row["url"] = render.api(hub, repo, f"/git/{entry.type}s/{entry.sha}")
            rows.append(row)
        url = render.api(hub, repo, f"/git/trees/{sha}")
        return {"sha": sha, "url": url, "tree": rows, "truncated": len(entries) > TREE_LIMIT}

    @api.post(base + "/trees")
    @quick(lambda asked: len(asked["wanted"].tree) < SMALL_TREE)
    def create_tree(owner: str, name: str, wanted: NewTree) -> Response:
        repo, git = writing(owner, name)
        if wanted.base_tree is not None and git.kinds([f"{wanted.base_tree}^{{tree}}"])[0][1] != "tree":
            raise invalid("Invalid tree info", field("Tree", "base_tree", "invalid"))
        changes: dict[str, tuple[str, str] | None] = {}
        for row in wanted.tree:
            if wrong := malformed(row.path):
                raise invalid(f"tree.path {wrong}")
            if row.content is not None:
                changes[row.path] = (row.mode, git.write_blob(row.content.encode()))
            elif row.sha is not None:
                changes[row.path] = (row.mode, row.sha)
            elif "sha" in row.model_fields_set and wanted.base_tree is not None:
                changes[row.path] = None
            else:
                raise invalid("Invalid tree info", field("Tree", "sha", "missing_field"))
        try:
            sha = git.write_tree(changes, wanted.base_tree)
        except GitError as error:
            raise invalid("tree.sha is not a valid blob") from error
        data = tree_json(repo, git, sha, recursive=False)
        return reply(data, 201, {"Location": data["url"]})

    @api.get(base + "/blobs/{sha}")
    def get_blob(owner: str, name: str, sha: str, request: Request) -> Response:
        repo, git = reading(owner, name)
        content = git.blob(sha) if SHA.match(sha) else None
        if content is None:
            raise not_found()
        if len(content) > 100_000_000:
            raise GitHubError(403, "The requested blob is too large to fetch via the API.")
        if ".raw" in request.headers.get("accept", ""):
            return Response(content, media_type="application/vnd.github.raw; charset=utf-8")
        return reply(render.blob(hub, repo, sha, content))

    @api.post(base + "/blobs")
    @quick(lambda asked: len(asked["wanted"].content) < SMALL)
    def create_blob(owner: str, name: str, wanted: NewBlob) -> Response:
        repo, git = writing(owner, name)
        if wanted.encoding not in ("utf-8", "base64"):
            raise invalid('Invalid request.\n\n"encoding" must be utf-8 or base64.')
        content = bytes_of(wanted.content) if wanted.encoding == "base64" else wanted.content.encode()
        sha = git.write_blob(content)
        url = render.api(hub, repo, f"/git/blobs/{sha}")
        return reply({"sha": sha, "url": url}, 201, {"Location": url})

    @api.get(base + "/tags/{sha}")
    def get_tag(owner: str, name: str, sha: str) -> Response:
        repo, git = reading(owner, name)
        tag = git.tag(sha) if SHA.match(sha) else None
        if tag is None:
            raise not_found()
        return reply(render.tag(hub, repo, tag))

    @api.post(base + "/tags")
    def create_tag(owner: str, name: str, wanted: NewTag) -> Response:
        repo, git = writing(owner, name)
        if not SHA.match(wanted.object):
            raise invalid("The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
        if not git.valid_ref(f"refs/tags/{wanted.tag}"):
            raise invalid("Validation Failed", field("Tag", "tag", "invalid", value=wanted.tag))
        if git.kinds([wanted.object])[0][1] != wanted.type:
            raise conflict("object does not exist or is not of this type")
        tagger = person(wanted.tagger, identity(hub, current_actor().account_id))
        sha = git.write_tag(wanted.tag, wanted.object, wanted.type, tagger, wanted.message)
        tag = git.tag(sha)
        assert tag is not None
        data = render.tag(hub, repo, tag)
        return reply(data, 201, {"Location": data["url"]})

    return api
