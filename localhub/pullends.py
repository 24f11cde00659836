"""The two branches of a pull request: which may have one, and which may have theirs opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import heads
from localhub.errors import field, invalid
from localhub.refs import git_of

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub


def check_ends(hub: Hub, repo: Row, git: GitRepo, head_repo: Row | None, head: str, base: str) -> tuple[str, str]:
    """The commits of base and head; those of a fork are brought along."""
    base_sha = git.ref(f"refs/heads/{base}")
    head_sha = None if head_repo is None else git_of(hub, head_repo).ref(f"refs/heads/{head}")
    if head_repo is not None and head_sha is not None:
        heads.bring(hub, repo, head_repo, head_sha)
    wrong = [name for name, sha in (("base", base_sha), ("head", head_sha)) if sha is None]
    if wrong or base_sha is None or head_sha is None:
        raise invalid("Validation Failed", *(field("PullRequest", name, "invalid") for name in wrong))
    why = unfit(git, head, head_sha, base, base_sha)
    if why:
        raise invalid("Validation Failed", custom(why))
    assert head_repo is not None
    check_only(hub, repo, head_repo, head, base)
    return base_sha, head_sha


def unfit(git: GitRepo, head: str, head_sha: str, base: str, base_sha: str) -> str | None:
    """Why there can be no pull request of these two, if so."""
    fork = git.merge_base(base_sha, head_sha)
    if fork == head_sha:
        return f"No commits between {base} and {head}"
    if fork is None:
        return f"The {head} branch has no history in common with {base}"
    return None


def check_only(hub: Hub, repo: Row, head_repo: Row, head: str, base: str, message: str = "") -> None:
    """Two branches have one open pull request."""
    message = message or f"A pull request already exists for {head_repo['owner_login']}:{head}."
    same = "SELECT 1 FROM pulls WHERE repo_id = ? AND head_repo_id = ? AND head_ref = ? AND base_ref = ? AND open"
    if hub.db.value(same, repo["id"], head_repo["id"], head, base):
        raise invalid("Validation Failed", custom(message))


def custom(message: str) -> dict[str, Any]:
    return {"resource": "PullRequest", "code": "custom", "message": message}


def check_reopening(hub: Hub, repo: Row, git: GitRepo, pull: Row) -> tuple[str, str]:
    """Head and base, if it can be opened again: what was pushed since must stand on what was there."""
    name, onto = pull["head_ref"], pull["base_ref"]
    home, head, base = heads.home(hub, pull), heads.tip(hub, pull), git.ref(f"refs/heads/{onto}")
    if home is not None and head is not None:
        heads.bring(hub, repo, home, head)
    why = "The pull request has been merged." if pull["merged"] else None
    if why is None and head is not None and base is not None:
        why = unfit(git, name, head, onto, base)
        if why is None and not git.is_ancestor(pull["head_sha"], head):
            why = f"The {name} branch was force-pushed or recreated."
        if why is None:
            assert home is not None
            check_only(hub, repo, home, name, onto)
            return head, base
    why = why or f"The {name if head is None else onto} branch has been deleted."
    raise invalid("Validation Failed", field("PullRequest", "state", "invalid", f"state cannot be changed. {why}"))
