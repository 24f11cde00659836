"""Merging a pull request as soon as the rules of its base are met."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localhub import merging, protection
from localhub.auth import Actor
from localhub.errors import GitHubError, invalid
from localhub.timeline import record

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def enable(
    hub: Hub, repo: Row, pull: Row, actor: Actor, method: merging.Method = "merge",
    title: str | None = None, message: str | None = None,
) -> Row:  # fmt: skip
    """Merge it as soon as the base branch's rules are met."""
    from localhub import pulls

    if not repo["allow_auto_merge"]:
        raise invalid("Auto merge is not allowed for this repository")
    if pull["state"] != "open" or pull["draft"]:
        raise invalid("Pull request is in draft state" if pull["draft"] else "Pull request is closed")
    rules = protection.rules_for(hub, repo, pull["base_ref"])
    if (rules is not None and merging.barred(rules, method)) or not repo[merging.ALLOWED[method]]:
        raise invalid(merging.NOT_ALLOWED[method])
    if merging.state(hub, repo, pull) in ("clean", "unstable"):
        raise invalid(f"Pull request is in {merging.state(hub, repo, pull)} status")
    wish = {"by": actor.account_id, "kind": actor.kind, "method": method, "title": title, "message": message,
            "at": hub.now()}  # fmt: skip
    with hub.tx():
        hub.db.update("pulls", pull["id"], auto_merge=json.dumps(wish))
        record(hub, pull["repo_id"], pull["issue_id"], "auto_merge_enabled", actor.account_id)
        changed = pulls.tell(hub, repo, pull["id"], "auto_merge_enabled", actor.account_id)
    consider(hub, pull["id"])
    return changed


def disable(hub: Hub, repo: Row, pull: Row, by: int, reason: str = "Auto-merge was disabled by user") -> Row:
    from localhub import pulls

    if pull["auto_merge"] is None:
        return pull
    with hub.tx():
        hub.db.update("pulls", pull["id"], auto_merge=None)
        record(hub, pull["repo_id"], pull["issue_id"], "auto_merge_disabled", by, _reason=reason)
        return pulls.tell(hub, repo, pull["id"], "auto_merge_disabled", by, reason=reason)


def consider(hub: Hub, pull_id: int) -> None:
    """Something changed that auto-merge may have waited for."""
    if hub.db.value("SELECT auto_merge FROM pulls WHERE id = ? AND open", pull_id) is not None:
        hub.db.after_commit(lambda: hub.background.submit("auto_merge", attempt, hub, pull_id))


def attempt(hub: Hub, pull_id: int) -> None:
    """Merge if auto-merge was asked for and nothing is in the way any more."""
    from localhub import pulls

    row = hub.db.row("SELECT * FROM pulls WHERE id = ?", pull_id)
    if row is None or not row["open"] or row["auto_merge"] is None:
        return
    if row["mergeable"] is None:
        merging.schedule(hub, pull_id)
        return
    repo, pull = hub.access.repo_by_id(row["repo_id"]), pulls.get(hub, pull_id)
    if merging.state(hub, repo, pull) not in ("clean", "unstable"):
        return
    wish: dict[str, Any] = json.loads(row["auto_merge"])
    actor = Actor(wish["kind"], wish["by"], hub.db.get("accounts", wish["by"])["login"])
    try:
        merging.merge(hub, repo, pull, actor, method=wish["method"], sha=row["head_sha"], title=wish["title"],
              message=wish["message"])  # fmt: skip
    except GitHubError as error:
        if error.status not in (405, 409):  # it moved meanwhile; the next event tries again
            raise
