"""One pull request in four tabs: conversation, commits, checks, files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from localhub import issues, merging, protection, pulls, reviewthreads
from localhub.closing import references
from localhub.gitdiff import changes
from localhub.pages import checks, shapes, timeline
from localhub.pages.issue import common
from localhub.pages.repository import MOST_FILES, shown, told
from localhub.pages.talk import Talk
from localhub.pages.web import Web, home
from localhub.refs import git_of
from localhub.render.pulls import requested

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

METHODS = {
    "merge": ("allow_merge_commit", "Create a merge commit"),
    "squash": ("allow_squash_merge", "Squash into one commit"),
    "rebase": ("allow_rebase_merge", "Rebase"),
}
VERDICTS = {"APPROVED": "success", "CHANGES_REQUESTED": "failure", "COMMENTED": "neutral", "DISMISSED": "neutral"}


def routes(api: APIRouter, web: Web) -> None:
    hub = web.hub
    root = "/{owner}/{name}/pull/{number:int}"

    def read(owner: str, name: str, number: int) -> tuple[Row, Row]:
        repo = hub.access.repo(owner, name, "pull_requests")
        return repo, pulls.find(hub, repo, number)

    def tab(request: Request, repo: Row, pull: Row, which: str, **values: Any) -> Response:
        row, talk = hub.db.get("issues", pull["issue_id"]), Talk(hub, repo)
        return web.page(
            request,
            f"pull_{which}.html",
            tab="pulls",
            which=which,
            pull=pull,
            verdicts=_verdicts(hub, pull),
            found=checks.of_commit(hub, repo, pull["head_sha"]),
            overall=checks.overall(hub, repo, pull["head_sha"]),
            may_push=talk.actor.kind == "user" and hub.access.allowed(talk.actor, repo, "contents", "write"),
            may_edit=talk.actor.kind == "user" and pulls.may_edit(hub, repo, pull, talk.actor),
            **common(hub, repo, row, talk),
            **values,
        )

    @api.get("/{owner}/{name}/pulls/{number:int}")
    def plural(owner: str, name: str, number: int) -> Response:
        repo, pull = read(owner, name, number)
        return RedirectResponse(f"{home(repo)}/pull/{pull['number']}")

    @api.get(root)
    def conversation(owner: str, name: str, number: int, request: Request) -> Response:
        found = hub.access.repo(owner, name, "pull_requests")
        if not issues.find(hub, found, number)["is_pull"]:
            return RedirectResponse(f"{home(found)}/issues/{number}")
        repo, pull = read(owner, name, number)
        if pull["mergeable"] is None and pull["open"]:
            merging.schedule(hub, pull["id"])
        row = hub.db.get("issues", pull["issue_id"])
        return tab(
            request,
            repo,
            pull,
            "conversation",
            items=timeline.window(
                timeline.items(hub, Talk(hub, repo), row, pull), whole=request.query_params.get("all") == "1"
            ),
            merge=_merge_box(hub, repo, pull),
            closes=_closes(hub, repo, pull),
            reviewers=[shapes.person(hub, each) for each in requested(hub, pull["id"])],
            edit=request.query_params.get("edit"),
        )

    @api.get(root + "/commits")
    def commits(owner: str, name: str, number: int, request: Request) -> Response:
        repo, pull = read(owner, name, number)
        git = git_of(hub, repo)
        shas = git.log([pull["head_sha"]], _before(git, pull), "--reverse", "--topo-order")[:250]
        found = git.commits_by_sha(shas)
        rows = [told(hub, repo, found[each], checked=True) for each in shas]
        return tab(request, repo, pull, "commits", commits=rows)

    @api.get(root + "/checks")
    def checked(owner: str, name: str, number: int, request: Request) -> Response:
        repo, pull = read(owner, name, number)
        found = checks.of_commit(hub, repo, pull["head_sha"])
        notes = {each.run["id"]: checks.notes_of(hub, each.run["id"]) for each in found if each.run}
        return tab(request, repo, pull, "checks", notes=notes)

    @api.get(root + "/files")
    def files(owner: str, name: str, number: int, request: Request) -> Response:
        repo, pull = read(owner, name, number)
        git = git_of(hub, repo)
        listed = changes(git, git.merge_base(_base(git, pull), pull["head_sha"]), pull["head_sha"])
        threads: dict[tuple[str, str, int], list[timeline.Thread]] = {}
        for thread in timeline.threads(hub, pull):
            first = thread.comments[0]
            if first["line"] is not None:
                threads.setdefault((first["path"], first["side"], first["line"]), []).append(thread)
        query = request.query_params
        line = query.get("line", "")
        spot = (query.get("path"), query.get("side"), int(line)) if line.isdigit() else None
        own = pull["author_id"] == Talk(hub, repo).actor.account_id
        return tab(
            request, repo, pull, "files", files=shown(listed), left_out=max(0, len(listed) - MOST_FILES),
            threads=threads, spot=spot, own=own,
        )  # fmt: skip


def _before(git: GitRepo, pull: Row) -> list[str]:
    """What the base had before; a merged one has the head by now."""
    return [_base(git, pull)]


def _base(git: GitRepo, pull: Row) -> str:
    commit = git.commit(pull["merge_commit_sha"]) if pull["merged"] and pull["merge_commit_sha"] else None
    return str(commit.parents[0] if commit is not None and commit.parents else pull["base_sha"])


def _verdicts(hub: Hub, pull: Row) -> list[tuple[dict[str, Any], str, str]]:
    """(person, icon, word) of each reviewer's newest decision, else their newest comment."""
    newest: dict[int, str] = {}
    for row in hub.db.rows("SELECT * FROM reviews WHERE pull_id = ? AND state <> 'PENDING' ORDER BY id", pull["id"]):
        if row["user_id"] != pull["author_id"] and not (row["state"] == "COMMENTED" and row["user_id"] in newest):
            newest[row["user_id"]] = row["state"]
    return [
        (shapes.person(hub, account), VERDICTS[state], state.replace("_", " ").lower())
        for account, state in newest.items()
    ]


def _merge_box(hub: Hub, repo: Row, pull: Row) -> dict[str, Any]:
    """Whether it can be merged, why not, and how."""
    rules = protection.rules_for(hub, repo, pull["base_ref"])
    state = merging.state(hub, repo, pull)
    return {
        "state": state,
        "why": merging.obstacles(hub, repo, pull, rules) if rules else [],
        "methods": [(method, words) for method, (column, words) in METHODS.items() if repo[column]],
        "auto": json.loads(pull["auto_merge"]) if pull["auto_merge"] else None,
        "may_auto": bool(repo["allow_auto_merge"]) and state in ("blocked", "behind", "unknown"),
        "unresolved": reviewthreads.unresolved(hub, pull["id"]),
    }


def _closes(hub: Hub, repo: Row, pull: Row) -> list[tuple[Row, str]]:
    """Issues of this repository that it says it closes."""
    full_name = home(repo)[1:]
    numbers = [number for other, number in references(pull["body"], full_name) if other is None]
    rows = [
        hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = ?", repo["id"], each) for each in numbers[:50]
    ]
    return [(row, shapes.issue_state(hub, row)) for row in rows if row is not None]
