"""The one way a ref moves, whoever moves it: the rules are asked, git is told, and the same events follow.

Lock order: the repository's lock first, the database's transaction inside it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from localhub import pushrules
from localhub.auth import Actor
from localhub.errors import GitHubError, invalid
from localhub.events import Event, Pushed
from localhub.gitcore import ZERO, Commit, GitError, RefChange
from localhub.gitdiff import names
from localhub.gitstore import GitRepo
from localhub.people import account_of
from localhub.render import git as render

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

COMMITS = 2048  # a push webhook tells of no more
# More refs than these in one push, and GitHub tells of none of them (webhooks create, delete and push).
MANY = {"refs/tags/": 3, "refs/heads/": 5000}


def git_of(hub: Hub, repo: Row | int) -> GitRepo:
    return GitRepo(hub.git_dir(repo))


@dataclass(frozen=True)
class Door:
    """What a git client's push to one repository meets."""

    hub: Hub
    repo: Row
    actor: Actor
    promises: list[int] = field(default_factory=list)

    def check(self, repo: GitRepo, changes: Sequence[RefChange]) -> dict[str, list[str]]:
        why = pushrules.refusals(self.hub, self.repo, self.actor, repo, changes)
        moving = [change for change in changes if change.ref not in why]
        if moving:
            self.promises.append(promise(self.hub, self.repo, moving, self.actor))
        return why

    def pushed(self, changes: Sequence[RefChange]) -> None:
        if changes:
            tell(self.hub, self.repo, changes, self.actor, self.promises)
        elif self.promises:
            with self.hub.tx():
                keep(self.hub, self.promises)


def promise(hub: Hub, repo: Row, changes: Sequence[RefChange], actor: Actor, pull_id: int | None = None) -> int:
    """Write down what is about to move, so that a crash between git and the database loses no event."""
    listed = json.dumps([[change.ref, change.old, change.new] for change in changes])
    with hub.tx():
        return hub.db.insert(
            "ref_promises", repo_id=repo["id"], actor_id=actor.account_id, actor_kind=actor.kind, changes=listed,
            pull_id=pull_id,
        )  # fmt: skip


def keep(hub: Hub, promises: Sequence[int]) -> None:
    """Inside the transaction that tells of the moves."""
    for promise_id in promises:
        hub.db.execute("DELETE FROM ref_promises WHERE id = ?", promise_id)


def recover(hub: Hub) -> None:
    """At the start: tell of refs that an earlier process moved and died before telling."""
    from localhub import pulls, pullsync

    for row in hub.db.rows("SELECT * FROM ref_promises ORDER BY id"):
        repo = hub.access.repo_by_id(row["repo_id"])
        git = git_of(hub, repo)
        actor = Actor(row["actor_kind"], row["actor_id"], hub.db.get("accounts", row["actor_id"])["login"])
        asked = [RefChange(*each) for each in json.loads(row["changes"])]
        moved = [change for change in asked if (git.ref(change.ref) or ZERO) == change.new]
        with hub.repo_locks.of(repo["id"]), hub.tx():
            pull = pulls.get(hub, row["pull_id"]) if row["pull_id"] else None
            if moved and pull is not None and not pull["merged"]:
                pullsync.mark_merged(hub, repo, pull, actor.account_id, moved[0].new, moved[0].old)
            tell(hub, repo, moved, actor, [row["id"]])


def move(
    hub: Hub, repo: Row, change: RefChange, actor: Actor, *,
    force: bool = False, checked: bool = False, promised: int | None = None,
) -> None:  # fmt: skip
    """Move one ref over the API; `checked` when the caller has judged the branch's rules itself (a merge).

    The caller holds the repository's lock if `change.old` must still be true, and has promised the move
    if it is inside a transaction.
    """
    with hub.repo_locks.of(repo["id"]):
        git = git_of(hub, repo)
        if not checked:
            _judge(hub, repo, git, change, actor, force=force)
        promised = promised or promise(hub, repo, [change], actor)
        try:
            git.update_refs([change])
        except GitError as error:
            with hub.tx():
                keep(hub, [promised])
            raise invalid("Reference cannot be updated") from error
        tell(hub, repo, [change], actor, [promised])


def _judge(hub: Hub, repo: Row, git: GitRepo, change: RefChange, actor: Actor, *, force: bool) -> None:
    both = not change.created and not change.deleted
    if both and not force and not git.is_ancestor(change.old, change.new):
        raise invalid("Update is not a fast forward")
    why = pushrules.refusals(hub, repo, actor, git, [change]).get(change.ref)
    if not why:
        return
    if "without `workflows` permission" in why[0]:
        raise GitHubError(403, "Resource not accessible by integration")
    raise invalid(pushrules.reasons(why))


def tell(hub: Hub, repo: Row, changes: Sequence[RefChange], actor: Actor, promises: Sequence[int] = ()) -> None:
    """Everything that follows from refs that have moved, as was promised."""
    git = git_of(hub, repo)
    mine = []
    for prefix, most in MANY.items():
        kind = [change for change in changes if change.ref.startswith(prefix)]
        mine += kind if len(kind) <= most else []
    pushes = [_pushed(git, change, changes) for change in mine]
    with hub.tx():
        keep(hub, promises)
        hub.db.update("repos", repo["id"], pushed_at=hub.now())
        repo = _first_branch(hub, repo, git, changes)
        for change, push in zip(mine, pushes, strict=True):
            for event in _events(hub, repo, git, change, push, actor):
                hub.emit(event)
            if change.ref == f"refs/heads/{repo['default_branch']}":
                _on_default_branch(hub, repo, push, actor)


def _first_branch(hub: Hub, repo: Row, git: GitRepo, changes: Sequence[RefChange]) -> Row:
    """The first branch pushed to an empty repository becomes its default."""
    created = [change.ref for change in changes if change.created and change.ref.startswith("refs/heads/")]
    if not created or git.ref(f"refs/heads/{repo['default_branch']}") is not None:
        return repo
    branch = created[0].removeprefix("refs/heads/")
    git.set_head(branch)
    hub.db.update("repos", repo["id"], default_branch=branch)
    return hub.access.repo_by_id(repo["id"])


def _pushed(git: GitRepo, change: RefChange, changes: Sequence[RefChange]) -> Pushed:
    """What listeners are told, and what everything else of a push follows from; `changes` moved with it."""
    forced = not change.created and not change.deleted and not git.is_ancestor(change.old, change.new)
    commits = () if change.deleted or change.ref.startswith("refs/tags/") else _new_commits(git, change, changes)
    return Pushed(change.ref, change.old, change.new, forced, commits)


def _new_commits(git: GitRepo, change: RefChange, changes: Sequence[RefChange]) -> tuple[Commit, ...]:
    known = [change.old]
    if change.created:
        fresh = {other.ref for other in changes if other.created}
        if any(name.startswith("refs/heads/") and name not in fresh for name in git.refs_at(change.new)):
            return ()
        known = sorted({sha for name, sha in git.refs("refs/heads/").items() if name not in fresh})
    shas = git.log([change.new], known, "--reverse", "--topo-order")[-COMMITS:]
    found = git.commits_by_sha(shas)
    return tuple(found[sha] for sha in shas)


def _events(hub: Hub, repo: Row, git: GitRepo, change: RefChange, push: Pushed, actor: Actor) -> list[Event]:
    kind = "branch" if change.ref.startswith("refs/heads/") else "tag"
    about = {"ref": change.ref.split("/", 2)[2], "ref_type": kind, "pusher_type": "user"}
    events = []
    if change.created:
        more = {"master_branch": repo["default_branch"], "description": repo["description"]}
        events.append(Event("create", None, repo["id"], actor.account_id, {**about, **more}))
    events.append(
        Event(
            "push",
            None,
            repo["id"],
            actor.account_id,
            lambda: _payload(hub, repo, git, change, push, actor),
            pushed=push,
        )
    )
    if change.deleted:
        events.append(Event("delete", None, repo["id"], actor.account_id, about))
    return events


def _payload(hub: Hub, repo: Row, git: GitRepo, change: RefChange, push: Pushed, actor: Actor) -> dict[str, Any]:
    tip = None if change.deleted else git.resolve(change.new)
    both = not change.created and not change.deleted
    span = f"{change.old[:12]}...{change.new[:12]}" if both else quote(change.ref.split("/", 2)[2])
    account = hub.db.get("accounts", actor.account_id)
    return {
        "ref": change.ref,
        "before": change.old,
        "after": change.new,
        "base_ref": _base_ref(repo, git, change),
        "created": change.created,
        "deleted": change.deleted,
        "forced": push.forced,
        "compare": render.html(hub, repo, f"/compare/{span}"),
        "commits": _told(hub, repo, git, push.commits),
        "head_commit": None if tip is None else _told(hub, repo, git, list(git.commits_by_sha([tip]).values()))[0],
        "pusher": {"name": account["login"], "email": account["email"]},
    }


def _base_ref(repo: Row, git: GitRepo, change: RefChange) -> str | None:
    """The branch that a new branch or tag was made of: one that points at the same commit, the default one first."""
    if not change.created:
        return None
    tip = git.resolve(change.new)
    same = {ref for ref in git.refs_at(tip) if ref.startswith("refs/heads/")} - {change.ref} if tip else set()
    default = f"refs/heads/{repo['default_branch']}"
    return default if default in same else min(same, key=str.encode, default=None)


def latest_push(hub: Hub, repo: Row, git: GitRepo, actor: Actor) -> dict[str, Any] | None:
    """A push as it would be told if the default branch's last commit were pushed now; None for an empty repository."""
    tip = git.ref(f"refs/heads/{repo['default_branch']}")
    if tip is None:
        return None
    commit = git.commit(tip)
    parents = commit.parents if commit else ()
    change = RefChange(f"refs/heads/{repo['default_branch']}", parents[0] if parents else ZERO, tip)
    return _payload(hub, repo, git, change, _pushed(git, change, [change]), actor)


def _told(hub: Hub, repo: Row, git: GitRepo, commits: Sequence[Commit]) -> list[dict[str, Any]]:
    if not commits:
        return []
    touched = names(git, [commit.sha for commit in commits])
    return [render.pushed_commit(hub, repo, commit, touched[commit.sha]) for commit in commits]


def _on_default_branch(hub: Hub, repo: Row, push: Pushed, actor: Actor) -> None:
    """Authors become contributors; closing keywords in commits close issues."""
    from localhub import pullsync  # knows issues, which know refs

    for mail in dict.fromkeys(commit.author.email for commit in push.commits):
        author = account_of(hub, mail)
        if author is not None:
            hub.db.execute("INSERT OR IGNORE INTO contributors VALUES (?, ?)", repo["id"], author)
    for commit in push.commits:
        pullsync.close_referenced(hub, repo, commit.message, actor.account_id, commit.sha)


def create(hub: Hub, repo: Row, name: str, sha: str, actor: Actor) -> None:
    """A new branch or tag."""
    if not git_of(hub, repo).valid_ref(name):
        raise invalid(f"{name} is not a valid ref name.")
    with hub.repo_locks.of(repo["id"]):
        if git_of(hub, repo).ref(name) is not None:
            raise invalid("Reference already exists")
        move(hub, repo, RefChange(name, ZERO, sha), actor)


def update(hub: Hub, repo: Row, name: str, sha: str, actor: Actor, *, force: bool = False) -> None:
    with hub.repo_locks.of(repo["id"]):
        old = git_of(hub, repo).ref(name)
        if old is None:
            raise invalid("Reference does not exist")
        if old != sha:
            move(hub, repo, RefChange(name, old, sha), actor, force=force)


def delete(hub: Hub, repo: Row, name: str, actor: Actor) -> None:
    with hub.repo_locks.of(repo["id"]):
        old = git_of(hub, repo).ref(name)
        if old is None:
            raise invalid("Reference does not exist")
        move(hub, repo, RefChange(name, old, ZERO), actor)
