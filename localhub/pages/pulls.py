"""One pull request in four tabs: conversation, commits, checks, files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from localhub import heads, issues, merging, protection, pulls, reviews, reviewthreads
from localhub.closing import references
from localhub.gitdiff import changes
from localhub.pages import checks, shapes, suggest, timeline
from localhub.pages.issue import common, seen
from localhub.pages.repository import MOST_FILES, branch_names, shown, told
from localhub.pages.talk import Talk
from localhub.pages.web import Web, home
from localhub.refs import git_of
from localhub.render.pulls import requested

if TYPE_CHECKING:
    from localhub.auth import Actor
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
        seen(hub, row, talk.actor, request)
        talk.may_commit = suggest.may_commit(hub, pull, talk.actor)
        return web.page(
            request,
            f"pull_{which}.html",
            tab="pulls",
            which=which,
            pull=pull,
            verdicts=_verdicts(hub, pull),
            head_there=heads.tip(hub, pull) is not None,
            head_home=_head_home(hub, repo, pull, talk),
            head_label=heads.label(hub, pull) if heads.foreign(pull) else pull["head_ref"],
            found=checks.of_commit(hub, repo, pull["head_sha"]),
            overall=checks.overall(hub, repo, pull["head_sha"]),
            own=pull["author_id"] == talk.actor.account_id,
            begun=_begun(hub, pull, talk),
            may_push=talk.actor.kind == "user" and hub.access.allowed(talk.actor, repo, "contents", "write"),
            may_edit=talk.actor.kind == "user" and pulls.may_edit(hub, repo, pull, talk.actor),
            replacement=suggest.replacement,
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
            merge=_merge_box(hub, repo, pull, Talk(hub, repo).actor),
            bases=[each for each in branch_names(git_of(hub, repo)) if each != pull["head_ref"]][:200],
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
        talk = Talk(hub, repo)
        threads: dict[tuple[str, str, int], list[timeline.Thread]] = {}
        whole: dict[str, list[timeline.Thread]] = {}
        for thread in timeline.threads(hub, pull, talk.actor.account_id):
            first = thread.comments[0]
            if first["subject_type"] == "file":
                whole.setdefault(first["path"], []).append(thread)
            elif first["line"] is not None:
                threads.setdefault((first["path"], first["side"], first["line"]), []).append(thread)
        query = request.query_params
        line = query.get("line", "")
        spot = (query.get("path"), query.get("side"), int(line)) if line.isdigit() else None
        return tab(
            request, repo, pull, "files", files=shown(listed), left_out=max(0, len(listed) - MOST_FILES),
            threads=threads, whole=whole, spot=spot, proposes="suggest" in query,
            file_spot=query.get("path") if "file" in query else None,
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


def _head_home(hub: Hub, repo: Row, pull: Row, talk: Talk) -> str | None:
    """The address of the head's repository, if it is there and one may see it."""
    if not heads.foreign(pull):
        return home(repo)
    found = heads.home(hub, pull)
    return home(found) if found is not None and hub.access.sees(talk.actor, found) else None


def _begun(hub: Hub, pull: Row, talk: Talk) -> tuple[Row, int] | None:
    """The review that who looks has begun, and how many comments it has."""
    row = reviews.pending_of(hub, pull, talk.actor) if talk.actor.kind == "user" else None
    if row is None:
        return None
    return row, int(hub.db.value("SELECT COUNT(*) FROM review_comments WHERE review_id = ?", row["id"]))


def _merge_box(hub: Hub, repo: Row, pull: Row, actor: Actor) -> dict[str, Any]:
    """Whether it can be merged, why not, and how."""
    rules = protection.rules_for(hub, repo, pull["base_ref"])
    own_rules = protection.rules_for(hub, repo, pull["base_ref"], actor)
    state, git = merging.state(hub, repo, pull), git_of(hub, repo)
    why = merging.obstacles(hub, repo, pull, rules) if rules else []
    base, head = git.ref(f"refs/heads/{pull['base_ref']}"), heads.tip(hub, pull)
    behind = base is not None and not git.is_ancestor(base, pull["head_sha"])
    if rules and rules.strict and behind:
        why.append("The head branch is out of date: update it with the base branch.")
    admin = actor.kind == "user" and hub.access.role(repo, actor.account_id) == "admin"
    bypass = bool(why) and (own_rules is None or (admin and not own_rules.for_admins))
    linear = own_rules is not None and own_rules.linear
    return {
        "state": state,
        "why": why,
        "bypass": bypass,
        "disabled": pull["draft"] or state == "dirty" or (bool(why) and not bypass),
        "methods": [
            (method, words) for method, (column, words) in METHODS.items()
            if repo[column] and not (linear and method == "merge")
        ],
        "auto": json.loads(pull["auto_merge"]) if pull["auto_merge"] else None,
        "may_auto": bool(repo["allow_auto_merge"]) and state in ("blocked", "behind", "unknown") and not pull["draft"],
        "unresolved": reviewthreads.unresolved(hub, pull["id"]),
        "behind": behind and head is not None,
        "head": head,
        "own_branch": not heads.foreign(pull),
    }  # fmt: skip


def _closes(hub: Hub, repo: Row, pull: Row) -> list[tuple[Row, str]]:
    """Issues of this repository that it says it closes."""
    full_name = home(repo)[1:]
    numbers = [number for other, number in references(pull["body"], full_name) if other is None]
    rows = [
        hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = ?", repo["id"], each) for each in numbers[:50]
    ]
    return [(row, shapes.issue_state(hub, row)) for row in rows if row is not None]
