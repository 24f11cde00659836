"""What is done to pull requests: opened, edited, closed, drafted; see `merging.py` and `reviewers.py` for the rest.

REST, GraphQL and pages all call these functions, so that all give the same events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import automerge, heads, issues, merging, notifications
from localhub.errors import check_length, field, forbidden, invalid, not_found
from localhub.events import Event, Wrote
from localhub.pullends import check_ends, check_only, check_reopening, custom, unfit
from localhub.pullsize import list_commits, measure
from localhub.refs import git_of
from localhub.render import pulls as render
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub


def find(hub: Hub, repo: Row, number: int) -> Row:
    """The pull request of this number, joined with its issue; 404 when there is none."""
    found = hub.db.row(f"{render.JOINED} WHERE p.repo_id = ? AND p.number = ?", repo["id"], number)
    if found is None:
        raise not_found()
    return found


def get(hub: Hub, pull_id: int) -> Row:
    found = hub.db.row(f"{render.JOINED} WHERE p.id = ?", pull_id)
    if found is None:
        raise not_found()
    return found


def of_issue(hub: Hub, issue_id: int) -> Row | None:
    """The pull request behind an issue row."""
    return hub.db.row(f"{render.JOINED} WHERE p.issue_id = ?", issue_id)


def full(hub: Hub, repo: Row, pull: Row, *, webhook: bool = False) -> dict[str, Any]:
    """`PullRequest` with everything."""
    return render.full(hub, repo, pull, merging.state(hub, repo, pull), webhook=webhook)


def tell(hub: Hub, repo: Row, pull_id: int, action: str, by: int, **more: Any) -> Row:
    """Emit a `pull_request` event with the row as it is now, and return that row."""
    pull = get(hub, pull_id)
    wrote = Wrote(pull["issue_id"], pull["body"]) if action in ("opened", "edited") else None

    def payload() -> dict[str, Any]:
        return {"number": pull["number"], "pull_request": full(hub, repo, pull, webhook=True), **more}

    hub.emit(Event("pull_request", action, repo["id"], by, payload, wrote=wrote, pull_id=pull_id))
    return pull


def commits(git: GitRepo, pull: Row) -> list[str]:
    """Its own commits, oldest first: `base_sha` is what the base was before a merge."""
    return git.log([pull["head_sha"]], [pull["base_sha"]], "--reverse", "--topo-order")


def create(
    hub: Hub,
    repo: Row,
    actor: Actor,
    *,
    title: str | None,
    head: str,
    base: str,
    body: str | None = None,
    draft: bool = False,
    issue: int | None = None,
    maintainer_can_modify: bool = True,
    head_repo: str | None = None,
) -> Row:
    """Open a pull request from a branch of the repository or of a fork (owner:branch), or turn an issue into one."""
    if title is None and issue is None:
        raise invalid("Validation Failed", field("PullRequest", "title", "missing_field"))
    check_length("PullRequest", "title", title, 256)
    check_length("PullRequest", "body", body)
    git = git_of(hub, repo)
    found = heads.find(hub, actor, repo, head, head_repo)
    home, head = found or (None, head)
    with hub.repo_locks.of(repo["id"]):
        base_sha, head_sha = check_ends(hub, repo, git, home, head, base)
        assert home is not None
        hub.limits.created(actor)
        size = measure(git, base_sha, head_sha)
        with hub.tx():
            check_only(hub, repo, home, head, base)  # one may have been opened again meanwhile
            row = _issue_row(hub, repo, actor, title, body, issue)
            git.set_ref(f"refs/pull/{row['number']}/head", head_sha)
            pull_id = hub.db.insert(
                "pulls",
                issue_id=row["id"],
                repo_id=repo["id"],
                number=row["number"],
                draft=int(draft),
                base_ref=base,
                base_sha=base_sha,
                head_ref=head,
                head_sha=head_sha,
                head_repo_id=home["id"],
                head_owner_id=home["owner_id"],
                maintainer_can_modify=int(maintainer_can_modify and home["id"] != repo["id"]),
                **size.columns(),
            )
            list_commits(hub, pull_id, size)
            pull = tell(hub, repo, pull_id, "opened", actor.account_id)
            notifications.thread(hub, row, by=actor.account_id, kind="opened", text=pull["body"])
            merging.try_now(hub, git, pull)
    return pull


def _issue_row(hub: Hub, repo: Row, actor: Actor, title: str | None, body: str | None, issue: int | None) -> Row:
    if issue is None:
        return issues.open_row(hub, repo, title or "", body, is_pull=True, actor=actor)
    row = hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = ?", repo["id"], issue)
    if row is None or row["is_pull"] or row["state"] != "open":
        raise invalid("Validation Failed", field("PullRequest", "issue", "invalid"))
    return issues.touch(hub, row["id"], is_pull=1)


def may_edit(hub: Hub, repo: Row, pull: Row, actor: Actor, role: str = "write") -> bool:
    """Its author, or who has the role (for an app: its permission, which the caller asked for)."""
    return (
        actor.is_bot
        or actor.account_id == pull["author_id"]
        or hub.access.allowed(actor, repo, "pull_requests", "write", role=role)
    )


def edit(
    hub: Hub,
    repo: Row,
    pull: Row,
    actor: Actor,
    *,
    title: str | None = None,
    body: str | None = None,
    base: str | None = None,
    state: str | None = None,
    maintainer_can_modify: bool | None = None,
) -> Row:
    """Change title, body, base and state (which triagers may, too); None leaves a thing as it is."""
    if not may_edit(hub, repo, pull, actor, "triage" if title is body is base is None else "write"):
        raise forbidden("Must have push access to repository.")
    check_length("PullRequest", "title", title, 256)
    check_length("PullRequest", "body", body)
    if title is not None and not title.strip():
        raise invalid("Validation Failed", field("PullRequest", "title", "missing_field"))
    with hub.tx():
        if maintainer_can_modify is not None and heads.foreign(pull):
            hub.db.update("pulls", pull["id"], maintainer_can_modify=int(maintainer_can_modify))
        pull = get(hub, pull["id"])
        of = (pull["repo_id"], pull["issue_id"])
        before = {"title": pull["title"], "body": pull["body"]}
        fresh = {"title": title, "body": body}
        edited = {key: {"from": before[key] or ""} for key, new in fresh.items() if new not in (None, before[key])}
        if edited:
            changed = issues.touch(hub, pull["issue_id"], **{key: fresh[key] for key in edited})
            if "title" in edited:
                record(hub, *of, "renamed", actor.account_id, rename={"from": pull["title"], "to": title})
            if "body" in edited:
                notifications.rewritten(hub, changed, pull["body"], body)
        if base is not None and base != pull["base_ref"]:
            edited["base"] = retarget(hub, repo, pull, base)
            record(hub, *of, "base_ref_changed", actor.account_id, _from=pull["base_ref"], _to=base)
        if edited:
            pull = tell(hub, repo, pull["id"], "edited", actor.account_id, changes=edited)
        if base is not None:
            merging.schedule(hub, pull["id"])
        if state == "closed" and pull["state"] == "open":
            close(hub, repo, pull, actor.account_id)
        elif state == "open" and pull["state"] == "closed":
            reopen(hub, repo, pull, actor)
        else:
            return pull
    return get(hub, pull["id"])


def retarget(hub: Hub, repo: Row, pull: Row, base: str) -> Any:
    """Inside a transaction: put it on another base; what `changes.base` of the webhook says."""
    git = git_of(hub, repo)
    sha = git.ref(f"refs/heads/{base}")
    if pull["state"] != "open":
        raise invalid("Validation Failed", custom("Cannot change the base branch of a closed pull request."))
    if sha is None:
        raise invalid("Validation Failed", field("PullRequest", "base", "invalid"))
    why = unfit(git, pull["head_ref"], pull["head_sha"], base, sha)
    if why:
        raise invalid("Validation Failed", custom(why))
    home = heads.home(hub, pull) or repo
    check_only(hub, repo, home, pull["head_ref"], base, f"A pull request already exists for base branch '{base}' and "
                f"head branch '{pull['head_ref']}'")  # fmt: skip
    size = measure(git, sha, pull["head_sha"])
    was = render.base_sha(hub, pull)
    hub.db.update(
        "pulls", pull["id"], base_ref=base, base_sha=sha, mergeable=None, merge_commit_sha=None, **size.columns()
    )
    list_commits(hub, pull["id"], size)
    return {"ref": {"from": pull["base_ref"]}, "sha": {"from": was}}


def close(hub: Hub, repo: Row, pull: Row, by: int) -> None:
    """Close without merging; nothing if it was closed or merged meanwhile."""
    with hub.tx():
        now = get(hub, pull["id"])
        if not now["open"]:
            return
        hub.db.update("pulls", pull["id"], base_sha=render.base_sha(hub, now))
        issue = set_closed(hub, repo, pull, by)
        record(hub, pull["repo_id"], pull["issue_id"], "closed", by)
        tell(hub, repo, pull["id"], "closed", by)
        notifications.thread(hub, issue, by=by, kind="closed")


def set_closed(hub: Hub, repo: Row, pull: Row, by: int) -> Row:
    """Change the rows of a pull request that is no longer open; the issue's is returned."""
    hub.db.update("pulls", pull["id"], open=0, auto_merge=None)
    hub.db.execute("DELETE FROM pull_commits WHERE pull_id = ?", pull["id"])
    return issues.touch(hub, pull["issue_id"], state="closed", closed_at=hub.now(), closed_by=by)


def reopen(hub: Hub, repo: Row, pull: Row, actor: Actor) -> None:
    git = git_of(hub, repo)
    with hub.tx():  # not the repository's lock: callers may be inside a transaction already
        pull = get(hub, pull["id"])
        if pull["open"]:
            return
        head, base = check_reopening(hub, repo, git, pull)
        git.set_ref(f"refs/pull/{pull['number']}/head", head)
        size = measure(git, base, head)
        at = {"open": 1, "head_sha": head, "base_sha": base, "mergeable": None, "merge_commit_sha": None}
        hub.db.update("pulls", pull["id"], **at, **size.columns())
        list_commits(hub, pull["id"], size)
        issue = issues.touch(hub, pull["issue_id"], state="open", closed_at=None, closed_by=None)
        record(hub, pull["repo_id"], pull["issue_id"], "reopened", actor.account_id)
        tell(hub, repo, pull["id"], "reopened", actor.account_id)
        notifications.thread(hub, issue, by=actor.account_id, kind="reopened")
    merging.schedule(hub, pull["id"])


def set_draft(hub: Hub, repo: Row, pull: Row, actor: Actor, *, draft: bool) -> Row:
    """Convert to draft, or mark ready for review."""
    if not may_edit(hub, repo, pull, actor):
        raise forbidden("Must have push access to repository.")
    if pull["state"] != "open":
        raise invalid("Validation Failed", custom("The pull request is closed"))
    with hub.tx():
        pull = get(hub, pull["id"])
        if bool(pull["draft"]) == draft:
            return pull
        hub.db.update("pulls", pull["id"], draft=int(draft), **({"auto_merge": None} if draft else {}))
        issues.touch(hub, pull["issue_id"])
        action = "converted_to_draft" if draft else "ready_for_review"
        record(hub, pull["repo_id"], pull["issue_id"], "convert_to_draft" if draft else action, actor.account_id)
        changed = tell(hub, repo, pull["id"], action, actor.account_id)
    automerge.consider(hub, pull["id"])
    return changed
