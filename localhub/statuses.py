"""Commit statuses: set one, and combine a commit's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub import protection
from localhub.errors import GitHubError, field, invalid
from localhub.events import Event
from localhub.gitstore import Commit, GitRepo
from localhub.render import checks as render
from localhub.render import git as git_render

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

STATES = ("error", "failure", "pending", "success")
_PER_CONTEXT = 1000


def create(hub: Hub, repo: Row, sha: str, data: dict[str, Any], by: int) -> Row:
    """Set a status on a commit; tells `status`."""
    git = GitRepo(hub.git_dir(repo))
    commit = git.commit(sha) if git.resolve(sha) == sha else None
    if commit is None:
        raise GitHubError(422, f"No commit found for SHA: {sha}")
    if data.get("state") not in STATES:
        raise invalid("Validation Failed", field("Status", "state", "custom", "State is not included in the list"))
    context = str(data.get("context") or "default")
    description = data.get("description")
    if description is not None and len(description) > 140:
        message = "description is too long (maximum is 140 characters)"
        raise invalid("Validation Failed", field("Status", "description", "custom", message))
    target = data.get("target_url") or None
    if target is not None and not str(target).startswith(("http://", "https://")):
        message = "target_url must use http(s) scheme"
        raise invalid("Validation Failed", field("Status", "target_url", "custom", message))
    now = hub.now()
    with hub.tx():
        count = hub.db.value(
            "SELECT count(*) FROM statuses WHERE repo_id = ? AND sha = ? AND context = ?", repo["id"], sha, context
        )
        if count >= _PER_CONTEXT:
            message = "This SHA and context has reached the maximum number of statuses."
            raise invalid("Validation Failed", field("Status", "context", "custom", message))
        status_id = hub.db.insert(
            "statuses",
            repo_id=repo["id"],
            sha=sha,
            state=data["state"],
            context=context,
            description=description,
            target_url=target,
            creator_id=by,
            created_at=now,
            updated_at=now,
        )
        row = hub.db.get("statuses", status_id)
        hub.emit(Event("status", None, repo["id"], by, lambda: _hook(hub, repo, row, commit), sha=commit.sha))
    return row


def latest(hub: Hub, repo: Row, sha: str) -> list[Row]:
    """The newest status of each context, oldest context first."""
    return hub.db.rows(
        """SELECT * FROM statuses WHERE id IN
           (SELECT max(id) FROM statuses WHERE repo_id = ? AND sha = ? GROUP BY context) ORDER BY id""",
        repo["id"],
        sha,
    )


def combined(states: list[str]) -> str:
    """GitHub's combined state: failure if any failed, pending if there is none or one is pending, else success."""
    if any(state in ("failure", "error") for state in states):
        return "failure"
    return "pending" if not states or "pending" in states else "success"


def _hook(hub: Hub, repo: Row, row: Row, commit: Commit) -> dict[str, Any]:
    heads = GitRepo(hub.git_dir(repo)).refs("refs/heads/")
    names = [name.removeprefix("refs/heads/") for name, sha in heads.items() if sha == commit.sha]
    url = git_render.api(hub, repo, f"/commits/{commit.sha}")
    facts = render.status(hub, repo, row, simple=True)
    return {
        "id": row["id"],
        "sha": row["sha"],
        "name": git_render.name_of(repo),
        "avatar_url": facts["avatar_url"],
        "target_url": row["target_url"],
        "context": row["context"],
        "description": row["description"],
        "state": row["state"],
        "commit": git_render.commit(hub, repo, commit),
        "branches": [
            {
                "name": name,
                "commit": {"sha": commit.sha, "url": url},
                "protected": protection.rules_for(hub, repo, name) is not None,
            }
            for name in names[:10]
        ],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
