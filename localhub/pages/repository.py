"""A repository's code: folders and files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from markupsafe import Markup
from starlette.responses import RedirectResponse

from localhub.clock import iso
from localhub.context import current_actor
from localhub.errors import not_found
from localhub.gitcore import Commit, Entry
from localhub.pages import checks, code, gitview
from localhub.pages.place import Place, picture
from localhub.pages.talk import Talk
from localhub.pages.web import Web, home
from localhub.people import account_of

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

MOST_FILES = 300
MOST_ENTRIES = 1000
SHOWN = 512_000  # characters of a file on its page; the rest by its raw address
PROSE = 300_000  # characters of a Markdown file that is rendered
MARKDOWN = (".md", ".markdown")


@dataclass(frozen=True)
class Page:
    """Where in a repository a page is."""

    repo: Row
    ref: str
    folder: str


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


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root, read = "/{owner}/{name}", web.code

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
            return RedirectResponse(quote(f"{home(repo)}/blob/{ref}/{path}"))
        if entry is None or entry.type != "tree":
            raise not_found()
        entries = sorted(git.tree(entry.sha), key=lambda each: (each.type == "blob", each.path.lower()))
        commit = git.commit(sha)
        assert commit is not None
        touched = gitview.touched_last(git.path, sha, path)
        found = git.commits_by_sha(sorted(set(touched.values())))
        latest = {name: told(hub, repo, found[each]) for name, each in touched.items()}
        page = Page(repo, ref, path)
        return web.page(
            request,
            "tree.html",
            repo=repo,
            tab="code",
            ref=ref,
            path=path,
            crumbs=crumbs(path),
            entries=[(each, latest.get(each.path)) for each in entries[:MOST_ENTRIES]],
            left_out=max(0, len(entries) - MOST_ENTRIES),
            commit=told(hub, repo, commit, checked=True),
            commits=gitview.count(git, sha),
            branches=branch_names(git),
            tags=len(git.refs("refs/tags/")),
            readme=readme(git, sha, entries, page),
            clone=f"{hub.html(home(repo))}.git",
            may_push=may_push(repo),
        )

    def may_push(repo: Row) -> bool:
        actor = current_actor()
        return actor.kind == "user" and hub.access.allowed(actor, repo, "contents", "write") and not repo["archived"]

    def readme(git: GitRepo, sha: str, entries: list[Entry], page: Page) -> dict[str, Any] | None:
        found = next((each for each in entries if each.type == "blob" and each.path.lower().startswith("readme")), None)
        content = git.blob(found.sha) if found else None
        if found is None or content is None or b"\0" in content[:8000]:
            return None
        text = content.decode("utf-8", "replace")
        return {"name": found.path, "html": prose(git, sha, page, found.path, text), "text": text}

    def prose(git: GitRepo, sha: str, page: Page, name: str, text: str) -> Markup | None:
        """A Markdown file as HTML; its links lead within the repository."""
        if not name.lower().endswith(MARKDOWN) or len(text) > PROSE:
            return None
        return Talk(hub, page.repo).file(
            text, Place(git, sha, f"{home(page.repo)}/blob/{quote(page.ref)}", page.folder)
        )

    @api.get(root + "/blob/{place:path}")
    def blob(owner: str, name: str, place: str, request: Request) -> Response:
        repo, git = read(owner, name)
        ref, sha, path = place_of(git, place)
        entry = git.entry(sha, path) if path else None
        if entry is not None and entry.type == "tree":
            return RedirectResponse(quote(f"{home(repo)}/tree/{ref}/{path}"))
        content = git.blob(entry.sha) if entry is not None and entry.type == "blob" else None
        if entry is None or content is None:
            raise not_found()
        binary = b"\0" in content[:8000]
        text = "" if binary else content.decode("utf-8", "replace")
        plain = request.query_params.get("plain") == "1"
        html = None if plain else prose(git, sha, Page(repo, ref, path.rpartition("/")[0]), path, text)
        long = len(text) > SHOWN
        (last,) = git.log([sha], (), "--max-count=1", path=path) or [sha]
        commit = git.commit(last)
        return web.page(
            request,
            "blob.html",
            repo=repo,
            tab="code",
            ref=ref,
            path=path,
            crumbs=crumbs(path),
            size=len(content),
            sha=entry.sha,
            mode=entry.mode,
            binary=binary,
            lines=[] if binary or html is not None else code.lines(text[:SHOWN], path),
            cut=long,
            image=None if html is not None else picture(path, content),
            html=html,
            is_markdown=path.lower().endswith(MARKDOWN),
            branches=branch_names(git),
            commit=told(hub, repo, commit) if commit else None,
            may_edit=may_push(repo) and ref in branch_names(git) and not binary and entry.mode != "120000",
            may_delete=may_push(repo) and ref in branch_names(git),
        )


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


def branch_names(git: GitRepo) -> dict[str, str]:
    """Each branch with the commit that it is at, by name."""
    return {ref.removeprefix("refs/heads/"): sha for ref, sha in git.refs("refs/heads/").items()}
