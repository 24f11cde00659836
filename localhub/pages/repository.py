"""A repository's code: files, history, commits, branches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from localhub.clock import iso
from localhub.errors import not_found
from localhub.gitcore import Commit, Entry
from localhub.gitdiff import changes
from localhub.http import PageDep
from localhub.pages import checks, code
from localhub.pages.talk import Talk
from localhub.pages.web import Web, home
from localhub.people import account_of
from localhub.refs import git_of

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

MOST_FILES = 300


def told(hub: Hub, repo: Row, commit: Commit, *, checked: bool = False) -> dict[str, Any]:
    """A commit as pages show it."""
    title, _, rest = commit.message.partition("\n")
    account = account_of(hub, commit.author.email)
    moment = datetime.fromtimestamp(commit.committer.epoch, UTC)
    return {
        "sha": commit.sha,
        "title": title,
        "message": rest.strip(),
        "account": account,
        "name": commit.author.name,
        "at": iso(moment),
        "parents": commit.parents,
        "checks": checks.overall(hub, repo, commit.sha) if checked else None,
    }


def routes(api: APIRouter, web: Web) -> None:  # noqa: C901 - a list of endpoints
    hub = web.hub
    root = "/{owner}/{name}"

    def read(owner: str, name: str) -> tuple[Row, GitRepo]:
        repo = hub.access.repo(owner, name, "contents")
        return repo, git_of(hub, repo)

    @api.get(root)
    def repository(owner: str, name: str, request: Request) -> Response:
        repo, git = read(owner, name.removesuffix(".git"))
        branch = repo["default_branch"]
        sha = git.ref(f"refs/heads/{branch}")
        if sha is None:
            return web.page(request, "empty.html", repo=repo, tab="code", clone=f"{hub.html(home(repo))}.git")
        return folder(request, repo, git, branch, sha, "")

    @api.get(root + "/tree/{place:path}")
    def tree(owner: str, name: str, place: str, request: Request) -> Response:
        repo, git = read(owner, name)
        ref, sha, path = place_of(git, place)
        return folder(request, repo, git, ref, sha, path)

    def folder(request: Request, repo: Row, git: GitRepo, ref: str, sha: str, path: str) -> Response:
        entry = git.entry(sha, path)
        if entry is not None and entry.type == "blob":
            return RedirectResponse(f"{home(repo)}/blob/{ref}/{path}")
        if entry is None or entry.type != "tree":
            raise not_found()
        entries = sorted(git.tree(entry.sha), key=lambda each: (each.type == "blob", each.path.lower()))
        commit = git.commit(sha)
        assert commit is not None
        return web.page(
            request,
            "tree.html",
            repo=repo,
            tab="code",
            ref=ref,
            path=path,
            crumbs=crumbs(path),
            entries=entries,
            commit=told(hub, repo, commit, checked=True),
            commits=len(git.log([sha])),
            branches=branch_names(git),
            readme=readme(repo, git, entries),
            clone=f"{hub.html(home(repo))}.git",
        )

    def readme(repo: Row, git: GitRepo, entries: list[Entry]) -> dict[str, Any] | None:
        found = next((each for each in entries if each.type == "blob" and each.path.lower().startswith("readme")), None)
        content = git.blob(found.sha) if found else None
        if found is None or content is None or b"\0" in content[:8000]:
            return None
        text = content.decode("utf-8", "replace")
        marked = found.path.lower().endswith((".md", ".markdown"))
        return {"name": found.path, "html": Talk(hub, repo).html(text) if marked else None, "text": text}

    @api.get(root + "/blob/{place:path}")
    def blob(owner: str, name: str, place: str, request: Request) -> Response:
        repo, git = read(owner, name)
        ref, sha, path = place_of(git, place)
        entry = git.entry(sha, path) if path else None
        if entry is not None and entry.type == "tree":
            return RedirectResponse(f"{home(repo)}/tree/{ref}/{path}")
        content = git.blob(entry.sha) if entry is not None and entry.type == "blob" else None
        if content is None:
            raise not_found()
        binary = b"\0" in content[:8000]
        text = "" if binary else content.decode("utf-8", "replace")
        marked = path.lower().endswith((".md", ".markdown")) and request.query_params.get("plain") != "1"
        return web.page(
            request,
            "blob.html",
            repo=repo,
            tab="code",
            ref=ref,
            path=path,
            crumbs=crumbs(path),
            size=len(content),
            binary=binary,
            lines=[] if binary else code.lines(text, path),
            html=Talk(hub, repo).html(text) if marked else None,
            is_markdown=path.lower().endswith((".md", ".markdown")),
            branches=branch_names(git),
        )

    @api.get(root + "/commits")
    def default_commits(owner: str, name: str) -> Response:
        repo, _ = read(owner, name)
        return RedirectResponse(f"{home(repo)}/commits/{repo['default_branch']}")

    @api.get(root + "/commits/{place:path}")
    def commits(owner: str, name: str, place: str, request: Request, paging: PageDep) -> Response:
        repo, git = read(owner, name)
        ref, sha, path = place_of(git, place)
        shas = git.log([sha], path=path)
        page = list(paging.slice(shas))
        found = git.commits_by_sha(page)
        rows = [told(hub, repo, found[each], checked=True) for each in page]
        return web.page(
            request, "commits.html", repo=repo, tab="code", ref=ref, path=path, commits=rows, total=len(shas),
            paging=paging, branches=branch_names(git),
        )  # fmt: skip

    @api.get(root + "/commit/{sha}")
    def commit(owner: str, name: str, sha: str, request: Request) -> Response:
        repo, git = read(owner, name)
        found = git.commit(git.resolve(sha) or "")
        if found is None:
            raise not_found()
        files = changes(git, found.parents[0] if found.parents else None, found.sha)
        return web.page(
            request, "commit.html", repo=repo, tab="code", commit=told(hub, repo, found), files=shown(files),
            left_out=max(0, len(files) - MOST_FILES), checks=checks.of_commit(hub, repo, found.sha),
        )  # fmt: skip

    @api.get(root + "/compare/{span:path}")
    def compare(owner: str, name: str, span: str, request: Request) -> Response:
        repo, git = read(owner, name)
        base, dots, head = span.partition("...")
        one, other = git.resolve(base if dots else repo["default_branch"]), git.resolve(head if dots else base)
        fork = git.merge_base(one, other) if one and other else None
        if one is None or other is None or fork is None:
            raise not_found()
        shas = git.log([other], [one])[:MOST_FILES]
        found = git.commits_by_sha(shas)
        files = changes(git, fork, other)
        return web.page(
            request, "compare.html", repo=repo, tab="code", base=base if dots else repo["default_branch"],
            head=head if dots else base, commits=[told(hub, repo, found[each]) for each in shas], files=shown(files),
            left_out=max(0, len(files) - MOST_FILES), branches=branch_names(git),
        )  # fmt: skip

    @api.get(root + "/branches")
    def branches(owner: str, name: str, request: Request) -> Response:
        repo, git = read(owner, name)
        heads = {ref.removeprefix("refs/heads/"): sha for ref, sha in git.refs("refs/heads/").items()}
        found = git.commits_by_sha(sorted(set(heads.values())))
        rows = []
        for branch, sha in heads.items():
            pull = hub.db.row(
                """SELECT p.* FROM pulls p WHERE p.repo_id = ? AND p.head_ref = ? ORDER BY p.open DESC, p.id DESC""",
                repo["id"],
                branch,
            )
            rows.append({"name": branch, "commit": told(hub, repo, found[sha], checked=True), "pull": pull})
        rows.sort(key=lambda each: (each["name"] != repo["default_branch"], str(each["name"])))
        return web.page(request, "branches.html", repo=repo, tab="code", rows=rows)


def shown(files: list[Any]) -> list[dict[str, Any]]:
    """Changed files with the rows of their diffs."""
    return [{"change": each, "rows": code.diff(each.patch)} for each in files[:MOST_FILES]]


def place_of(git: GitRepo, place: str) -> tuple[str, str, str]:
    """(ref, commit, path) of `ref/path`; branch names may have slashes: the first that is one wins."""
    parts = place.strip("/").split("/")
    for cut in range(1, len(parts) + 1):
        ref = "/".join(parts[:cut])
        sha = git.resolve(ref)
        if sha is not None:
            return ref, sha, "/".join(parts[cut:])
    raise not_found()


def crumbs(path: str) -> list[tuple[str, str]]:
    """Each part of a path with the path up to it."""
    parts = path.split("/") if path else []
    return [(part, "/".join(parts[: at + 1])) for at, part in enumerate(parts)]


def branch_names(git: GitRepo) -> list[str]:
    return [ref.removeprefix("refs/heads/") for ref in git.refs("refs/heads/")]
