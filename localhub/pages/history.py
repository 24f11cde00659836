"""What became of the code: commits, one commit, two compared."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from localhub.errors import not_found
from localhub.gitcore import text
from localhub.gitdiff import changes
from localhub.http import PageDep
from localhub.pages import checks
from localhub.pages.gitview import count
from localhub.pages.repository import MOST_FILES, branch_names, place_of, shown, told
from localhub.pages.web import Web, home

MOST_COMMITS = 250  # of a comparison


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root, read = "/{owner}/{name}", web.code

    @api.get(root + "/commits")
    def default_commits(owner: str, name: str) -> Response:
        repo, _ = read(owner, name)
        return RedirectResponse(f"{home(repo)}/commits/{repo['default_branch']}")

    @api.get(root + "/commits/{place:path}")
    def commits(owner: str, name: str, place: str, request: Request, paging: PageDep) -> Response:
        repo, git = read(owner, name)
        ref, sha, path = place_of(git, place)
        shas = git.log([sha], (), f"--skip={paging.offset}", f"--max-count={paging.limit}", path=path)
        found = git.commits_by_sha(shas)
        return web.page(
            request, "commits.html", repo=repo, tab="code", ref=ref, path=path,
            days=by_day([told(hub, repo, found[each], checked=True) for each in shas]),
            total=count(git, sha, path), paging=paging, branches=branch_names(git),
        )  # fmt: skip

    @api.get(root + "/commit/{sha}")
    def commit(owner: str, name: str, sha: str, request: Request) -> Response:
        repo, git = read(owner, name)
        found = git.commit(git.resolve(sha) or "")
        if found is None:
            raise not_found()
        files = changes(git, found.parents[0] if found.parents else None, found.sha)
        holding = git.git("for-each-ref", f"--contains={found.sha}", "--format=%(refname:short)", "refs/heads/")
        pulls = hub.db.rows(
            """SELECT number FROM pulls WHERE repo_id = ? AND (head_sha = ? OR (merged AND merge_commit_sha = ?))
               ORDER BY number LIMIT 5""",
            repo["id"], found.sha, found.sha,
        )  # fmt: skip
        return web.page(
            request, "commit.html", repo=repo, tab="code", commit=told(hub, repo, found), files=shown(files),
            left_out=max(0, len(files) - MOST_FILES), checks=checks.of_commit(hub, repo, found.sha),
            on=text(holding).split()[:10], pulls=[row["number"] for row in pulls], total=totals(files),
        )  # fmt: skip

    @api.get(root + "/compare")
    def choose(owner: str, name: str, request: Request) -> Response:
        """What to compare; a chosen pair is led to its own address."""
        repo, git = read(owner, name)
        query = request.query_params
        names = branch_names(git)
        base, head = query.get("base", ""), query.get("head", "")
        if base and head:
            return RedirectResponse(f"{home(repo)}/compare/{base}...{head}")
        recent = git.git("for-each-ref", "--sort=-committerdate", "--count=20", "--format=%(refname)", "refs/heads/")
        heads = [each.removeprefix("refs/heads/") for each in text(recent).split("\n") if each]
        return web.page(
            request, "compare.html", repo=repo, tab="pulls", base=repo["default_branch"], head="", files=None,
            commits=[], left_out=0, branches=names, total=(0, 0), open_pull=None, may_create=False, message="",
            recent=[each for each in heads if each != repo["default_branch"]],
        )  # fmt: skip

    @api.get(root + "/compare/{span:path}")
    def compare(owner: str, name: str, span: str, request: Request) -> Response:
        repo, git = read(owner, name)
        left, dots, right = span.partition("...")
        base, head = (left, right) if dots else (repo["default_branch"], left)
        one, other = git.resolve(base), git.resolve(head)
        if one is None or other is None:
            raise not_found()
        fork = git.merge_base(one, other)
        shas = git.log([other], [one], f"--max-count={MOST_COMMITS}", "--topo-order")[::-1]
        found = git.commits_by_sha(shas)
        files = changes(git, fork, other) if fork else []
        names = branch_names(git)
        opened = hub.db.row(
            "SELECT number FROM pulls WHERE repo_id = ? AND head_ref = ? AND base_ref = ? AND open",
            repo["id"], head, base,
        )  # fmt: skip
        return web.page(
            request, "compare.html", repo=repo, tab="pulls", base=base, head=head, files=shown(files),
            commits=[told(hub, repo, found[each]) for each in shas], total=totals(files), recent=[],
            left_out=max(0, len(files) - MOST_FILES), branches=names, open_pull=opened and opened["number"],
            may_create=bool(shas) and fork is not None and base in names and head in names,
            message=found[shas[0]].message.partition("\n")[2].strip() if len(shas) == 1 else "",
        )  # fmt: skip


def totals(files: list[Any]) -> tuple[int, int]:
    """Lines added and removed."""
    return sum(each.additions for each in files), sum(each.deletions for each in files)


def by_day(commits: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Commits under the day on which they were made, in their order."""
    found: list[tuple[str, list[dict[str, Any]]]] = []
    for each in commits:
        day = str(each["at"])[:10]
        if not found or found[-1][0] != day:
            found.append((day, []))
        found[-1][1].append(each)
    return found
