"""Who can be chosen on a page. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localhub import assignees

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

MOST = 200


def assignable(hub: Hub, repo: Row, issue: Row | None = None) -> list[str]:
    """Logins of who may be assigned in this repository."""
    people = hub.db.rows("SELECT id, login FROM accounts WHERE type = 'User' ORDER BY login LIMIT ?", MOST)
    return [each["login"] for each in people if assignees.assignable(hub, repo, issue, each["id"])]
