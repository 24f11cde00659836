"""The small pull request objects inside check suites, check runs and workflow runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


def pulls_with_head(hub: Hub, repo: Row, sha: str) -> list[dict[str, Any]]:
    """The open pull requests whose head is `sha`."""
    return []


def pull_by_number(hub: Hub, repo: Row, number: int) -> dict[str, Any] | None:
    """The pull request of a number."""
    return None
