"""The small pull request objects inside check suites, check runs and workflow runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def pulls_with_head(hub: Hub, repo: Row, sha: str) -> list[dict[str, Any]]:
    """The open pull requests whose head is `sha`."""
    rows = hub.db.rows(
        "SELECT * FROM pulls WHERE repo_id = ? AND head_sha = ? AND open = 1 ORDER BY id", repo["id"], sha
    )
    return [_minimal(hub, repo, row) for row in rows]


def pull_by_number(hub: Hub, repo: Row, number: int) -> dict[str, Any] | None:
    """The pull request of a number."""
    row = hub.db.row("SELECT * FROM pulls WHERE repo_id = ? AND number = ?", repo["id"], number)
    return None if row is None else _minimal(hub, repo, row)


def _minimal(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    path = f"/repos/{repo['owner_login']}/{repo['name']}"
    place = {"id": repo["id"], "url": hub.api(path), "name": repo["name"]}
    return {
        "id": row["id"],
        "number": row["number"],
        "url": hub.api(f"{path}/pulls/{row['number']}"),
        "head": {"ref": row["head_ref"], "sha": row["head_sha"], "repo": place},
        "base": {"ref": row["base_ref"], "sha": row["base_sha"], "repo": place},
    }
