"""Commits, branches and comparisons over REST."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from localhub import gitdiff, heads, protection, refs
from localhub.context import current_actor
from localhub.db import Row
from localhub.errors import GitHubError, conflict, invalid, not_found
from localhub.gitcore import RefChange
from localhub.githistory import history
from localhub.gitmerge import Conflict, merge_commit
from localhub.gitstore import GitRepo
from localhub.http import PageDep, reply
from localhub.hub import Hub
from localhub.ids import text_node_id
from localhub.people import identity, web_committer
from localhub.render import git as render

FILES = 300  # files that a comparison or commit shows


class Merge(BaseModel):
    base: str
    head: str
    commit_message: str | None = None


def media(request: Request) -> str:
    """ "diff" or "patch" when the client asks for such a media type, else ""."""
    accept = request.headers.get("accept", "")
    return "diff" if ".diff" in accept else "patch" if ".patch" in accept else ""


def plain(content: bytes, kind: str) -> Response:
    return Response(content, media_type=f"application/vnd.github.{kind}; charset=utf-8")


def router(hub: Hub) -> APIRouter:  # noqa: C901 (one function an endpoint)
    api = APIRouter()
    root = "/repos/{owner}/{name}"

    def reading(owner: str, name: str) -> tuple[Row, GitRepo]:
        repo = hub.access.repo(owner, name, "contents")
        return repo, refs.git_of(hub, repo)

    @api.get(root + "/commits")
    def commits(
        owner: str, name: str, paging: PageDep, sha: str | None = None, path: str = "",
        author: str | None = None, since: str | None = None, until: str | None = None,
    ) -> Response:  # fmt: skip
        repo, git = reading(owner, name)
        tip = git.resolve(sha or repo["default_branch"])
        if tip is None:
            raise conflict("Git Repository is empty.") if sha is None else not_found()
        options = [f"--{key}={value}" for key, value in (("since", since), ("until", until)) if value]
        if author:
            account = hub.db.row("SELECT * FROM accounts WHERE login = ?", author)
            mail = identity(hub, account["id"]).email if account else author
            options += ["--fixed-strings", f"--author=<{mail}>"]
        shas = git.log([tip], (), *options, path=path) if options else history(git, tip, path)
        return paging.reply(render.commits(hub, repo, git, list(paging.slice(shas))), len(shas))

    @api.get(root + "/commits/{ref:path}/pulls")
    def pulls_of(owner: str, name: str, ref: str, paging: PageDep) -> Response:
        from localhub.render import pulls

        repo = hub.access.repo(owner, name, "pull_requests")
        git = refs.git_of(hub, repo)
        sha = git.resolve(ref)
        where = "p.repo_id = ? AND (p.head_sha = ? OR p.merge_commit_sha = ?) ORDER BY p.id"
        rows = hub.db.rows(f"{pulls.JOINED} WHERE {where}", repo["id"], sha, sha)
        return paging.reply([pulls.simple(hub, repo, row) for row in paging.slice(rows)], len(rows))

    @api.get(root + "/commits/{ref:path}")
    def commit(owner: str, name: str, ref: str, request: Request) -> Response:
        repo, git = reading(owner, name)
        sha = git.resolve(ref)
        found = git.commit(sha) if sha else None
        if found is None:
            raise invalid(f"No commit found for SHA: {ref}")
        parent = found.parents[0] if found.parents else None
        kind = media(request)
        if "github.sha" in request.headers.get("accept", ""):
            return plain(found.sha.encode(), "sha")
        if kind == "diff":
            return plain(gitdiff.diff(git, parent, found.sha), kind)
        if kind == "patch":
            return plain(gitdiff.commit_patch(git, found.sha), kind)
        changes = gitdiff.changes(git, parent, found.sha)
        added, deleted = sum(c.additions for c in changes), sum(c.deletions for c in changes)
        return reply(
            render.commit(hub, repo, found)
            | {
                "stats": {"total": added + deleted, "additions": added, "deletions": deleted},
                "files": render.files(hub, repo, changes[:FILES], found.sha),
            }
        )

    def _named(repo: Row, git: GitRepo, label: str) -> str | None:
        """The commit of `branch`, `owner:branch` or `owner:repository:branch`, in this repository or in its network."""
        owner, _, rest = label.rpartition(":")
        login, _, other = owner.partition(":")
        found = heads.find(hub, current_actor(), repo, f"{login}:{rest}" if login else rest, other or None)
        if found is None:
            return None
        sha: str | None = refs.git_of(hub, found[0]).resolve(found[1])
        if sha is not None:
            heads.bring(hub, repo, found[0], sha)
        return sha

    @api.get(root + "/compare/{span:path}")
    def compare(owner: str, name: str, span: str, request: Request, paging: PageDep) -> Response:
        repo, git = reading(owner, name)
        base_name, dots, head_name = span.partition("...")
        base, head = _named(repo, git, base_name), _named(repo, git, head_name)
        if not dots or base is None or head is None:
            raise not_found()
        fork = git.merge_base(base, head)
        if fork is None:
            raise GitHubError(404, f"No common ancestor between {base_name} and {head_name}.")
        kind = media(request)
        if kind:
            return plain((gitdiff.diff if kind == "diff" else gitdiff.patch)(git, fork, head), kind)
        ahead = git.log([head], [base], "--reverse", "--topo-order")
        behind = len(git.log([base], [head]))
        status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
        both = render.commits(hub, repo, git, [base, fork])
        url = render.api(hub, repo, f"/compare/{quote(span)}")
        page = render.html(hub, repo, f"/compare/{quote(span)}")
        shown = list(paging.slice(ahead)) if "per_page" in request.query_params else ahead[:250]
        data: dict[str, Any] = {
            "url": url,
            "html_url": page,
            "permalink_url": render.html(hub, repo, f"/compare/{owner}:{base[:7]}...{owner}:{head[:7]}"),
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "base_commit": both[0],
            "merge_base_commit": both[1],
            "status": status,
            "ahead_by": len(ahead),
            "behind_by": behind,
            "total_commits": len(ahead),
            "commits": render.commits(hub, repo, git, shown),
            "files": render.files(hub, repo, gitdiff.changes(git, fork, head)[:FILES], head),
        }
        return reply(data, headers=paging.links(len(ahead)) if "per_page" in request.query_params else None)

    @api.get(root + "/branches")
    def branches(owner: str, name: str, paging: PageDep, protected: bool | None = None) -> Response:
        repo, git = reading(owner, name)
        rows = []
        for ref, sha in git.refs("refs/heads/").items():
            branch = ref.removeprefix("refs/heads/")
            guarded = protection.rules_for(hub, repo, branch) is not None
            if protected is None or protected == guarded:
                commit = {"sha": sha, "url": render.api(hub, repo, f"/commits/{sha}")}
                rows.append({"name": branch, "commit": commit, "protected": guarded})
        return paging.reply(paging.slice(rows), len(rows))

    @api.get(root + "/tags")
    def tags(owner: str, name: str, paging: PageDep) -> Response:
        repo = hub.access.repo(owner, name)
        git = refs.git_of(hub, repo)
        found = {ref.removeprefix("refs/tags/"): git.resolve(ref) for ref in git.refs("refs/tags/")}
        commits = [(tag, sha) for tag, sha in sorted(found.items(), reverse=True) if sha is not None]
        rows = [
            {
                "name": tag,
                "commit": {"sha": sha, "url": render.api(hub, repo, f"/commits/{sha}")},
                "zipball_url": render.api(hub, repo, f"/zipball/refs/tags/{quote(tag)}"),
                "tarball_url": render.api(hub, repo, f"/tarball/refs/tags/{quote(tag)}"),
                "node_id": text_node_id("Ref", repo["id"], f"refs/tags/{tag}"),
            }
            for tag, sha in commits
        ]
        return paging.reply(paging.slice(rows), len(rows))

    @api.get(root + "/branches/{branch:path}")
    def branch(owner: str, name: str, branch: str) -> Response:
        repo, git = reading(owner, name)
        sha = git.ref(f"refs/heads/{branch}")
        if sha is None:
            raise GitHubError(404, "Branch not found")
        rules = protection.rules_for(hub, repo, branch)
        classic = protection.protection(hub, repo["id"], branch)
        url = render.api(hub, repo, f"/branches/{quote(branch)}")
        checks = rules.checks if rules and classic is not None else ()
        level = "off" if not checks or rules is None else "everyone" if rules.for_admins else "non_admins"
        return reply(
            {
                "name": branch,
                "commit": render.commits(hub, repo, git, [sha])[0],
                "_links": {"self": url, "html": render.html(hub, repo, f"/tree/{quote(branch)}")},
                "protected": rules is not None,
                "protection": {
                    "enabled": classic is not None,
                    "required_status_checks": {
                        "enforcement_level": level,
                        "contexts": [context for context, _ in checks],
                        "checks": [{"context": context, "app_id": app} for context, app in checks],
                    },
                },
                "protection_url": f"{url}/protection",
            }
        )

    @api.post(root + "/merges")
    def merge(owner: str, name: str, wanted: Merge) -> Response:
        repo = hub.access.repo(owner, name, "contents", "write")
        git, actor = refs.git_of(hub, repo), current_actor()
        with hub.repo_locks.of(repo["id"]):
            base, head = git.ref(f"refs/heads/{wanted.base}"), git.resolve(wanted.head)
            if base is None:
                raise GitHubError(404, "Base does not exist")
            if head is None:
                raise GitHubError(404, "Head does not exist")
            if git.is_ancestor(head, base):
                return reply(None, 204)
            message = wanted.commit_message or f"Merge {wanted.head} into {wanted.base}"
            sha = merge_commit(git, base, head, identity(hub, actor.account_id), web_committer(hub), message)
            if isinstance(sha, Conflict):
                raise conflict("Merge conflict")
            refs.move(hub, repo, RefChange(f"refs/heads/{wanted.base}", base, sha), actor)
        return reply(render.commits(hub, repo, git, [sha])[0], 201)

    return api
