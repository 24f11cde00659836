"""The small pull request objects inside check suites, check runs and workflow runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localhub.render import pulls

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def pulls_with_head(hub: Hub, repo: Row, sha: str) -> list[dict[str, Any]]:
    """The open pull requests of the repository's own branches whose head is `sha`; GitHub names none from forks."""
    sql = "SELECT * FROM pulls WHERE repo_id = ? AND head_repo_id = repo_id AND head_sha = ? AND open ORDER BY id"
    return [pulls.minimal(hub, repo, row) for row in hub.db.rows(sql, repo["id"], sha)]


def pull_by_number(hub: Hub, repo: Row, number: int) -> dict[str, Any] | None:
    """The pull request of a number."""
    row = hub.db.row("SELECT * FROM pulls WHERE repo_id = ? AND number = ?", repo["id"], number)
    return None if row is None else pulls.minimal(hub, repo, row)
