"""What the setting "Automatically delete head branches" does when a pull request has been merged.

Source: docs.github.com, "Managing the automatic deletion of branches" and "Working with branches". A branch deleted by
itself, over the API or by a push, closes the pull requests onto it instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub import heads, protection, refs
from localhub.errors import GitHubError
from localhub.gitcore import ZERO, RefChange
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.hub import Hub


def after_merge(hub: Hub, repo: Row, pull: Row, actor: Actor) -> None:
    """Delete the merged head, after what stands on it has been given the merged one's base. Holds the repository."""
    name = pull["head_ref"]
    if not repo["delete_branch_on_merge"] or heads.foreign(pull) or not _deletable(hub, repo, name, actor):
        return
    for row in hub.db.rows("SELECT id FROM pulls WHERE repo_id = ? AND base_ref = ? AND open", repo["id"], name):
        _move_down(hub, repo, row["id"], pull["base_ref"], actor)
    head = refs.git_of(hub, repo).ref(f"refs/heads/{name}")
    if head is not None:
        refs.move(hub, repo, RefChange(f"refs/heads/{name}", head, ZERO), actor, checked=True)


def _deletable(hub: Hub, repo: Row, name: str, actor: Actor) -> bool:
    """Neither the default branch nor a protected one, nor the head of another open pull request."""
    rules = protection.rules_for(hub, repo, name, actor)
    another = "SELECT 1 FROM pulls WHERE head_repo_id = ? AND head_ref = ? AND open"
    return (
        name != repo["default_branch"]
        and (rules is None or rules.allow_delete)
        and hub.db.value(another, repo["id"], name) is None
    )


def _move_down(hub: Hub, repo: Row, pull_id: int, base: str, actor: Actor) -> None:
    """Onto the base of what it stood on; when that cannot be, the deletion will close it."""
    from localhub import issues, merging, pulls

    with hub.tx():
        pull = pulls.get(hub, pull_id)
        try:
            changed = pulls.retarget(hub, repo, pull, base)
        except GitHubError:
            record(hub, pull["repo_id"], pull["issue_id"], "automatic_base_change_failed", actor.account_id)
            return
        record(hub, pull["repo_id"], pull["issue_id"], "automatic_base_change_succeeded", actor.account_id)
        issues.touch(hub, pull["issue_id"])
        pulls.tell(hub, repo, pull_id, "edited", actor.account_id, changes={"base": changed})
        merging.schedule(hub, pull_id)
