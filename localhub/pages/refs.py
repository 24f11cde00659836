"""Branches and tags: lists, new ones, deleting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response

from localhub import protection, refs
from localhub.context import current_actor
from localhub.errors import invalid
from localhub.gitcore import text
from localhub.http import PageDep
from localhub.pages.repository import branch_names, told
from localhub.pages.web import FormDep, Web, home, to

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo

HEADS, TAGS = "refs/heads/", "refs/tags/"


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}"

    def may_push(repo: Row) -> bool:
        actor = current_actor()
        return actor.kind == "user" and hub.access.allowed(actor, repo, "contents", "write")

    @api.get(root + "/branches")
    def branches(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "contents")
        git = refs.git_of(hub, repo)
        heads = branch_names(git)
        default = repo["default_branch"]
        ordered = sorted(heads, key=lambda each: (each != default, each))
        page = list(paging.slice(ordered))
        found = git.commits_by_sha(sorted({heads[each] for each in page}))
        rows = [_branch(repo, git, each, told(hub, repo, found[heads[each]], checked=True)) for each in page]
        return web.page(
            request, "branches.html", repo=repo, tab="code", rows=rows, total=len(ordered), paging=paging,
            may_push=may_push(repo), names=ordered[:200],
        )  # fmt: skip

    def _branch(repo: Row, git: GitRepo, branch: str, commit: dict[str, Any]) -> dict[str, Any]:
        pull = hub.db.row(
            "SELECT * FROM pulls WHERE repo_id = ? AND head_ref = ? ORDER BY open DESC, id DESC", repo["id"], branch
        )
        default = git.ref(HEADS + repo["default_branch"])
        apart = None
        if default is not None and branch != repo["default_branch"]:
            counted = text(git.git("rev-list", "--left-right", "--count", f"{default}...{commit['sha']}")).split()
            apart = (int(counted[0]), int(counted[1]))
        kept = protection.rules_for(hub, repo, branch) is not None
        return {"name": branch, "commit": commit, "pull": pull, "apart": apart, "protected": kept}

    @api.post(root + "/branches")
    def change(owner: str, name: str, form: FormDep) -> Response:
        """`do`: create (`name` at `from`), or delete (`name`); `back` is a pull request's number."""
        repo = hub.access.repo(owner, name, "contents", "write")
        branch, actor = form.text("name").strip(), hub.access.user()
        if form.text("do") == "delete":
            refs.delete(hub, repo, HEADS + branch, actor)
        else:
            start = form.text("from") or repo["default_branch"]
            sha = refs.git_of(hub, repo).resolve(start)
            if sha is None:
                raise invalid(f"There is no branch, tag or commit {start}.")
            refs.create(hub, repo, HEADS + branch, sha, actor)
        if form.text("back").isdigit():
            return to(f"{home(repo)}/pull/{form.number('back')}")
        return to(f"{home(repo)}/branches")

    @api.get(root + "/tags")
    def tags(owner: str, name: str, request: Request, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name, "contents")
        git = refs.git_of(hub, repo)
        listed = text(git.git("for-each-ref", "--sort=-creatordate", "--format=%(refname)", TAGS)).split("\n")
        names = [each.removeprefix(TAGS) for each in listed if each]
        rows = []
        for each in paging.slice(names):
            sha = git.resolve(TAGS + each)
            commit = git.commit(sha) if sha else None
            note = git.tag(git.ref(TAGS + each) or "")
            rows.append({
                "name": each, "message": note.message.strip() if note else "",
                "commit": told(hub, repo, commit) if commit else None,
            })  # fmt: skip
        return web.page(request, "tags.html", repo=repo, tab="code", rows=rows, total=len(names), paging=paging)
