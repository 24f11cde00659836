"""What pushes do to pull requests: new heads, moved bases, merges noticed, branches gone; and what merging closes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from localhub import (
    automerge,
    gitdiff,
    heads,
    issues,
    libgithistory,
    merging,
    notifications,
    places,
    protection,
    pulls,
    pullsize,
    reviews,
)
from localhub.closing import references
from localhub.context import current_actor
from localhub.events import Event, Pushed
from localhub.gitcore import ZERO
from localhub.libgit import Elsewhere
from localhub.refs import git_of
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub


AT_ONCE = 500  # commits in one question


def listen(hub: Hub) -> None:
    """Follow pushes, and what auto-merge waits for."""
    hub.on("push", lambda event: on_push(hub, event))
    for name in ("check_run", "status", "check_suite"):
        hub.on(name, lambda event: _on_check(hub, event))
    hub.on("pull_request_review", lambda event: _on_review(hub, event))


def _on_check(hub: Hub, event: Event) -> None:
    sql = "SELECT id FROM pulls WHERE repo_id = ? AND head_sha = ? AND open AND auto_merge IS NOT NULL"
    for row in hub.db.rows(sql, event.repo, event.sha):
        automerge.consider(hub, row["id"])


def _on_review(hub: Hub, event: Event) -> None:
    if event.pull_id is not None:
        automerge.consider(hub, event.pull_id)


def on_push(hub: Hub, event: Event) -> None:
    """Inside the transaction of the push."""
    push = event.pushed
    if push is None or not push.ref.startswith("refs/heads/") or event.repo is None:
        return
    branch, before, after = push.ref.removeprefix("refs/heads/"), push.before, push.after
    repo = hub.access.repo_by_id(event.repo)
    git = git_of(hub, repo)
    headed = hub.db.rows("SELECT id, repo_id FROM pulls WHERE head_repo_id = ? AND head_ref = ? AND open",
                         repo["id"], branch)  # fmt: skip
    if ZERO in (before, after):
        happened = "head_ref_deleted" if after == ZERO else "head_ref_restored"
        for row in _ended(hub, repo, branch, before if after == ZERO else after):
            record(hub, row["repo_id"], row["issue_id"], happened, event.sender)
    if after == ZERO:
        based = _based(hub, repo, branch)
        for row in headed:
            _branch_gone(hub, hub.access.repo_by_id(row["repo_id"]), pulls.get(hub, row["id"]), event.sender)
        for row in based:
            hub.db.update("pulls", row["id"], base_sha=before)
            _branch_gone(hub, repo, pulls.get(hub, row["id"]), event.sender, head=False)
        return
    if hub.db.value("SELECT 1 FROM pulls WHERE repo_id = ? AND base_ref = ? AND open LIMIT 1", repo["id"], branch):
        _base_moved(hub, repo, git, push, event.sender)
    for row in headed:
        target = hub.access.repo_by_id(row["repo_id"])
        heads.bring(hub, target, repo, after)
        _head_moved(hub, target, git_of(hub, target), pulls.get(hub, row["id"]), push, event.sender)


def _based(hub: Hub, repo: Row, branch: str) -> list[Row]:
    """The open pull requests onto a branch."""
    sql = "SELECT id, head_sha FROM pulls WHERE repo_id = ? AND base_ref = ? AND open ORDER BY id"
    return hub.db.rows(sql, repo["id"], branch)


def _ended(hub: Hub, repo: Row, branch: str, sha: str) -> list[Row]:
    """The closed and merged pull requests from a branch that ended at this commit."""
    onto = (repo["id"], repo["parent_id"], repo["source_id"])
    sql = """SELECT repo_id, issue_id FROM pulls INDEXED BY pulls_by_head_sha WHERE repo_id IN (?, ?, ?)
             AND head_sha = ? AND head_repo_id = ? AND head_ref = ? AND NOT open ORDER BY id"""
    return hub.db.rows(sql, *onto, sha, repo["id"], branch)


def _branch_gone(hub: Hub, repo: Row, pull: Row, by: int, *, head: bool = True) -> None:
    if pull["state"] != "open":
        return
    if head:
        pulls.close(hub, repo, pull, by)
        record(hub, pull["repo_id"], pull["issue_id"], "head_ref_deleted", by)
    else:
        record(hub, pull["repo_id"], pull["issue_id"], "base_ref_deleted", by)
        pulls.close(hub, repo, pull, by)


def _head_moved(hub: Hub, repo: Row, git: GitRepo, pull: Row, push: Pushed, by: int) -> None:
    before, after = pull["head_sha"], push.after
    if before == after:
        return
    base = git.ref(f"refs/heads/{pull['base_ref']}") or pull["base_sha"]
    git.set_ref(f"refs/pull/{pull['number']}/head", after)
    size = pullsize.measure(git, base, after)
    at = {"head_sha": after, "base_sha": base, "mergeable": None, "merge_commit_sha": None}
    hub.db.update("pulls", pull["id"], **at, **size.columns())
    pullsize.list_commits(hub, pull["id"], size)
    issues.touch(hub, pull["issue_id"])
    if push.forced:
        record(hub, pull["repo_id"], pull["issue_id"], "head_ref_force_pushed", by, commit_id=after, _before=before)
    places.outdate(hub, git, pull, base, after)
    pulls.tell(hub, repo, pull["id"], "synchronize", by, before=before, after=after)
    rules = protection.rules_for(hub, repo, pull["base_ref"])
    if rules is not None and rules.dismiss_stale and _reviewable(git, pull, base, after):
        reviews.dismiss_stale(hub, repo, pulls.get(hub, pull["id"]), by)
    if not size.shas:  # it was moved back to where the base is, or to another history
        pulls.close(hub, repo, pull, by)
        return
    merging.schedule(hub, pull["id"])


def _reviewable(git: GitRepo, pull: Row, base: str, after: str) -> bool:
    """Whether a push changed what there is to review: a rebase or a merge of the base alone keeps approvals."""

    def patch(base: str, head: str) -> bytes:
        shown = gitdiff.diff(git, git.merge_base(base, head), head)
        return git.git("patch-id", "--stable", stdin=shown).split(b" ")[0]

    return patch(pull["base_sha"], pull["head_sha"]) != patch(base, after)


def _base_moved(hub: Hub, repo: Row, git: GitRepo, push: Pushed, by: int) -> None:
    """Mark merged what became reachable; what stays open must be tried again when somebody asks, or waits for it.

    It costs what the push brought, not what is open: only those are counted anew that share commits with it.
    """
    before, after, branch = push.before, push.after, push.ref.removeprefix("refs/heads/")
    landed = _landed(git, before, after)
    for row in _among(hub, repo, branch, "p.head_sha", list(landed)):
        mark_merged(hub, repo, pulls.get(hub, row["id"]), by, landed[row["head_sha"]], before)
    if before == ZERO or push.forced:
        concerned = _based(hub, repo, branch)
    else:
        concerned = _among(hub, repo, branch, "c.sha", ["", *landed])
    for row in concerned:
        size = pullsize.measure(git, after, row["head_sha"])
        hub.db.update("pulls", row["id"], base_sha=after, **size.columns())
        pullsize.list_commits(hub, row["id"], size)
        if not size.shas:  # the base was moved to another history
            pulls.close(hub, repo, pulls.get(hub, row["id"]), by)
    where = "repo_id = ? AND base_ref = ? AND open"
    stale = f"UPDATE pulls SET mergeable = NULL WHERE {where} AND mergeable IS NOT NULL"  # noqa: S608
    hub.db.execute(stale, repo["id"], branch)
    waiting = f"SELECT id FROM pulls WHERE {where} AND auto_merge IS NOT NULL ORDER BY id"  # noqa: S608
    for row in hub.db.rows(waiting, repo["id"], branch):
        merging.schedule(hub, row["id"])


_HEADS = "pulls p INDEXED BY pulls_by_head_sha"
_OWNERS = "pull_commits c CROSS JOIN pulls p ON p.id = c.pull_id"


def _among(hub: Hub, repo: Row, branch: str, column: str, shas: Sequence[str]) -> list[Row]:
    """The open pull requests onto a branch that have one of these as head (p.head_sha) or own commit (c.sha).

    SQLite is told to begin with the commits: it would walk through all that are open onto the branch.
    """
    found: dict[int, Row] = {}
    tables = _HEADS if column == "p.head_sha" else _OWNERS
    for at in range(0, len(shas), AT_ONCE):
        some = shas[at : at + AT_ONCE]
        sql = f"""SELECT p.id, p.head_sha FROM {tables} WHERE {column} IN ({", ".join("?" * len(some))})
                  AND p.repo_id = ? AND p.base_ref = ? AND p.open"""  # noqa: S608
        found |= {row["id"]: row for row in hub.db.rows(sql, *some, repo["id"], branch)}
    return [found[pull_id] for pull_id in sorted(found)]


def _landed(git: GitRepo, before: str, after: str) -> dict[str, str]:
    """For each commit that became reachable, the commit of the base's own line that brought it."""
    if before == ZERO:
        return {}
    with suppress(Elsewhere):
        return libgithistory.landed(git.path, before, after)
    lines = git.git("rev-list", "--parents", "--topo-order", after, f"^{before}").decode().splitlines()
    parents = {sha: rest for sha, *rest in (line.split() for line in lines)}
    line = []
    at: str | None = after
    while at in parents:
        line.append(at)
        at = next(iter(parents[at]), None)
    brought: dict[str, str] = {}
    for carrier in reversed(line):
        waiting = [carrier]
        while waiting:
            sha = waiting.pop()
            if sha in parents and sha not in brought:
                brought[sha] = carrier
                waiting += parents[sha]
    return brought


def mark_merged(hub: Hub, repo: Row, pull: Row, by: int, sha: str, before: str) -> None:
    """Inside a transaction: it is merged, `sha` being what the base branch got on top of `before`."""
    merged = {"merged": 1, "merged_at": hub.now(), "merged_by": by, "merge_commit_sha": sha, "base_sha": before}
    hub.db.update("pulls", pull["id"], **merged)
    issue = pulls.set_closed(hub, repo, pull, by)
    record(hub, pull["repo_id"], pull["issue_id"], "merged", by, commit_id=sha)
    record(hub, pull["repo_id"], pull["issue_id"], "closed", by, commit_id=None)
    pulls.tell(hub, repo, pull["id"], "closed", by)
    notifications.thread(hub, issue, by=by, kind="merged")
    if pull["base_ref"] == repo["default_branch"]:
        close_referenced(hub, repo, pull["body"] or "", by, sha)


def close_referenced(hub: Hub, repo: Row, text: str, by: int, commit: str) -> None:
    """Close the issues that a text says it closes; those of other repositories if who does it may write there."""
    for name, number in references(text, f"{repo['owner_login']}/{repo['name']}"):
        home = repo if name is None else _writable(hub, name, by)
        if home is None:
            continue
        row = hub.db.row("SELECT * FROM issues WHERE repo_id = ? AND number = ?", home["id"], number)
        if row is not None and row["state"] == "open" and not row["is_pull"]:
            issues.close(hub, row, by, reason="completed", commit=commit)


def _writable(hub: Hub, full_name: str, by: int) -> Row | None:
    """Another repository, if the account may write its issues."""
    owner, _, name = full_name.partition("/")
    home, actor = hub.access.repo_row(owner, name), current_actor()
    if home is None or home["archived"]:
        return None
    if actor.account_id == by:
        return home if hub.access.allowed(actor, home, "issues", "write") else None
    return home if hub.access.role(home, by) in ("write", "maintain", "admin") else None
