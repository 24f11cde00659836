"""Files made, changed and removed on a page: one commit to a branch, or to a new one that is then compared."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from localhub import refs
from localhub.context import current_actor
from localhub.errors import conflict, invalid, not_found
from localhub.gitcore import RefChange
from localhub.pages.repository import branch_names, crumbs, place_of
from localhub.pages.web import FormDep, Posted, Web, home, to
from localhub.people import identity

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo

LARGEST = 1_000_000  # bytes of a file that is edited on a page


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}"

    def writing(owner: str, name: str) -> tuple[Row, GitRepo]:
        repo = hub.access.repo(owner, name, "contents", "write")
        web.user()
        return repo, refs.git_of(hub, repo)

    def on_branch(git: GitRepo, place: str) -> tuple[str, str, str]:
        ref, sha, path = place_of(git, place)
        if ref not in branch_names(git):
            raise invalid(f"{ref} is not a branch: files are changed on branches.")
        return ref, sha, path

    @api.get(root + "/edit/{place:path}")
    def edit(owner: str, name: str, place: str, request: Request) -> Response:
        repo, git = writing(owner, name)
        ref, sha, path = on_branch(git, place)
        entry = git.entry(sha, path)
        content = git.blob(entry.sha) if entry is not None and entry.type == "blob" else None
        if entry is None or content is None or entry.mode == "120000":
            raise not_found()
        if b"\0" in content[:8000] or len(content) > LARGEST:
            raise invalid("Binary and very large files are changed by git, not on a page.")
        return web.page(
            request, "edit.html", repo=repo, tab="code", ref=ref, path=path, crumbs=crumbs(path), sha=entry.sha,
            text=content.decode("utf-8", "replace"), new=False, folder="",
        )  # fmt: skip

    @api.get(root + "/new/{place:path}")
    def new(owner: str, name: str, place: str, request: Request) -> Response:
        repo, git = writing(owner, name)
        ref, _, folder = on_branch(git, place)
        return web.page(
            request, "edit.html", repo=repo, tab="code", ref=ref, path="", crumbs=[], sha="", text="", new=True,
            folder=f"{folder}/" if folder else "",
        )  # fmt: skip

    @api.post(root + "/edit/{place:path}")
    def save(owner: str, name: str, place: str, form: FormDep) -> Response:
        """`do`: save or delete; `path`: its (new) path; `sha`: what the page showed; `branch`: a new branch instead."""
        repo, git = writing(owner, name)
        ref, _, old = on_branch(git, place)
        path, delete = form.text("path").strip().strip("/"), form.text("do") == "delete"
        if any(part in ("", ".", "..") or part.lower() == ".git" for part in path.split("/")):
            raise invalid(f"{path or 'An empty name'} cannot be a file's name.")
        words = form.text("message").strip() or f"{'Delete' if delete else 'Update' if old else 'Create'} {path}"
        branch = form.text("branch").strip() or ref
        if branch != ref and branch in branch_names(git):
            raise invalid(f"There is a branch {branch} already.")
        with hub.repo_locks.of(repo["id"]):
            tip = git.ref(f"refs/heads/{ref}")
            if tip is None:
                raise not_found()
            tree = _tree(git, tip, old, path, None if delete else form, form.text("sha"))
            who = identity(hub, current_actor().account_id)
            sha = git.write_commit(tree, [tip], who, who, f"{words}\n\n{form.text('more').strip()}".strip() + "\n")
            if branch == ref:
                refs.move(hub, repo, RefChange(f"refs/heads/{ref}", tip, sha), current_actor())
            else:
                refs.create(hub, repo, f"refs/heads/{branch}", sha, current_actor())
        if branch != ref:
            return to(quote(f"{home(repo)}/compare/{ref}...{branch}"))
        return to(quote(f"{home(repo)}/tree/{ref}" if delete else f"{home(repo)}/blob/{ref}/{path}"))


def _tree(git: GitRepo, tip: str, old: str, path: str, form: Posted | None, shown: str) -> str:
    """The tree with the file written, moved or (without a form) removed; 409 when it is not what the page showed."""
    before = git.entry(tip, old) if old else None
    if old and (before is None or before.sha != shown):
        raise conflict(f"{old} was changed meanwhile: go back and reload the page.")
    if form is None:
        if not old:
            raise not_found()
        return git.write_tree({old: None}, tip)
    target = git.entry(tip, path)
    if target is not None and path != old:
        raise invalid(f"There is {'a folder' if target.type == 'tree' else 'a file'} {path} already.")
    text = form.text("text")
    if before is not None and b"\r\n" in (git.blob(before.sha) or b""):
        text = text.replace("\n", "\r\n")  # a form's line ends say nothing of the file's
    blob = git.write_blob(text.encode())
    changes: dict[str, tuple[str, str] | None] = {path: (before.mode if before else "100644", blob)}
    if old and old != path:
        changes[old] = None
    return git.write_tree(changes, tip)
